"""`bithuman serve` as a process, the sites around it, and a voice that is quick."""

import contextlib
import http.server
import json
import os
import pathlib
import socket
import struct
import subprocess
import tempfile
import threading
import time
import wave

import requests

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("BITHUMAN", str(ROOT / "target/debug/bithuman"))
SPEECH = ROOT / "testdata/audio/speech_16000.wav"

# What a job may take on a machine that does other things.
DEADLINE_S = 120


def wait(condition, what="it", seconds=DEADLINE_S):
    """The first true value of `condition`, which is asked again and again."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def face():
    """A picture that becomes an avatar: the first frame of the test's own."""
    file = (ROOT / "testdata/avatars/mika.imx").read_bytes()
    count, at = struct.unpack_from("<H", file, 6)[0], 8
    for _ in range(count):
        (length,) = struct.unpack_from("<H", file, at)
        name = file[at + 2 : at + 2 + length].decode()
        begin, size = struct.unpack_from("<QQ", file, at + 2 + length)
        if name == "frames/00000.jpg":
            return file[begin : begin + size]
        at += 2 + length + 16
    raise AssertionError("no frame")


def voice(folder):
    """A folder for PATH with a program that speaks as flite does: 0.4 s of a file, whatever the text."""
    folder = pathlib.Path(folder)
    sound = folder / "sound.wav"
    with wave.open(str(SPEECH)) as source, wave.open(str(sound), "wb") as cut:
        cut.setparams(source.getparams())
        source.setpos(source.getframerate() // 2)
        cut.writeframes(source.readframes(source.getframerate() * 2 // 5))
    program = folder / "flite"
    program.write_text(f'#!/bin/sh\nfor last; do :; done\nexec cp "{sound}" "$last"\n')
    program.chmod(0o755)
    return folder


def free_port():
    """A port of this machine's that nobody listens at."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Platform:
    """A server. Without `data` its folder is its own, and goes with it."""

    def __init__(self, *arguments, data=None, environment=None, keyed=True):
        self._own = tempfile.TemporaryDirectory(prefix="platform-")
        own = pathlib.Path(self._own.name)
        self.data = pathlib.Path(data or own / "data")
        self.arguments = ["--brain", "script", "--allow-private-urls", "--max-sessions", "8", *arguments]
        self.environment = {**os.environ, **(environment or {})}
        self.environment.setdefault("ORT_DISABLE_TELEMETRY", "1")
        self.environment["PATH"] = f"{voice(own)}{os.pathsep}{os.environ['PATH']}"
        self.key = self.new_key() if keyed else "any"
        self.process = None
        self.start()

    def administer(self, *arguments):
        """What `bithuman server …` says."""
        command = [PROGRAM, "server", *arguments, "--data", str(self.data)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout

    def new_key(self, name="test", *arguments):
        """A secret."""
        return self.administer("key", "create", "--name", name, *arguments).split()[-1]

    def start(self):
        """Starts it, on the port of before if there was one."""
        port = self.url.rsplit(":", 1)[1] if self.process else "0"
        command = [PROGRAM, "--json", "serve", "--port", port, "--data", str(self.data), *self.arguments]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, f"{command} ended with {self.process.wait()}"
        event = json.loads(line)
        assert event["event"] == "server_started", event
        self.url = event["url"]

    def kill(self):
        """`kill -9`."""
        self.process.kill()
        self.process.wait()

    def close(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        self.kill()
        self._own.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, method, path, key=None, **rest):
        """The answer to a request with a key."""
        headers = {"api-secret": self.key if key is None else key, **rest.pop("headers", {})}
        rest.setdefault("timeout", DEADLINE_S)
        return requests.request(method, self.url + path, headers=headers, **rest)

    def get(self, path, **rest):
        answer = self.ask("GET", path, **rest)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def post(self, path, body, **rest):
        answer = self.ask("POST", path, json=body, **rest)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def agent(self, **fields):
        """The code of an agent that is ready."""
        code = self.post("/v1/agent/generate", fields)["agent_id"]
        return self.ready(code)

    def ready(self, code):
        def state():
            data = self.get(f"/v1/agent/status/{code}")["data"]
            assert data["status"] != "failed", data
            return data["status"] in ("ready", "success") and data["progress"] == 1.0

        wait(state, f"agent {code}")
        return code

    def video(self, code, **fields):
        """A finished talking video's answer."""
        given = {"model": "expression-2", "agent_code": code, "input": {"type": "text", "text": "Good morning."}}
        job = self.post("/v1/video/generate", {**given, **fields})["job_id"]

        def finished():
            answer = self.get(f"/v1/video/{job}")
            assert answer["status"] != "failed", answer
            return answer if answer["status"] == "completed" else None

        return wait(finished, f"video {job}")


class Site:
    """A site on loopback: files (bytes) under their names, redirects under /to?URL, and what was posted to it."""

    def __init__(self, files=None, place=("127.0.0.1", 0)):
        self.files = files or {}
        self.posts = []
        self.gets = []
        # The site's own addresses that connections came to.
        self.reached = set()
        self.status = 200
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body=b"", headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def setup(self):
                site.reached.add(self.request.getsockname()[0])
                super().setup()

            def do_GET(self):
                site.gets.append(self.path)
                if self.path.startswith("/to?"):
                    return self.answer(302, headers=[("location", self.path[4:])])
                body = site.files.get(self.path.lstrip("/").split("?")[0])
                return self.answer(404 if body is None else 200, body or b"")

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                site.posts.append((dict(self.headers), body))
                self.answer(site.status)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(place, Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
