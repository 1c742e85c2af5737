"""`bithuman run` sends avatars into rooms: LiveKit's own clients and the plugin of its agents against a stand-in server.

    python3 test_livekit.py BITHUMAN AVATAR SPEECH [PICTURES]

BITHUMAN is the program, AVATAR an .imx file, SPEECH a 16-bit mono WAV file, PICTURES a folder for pictures as they came.
"""

import asyncio
import json
import os
import pathlib
import sys
import tempfile
import time
import types
import wave

import aiohttp
from livekit import api, rtc
from livekit.agents.voice.avatar import DataStreamAudioOutput
from livekit.plugins import bithuman
from livekit.plugins.bithuman import avatar as plugin

import media_server

SECRET = "only the agents know it"
AVATAR = "bithuman-avatar-agent"

# A test that waits for longer has failed.
PATIENCE = 60


def token(identity, room, kind=None):
    made = api.AccessToken(media_server.API_KEY, media_server.API_SECRET).with_identity(identity)
    made = made.with_grants(api.VideoGrants(room_join=True, room=room))
    return (made.with_kind(kind) if kind else made).to_jwt()


async def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        await asyncio.sleep(0.02)


class Program:
    """`bithuman run`, or `bithuman serve`."""

    async def start(self, path, *arguments):
        environment = dict(os.environ, BITHUMAN_API_SECRET=SECRET)
        self.process = await asyncio.create_subprocess_exec(
            path, *arguments, "--json", "--port", "0", "--max-sessions", "2", "--brain", "script",
            env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )
        line = await self.process.stdout.readline()
        assert line, await self.process.stderr.read()
        started = json.loads(line)
        self.url = f"http://127.0.0.1:{started['port']}"
        self.session = aiohttp.ClientSession()

    async def get(self, path, secret=SECRET):
        async with self.session.get(self.url + path, headers={"api-secret": secret}) as answer:
            return answer.status, await answer.json()

    async def post(self, path, headers=None, **body):
        async with self.session.post(self.url + path, headers=headers or {"api-secret": SECRET}, **body) as answer:
            return answer.status, await answer.json()

    async def stop(self):
        await self.session.close()
        self.process.terminate()
        out, err = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        assert self.process.returncode == 0, (self.process.returncode, err)
        return out + err


class Agent:
    """An agent and a person in a room, and the plugin that calls the avatar in."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.room = rtc.Room()
        self.person = rtc.Room()
        self.finished = []
        self.output = None

    async def join(self):
        await self.room.connect(self.server.url, token("agent", self.name, "agent"))
        await self.person.connect(self.server.url, token("person", self.name))

    async def call(self, url, **settings):
        """Calls the avatar in, by the plugin as agents use it."""
        session = types.SimpleNamespace(on=lambda *_: None, off=lambda *_: None, output=self)
        plugin.get_job_context = lambda: types.SimpleNamespace(local_participant_identity="agent")
        self.avatar = bithuman.AvatarSession(api_url=url, api_secret=SECRET, **settings)
        self.avatar._http_session = aiohttp.ClientSession()
        # The room's name comes from the server; this one's is the same for all.
        room = types.SimpleNamespace(name=self.name, isconnected=lambda: False, on=lambda *_: None)
        await self.avatar._http_session.__aenter__()
        real, self.avatar._room = self.room, None
        plugin.DataStreamAudioOutput = lambda room, **more: DataStreamAudioOutput(real, **more)
        await self.avatar.start(session, room, livekit_url=self.server.url, livekit_api_key=media_server.API_KEY,
                                livekit_api_secret=media_server.API_SECRET)
        await self.avatar._http_session.close()

    def replace_audio_tail(self, output):
        self.output = output
        output.on("playback_finished", self.finished.append)

    def client(self):
        return self.server.rooms[self.name].get(AVATAR)

    async def seen(self, pictures):
        """Waits for so many pictures more, and sound with them."""
        await until("the avatar is in the room", lambda: self.client() is not None)
        # A LiveKit server lets nobody send to a participant before.
        await until("data can be sent to the avatar", lambda: self.client().hears())
        media = self.client().media
        wanted = (media.pictures + pictures, media.sounds + pictures)
        await until("pictures and sound come", lambda: media.pictures >= wanted[0] and media.sounds >= wanted[1])
        return media

    async def say(self, samples, rate, ends=True):
        step = rate // 10
        for at in range(0, len(samples) // 2, step):
            piece = samples[2 * at:2 * (at + step)]
            await self.output.capture_frame(rtc.AudioFrame(piece, rate, 1, len(piece) // 2))
        if ends:
            self.output.flush()

    async def leave(self):
        await self.room.disconnect()
        await self.person.disconnect()


async def speak(agent, speech, rate, seconds):
    """The agent speaks to the end, and is told so."""
    media = agent.client().media
    before, since = len(agent.finished), time.monotonic()
    pictures = media.pictures
    media.mouth.clear()
    await agent.say(speech[:2 * rate * seconds], rate)
    await until("the end is told", lambda: len(agent.finished) > before)
    told = agent.finished[-1]
    assert not told.interrupted and abs(told.playback_position - seconds) < 0.05, told
    assert media.loud_since(since) > 12 * seconds, media.loud_since(since)
    assert media.pictures - pictures >= 10 * seconds, (media.pictures - pictures)
    moved = max(media.mouth)
    assert moved > 0.05, moved
    return media.pictures - pictures, media.loud_since(since), moved


async def interrupt(agent, speech, rate):
    """The agent interrupts itself: it is told how far it was heard, and there is silence."""
    media = agent.client().media
    before, since = len(agent.finished), time.monotonic()
    await agent.say(speech[:2 * rate * 4], rate)
    await until("it is heard", lambda: media.loud_since(since) > 20)
    asked = time.monotonic()
    agent.output.clear_buffer()
    await until("the interruption is told", lambda: len(agent.finished) > before)
    took = time.monotonic() - asked
    told = agent.finished[-1]
    assert told.interrupted and 0 < told.playback_position < 3.9, told
    # What was on its way is through; then a second of the speech that is left would be loud.
    sounds = media.sounds
    await until("sound goes on", lambda: media.sounds >= sounds + 25)
    loud = len(media.loud)
    await until("sound goes on", lambda: media.sounds >= sounds + 50)
    assert len(media.loud) == loud, "it is still heard"
    return took, told.playback_position


async def conversation(server, program, speech, rate, pictures):
    agent = Agent(server, "talk")
    await agent.join()
    await agent.call(program.url + "/launch", avatar_id="face")
    media = await agent.seen(25)
    print(f"livekit-test: the plugin's JSON launched it; {media.size[0]}x{media.size[1]} pictures and sound come")
    client = agent.client()
    names = sorted((track.name, track.source) for track in client.tracks)
    assert names == [("avatar_audio", 2), ("avatar_video", 1)], names
    assert len({track.stream for track in client.tracks}) == 1, "both tracks are of one stream"
    for _ in range(2):
        count, loud, moved = await speak(agent, speech, rate, 3)
        print(f"livekit-test: spoke 3 s: {count} pictures, {loud} loud pieces, the face moved by {moved:.2f}")
        took, position = await interrupt(agent, speech, rate)
        print(f"livekit-test: interrupted at {position:.2f} s, told after {took * 1000:.0f} ms")
    if pictures:
        media.last.to_image().save(pathlib.Path(pictures) / "listening.png")
        before = len(agent.finished)
        await agent.say(speech, rate)
        for shot in range(4):
            await agent.seen(12)
            media.last.to_image().save(pathlib.Path(pictures) / f"speaking{shot}.png")
        agent.output.clear_buffer()
        await until("it is silent", lambda: len(agent.finished) > before)

    # A stream whose trailer is lost: the next one ends it.
    before = len(agent.finished)
    server.rooms["talk"]["agent"].drops = "stream_trailer"
    await agent.say(speech[:2 * rate], rate)
    await until("the trailer is lost", lambda: server.rooms["talk"]["agent"].drops is None)
    await agent.say(speech[2 * rate:4 * rate], rate)
    await until("both are over", lambda: len(agent.finished) == before + 2)
    assert [told.interrupted for told in agent.finished[before:]] == [False, False]
    print("livekit-test: a lost trailer cost nothing")

    # The signalling connection breaks: the session goes on.
    await client.socket.close()
    await until("it comes back", lambda: client.resumes == 1)
    await speak(agent, speech, rate, 2)
    assert agent.client() is client and client.joins == 1
    print("livekit-test: signalling broke, and the session went on")

    # The server forgets the session: the avatar joins anew.
    server.forgets = True
    await client.socket.close()
    await until("it joins anew", lambda: agent.client() is not None and agent.client().joins == 2)
    server.forgets = False
    await agent.seen(25)
    await speak(agent, speech, rate, 2)
    print("livekit-test: the server forgot the session, and the avatar joined anew")

    # The server's media die.
    before = agent.client().media
    await agent.client().close()
    await until("it joins once more", lambda: agent.client() is not None and agent.client().joins == 3)
    await agent.seen(25)
    assert agent.client().media is not before
    await speak(agent, speech, rate, 2)
    print("livekit-test: media died, and the avatar joined anew")
    return agent


async def refusals(server, program, face):
    """Other shapes, wrong secrets, full houses."""
    body = {"livekit_url": server.url, "livekit_token": token(AVATAR, "talk", "agent"), "room_name": "talk"}
    status, answer = await program.post("/launch", headers={"api-secret": "wrong"}, json=body)
    assert status == 401 and "api-secret" in answer["detail"], (status, answer)
    status, first = await program.post("/launch", json=body)
    assert status == 200 and first["room_name"] == "talk", (status, first)
    status, again = await program.post("/launch", data=body)
    assert (status, again["task_id"]) == (200, first["task_id"]), (status, again)
    body["room_name"] = "other"
    status, answer = await program.post("/launch", json=body)
    assert status == 400 and "another room" in answer["detail"], (status, answer)
    body["livekit_token"] = token(AVATAR, "other", "agent")
    status, answer = await program.post("/launch", json=body | {"avatar_id": "../face"})
    assert status == 400, (status, answer)
    status, answer = await program.post("/launch", json=body | {"avatar_id": "nobody"})
    assert status == 404 and answer["detail"] == "Agent not found for code: nobody", (status, answer)
    status, answer = await program.post("/launch", json=body | {"image": "http://127.0.0.1/face.png"})
    assert status == 400 and "fetches nothing" in answer["detail"], (status, answer)

    agent = Agent(server, "picture")
    await agent.join()
    await agent.call(program.url + "/launch?async=false", model="expression", avatar_image=face)
    media = await agent.seen(10)
    print(f"livekit-test: the plugin's form launched a picture, {media.size[0]}x{media.size[1]}")

    status, answer = await program.post("/launch", json=body)
    assert status == 503 and "at capacity" in answer["detail"], (status, answer)
    status, answer = await program.get("/ready")
    assert status == 503 and answer["status"] == "at_capacity" and answer["available_sessions"] == 0, answer
    status, answer = await program.get("/status")
    assert sorted(answer["rooms"]) == ["picture", "talk"] and answer["at_capacity"], answer
    status, answer = await program.get("/status", secret="")
    assert status == 401
    status, answer = await program.get("/health")
    assert answer["status"] == "healthy" and answer["active_sessions"] == 2, answer
    status, tasks = await program.get("/tasks")
    assert tasks["total"] == 2 and all(task["status"] == "running" for task in tasks["tasks"]), tasks
    picture = next(task for task in tasks["tasks"] if task["room_name"] == "picture")
    status, answer = await program.post(f"/tasks/{picture['task_id']}/stop")
    await until("it leaves", lambda: agent.client() is None)
    async with program.session.get(program.url + "/metrics") as answer:
        metrics = await answer.text()
    assert "bithuman_livekit_launches_total 2" in metrics, metrics
    await agent.leave()
    print("livekit-test: wrong secrets, strange avatars and full houses were refused; a stop stopped")
    return picture["task_id"]


async def platform(server, program, speech, rate):
    """The plugin calls agents of the platform in by the address that it knows there."""
    _, started = await program.post("/v1/agent/generate", json={"prompt": "You are Ada.", "model": "expression-2"})
    code = started["agent_id"]
    end = time.monotonic() + PATIENCE
    while (await program.get(f"/v1/agent/{code}"))[1]["data"]["status"] != "ready":
        assert time.monotonic() < end, "the agent is not ready"
        await asyncio.sleep(0.02)
    api_url = program.url + "/v1/runtime-tokens/request"
    agent = Agent(server, "platform")
    await agent.join()
    await agent.call(api_url, avatar_id=code)
    await agent.seen(10)
    await speak(agent, speech, rate, 2)
    sessions = "/v2/me/runtime-sessions"
    _, listed = await program.get(f"{sessions}?kind=self_hosted")
    (session,) = listed["data"]["sessions"]
    assert (session["agent_code"], session["room_name"], session["status"]) == (code, "platform", "live"), session
    status, answer = await program.post(f"/v1/agent/{code}/speak", json={"message": "Hello."})
    assert (status, answer.get("delivered_to_rooms")) in ((200, 1), (503, None)), (status, answer)
    status, answer = await program.post(f"/v1/runtime-sessions/{session['id']}/end")
    assert (status, answer["data"]["ended"]) == (200, 1), answer
    await until("it leaves", lambda: agent.client() is None)
    await agent.leave()

    face = pathlib.Path(__file__).parents[3] / "cli/data/juno.png"
    agent = Agent(server, "likeness")
    await agent.join()
    await agent.call(api_url, avatar_image=str(face), model="essence")
    await agent.seen(10)
    await agent.leave()
    await until("it leaves an empty room", lambda: agent.client() is None)
    end = time.monotonic() + PATIENCE
    while True:
        _, listed = await program.get(f"{sessions}?window=all")
        states = [session["status"] for session in listed["data"]["sessions"]]
        if states == ["ended", "ended"]:
            break
        assert time.monotonic() < end, listed
        await asyncio.sleep(0.02)
    _, used = await program.get(f"/v1/usage?agent_code={code}")
    assert used["data"][0]["room_name"] == "platform", used
    await program.stop()
    print("livekit-test: the plugin called an agent and a picture of the platform in; their sessions are listed and over")


async def main(path, avatar, wav, pictures=None):
    with wave.open(wav) as file:
        rate, speech = file.getframerate(), file.readframes(12 * file.getframerate())
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
    server = media_server.MediaServer()
    await server.start()
    program = Program()
    with tempfile.TemporaryDirectory() as roots:
        os.symlink(os.path.abspath(avatar), os.path.join(roots, "face.imx"))
        await program.start(path, "run", avatar, "--avatars-root", roots)
        try:
            await everything(server, program, speech, rate, pictures)
        finally:
            if program.process.returncode is None:
                program.process.kill()
        program = Program()
        await program.start(path, "serve", "--data", roots, "--allow-private-urls")
        try:
            await platform(server, program, speech, rate)
        finally:
            if program.process.returncode is None:
                program.process.kill()
    await server.runner.cleanup()


async def everything(server, program, speech, rate, pictures):
    face = pathlib.Path(__file__).parents[3] / "cli/data/juno.png"
    agent = await conversation(server, program, speech, rate, pictures)
    stopped = await refusals(server, program, str(face))
    await agent.leave()
    await until("it leaves an empty room", lambda: agent.client() is None)
    end = time.monotonic() + PATIENCE
    while True:
        _, tasks = await program.get("/tasks")
        states = {task["task_id"]: task["status"] for task in tasks["tasks"]}
        if set(states.values()) == {"completed", "cancelled"}:
            break
        assert time.monotonic() < end, tasks
        await asyncio.sleep(0.02)
    assert states[stopped] == "cancelled", states
    _, answer = await program.get("/ready")
    assert answer["available_sessions"] == 2, answer
    said = await program.stop()
    assert SECRET.encode() not in said and b"eyJ" not in said, "a secret was printed"
    assert not any("eyJ" in query for query in server.queries if "access_token" not in query)
    print("livekit-test: it left when the people had, and its seat is free")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
