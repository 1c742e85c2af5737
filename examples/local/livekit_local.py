"""Hearing and speaking on one's own machine for LiveKit's agents: an `AgentSession(stt=…, tts=…)`."""

import asyncio
import os
from pathlib import Path

from livekit import rtc
from livekit.agents import NOT_GIVEN, APIConnectOptions, APIError, NotGivenOr, stt
from livekit.agents.utils import AudioBuffer

from whisper import Whisper

RATE_HZ = 16_000


class LocalSTT(stt.STT):
    """Whisper by bithuman's library. It hears whole segments: wrap it in `stt.StreamAdapter` with a VAD."""

    def __init__(self, model: Path) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._whisper = Whisper(model)

    async def _recognize_impl(
        self, buffer: AudioBuffer, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        frame = rtc.combine_audio_frames(buffer)
        if frame.sample_rate != RATE_HZ:
            resampler = rtc.AudioResampler(frame.sample_rate, RATE_HZ, num_channels=frame.num_channels)
            frame = rtc.combine_audio_frames([*resampler.push(frame), *resampler.flush()])
        code = language if isinstance(language, str) else "en"
        try:
            words = await asyncio.to_thread(self._whisper.hear, bytes(frame.data), code)
        except RuntimeError as error:
            raise APIError(f"Whisper failed: {error}", retryable=False) from error
        heard = stt.SpeechData(language=code, text=words)
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[heard])


def local_tts():
    """The voices of `bithuman serve` on this machine; wants livekit-plugins-openai."""
    from livekit.plugins import openai

    return openai.TTS(
        base_url=os.environ.get("BITHUMAN_URL", "http://127.0.0.1:8088") + "/v1",
        api_key=os.environ.get("BITHUMAN_API_SECRET", "none"),
        voice="F1",
        response_format="pcm",
    )
