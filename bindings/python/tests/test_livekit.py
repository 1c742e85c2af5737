"""``livekit-plugins-bithuman``, as it comes from the registry, drives this package: its own runner for local avatars.

The room is a stand-in, because a real one is a server; sources of sound and pictures are LiveKit's own.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any, Callable, Dict, List, Tuple

import pytest
from conftest import TOY, Pcm, needs

needs("livekit-plugins-bithuman")

from livekit import rtc
from livekit.plugins import bithuman as plugin


class Publication:
    async def wait_for_subscription(self) -> None:
        pass


class Participant:
    identity = "agent"

    def __init__(self) -> None:
        self.tracks: List[str] = []

    async def publish_track(self, track: Any, options: Any) -> Publication:
        self.tracks.append(track.name)
        return Publication()


class Room:
    """Connected from the moment that the runner asks."""

    name = "room"

    def __init__(self) -> None:
        self.local_participant = Participant()
        self._asked = 0

    def isconnected(self) -> bool:
        self._asked += 1
        return self._asked > 1

    def on(self, event: str, callback: "Callable[..., Any]") -> None:
        pass

    off = on


class Session:
    """The agent's side: where its speech goes."""

    def __init__(self) -> None:
        self.output = self
        self.audio: Any = None

    def replace_audio_tail(self, sink: Any) -> None:
        self.audio = sink

    def on(self, event: str, callback: "Callable[..., Any]") -> None:
        pass

    off = on


class Agent:
    """What an agent does with its avatar, and what the runner sends to the room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = Room()
        self.session = Session()
        self.pictures: List[Tuple[int, int, int]] = []
        self.sound = bytearray()
        self.finished: "asyncio.Queue[Any]" = asyncio.Queue()
        video, audio = rtc.VideoSource.capture_frame, rtc.AudioSource.capture_frame

        def picture(source: rtc.VideoSource, frame: rtc.VideoFrame, **options: Any) -> None:
            self.pictures.append((frame.width, frame.height, zlib.crc32(frame.data)))
            video(source, frame, **options)

        async def sound(source: rtc.AudioSource, frame: rtc.AudioFrame) -> None:
            assert (frame.sample_rate, frame.num_channels) == (16_000, 1)
            self.sound += bytes(frame.data)
            await audio(source, frame)

        monkeypatch.setattr(rtc.VideoSource, "capture_frame", picture)
        monkeypatch.setattr(rtc.AudioSource, "capture_frame", sound)

    async def join(self, avatar: Any) -> None:
        await avatar.start(self.session, self.room)
        self.session.audio.on("playback_finished", self.finished.put_nowait)

    async def say(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), 3_200):
            chunk = pcm[start : start + 3_200]
            await self.session.audio.capture_frame(rtc.AudioFrame(chunk, 16_000, 1, len(chunk) // 2))
        self.session.audio.flush()

    async def end_of_playback(self) -> Any:
        return await asyncio.wait_for(self.finished.get(), 30)

    async def until(self, condition: "Callable[[], bool]") -> None:
        """Waits while frames go out."""
        seen = len(self.pictures)
        while not condition():
            await asyncio.sleep(0.01)
            assert len(self.pictures) < seen + 500, "twenty seconds of pictures"


def test_the_local_runner_speaks_is_interrupted_and_speaks_again(speech: Pcm, monkeypatch: pytest.MonkeyPatch) -> None:
    pcm = speech[0][: 5 * 32_000]

    async def main() -> "Dict[str, Any]":
        agent = Agent(monkeypatch)
        avatar = plugin.AvatarSession(model_path=str(TOY), api_secret="unused")
        await agent.join(avatar)

        await agent.say(pcm)
        first = await agent.end_of_playback()
        heard = bytes(agent.sound)
        spoken = len(agent.pictures)

        agent.sound.clear()
        await agent.say(pcm)
        await agent.until(lambda: len(agent.sound) > 32_000)
        agent.session.audio.clear_buffer()
        second = await agent.end_of_playback()
        cut = len(agent.sound)
        shown = len(agent.pictures)
        await agent.until(lambda: len(agent.pictures) > shown + 10)
        silent = len(agent.sound)

        agent.sound.clear()
        await agent.say(pcm[:64_000])
        third = await agent.end_of_playback()
        again = bytes(agent.sound)
        runner = avatar._avatar_runner
        assert runner is not None
        await avatar.aclose()
        await runner.aclose()
        return locals()

    result = asyncio.run(main())
    assert result["heard"] == pcm, "every sample, in order"
    assert result["first"].interrupted is False and result["first"].playback_position == pytest.approx(5.0, abs=0.01)
    # Late pictures are left out, and a busy machine is late; sound never is.
    assert result["spoken"] > 60, "pictures of five seconds"
    # A frame counts once its sound is queued.
    assert result["second"].interrupted is True and 0.5 < result["second"].playback_position < 4
    # What LiveKit had queued already may still come, new sound not.
    assert result["silent"] - result["cut"] <= 6_400
    assert result["again"][-64_000:] == pcm[:64_000] and result["third"].interrupted is False
    agent: Agent = result["agent"]
    assert agent.room.local_participant.tracks == ["avatar_audio", "avatar_video"]
    assert {picture[:2] for picture in agent.pictures} == {(64, 48)}
    assert len(set(agent.pictures)) > 20, "it moves"
