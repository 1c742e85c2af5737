"""Reads beside a speaking avatar: 200 requests a second on a schedule, whatever came before. And 1,000 agents by pages."""

import http.client
import queue
import sys
import threading
import time

import kit
from rooms import Room

RATE = 200
CLIENTS = 16
PATHS = ["/v1/agents?limit=20", "/v1/agent/{code}", "/v1/agent/status/{code}", "/v1/me", "/v1/usage?limit=20", "/v1/voices", "/v1/dynamics/{code}"]


def reads(platform, code, seconds):
    """Milliseconds of each request from the moment that it was due, and how many were not answered 200."""
    due, took, failed = queue.Queue(), [], []
    host = platform.url.removeprefix("http://")

    def client():
        connection = http.client.HTTPConnection(host, timeout=10)
        while (job := due.get()) is not None:
            at, path = job
            connection.request("GET", path, headers={"api-secret": platform.key})
            answer = connection.getresponse()
            answer.read()
            took.append((time.perf_counter() - at) * 1000)
            if answer.status != 200:
                failed.append(answer.status)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    begin = time.perf_counter()
    for i in range(RATE * seconds):
        at = begin + i / RATE
        time.sleep(max(0, at - time.perf_counter()))
        due.put((at, PATHS[i % len(PATHS)].format(code=code)))
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    return sorted(took), failed


def main(seconds):
    with kit.Site({"face.jpg": kit.face()}) as site, kit.Platform() as platform:
        begin = time.monotonic()
        code = platform.agent(image=f"{site.url}/face.jpg", model="expression-2")
        print(f"picture to ready agent: {time.monotonic() - begin:.2f} s")
        begin = time.monotonic()
        for i in range(999):
            platform.post("/v1/agent/generate", {"prompt": f"You are number {i}."})
        print(f"999 agents asked for: {time.monotonic() - begin:.1f} s")
        kit.wait(lambda: platform.get("/v1/agents?status=ready&limit=1")["pagination"]["total"] == 1000, "1,000 agents", 1800)
        print(f"all ready: {time.monotonic() - begin:.1f} s")
        begin, codes = time.monotonic(), []
        while True:
            page = platform.get(f"/v1/agents?limit=100&offset={len(codes)}")
            codes += [agent["code"] for agent in page["data"]]
            if not page["pagination"]["has_more"]:
                break
        assert len(set(codes)) == len(codes) == 1000 and codes[-1] == code
        print(f"1,000 agents by pages of 100: {time.monotonic() - begin:.2f} s")
        room = Room(platform, code)
        speaking = threading.Event()

        def talk():
            while not speaking.is_set():
                platform.post(f"/v1/agent/{code}/speak", {"message": "Good morning. " * 20})
                speaking.wait(2)

        talker = threading.Thread(target=talk)
        talker.start()
        before = room.pictures
        took, failed = reads(platform, code, seconds)
        pictures = (room.pictures - before) / seconds
        speaking.set()
        talker.join()
        room.close()
        part = lambda share: took[min(len(took) - 1, int(len(took) * share))]
        print(f"{len(took)} reads at {RATE} a second: p50 {part(0.5):.1f} ms, p99 {part(0.99):.1f} ms, worst {took[-1]:.1f} ms, {len(failed)} failed; messages of media {pictures:.1f} a second")
        assert not failed and part(0.99) <= 50


if __name__ == "__main__":
    main(int(sys.argv[1]))
