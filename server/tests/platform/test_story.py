"""From a picture to a face that speaks on another page, and the same in the console."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import time

import pytest

import browser
from kit import Platform, Site, face, wait
from test_jobs import boxes

PICTURES = os.environ.get("SERVE_TEST_PICTURES")

LINE = "We have a 20% discount available today."


@pytest.fixture(scope="module")
def site():
    with Site({"face.jpg": face()}) as site:
        yield site


@pytest.fixture(scope="module")
def platform():
    with Platform("--metered", "100000") as platform:
        yield platform


@pytest.fixture(scope="module")
def chromium():
    if not browser.PROGRAM:
        pytest.skip("no Chromium on PATH")
    with browser.Browser() as chromium:
        yield chromium


def keep(tab, name):
    if PICTURES:
        pathlib.Path(PICTURES).mkdir(parents=True, exist_ok=True)
        tab.picture(pathlib.Path(PICTURES) / f"{name}.png")


def signed(secret, headers, body):
    return hmac.compare_digest(headers["X-BitHuman-Signature"], "sha256=" + hmac.new(secret.encode(), headers["X-BitHuman-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest())


def delivered(site, event):
    """The delivery of an event, if it came."""
    return next(((dict((k.title(), v) for k, v in h.items()), body) for h, body in site.posts if json.loads(body)["event"] == event), None)


def test_from_a_picture_to_a_page_that_speaks(platform, site, chromium):
    hook = platform.post("/v1/webhooks", {"url": f"{site.url}/hook", "events": []})["data"]
    begin = time.monotonic()
    file = {"file_data": base64.b64encode(face()).decode(), "file_name": "face.jpg"}
    image = platform.post("/v1/files/upload", file)["data"]["file_url"]
    code = platform.agent(image=image, prompt="You are Ada.", model="expression-2")
    print(f"picture → ready agent: {time.monotonic() - begin:.2f} s")

    begin = time.monotonic()
    video = platform.video(code, input={"type": "text", "text": LINE})
    print(f"→ talking video of {video['duration_seconds']:.1f} s: {time.monotonic() - begin:.2f} s")
    bytes_ = platform.ask("GET", video["video_url"].removeprefix(platform.url)).content
    assert {"ftyp", "moov", "mdat"} <= set(boxes(bytes_)) and video["duration_seconds"] > 0.3

    given = {"agent_id": code, "fingerprint": "9f3c8b1a2d4e5f6789ab"}
    token = platform.post("/v1/embed-tokens/request", given)["data"]["token"]
    silent = platform.ask("POST", f"/v1/agent/{code}/speak", json={"message": LINE})
    assert silent.status_code == 404 and silent.json()["error"]["code"] == "NO_ACTIVE_ROOMS"
    tab = chromium.open(f"{platform.url}/embed/{code}?token={token}")
    tab.run("document.getElementById('start-quiet').click()")
    tab.wait("bithuman.phase === 'live' && bithuman.figures.shown > 3", 120)
    tab.wait("bithuman.state === 'listening'")
    begin = time.monotonic()
    assert platform.post(f"/v1/agent/{code}/speak", {"message": LINE})["delivered_to_rooms"] == 1
    tab.wait("bithuman.state === 'speaking'")
    print(f"POST …/speak → speaking: {time.monotonic() - begin:.2f} s")
    tab.wait(f"document.getElementById('log').innerText.includes({json.dumps(LINE)})")
    keep(tab, "embed")
    known = platform.post(f"/v1/agent/{code}/add-context", {"context": "The customer is on the Pro plan."})
    assert known["delivered_to_rooms"] == 1
    assert tab.run("refused") == []
    tab.close()

    for event in ("agent.ready", "video.completed"):
        headers, body = wait(lambda event=event: delivered(site, event), event)
        assert headers["X-Bithuman-Event"] == event and headers["X-Bithuman-Delivery"]
        headers = {k.replace("Bithuman", "BitHuman"): v for k, v in headers.items()}
        assert signed(hook["secret"], headers, body)
        assert not signed(hook["secret"] + "x", headers, body) and not signed(hook["secret"], headers, body + b" ")
    log = platform.get(f"/v1/webhooks/{hook['id']}/deliveries")["data"]
    assert {entry["event_type"] for entry in log if entry["delivered"]} >= {"agent.ready", "video.completed"}


def test_webhooks_are_tried_three_times(platform, site):
    site.status = 500
    hook = platform.post("/v1/webhooks", {"url": f"{site.url}/broken"})["data"]
    answer = platform.post(f"/v1/webhooks/{hook['id']}/test", {})["data"]
    site.status = 200
    assert answer["delivered"] is False and answer["status_code"] == 500
    platform.ask("DELETE", f"/v1/webhooks/{hook['id']}")


def test_console(platform, site, chromium):
    code = platform.agent(image=f"{site.url}/face.jpg", prompt="You are <b>Bo</b>.", model="expression-2")
    tab = chromium.open(f"{platform.url}/console")
    # A wrong key asks for the right one.
    tab.wait("document.getElementById('key-dialog').open")
    tab.run(f"document.getElementById('key').value = {json.dumps(platform.key)}; document.querySelector('#key-form .primary').click()")
    card = f"document.querySelector('a.agent[href=\"#agent/{code}\"]')"
    tab.wait(f"{card} && {card}.querySelector('img').naturalWidth > 0")
    keep(tab, "console")
    # An agent out of a picture that is dropped.
    drop = (
        "(async () => { const blob = await (await fetch(document.querySelector('a.agent img').src)).blob(); const data = new DataTransfer(); "
        "data.items.add(new File([blob], 'face.jpg', { type: 'image/jpeg' })); "
        "document.getElementById('drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); })()"
    )
    count = "document.querySelectorAll('a.agent').length"
    before = tab.run(count)
    tab.run(drop)
    tab.wait("!document.getElementById('preview').hidden")
    tab.run("document.getElementById('prompt').value = 'You are Cleo.'; document.querySelector('#make .primary').click()")
    tab.wait(f"{count} === {before} + 1 && [...document.querySelectorAll('a.agent .chip')].every(chip => chip.dataset.status === 'ready')", 120)
    tab.run(f"location.hash = 'agent/{code}'")
    tab.wait("document.querySelectorAll('#page-agent .primary').length === 4 && document.querySelector('#page-agent textarea[rows=\"4\"]').value === 'You are <b>Bo</b>.'")
    press = "[...document.querySelectorAll('#page-agent button')].find(button => button.textContent === {}).click()"
    tab.run(press.format("'Render'"))
    tab.wait("document.querySelector('#page-agent video')?.readyState >= 2", 120)
    keep(tab, "console-agent")
    tab.run(press.format("'Talk'"))
    tab.wait("document.querySelector('#talk iframe')?.contentWindow.bithuman")
    tab.run("document.querySelector('#talk iframe').contentDocument.getElementById('start-quiet').click()")
    tab.wait("document.querySelector('#talk iframe').contentWindow.bithuman?.figures.shown > 3", 120)
    keep(tab, "console-talk")
    tab.run("document.getElementById('talk').close()")
    tab.run("location.hash = 'work'")
    row = "[...document.querySelectorAll('#{} tr')].find(row => row.textContent.includes('{}'))"
    tab.wait(f"{row.format('sessions', code)} && {row.format('jobs', 'video')}?.querySelector('[data-status=completed]')")
    tab.run(f"[...{row.format('sessions', code)}.querySelectorAll('button')].find(button => button.textContent === 'Read').click()")
    tab.wait("!document.getElementById('transcript').hidden")
    keep(tab, "console-work")
    tab.run("location.hash = 'usage'")
    tab.wait("document.querySelectorAll('#events tr').length >= 2")
    keep(tab, "console-usage")
    tab.run("location.hash = 'webhooks'")
    tab.run(f"document.getElementById('hook-url').value = '{site.url}/console'; document.querySelector('#hook .primary').click()")
    tab.wait("document.querySelector('#hooks .card') && document.querySelector('#hook-secret code')?.textContent.startsWith('whsec_')")
    tab.run("[...document.querySelectorAll('#hooks button')].find(button => button.textContent === 'Test').click()")
    wait(lambda: delivered(site, "ping"), "ping")
    keep(tab, "console-webhooks")
    assert tab.run("refused") == []
    if PICTURES:
        phone = chromium.open(f"{platform.url}/console", (390, 844), dark=True)
        phone.run(f"sessionStorage.setItem('api-secret', {json.dumps(platform.key)}); location.reload()")
        phone.wait("document.querySelector('a.agent img')?.naturalWidth > 0")
        keep(phone, "console-phone")
    tab.close()
