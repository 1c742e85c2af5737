"""Hearing and speaking on one's own machine for Pipecat: put them where examples/pipecat/bot.py has OpenAI's."""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from pipecat.frames.frames import ErrorFrame, Frame, TranscriptionFrame
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.utils.time import time_now_iso8601

from whisper import Whisper


class LocalSTTService(SegmentedSTTService):
    """Whisper by bithuman's library, a segment of speech at a time."""

    def __init__(self, model: Path, **settings) -> None:
        super().__init__(sample_rate=16_000, settings=STTSettings(model=model.name, language=None), **settings)
        self._whisper = Whisper(model)

    @property
    def wants_wav_segments(self) -> bool:
        """Samples as they are."""
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        """The words of a segment."""
        try:
            words = await asyncio.to_thread(self._whisper.hear, audio)
        except RuntimeError as error:
            yield ErrorFrame(f"Whisper failed: {error}")
            return
        if words:
            yield TranscriptionFrame(words, self._user_id, time_now_iso8601())


def local_tts() -> OpenAITTSService:
    """The voices of `bithuman serve` on this machine: Supertonic, Kokoro or Piper."""
    return OpenAITTSService(
        base_url=os.environ.get("BITHUMAN_URL", "http://127.0.0.1:8088") + "/v1",
        api_key=os.environ.get("BITHUMAN_API_SECRET", "none"),
    )
