"""A LiveKit agent that speaks through an avatar of `bithuman run`."""

import os

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli
from livekit.plugins import bithuman, openai

server = AgentServer()


@server.rtc_session()
async def talk(context: JobContext):
    session = AgentSession(llm=openai.realtime.RealtimeModel())
    avatar = bithuman.AvatarSession(
        api_url=os.environ["BITHUMAN_API_URL"],
        api_secret=os.environ["BITHUMAN_API_SECRET"],
        # A name in --avatars-root; without such a folder, the avatar that `bithuman run` was started with.
        avatar_id=os.environ.get("AVATAR", "face"),
    )
    # First the face, so that the session's sound goes there.
    await avatar.start(session, room=context.room)
    await session.start(Agent(instructions="You are a friendly guide. Answer in one or two sentences."), room=context.room)
    session.generate_reply(instructions="Greet the person.")


if __name__ == "__main__":
    cli.run_app(server)
