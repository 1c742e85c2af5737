"""What a conversation in real time costs an event loop: with a thread of its own, or woken by the library.

    python wakeups.py LIBESSENCE [CONVERSATIONS] [SECONDS]

``AsyncBithuman`` has a thread for each conversation, which waits in the library until a frame is due, draws it, and wakes the event
loop. The other way has none: the library calls back when a frame is due (``essence_session_set_wakeup``), two threads that all
conversations share draw it, and wake the event loop. A third way asks nobody: the event loop's own timers tell when a frame is due.
Each draws the same speech in turn; printed are processor time (of all threads), how late a frame reaches its program after the
earliest of its conversation, and how often threads went to sleep.
"""

from __future__ import annotations

import asyncio
import os
import queue
import resource
import sys
import threading
import time
import wave
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, List, Tuple

os.environ["ESSENCE_LIBRARY"] = str(Path(sys.argv[1]).resolve())

import numpy as np  # noqa: E402
from bithuman import AsyncBithuman, VideoFrame  # noqa: E402
from bithuman._abi import call  # noqa: E402
from bithuman._engine import open_avatar  # noqa: E402
from bithuman._library import ffi, lib  # noqa: E402
from bithuman._session import Item, Session  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
AVATAR = ROOT / "testdata/avatars" / (os.environ.get("AV", "toy") + ".imx")
CONVERSATIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 8
SECONDS = int(sys.argv[3]) if len(sys.argv) > 3 else 6
LAST = 25 * SECONDS - 2

#: When each frame of a conversation came, less the time that it should have.
Times = List[float]


def speech() -> "np.ndarray[Any, np.dtype[np.int16]]":
    """As much as is drawn."""
    with wave.open(str(ROOT / "testdata/audio/speech_16000.wav")) as file:
        return np.frombuffer(file.readframes(16_000 * SECONDS), np.int16)


async def threads() -> List[Times]:
    """A thread for each."""

    async def one(runtime: AsyncBithuman) -> Times:
        times = []
        await runtime.push_audio(speech())
        async for frame in runtime.run():
            times.append(time.perf_counter() - 0.04 * frame.frame_index)
            if frame.frame_index >= LAST:
                break
        return times

    runtimes = [await AsyncBithuman.create(model_path=AVATAR) for _ in range(CONVERSATIONS)]
    times = await asyncio.gather(*(one(runtime) for runtime in runtimes))
    for runtime in runtimes:
        await runtime.shutdown()
    return times


class Drawers:
    """Two threads for all."""

    def __init__(self) -> None:
        self.jobs: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
        for _ in range(2):
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self.jobs.get()()


async def shared(callbacks: bool) -> List[Times]:
    """Threads that all share, and what wakes them."""
    loop = asyncio.get_running_loop()
    drawers = Drawers()
    avatar = open_avatar(AVATAR)

    async def one() -> Times:
        session = Session(avatar)
        session.push(speech(), 16_000)
        session.flush()
        frames: "asyncio.Queue[VideoFrame]" = asyncio.Queue()

        def deliver(items: List[Item]) -> None:
            for _, frame in items:
                assert isinstance(frame, VideoFrame), frame
                frames.put_nowait(frame)

        def draw() -> None:
            loop.call_soon_threadsafe(deliver, session.draw_all(1))

        @ffi.callback("essence_wakeup_fn")  # type: ignore[untyped-decorator]
        def wake(_: Any) -> None:
            drawers.jobs.put(draw)

        times: Times = []
        drawers.jobs.put(draw)
        with session.handle as pointer:
            call(lib.essence_session_set_wakeup, pointer, wake if callbacks else ffi.NULL, ffi.NULL, ffi.NULL)
            while True:
                frame = await frames.get()
                times.append(time.perf_counter() - 0.04 * frame.frame_index)
                if frame.frame_index >= LAST:
                    break
                if callbacks:
                    # Not due yet: that has the session call back.
                    if call(lib.essence_session_try_next_frame, pointer, session.frame, ffi.NULL, ffi.NULL) == lib.ESSENCE_OK:
                        drawers.jobs.put(draw)
                else:
                    loop.call_at(loop.time() + 0.04 - (times[-1] - min(times)), drawers.jobs.put, draw)
            call(lib.essence_session_set_wakeup, pointer, ffi.NULL, ffi.NULL, ffi.NULL)
        session.close()
        return times

    return await asyncio.gather(*(one() for _ in range(CONVERSATIONS)))


def main() -> None:
    """Measures each way three times, in turn."""
    ways: "Dict[str, Callable[[], Awaitable[List[Times]]]]" = {
        "a thread each": threads,
        "callbacks": lambda: shared(True),
        "timers": lambda: shared(False),
    }
    results: "Dict[str, List[Tuple[float, float, float, float]]]" = {name: [] for name in ways}
    for _ in range(3):
        for name, way in ways.items():

            async def run(way: "Callable[[], Awaitable[List[Times]]]" = way) -> List[Times]:
                return await way()

            before, sleeps = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
            each = asyncio.run(run())
            spent = time.process_time() - before
            slept = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - sleeps
            late = sorted(1000 * (at - min(times)) for times in each for at in times)
            count = len(late)
            results[name].append((1000 * spent / count, late[count // 2], late[count * 99 // 100], slept / count))
    print(f"{CONVERSATIONS} conversations of {SECONDS} s; medians of 3")
    for name, figures in results.items():
        cpu, median, worst, slept = (sorted(column)[1] for column in zip(*figures))
        print(f"{name}: {cpu:.3f} ms of processor time a frame, late {median:.1f} ms (99th: {worst:.1f}), {slept:.1f} sleeps")


if __name__ == "__main__":
    main()
