"""Pictures' memory: a frame that is kept stays as it is, and what nobody looks at is used again."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Iterator, List, Tuple, cast

import numpy as np
import pytest
from bithuman import Bithuman, VideoFrame, _pictures, _session
from bithuman._engine import open_avatar
from bithuman._session import Session
from bithuman.offline import TOGETHER
from conftest import TOY, Pcm

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Counted:
    """Counts the pieces of memory that were made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        make = _pictures.Pictures._new

        def counting(pictures: _pictures.Pictures) -> _pictures.Room:
            self.made += 1
            return make(pictures)

        monkeypatch.setattr(_pictures.Pictures, "_new", counting)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@pytest.fixture
def composer() -> "Iterator[Bithuman]":
    with Bithuman.load(TOY) as composer:
        yield composer


def picture(frame: VideoFrame) -> "NDArray[np.uint8]":
    assert frame.image is not None
    return frame.image


def test_a_picture_that_is_kept_is_never_written_to(speech: Pcm, composer: Bithuman) -> None:
    kept: "List[Tuple[Any, bytes]]" = []
    for frame in composer.compose(speech[0][:128_000]):
        # A frame, an array alone, a part of it, and its memory by way of the buffer protocol.
        image = picture(frame)
        ways = [frame, image, image[10:20, ::2], memoryview(cast(Any, image))]
        which = frame.frame_index % 7
        if which < len(ways):
            shown = picture(frame) if which == 0 else np.asarray(ways[which])
            kept.append((ways[which], shown.tobytes()))
        del image, ways
    assert len(kept) > 50
    for one, then in kept:
        now = picture(one) if isinstance(one, VideoFrame) else np.asarray(one)
        assert now.tobytes() == then


def test_what_nobody_looks_at_is_used_again(speech: Pcm, composer: Bithuman, counted: Counted) -> None:
    frames = sum(1 for _ in composer.compose(speech[0][:128_000]))
    assert frames == 100 and counted.made == 1 + TOGETHER, "one is looked at while the next ones are drawn"
    held: List[VideoFrame] = []
    for frame in composer.compose(speech[0][:128_000]):
        held.append(frame)
        if len(held) > 3:
            del held[0]
    assert counted.made <= 4 + TOGETHER, "a few that wait"


def test_what_is_kept_for_later_is_little(speech: Pcm, composer: Bithuman, counted: Counted) -> None:
    frames = list(composer.compose(speech[0][:128_000]))
    assert len(frames) == 100 <= counted.made
    del frames
    pictures = composer._session._pictures
    assert pictures is not None and len(pictures._rooms) == 2 * _session.TOGETHER + 2


def test_an_array_outlives_its_conversation(speech: Pcm) -> None:
    with Bithuman.load(TOY) as composer:
        frames = list(composer.compose(speech[0][:32_000]))
        copies = [picture(frame).copy() for frame in frames]
        pictures = composer._session._pictures
    assert pictures is not None and len(pictures._rooms) == 0, "closed"
    del composer
    gc.collect()
    assert all(np.array_equal(picture(frame), copy) for frame, copy in zip(frames, copies))


def test_memory_comes_back_from_any_thread(speech: Pcm, counted: Counted) -> None:
    session = Session(open_avatar(TOY), pacing="unpaced")
    session.push(np.frombuffer(speech[0], np.int16), 16_000)
    session.flush()
    expected = [picture(frame).tobytes() for frame in Bithuman.load(TOY).compose(speech[0])]
    before = counted.made
    queue: "List[NDArray[np.uint8]]" = []
    seen: List[bytes] = []
    drawn = threading.Event()

    def look() -> None:
        while not (drawn.is_set() and not queue):
            if queue:
                seen.append(queue.pop(0).tobytes())

    looking = threading.Thread(target=look)
    looking.start()
    while (frame := session.draw()) is not None:
        queue.append(picture(frame))
        del frame
    drawn.set()
    looking.join()
    assert seen == expected, "each as it was drawn, whoever drops it"
    assert counted.made - before <= len(seen)
    session.close()


def test_a_process_may_end_with_pictures_in_hand() -> None:
    text = """
import sys, threading, bithuman
avatar = bithuman.Bithuman.load(sys.argv[1])
kept = list(avatar.compose(bytes(64000)))
sys.kept = kept[:10]
threading.kept = memoryview(kept[10].image)
class Late:
    def __del__(self):
        self.frames.clear()
late = Late()
late.frames = kept
late.itself = late
print(len(kept))
"""
    done = subprocess.run([sys.executable, "-c", text, str(TOY)], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "50", "")
