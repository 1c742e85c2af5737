"""Frames on their way: drawn by a thread, waited for in an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Deque, List, Optional, Tuple, Union

from ._session import Session
from ._worker import Worker, resolve
from .frames import VideoFrame

#: A frame, or what went wrong instead; and whether it was drawn before the last interruption.
Item = Tuple[Union[VideoFrame, BaseException], bool]


class Ahead:
    """A session's frames. They are drawn in the worker's thread: each when somebody waits for it, or as many ahead in one call of the
    library as there is room for: each call, and each time that one thread wakes the other, finds the processor's caches empty.

    All but :meth:`_draw` is for the event loop's thread, except that :meth:`wake` may come from anywhere.
    """

    def __init__(self, session: Session, worker: Worker, ahead: int, paced: bool) -> None:
        self.session = session
        self._worker = worker
        self._paced = paced
        #: Frames that are drawn in one call, for which the event loop wakes up once. While so many wait, the next are drawn, so that the
        #: thread need not sleep while the event loop wakes up.
        self._together = 1 if paced else max(2 * ahead, 1)
        #: Frames that may wait while others are drawn.
        self._few = 0 if paced else self._together
        self._lock = threading.Lock()
        self._ready: Deque[Item] = deque()
        self._waiters: "List[asyncio.Future[None]]" = []
        self._working = False
        self._news = 0
        self._dry = -1

    def take(self) -> Optional[Item]:
        """The next frame, if there is one; and has more drawn."""
        try:
            item = self._ready.popleft()
        except IndexError:
            item = None
        if item is not None and (self._paced or self._working or len(self._ready) > self._few):
            return item
        with self._lock:
            if item is None and self._ready:
                # It has come in between.
                return self._ready.popleft()
            begin = not self._working and self._dry != self._news
            self._working = self._working or begin
        if begin:
            self._worker.do(self._draw)
        return item

    @property
    def dry(self) -> bool:
        """Whether nothing can be drawn until there is news."""
        return self._dry == self._news and not self._working

    @property
    def drawing(self) -> bool:
        """Whether the thread is at it."""
        return self._working

    async def wait(self) -> None:
        """Until there is a frame, or something else to look at."""
        with self._lock:
            if self._ready or not (self._working or self._dry == self._news):
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
        """Whether somebody waits."""
        return bool(self._waiters)

    def wake(self, everybody: bool = False) -> None:
        """There is news: more to draw, perhaps. Whoever waits for a frame that is being drawn goes on waiting, unless ``everybody``."""
        with self._lock:
            self._news += 1
            waiters = self._waiters if everybody or not self._working else ()
            if waiters:
                self._waiters = []
        for waiter in waiters:
            resolve(waiter)

    def interrupt(self) -> None:
        """Interrupts the session, and drops what was drawn ahead."""
        with self._lock:
            self.session.interrupt()
            self._ready.clear()

    def close(self) -> None:
        """Ends the session; whoever waits looks for another."""
        self.session.close()
        self.wake(everybody=True)

    def _draw(self) -> None:
        """In the thread: draws until nobody wants more, or nothing is there."""
        while True:
            news = self._news
            drawn: "List[Tuple[int, Union[VideoFrame, BaseException]]]" = []
            try:
                drawn.extend(self.session.draw_all(self._together))
            except BaseException as error:  # noqa: BLE001
                drawn.append((self.session.interruptions, error))
            waiters: "List[asyncio.Future[None]]" = []
            with self._lock:
                # Some may have been on their way while everything was interrupted.
                items = [(item, before < self.session.interruptions) for before, item in drawn]
                if not self._paced:
                    items = [item for item in items if not item[1]]
                if not items and (drawn or news != self._news):
                    continue
                self._ready.extend(items)
                if not items:
                    self._dry = news
                goes_on = bool(items) and isinstance(items[-1][0], VideoFrame) and len(self._ready) <= self._few
                self._working = goes_on
                waiters, self._waiters = self._waiters, waiters
            for waiter in waiters:
                resolve(waiter)
            if not goes_on:
                return
