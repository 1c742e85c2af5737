"""A conversation in a browser's place: over the page's WebSocket, with its pictures and sound thrown away."""

import json
import threading

import websocket

from kit import wait


class Room:
    def __init__(self, platform, code, name=None):
        given = {"agent_id": code, "fingerprint": "9f3c8b1a2d4e5f6789ab"}
        token = platform.post("/v1/embed-tokens/request", given)["data"]["token"]
        host = platform.url.removeprefix("http://")
        query = f"?token={token}" + (f"&room={name}" if name else "")
        # The page, which begins nothing, as a browser would.
        ask = lambda: platform.ask("GET", f"/embed/{code}{query}")
        # A busy machine may need longer for an avatar than a page may take.
        page = wait(lambda: (answer := ask()).status_code != 408 and answer, "the page")
        assert page.status_code == 200, (page.status_code, page.text)
        self.pictures, self.messages, self._over = 0, [], False
        self._socket = websocket.create_connection(f"ws://{host}/{code}/ws{query}", origin=platform.url, timeout=60)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        first = wait(lambda: self.messages, "a session")[0]
        assert first["type"] == "session", first
        self.send(type="media", sound="pcm")
        wait(lambda: self.pictures > 0, "pictures")

    def send(self, **message):
        self._socket.send(json.dumps(message))

    def _read(self):
        try:
            while True:
                data = self._socket.recv()
                if isinstance(data, bytes):
                    self.pictures += 1
                elif data:
                    self.messages.append(json.loads(data))
                else:
                    return
        except (OSError, websocket.WebSocketException):
            if not self._over:
                self.messages.append({"type": "broken"})

    def close(self):
        self._over = True
        self._socket.close()
