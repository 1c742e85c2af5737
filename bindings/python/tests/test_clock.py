"""A clock of the program's: frames follow a sound card, in order and with every sample."""

from __future__ import annotations

import asyncio

import bithuman
import pytest
from bithuman import AsyncBithuman, HostClock
from conftest import TOY, Pcm


@pytest.mark.parametrize("rate", [0.999, 1.001])
def test_frames_follow_a_sound_card(speech: Pcm, rate: float) -> None:
    async def main() -> None:
        clock = HostClock()
        clock.set_position(1.0)
        runtime = await AsyncBithuman.create(model_path=TOY, clock=clock, pictures=False)
        await runtime.push_audio(speech[0][:64_000])
        heard, indexes, position = b"", [], 1.0
        async for frame in runtime.run():
            # The card has played this frame: that is where it stands.
            position += 0.04 * rate * (1 + frame.skipped)
            clock.set_position(position)
            indexes.append(frame.frame_index)
            heard += frame.audio_chunk.bytes if frame.audio_chunk else b""
            if frame.end_of_speech:
                break
        assert heard == speech[0][:64_000]
        assert indexes == sorted(set(indexes))
        await runtime.shutdown()

    asyncio.run(main())


def test_positions_are_checked() -> None:
    clock = HostClock()
    for seconds in (-1.0, 1e12):
        with pytest.raises(bithuman.InvalidArgument, match="position"):
            clock.set_position(seconds)
    clock.set_position(0.0)
