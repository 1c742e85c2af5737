"""Headless Chromium, as far as these tests need it, by its DevTools protocol."""

import base64
import json
import pathlib
import shutil
import subprocess
import tempfile

import websocket

from kit import wait

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


class Browser:
    def __init__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        flags = [
            "--headless=new",
            # The sandbox does not work for root, as in containers; the pages are our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--autoplay-policy=no-user-gesture-required",
            "--deny-permission-prompts",
            "--remote-debugging-port=0",
            "--remote-allow-origins=*",
            f"--user-data-dir={self._profile.name}",
        ]
        self._process = subprocess.Popen([PROGRAM, *flags, "about:blank"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        place = pathlib.Path(self._profile.name) / "DevToolsActivePort"
        lines = wait(lambda: place.is_file() and len(text := place.read_text().splitlines()) == 2 and text, "Chromium")
        self._socket = websocket.create_connection(f"ws://127.0.0.1:{lines[0]}{lines[1]}", timeout=60)
        self._next = 0

    def call(self, method, session=None, **params):
        self._next += 1
        request = {"id": self._next, "method": method, "params": params, **({"sessionId": session} if session else {})}
        self._socket.send(json.dumps(request))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._next:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def open(self, url, size=(1280, 900), dark=False):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Page.enable", session)
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600}
        self.call("Emulation.setDeviceMetricsOverride", session, **metrics)
        self.call("Emulation.setEmulatedMedia", session, features=scheme)
        # Whatever a page's policy refuses is a fault of the page.
        seen = "window.refused = []; document.addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective + ' ' + e.blockedURI));"
        self.call("Page.addScriptToEvaluateOnNewDocument", session, source=seen)
        self.call("Page.navigate", session, url=url)
        tab = Tab(self, session)
        tab.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        return tab

    def close(self):
        self._process.kill()
        self._process.wait()
        self._profile.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Tab:
    def __init__(self, browser, session):
        self._browser, self._session = browser, session

    def run(self, script):
        """The value of a script that runs as if the user had clicked."""
        given = {"expression": script, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self._browser.call("Runtime.evaluate", self._session, **given)
        assert "exceptionDetails" not in answer, (script, answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, condition, seconds=60):
        try:
            wait(lambda: self.run(f"Boolean({condition})"), condition, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\nthe page says: {self.run('document.body.innerText')}") from error

    def picture(self, path):
        taken = self._browser.call("Page.captureScreenshot", self._session, format="png")
        pathlib.Path(path).write_bytes(base64.b64decode(taken["data"]))

    def close(self):
        self._browser.call("Page.close", self._session)
