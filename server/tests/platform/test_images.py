"""Faces of agents of words, by a service of pictures with OpenAI's interface."""

import base64
import http.server
import json
import threading

import pytest
import requests

from kit import Platform, face, wait


class Painter:
    """A service that gives `answer`, whatever it is asked for; what it was asked is in `asked`."""

    def __init__(self):
        self.asked, self.status, self.answer = [], 200, {}
        painter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                painter.asked.append((self.path, self.headers.get("authorization"), body))
                content = json.dumps(painter.answer).encode()
                self.send_response(painter.status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def paints(self, picture):
        self.status, self.answer = 200, {"data": [{"b64_json": base64.b64encode(picture).decode()}]}

    @property
    def environment(self):
        return {
            "BITHUMAN_IMAGES_URL": f"http://127.0.0.1:{self.server.server_port}/v1",
            "BITHUMAN_OPENAI_IMAGE_MODEL": "painter-1",
            "OPENAI_API_KEY": "secret-of-the-painter",
        }


@pytest.fixture(scope="module")
def painter():
    painter = Painter()
    yield painter
    painter.server.shutdown()


def test_a_prompt_becomes_a_face(painter):
    painter.paints(face())
    with Platform(environment=painter.environment) as platform:
        prompt = "You are Ada, a mathematician with a plan."
        code = platform.agent(prompt=prompt, model="expression-2", aspect_ratio="16:9")
        path, authorization, body = painter.asked.pop()
        assert (path, authorization) == ("/v1/images/generations", "Bearer secret-of-the-painter")
        assert body["model"] == "painter-1" and prompt in body["prompt"], body
        width, height = map(int, body["size"].split("x"))
        assert width > height
        agent = platform.get(f"/v1/agent/{code}")["data"]
        assert requests.get(agent["image_url"], timeout=30).content == face()
        assert platform.video(code)["duration_seconds"] > 0
        # A picture that is given is nothing to paint.
        given = base64.b64encode(face()).decode()
        platform.agent(prompt=prompt, image=given, model="expression-2")
        assert painter.asked == []


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (500, {"error": {"message": "out of paint"}}, "out of paint"),
        (200, {"data": [{"url": "http://127.0.0.1:1/a.png"}]}, "no picture in base64"),
        (200, {"data": [{"b64_json": base64.b64encode(b"no picture").decode()}]}, ""),
    ],
)
def test_a_painter_that_fails_is_told(painter, status, answer, says):
    painter.status, painter.answer = status, answer
    with Platform("--metered", "1000", environment=painter.environment) as platform:
        code = platform.post("/v1/agent/generate", {"prompt": "You are Ada.", "model": "expression-2"})["agent_id"]
        data = wait(lambda: next(iter([d for d in [platform.get(f"/v1/agent/{code}")["data"]] if d["status"] == "failed"]), None))
        assert data["error_message"] and says in data["error_message"], data
        assert platform.get("/v1/me")["data"]["credit_balance"] == 1000
