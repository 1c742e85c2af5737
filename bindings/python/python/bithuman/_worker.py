"""A conversation's thread, which runs jobs one after the other, and the way back into an event loop."""

from __future__ import annotations

import asyncio
import atexit
import queue
import threading
import weakref
from typing import Any, Callable, List, Optional, TypeVar

from . import _abi

_T = TypeVar("_T")

Job = Callable[[], None]


class Worker:
    """A thread that runs jobs in turn. It ends when it is told to, or with the process, and keeps nothing of a job."""

    def __init__(self) -> None:
        self._jobs: "queue.SimpleQueue[Optional[Job]]" = queue.SimpleQueue()
        self._thread = threading.Thread(target=_work, args=(self._jobs,), name="bithuman", daemon=True)
        self._thread.start()
        _workers.add(self)

    def submit(self, job: Job) -> None:
        """Runs a job after those that were submitted before. It must not raise."""
        self._jobs.put(job)

    async def result(self, function: "Callable[[], _T]") -> _T:
        """Runs a function and gives its result. Cancelling the wait doesn't cancel the function."""
        waiter: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
        results: "List[_T]" = []
        errors: List[BaseException] = []

        def job() -> None:
            try:
                results.append(function())
            except BaseException as error:  # noqa: BLE001
                errors.append(error)
            resolve(waiter)

        self.submit(job)
        await waiter
        if errors:
            raise errors.pop()
        return results.pop()

    def end(self) -> None:
        """Ends the thread when all is done. Safe anywhere, and more than once."""
        self._jobs.put(None)

    def join(self) -> None:
        """Waits for the thread to end."""
        self._thread.join()


def _work(jobs: "queue.SimpleQueue[Optional[Job]]") -> None:
    while True:
        job = jobs.get()
        if job is None:
            return
        job()
        # Nothing of it is kept while waiting for the next one.
        del job


def resolve(waiter: "asyncio.Future[None]") -> None:
    """Ends a wait, from any thread; nothing if its loop is gone."""
    try:
        waiter.get_loop().call_soon_threadsafe(_set, waiter)
    except RuntimeError:
        pass


def _set(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


_workers: "weakref.WeakSet[Worker]" = weakref.WeakSet()


def _end_all() -> None:
    """With the process: no thread may be in the library any more when it is unloaded."""
    if _abi.is_forked():
        return
    for worker in tuple(_workers):
        worker.end()
        worker.join()


atexit.register(_end_all)
