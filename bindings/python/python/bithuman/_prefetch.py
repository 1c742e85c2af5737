"""Prefetched frames: drawn by a thread, waited for in an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Deque, List, Optional, Tuple, Union

from ._session import Session
from ._worker import Worker, resolve
from .frames import VideoFrame

#: A frame, or an error in its place; and whether it was drawn before the last interruption.
Item = Tuple[Union[VideoFrame, BaseException], bool]


class Prefetcher:
    """A session's frames, drawn in the worker's thread: in real time one when a caller waits for it; unpaced as many in one call of the
    library as there is room for. Each call, and each time that one thread wakes the other, finds the processor's caches empty.

    All but :meth:`_draw` is for the event loop's thread, except that :meth:`wake` may be called from any thread.
    """

    def __init__(self, session: Session, worker: Worker, ahead: int, paced: bool) -> None:
        self.session = session
        self._worker = worker
        self._paced = paced
        #: Frames that are drawn in one call, for which the event loop wakes up once.
        self._batch = 1 if paced else max(2 * ahead, 1)
        #: While so many frames or fewer wait, the next batch is drawn, so that the thread need not sleep while the event loop wakes up.
        self._low_water = 0 if paced else self._batch
        self._lock = threading.Lock()
        self._ready: Deque[Item] = deque()
        self._waiters: "List[asyncio.Future[None]]" = []
        self._working = False
        #: Counts changes after which there may be more to draw.
        self._changes = 0
        #: The count of changes at which nothing was left to draw.
        self._exhausted_at = -1

    def take(self) -> Optional[Item]:
        """The next frame, if there is one; has more drawn."""
        try:
            item = self._ready.popleft()
        except IndexError:
            item = None
        if item is not None and (self._paced or self._working or len(self._ready) > self._low_water):
            return item
        with self._lock:
            if item is None and self._ready:
                # It has come in between.
                return self._ready.popleft()
            begin = not self._working and self._exhausted_at != self._changes
            self._working = self._working or begin
        if begin:
            self._worker.submit(self._draw)
        return item

    @property
    def exhausted(self) -> bool:
        """Whether nothing can be drawn until something changes."""
        return self._exhausted_at == self._changes and not self._working

    @property
    def drawing(self) -> bool:
        """Whether the thread draws."""
        return self._working

    async def wait(self) -> None:
        """Waits for a frame, or for a change."""
        with self._lock:
            if self._ready or not (self._working or self._exhausted_at == self._changes):
                return
            waiter: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
        try:
            await waiter
        finally:
            with self._lock:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)

    @property
    def waited_for(self) -> bool:
        """Whether a caller waits."""
        return bool(self._waiters)

    def wake(self, everybody: bool = False) -> None:
        """Takes note of a change: there may be more to draw. Callers that wait for a frame that is being drawn go on waiting, unless
        ``everybody``.
        """
        with self._lock:
            self._changes += 1
            waiters = self._waiters if everybody or not self._working else ()
            if waiters:
                self._waiters = []
        for waiter in waiters:
            resolve(waiter)

    def interrupt(self) -> None:
        """Interrupts the session, and drops prefetched frames."""
        with self._lock:
            self.session.interrupt()
            self._ready.clear()

    def close(self) -> None:
        """Ends the session. Callers that wait are woken."""
        self.session.close()
        self.wake(everybody=True)

    def _draw(self) -> None:
        """Runs in the thread: draws until enough frames wait, or none can be drawn."""
        while True:
            changes = self._changes
            drawn: "List[Tuple[int, Union[VideoFrame, BaseException]]]" = []
            try:
                drawn.extend(self.session.draw_all(self._batch))
            except BaseException as error:  # noqa: BLE001
                drawn.append((self.session.interruptions, error))
            waiters: "List[asyncio.Future[None]]" = []
            with self._lock:
                # An interruption may have come while they were drawn.
                items = [(item, before < self.session.interruptions) for before, item in drawn]
                if not self._paced:
                    items = [item for item in items if not item[1]]
                if not items and (drawn or changes != self._changes):
                    continue
                self._ready.extend(items)
                if not items:
                    self._exhausted_at = changes
                goes_on = bool(items) and isinstance(items[-1][0], VideoFrame) and len(self._ready) <= self._low_water
                self._working = goes_on
                waiters, self._waiters = self._waiters, waiters
            for waiter in waiters:
                resolve(waiter)
            if not goes_on:
                return
