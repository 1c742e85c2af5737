"""How far the work is and how long it will take, on standard error."""
from __future__ import annotations

import sys
import time

EVERY_S = 2.0


class Progress:
    """Stages with a guess of each one's seconds; guesses are corrected by what has been measured."""

    def __init__(self, shares: dict[str, float], quiet: bool = False):
        self._shares = shares
        self._quiet = quiet
        self._stage, self._total, self._began_at = "", 1, 0
        self._started = self._said = 0.0
        self._pace: float | None = None

    def stage(self, name: str, total: int, done: int = 0) -> None:
        """Begins a stage of `total` steps, `done` of which an earlier run has done."""
        self._finish()
        self._stage, self._total, self._began_at = name, max(total, 1), done
        self._started, self._said = time.monotonic(), 0.0
        self.tick(done)

    def expect(self, name: str, share: float) -> None:
        """A better guess for a stage to come."""
        self._shares[name] = share

    def tick(self, done: int, fact: str = "") -> None:
        now = time.monotonic()
        if self._quiet or (now - self._said < EVERY_S and done < self._total):
            return
        self._said = now
        left = self._left(done, now)
        end = "\n" if done >= self._total or not sys.stderr.isatty() else ""
        start = "\r\x1b[K" if sys.stderr.isatty() else ""
        note = f", {fact}" if fact else ""
        print(f"{start}{self._stage}: {100 * done / self._total:.0f} %{note}{left}", end=end, file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def _finish(self) -> None:
        if self._stage:
            share = self._shares.get(self._stage, 0.0) * (1 - self._began_at / self._total)
            if share > 0:
                self._pace = (time.monotonic() - self._started) / share
            self._shares[self._stage] = 0.0

    def _left(self, done: int, now: float) -> str:
        share = self._shares.get(self._stage, 0.0)
        fresh = done - self._began_at
        seconds, pace = 0.0, self._pace
        if fresh > 0 and now - self._started > 1.0:
            a_step = (now - self._started) / fresh
            seconds = a_step * (self._total - done)
            if share > 0:
                pace = a_step * self._total / share
        elif pace is not None:
            seconds = pace * share * (1 - done / self._total)
        if pace is None:
            return ""
        later = sum(part for name, part in self._shares.items() if name != self._stage)
        seconds += pace * later
        return f", {int(seconds) // 60}:{int(seconds) % 60:02d} left"
