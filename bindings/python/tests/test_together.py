"""Frames that are drawn several at a time: the same ones, in the same order, and none too many."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Iterator, List

import numpy as np
import pytest
from bithuman import Bithuman, ManualClock, RuntimeNotReadyError, VideoFrame
from bithuman._engine import open_avatar
from bithuman._session import TOGETHER, Session
from bithuman.offline import TOGETHER as COMPOSED
from conftest import ROOT, TOY, Pcm
from conversations import TICK, heard

FAILING = ROOT / "testdata/avatars/toy_failing.imx"


def spoken(pcm: bytes, avatar: Path = TOY) -> Session:
    """A conversation with an utterance to be drawn."""
    session = Session(open_avatar(avatar), pacing="unpaced")
    session.push(np.frombuffer(pcm, np.int16), 16_000)
    session.flush()
    return session


def drawn(session: Session, together: int) -> Iterator[VideoFrame]:
    while (frame := session.draw(together)) is not None:
        yield frame


@pytest.mark.parametrize("together", [2, 3, TOGETHER, 100])
def test_they_are_those_that_come_one_by_one(speech: Pcm, together: int) -> None:
    one, several = spoken(speech[0][:64_000]), spoken(speech[0][:64_000])
    for session in (one, several):
        # A second utterance behind the first, of an odd length.
        session.push(np.frombuffer(speech[0][64_000:99_998], np.int16), 16_000)
        session.flush()
    expected, frames = list(drawn(one, 1)), list(drawn(several, together))
    assert len(frames) == len(expected) == 50 + 29
    assert heard(frames) == speech[0][:99_998] and sum(frame.end_of_speech for frame in frames) == 2
    for a, b in zip(frames, expected):
        assert a.image is not None and b.image is not None and np.array_equal(a.image, b.image)
        assert (a.frame_index, a.end_of_speech, a.is_speech) == (b.frame_index, b.end_of_speech, b.is_speech)
        assert a.base_frame == b.base_frame and a.arkit == b.arkit
        assert a.audio_chunk is not None and b.audio_chunk is not None
        assert a.audio_chunk.bytes == b.audio_chunk.bytes and a.audio_chunk.last_chunk == a.end_of_speech
    several.push(np.frombuffer(speech[0][:32_000], np.int16), 16_000)
    several.flush()
    assert heard(list(drawn(several, together))) == speech[0][:32_000], "and goes on"


@pytest.mark.parametrize("before", range(1, 2 * TOGETHER + 1))
def test_an_interruption_drops_those_that_wait(speech: Pcm, before: int) -> None:
    session = spoken(speech[0][:64_000])
    assert all(session.draw(TOGETHER) is not None for _ in range(before))
    session.interrupt()
    session.push(np.frombuffer(speech[0][64_000:96_000], np.int16), 16_000)
    session.flush()
    frames = list(drawn(session, TOGETHER))
    assert heard(frames) == speech[0][64_000:96_000], "nothing stale, nothing lost"
    assert {frame._interruptions for frame in frames} == {1}


def test_an_interruption_while_they_are_drawn_drops_those_before_it(speech: Pcm) -> None:
    session = spoken(speech[0])
    stop = threading.Event()

    def interrupt() -> None:
        while not stop.is_set():
            session.interrupt()
            session.push(np.frombuffer(speech[0][:64_000], np.int16), 16_000)
            time.sleep(0.002)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    frames = 0
    # However long the other thread sleeps on a busy machine.
    while frames < 1_000 or session.interruptions <= 10:
        before = session.interruptions
        frame = session.draw(TOGETHER)
        assert frame is None or frame._interruptions >= before
        frames += frame is not None
    stop.set()
    interrupting.join()
    session.interrupt()
    session.push(np.frombuffer(speech[0][:32_000], np.int16), 16_000)
    session.flush()
    assert heard(list(drawn(session, TOGETHER))) == speech[0][:32_000]


def test_a_network_that_fails_costs_no_sound(speech: Pcm) -> None:
    for together in (1, TOGETHER):
        frames = list(drawn(spoken(speech[0], FAILING), together))
        assert heard(frames) == speech[0] and frames[-1].end_of_speech


def test_in_real_time_a_frame_is_drawn_when_it_is_due(speech: Pcm) -> None:
    clock = ManualClock()
    session = Session(open_avatar(TOY), clock=clock)
    session.push(np.frombuffer(speech[0], np.int16), 16_000)
    for index in range(5):
        frame = session.draw(TOGETHER)
        assert frame is not None and frame.frame_index == index and not session._waiting
        assert session.draw(TOGETHER) is None
        clock.advance(TICK)


def test_what_waits_is_gone_when_it_is_closed(speech: Pcm) -> None:
    session = spoken(speech[0][:64_000])
    session.draw(TOGETHER)
    assert len(session._waiting) == TOGETHER - 1
    session.close()
    assert not session._waiting
    with pytest.raises(RuntimeNotReadyError, match="closed"):
        session.draw(TOGETHER)


def test_a_motion_comes_behind_frames_that_are_drawn(speech: Pcm) -> None:
    with Bithuman.load(TOY) as composer:
        shown: List[int] = []
        for frame in composer.compose(speech[0][:64_000]):
            if len(shown) == 1:
                composer.perform("wave")
            shown.append(frame.base_frame)
    begins = next(i for i in range(len(shown)) if shown[i : i + 5] == [2, 3, 4, 5, 6])
    assert COMPOSED <= begins < COMPOSED + 4, "where the loop, of four frames, ends"
