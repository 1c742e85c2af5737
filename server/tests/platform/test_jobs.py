"""Jobs end once, whatever dies, and however many servers take them."""

import json
import os
import pathlib
import random
import struct
import subprocess
import time

import requests

from kit import PROGRAM, Platform, Site, face, wait
from rooms import Room

# How often the server is killed, and over how many jobs: fewer in CI.
KILLS = int(os.environ.get("SERVE_TEST_KILLS", "3"))
JOBS = 10


def boxes(video):
    """The boxes of an MP4 file, which end where the file ends."""
    at, names = 0, []
    while at < len(video):
        size, name = struct.unpack_from(">I4s", video, at)
        assert size >= 8 and at + size <= len(video), f"{name} is cut"
        names.append(name.decode())
        at += size
    return names


def whole(platform, code, folder):
    """The agent's file is one that the engine opens."""
    path = pathlib.Path(folder) / f"{code}.imx"
    answer = platform.ask("GET", f"/v1/agent/{code}/model/download")
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    subprocess.run([PROGRAM, "info", str(path)], check=True, capture_output=True)


def events(site):
    """(event, job or agent) of what was delivered, each event once however often it was tried."""
    seen = {}
    for _, body in site.posts:
        event = json.loads(body)
        data = event["data"]
        seen[event["id"]] = (event["event"], data.get("job_id") or data.get("agent_id") or data.get("agent_code"))
    return sorted(seen.values())


def calm(platform, method, path, **rest):
    """A request that is asked again while the server is away; the key sees to it that nothing begins twice."""
    def once():
        try:
            return platform.ask(method, path, **rest)
        except requests.RequestException:
            return None

    return wait(once, path)


def test_killed(tmp_path):
    chance = random.Random(int(os.environ.get("SERVE_TEST_SEED", "1")))
    with Site({"face.jpg": face()}) as site, Platform("--metered", "1000000") as platform:
        credits = lambda: platform.get("/v1/me")["data"]["credit_balance"]
        before = credits()
        platform.post("/v1/webhooks", {"url": f"{site.url}/hook"})
        subject = platform.agent(image=f"{site.url}/face.jpg", model="expression-2")
        prices = platform.get("/v1/pricing")["data"]["agent_generation"]["by_model"]
        agents, videos, left = [subject], [], JOBS

        def submit():
            key = {"Idempotency-Key": f"job-{left}"}
            if left % 2:
                body = {"model": "expression-2", "agent_code": subject, "input": {"type": "text", "text": "Good morning."}}
                answer = calm(platform, "POST", "/v1/video/generate", json=body, headers=key)
                videos.append(answer.json()["job_id"])
            else:
                body = {"image": f"{site.url}/face.jpg", "model": "expression-2", "prompt": f"Agent {left}"}
                answer = calm(platform, "POST", "/v1/agent/generate", json=body, headers=key)
                agents.append(answer.json()["agent_id"])

        for _ in range(KILLS):
            for _ in range(chance.randint(0, 2)):
                if left:
                    submit()
                    left -= 1
            time.sleep(chance.uniform(0, 0.8))
            platform.kill()
            platform.start()
        while left:
            submit()
            left -= 1
        # Each ends: well, or, if its servers died again and again, with its credits back.
        charged, ends = 0, []
        for code in agents:
            over = lambda code=code: (a := platform.get(f"/v1/agent/status/{code}")["data"])["status"] in ("ready", "failed") and a
            ends.append((f"agent.{wait(over, code)['status']}", code))
            if ends[-1][0] == "agent.ready":
                charged += prices["expression-2"]
                whole(platform, code, tmp_path)
        for job in videos:
            answer = wait(lambda job=job: (a := platform.get(f"/v1/video/{job}"))["status"] != "processing" and a, job)
            ends.append((f"video.{answer['status']}", job))
            if answer["status"] == "completed":
                charged += answer["credits_charged"]
                video = platform.ask("GET", answer["video_url"].removeprefix(platform.url)).content
                assert {"ftyp", "moov"} <= set(boxes(video))
        print(f"{KILLS} kills: {len(ends)} jobs ended, {sum(e[0].endswith('failed') for e in ends)} of them failed", flush=True)
        # Each was paid once, and told of once.
        assert before - credits() == charged
        wait(lambda: len(events(site)) >= len(ends), "webhooks")
        assert events(site) == sorted(ends)
        listed = platform.get("/v1/agents?limit=100")
        assert listed["pagination"]["total"] == len(agents)
        # What was broken off never got its name, which begins with no dot.
        broken = [p for p in (platform.data / "files").rglob("*.part") if not p.name.startswith(".")]
        assert not broken, broken


def test_backup(tmp_path):
    with Site({"face.jpg": face()}) as site, Platform() as platform:
        code = platform.agent(image=f"{site.url}/face.jpg", model="expression-2", prompt="You are Ada.")
        copy = tmp_path / "copy"
        platform.administer("backup", str(copy))
        platform.ask("DELETE", f"/v1/agent/{code}")
        with Platform(data=copy, keyed=False) as restored:
            restored.key = platform.key
            assert restored.get(f"/v1/agent/{code}")["data"]["system_prompt"] == "You are Ada."
            whole(restored, code, tmp_path)


def test_words_find_conversations_of_other_servers(postgres, tmp_path):
    environment, data = {"DATABASE_URL": postgres}, tmp_path / "data"
    with Platform(data=data, environment=environment) as one, Platform(data=data, environment=environment, keyed=False) as two:
        two.key = one.key
        code = one.agent(prompt="You are Ada.", model="expression-2")
        room = Room(two, code, "far")
        wait(lambda: one.get("/v2/me/runtime-sessions")["data"]["active_count"] == 1, "the session")
        assert one.ask("POST", f"/v1/agent/{code}/speak", json={"message": "Hi.", "room_id": "other"}).status_code == 404
        for body in ({"message": "It is noon."}, {"message": "It is one.", "room_id": "far"}):
            assert one.post(f"/v1/agent/{code}/speak", body)["delivered_to_rooms"] == 1
            wait(lambda: any(m.get("text") == body["message"] for m in room.messages), "the words")
        session = one.get("/v2/me/runtime-sessions")["data"]["sessions"][0]["id"]
        one.post(f"/v1/runtime-sessions/{session}/end", {})
        wait(lambda: any(m["type"] == "ended" for m in room.messages), "its end")
        room.close()


def test_two_servers(postgres, tmp_path):
    environment, data = {"DATABASE_URL": postgres}, tmp_path / "data"
    hook = Site({"face.jpg": face()})
    with hook, Platform("--metered", "1000000", data=data, environment=environment) as one:
        with Platform("--metered", "1000000", data=data, environment=environment, keyed=False) as two:
            two.key = one.key
            before = two.get("/v1/me")["data"]["credit_balance"]
            one.post("/v1/webhooks", {"url": f"{hook.url}/hook"})
            body = {"image": f"{hook.url}/face.jpg", "model": "expression-2"}
            codes = [(one, two)[i % 2].post("/v1/agent/generate", body)["agent_id"] for i in range(2 * JOBS)]
            # Each sees what the other was told, and one that dies leaves its jobs to the other.
            two.kill()
            for code in codes:
                one.ready(code)
                whole(one, code, tmp_path)
            price = one.get("/v1/pricing")["data"]["agent_generation"]["by_model"]["expression-2"]
            assert before - one.get("/v1/me")["data"]["credit_balance"] == price * len(codes)
            wait(lambda: len(events(hook)) >= len(codes), "webhooks")
            assert events(hook) == sorted(("agent.ready", code) for code in codes)
            two.start()
            assert two.get("/v1/agents?limit=1")["pagination"]["total"] == len(codes)
