"""A Pipecat bot that is seen while it speaks: hearing, thinking and a voice from OpenAI, the face from an .imx file."""

import os

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.workers.runner import WorkerRunner
from pipecat_bithuman import BitHumanVideoService

INSTRUCTIONS = "You are a friendly guide in a video call. Answer in one or two sentences of plain spoken language."
GREET = "Greet the person in one sentence."


def pipeline(microphone, screen) -> Pipeline:
    """The bot between a transport's input and its output."""
    key = os.environ["OPENAI_API_KEY"]
    context = LLMContext([{"role": "user", "content": GREET}])
    user, assistant = LLMContextAggregatorPair(
        context, user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    return Pipeline(
        [
            microphone,
            OpenAISTTService(api_key=key),
            user,
            OpenAILLMService(api_key=key, system_instruction=INSTRUCTIONS),
            OpenAITTSService(api_key=key),
            # Takes the speech, and gives pictures and the same speech in step with them.
            BitHumanVideoService(model_path=os.environ["BITHUMAN_MODEL_PATH"]),
            screen,
            assistant,
        ]
    )


async def bot(arguments) -> None:
    """Pipecat's runner calls this for each browser that connects."""
    from pipecat.runner.utils import create_transport
    from pipecat.transports.base_transport import TransportParams

    transport = await create_transport(
        arguments,
        {
            "webrtc": lambda: TransportParams(
                audio_in_enabled=True,
                audio_out_enabled=True,
                video_out_enabled=True,
                # The size of the avatar's pictures; `bithuman info` tells it.
                video_out_width=512,
                video_out_height=512,
                video_out_framerate=25,
            )
        },
    )
    worker = PipelineWorker(pipeline(transport.input(), transport.output()))

    @transport.event_handler("on_client_connected")
    async def connected(transport, client) -> None:
        await worker.queue_frame(LLMRunFrame())

    @transport.event_handler("on_client_disconnected")
    async def disconnected(transport, client) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    from pipecat.runner.run import main

    main()
