"""What must be refused, and that nothing is lost by it."""

import base64
import gzip
import io
import json
import pathlib
import socket
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from urllib.parse import quote

import jwt
import pytest

from kit import Platform, Site, face, wait

PROMPT = "You are Ada.'; DROP TABLE agents; --"

# Strings that end a quoted SQL string, a comment, a path, a template or a shell word.
STRINGS = [
    "'; DROP TABLE agents; --",
    '" OR 1=1 --',
    "' UNION SELECT secret FROM keys --",
    "%' OR '1'='1",
    "\\'; DELETE FROM jobs; /*",
    "$1; TRUNCATE agents",
    "${jndi:ldap://127.0.0.1/a}",
    "`touch /tmp/owned`; $(touch /tmp/owned)",
    "<script>alert(1)</script>",
    "a\u0000b",
    "\u202e\ufffe\U0001f9d1" * 50,
]


@pytest.fixture(scope="module")
def site():
    with Site({"face.jpg": face()}) as site:
        yield site


@pytest.fixture(scope="module")
def platform(site):
    with Platform() as platform:
        platform.code = platform.agent(image=f"{site.url}/face.jpg", prompt=PROMPT, model="expression-2")
        yield platform
        # Whatever was tried: the agent is whole, and the server took a bounded amount of memory.
        agent = platform.get(f"/v1/agent/{platform.code}")["data"]
        assert agent["system_prompt"] == PROMPT and agent["status"] in ("ready", "success")
        assert platform.ask("GET", f"/v1/agent/{platform.code}/model/download").content[:4] in (b"IMX\0", b"PK\x03\x04")
        assert platform.process.poll() is None
        peak = pathlib.Path(f"/proc/{platform.process.pid}/status").read_text()
        (line,) = [line for line in peak.splitlines() if line.startswith("VmHWM")]
        assert int(line.split()[1]) < 1_500_000, line


def error_of(answer):
    body = answer.json()
    assert body["error"]["httpStatus"] == body["status_code"] == answer.status_code, body
    return body["error"]["code"]


def raw(platform, data, seconds=20):
    """Sends bytes as they are; what comes back until the server closes or says nothing more."""
    host, port = platform.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as stream:
        try:
            stream.sendall(data)
        except OSError:
            pass
        answer = b""
        try:
            while piece := stream.recv(65536):
                answer += piece
        except OSError:
            pass
    return answer


def get_raw(platform, path):
    host = platform.url.removeprefix("http://")
    return raw(platform, f"GET {path} HTTP/1.1\r\nhost: {host}\r\napi-secret: {platform.key}\r\nconnection: close\r\n\r\n".encode())


@pytest.mark.parametrize("change", ["", "x", "{key}x", "{short}", "{upper}", "' OR 1=1 --", "y" * 4000])
def test_wrong_keys(platform, change):
    key = change.format(key=platform.key, short=platform.key[:-1], upper=platform.key.swapcase())
    answer = platform.ask("GET", "/v1/me", key=key)
    assert answer.status_code == 401 and error_of(answer) in ("UNAUTHORIZED", "MISSING_AUTH")
    assert platform.ask("POST", "/v1/validate", key=key).json() == {"valid": False}


def test_accounts(platform):
    """Another account's key is a key, and finds nothing of this one's."""
    other = platform.new_key("other", "--account", "other")
    assert platform.get("/v1/agents", key=other)["data"] == []
    hook = platform.post("/v1/webhooks", {"url": "http://127.0.0.1:9/hook"})["data"]["id"]
    paths = [f"/v1/agent/{platform.code}", f"/v1/agent/status/{platform.code}", f"/v1/agent/{platform.code}/model/download", f"/v1/dynamics/{platform.code}", f"/v1/webhooks/{hook}"]
    for path in paths:
        assert platform.ask("GET", path, key=other).status_code == 404, path
    for method, path in (("DELETE", paths[0]), ("POST", f"{paths[0]}/speak"), ("DELETE", paths[-1]), ("POST", f"{paths[-1]}/test")):
        assert platform.ask(method, path, key=other, json={"message": "Hello."}).status_code == 404, path
    token = platform.ask("POST", "/v1/embed-tokens/request", key=other, json={"agent_id": platform.code, "fingerprint": "ab"})
    assert token.status_code == 404
    platform.ask("DELETE", paths[-1])
    platform.administer("key", "revoke", "other")
    assert platform.ask("GET", "/v1/me", key=other).status_code == 401


def test_no_key(platform):
    answer = platform.ask("GET", "/v1/me", headers={"api-secret": None})
    assert answer.status_code == 401 and error_of(answer) == "MISSING_AUTH"
    assert platform.ask("POST", "/v1/validate", headers={"api-secret": None}).json() == {"valid": False}


def test_secrets_are_not_kept(platform):
    for path in platform.data.rglob("*"):
        if path.is_file():
            assert platform.key.encode() not in path.read_bytes(), path


def test_tokens(platform, site):
    ask = lambda code: platform.post("/v1/embed-tokens/request", {"agent_id": code, "fingerprint": "9f3c8b1a2d4e5f6789ab"})
    token = ask(platform.code)["data"]["token"]
    head, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    assert head["alg"] == "HS256" and 3500 <= claims["exp"] - time.time() <= 3700
    other = platform.agent(image=f"{site.url}/face.jpg", model="expression-2")
    page = lambda code, token: platform.ask("GET", f"/embed/{code}", params={"token": token}).status_code
    assert page(platform.code, token) == 200
    body, signature = token.rsplit(".", 1)
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    later = {**claims, "exp": claims["exp"] + 10**6}
    forged = [
        jwt.encode(claims, "0" * 32, "HS256"),
        jwt.encode(claims, platform.key.ljust(64, "."), "HS256"),
        jwt.encode(claims, "0" * 64, "HS512"),
        jwt.encode(later, "0" * 32, "HS256"),
        jwt.encode({**claims, "exp": int(time.time()) - 10}, "0" * 32, "HS256"),
        f"{none}.{body.split('.')[1]}.",
        f"{none}.{body.split('.')[1]}.{signature}",
        f"{jwt.encode(later, '0' * 32, 'HS256').rsplit('.', 1)[0]}.{signature}",
        f"{body}.",
        body,
        token[:-4],
        token + "A",
        "..",
        "a" * 3000,
    ]
    for bad in forged:
        assert page(platform.code, bad) in (401, 403), bad
    # One agent's token is none for another.
    assert page(other, token) in (401, 403)
    assert page(other, ask(other)["data"]["token"]) == 200


TRAVERSALS = [
    "/files/../../../../etc/passwd",
    "/files/..%2f..%2f..%2fetc%2fpasswd",
    "/files/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/files/..%5c..%5cetc%5cpasswd",
    "/files/....//....//etc/passwd",
    "/files//etc/passwd",
    "/files/%2fetc%2fpasswd",
    "/files/images/../../bithuman.db",
    "/files/%00",
    "/files/%ff%fe",
    "/console/../Cargo.toml",
    "/console/%2e%2e/Cargo.toml",
    "/assets/..%2findex.html",
    "/v1/agent/..%2f..%2fetc",
    "/" + "a/" * 3000,
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_paths(platform, path):
    answer = get_raw(platform, path)
    assert b"root:" not in answer and b"SQLite" not in answer and b"[package]" not in answer
    assert answer.split(b" ")[1] in (b"400", b"404", b"414", b"431"), answer[:200]


@pytest.mark.parametrize("name", ["../../../outside.jpg", "/tmp/outside.jpg", "..\\outside.jpg", "a\u0000.jpg", "." * 300 + ".jpg", "a/b.jpg", ".jpg", "CON.jpg"])
def test_names_of_uploads(platform, name):
    tree = lambda: {p for p in platform.data.parent.rglob("*") if not {"files", "work"} & set(p.parts) and "bithuman.db" not in p.name}
    before = tree()
    body = {"file_data": base64.b64encode(face()).decode(), "file_name": name}
    answer = platform.ask("POST", "/v1/files/upload", json=body)
    assert answer.status_code in (200, 400), answer.text
    assert tree() == before and not pathlib.Path("/tmp/outside.jpg").exists()
    if answer.status_code == 200:
        url = answer.json()["data"]["file_url"]
        assert ".." not in url
        assert platform.ask("GET", url.removeprefix(platform.url)).content == face()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side):
    """A picture of one colour: small as a file, `side`² pixels as a picture."""
    pressed, row = zlib.compressobj(9), bytes(side // 8 + 1)
    data = b"".join(pressed.compress(row) for _ in range(side)) + pressed.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg_claim():
    """A face that says of itself that it has 65500 × 65500 pixels."""
    picture = bytearray(face())
    at = picture.index(b"\xff\xc0")
    picture[at + 5 : at + 9] = struct.pack(">HH", 65500, 65500)
    return bytes(picture)


def zip_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", bytes(1 << 28))
    return out.getvalue()


@pytest.mark.parametrize("name", ["png", "jpeg", "zip", "empty", "cut", "html"])
def test_bombs(platform, site, name):
    bombs = {
        "png": lambda: png_bomb(40_000),
        "jpeg": jpeg_claim,
        "zip": zip_bomb,
        "empty": lambda: b"",
        "cut": lambda: face()[:2000],
        "html": lambda: b"<html>" * 1000,
    }
    site.files["bomb.jpg"] = bombs[name]()
    data = "data:image/png;base64," + base64.b64encode(site.files["bomb.jpg"]).decode()
    for image in [f"{site.url}/bomb.jpg", data]:
        answer = platform.ask("POST", "/v1/agent/generate", json={"image": image, "model": "expression-2"})
        if answer.status_code == 200:
            code = answer.json()["agent_id"]
            status = lambda: platform.get(f"/v1/agent/status/{code}")["data"]
            wait(lambda: status()["status"] == "failed", f"{name} fails")
            assert status()["error_message"]
        else:
            assert answer.status_code in (400, 413, 422), answer.text
            assert error_of(answer)


def test_gzipped_bodies_are_not_unpacked(platform):
    body = gzip.compress(b'{"prompt": "' + b"a" * (1 << 26) + b'"}')
    answer = platform.ask("POST", "/v1/agent/generate", data=body, headers={"content-type": "application/json", "content-encoding": "gzip"})
    assert answer.status_code in (400, 413, 415)


PRIVATE = [
    "http://127.0.0.1:{port}/face.jpg",
    "http://127.1:{port}/face.jpg",
    "http://2130706433:{port}/face.jpg",
    "http://0x7f000001:{port}/face.jpg",
    "http://0177.0.0.1:{port}/face.jpg",
    "http://0.0.0.0:{port}/face.jpg",
    "http://0:{port}/face.jpg",
    "http://[::1]:{port}/face.jpg",
    "http://[::]:{port}/face.jpg",
    "http://[::ffff:127.0.0.1]:{port}/face.jpg",
    "http://[::ffff:7f00:1]:{port}/face.jpg",
    "http://[::127.0.0.1]:{port}/face.jpg",
    "http://[64:ff9b::7f00:1]:{port}/face.jpg",
    "http://localhost:{port}/face.jpg",
    "http://localhost.:{port}/face.jpg",
    "http://LOCALHOST:{port}/face.jpg",
    "http://{host}:{port}/face.jpg",
    "http://example.com@127.0.0.1:{port}/face.jpg",
    "http://127.0.0.1:{port}#@example.com/face.jpg",
    "http://①②⑦.⓪.⓪.①:{port}/face.jpg",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/face.jpg",
    "http://[fd00::1]/face.jpg",
    "http://10.0.0.1/face.jpg",
    "http://172.16.0.1/face.jpg",
    "http://192.168.0.1/face.jpg",
    "http://100.64.0.1/face.jpg",
    "http://224.0.0.1/face.jpg",
    "http://255.255.255.255/face.jpg",
    "file:///etc/passwd",
    "ftp://127.0.0.1/face.jpg",
    "gopher://127.0.0.1:{port}/_GET",
    "//127.0.0.1:{port}/face.jpg",
    "http:///face.jpg",
    "http://",
    "",
]


@pytest.fixture(scope="module")
def strict():
    """A server that reaches public addresses only."""
    with Platform() as platform:
        platform.kill()
        platform.arguments.remove("--allow-private-urls")
        platform.start()
        yield platform


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses(strict, site, url):
    site.gets.clear()
    url = url.format(port=site.url.rsplit(":", 1)[1], host=socket.gethostname())
    answer = strict.ask("POST", "/v1/files/upload", json={"file_url": url}, timeout=15)
    assert answer.status_code == 400 and error_of(answer) in ("DOWNLOAD_FAILED", "VALIDATION_ERROR"), answer.text
    made = strict.ask("POST", "/v1/agent/generate", json={"image": url or "http://", "model": "expression-2"}, timeout=15)
    assert made.status_code in (200, 400)
    hook = strict.ask("POST", "/v1/webhooks", json={"url": url}, timeout=15)
    if hook.status_code == 200:
        # A name may be looked up when it is called.
        test = strict.ask("POST", f"/v1/webhooks/{hook.json()['data']['id']}/test", json={}, timeout=30)
        assert test.json()["data"]["delivered"] is False
    assert not site.gets and not site.posts


def test_redirects(platform, site):
    """A redirect is followed to where the address itself may lead, and not around in circles."""
    good = platform.post("/v1/files/upload", {"file_url": f"{site.url}/to?{site.url}/face.jpg"})
    assert good["data"]["file_type"] == "image"
    site.files.pop("round", None)
    for target in ("file:///etc/passwd", f"{site.url}/to?" * 30 + f"{site.url}/face.jpg", "gopher://127.0.0.1/"):
        answer = platform.ask("POST", "/v1/files/upload", json={"file_url": f"{site.url}/to?{target}"})
        assert answer.status_code == 400, target


def test_names_and_redirects_that_lead_inside():
    """In a network of its own, with a public address and a name server that lies."""
    apart = ["unshare", "--net", "--mount"]
    try:
        able = subprocess.run([*apart, "ip", "link"], capture_output=True).returncode == 0
    except FileNotFoundError:
        able = False
    if not able:
        pytest.skip("no network of our own can be had here")
    script = pathlib.Path(__file__).with_name("inside.py")
    done = subprocess.run([*apart, sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_giant_bodies(platform):
    host = platform.url.removeprefix("http://")
    head = f"POST /v1/agent/generate HTTP/1.1\r\nhost: {host}\r\napi-secret: {platform.key}\r\ncontent-type: application/json\r\n"
    for length in ("999999999999", "18446744073709551616", "-1"):
        answer = raw(platform, f"{head}content-length: {length}\r\n\r\n".encode() + b"[" * 100_000, seconds=5)
        assert answer.split(b" ")[1:2] in ([b"400"], [b"413"], []), answer[:200]
    # Endless, without a length.
    piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    answer = raw(platform, f"{head}transfer-encoding: chunked\r\n\r\n".encode() + piece * 220)
    assert answer.split(b" ")[1:2] in ([b"413"], [b"400"], []), answer[:200]
    answer = platform.ask("POST", "/v1/agent/generate", data="[" * 500_000, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    answer = raw(platform, f"GET /v1/me HTTP/1.1\r\nhost: {host}\r\nx: {'y' * 2_000_000}\r\n\r\n".encode())
    assert answer.split(b" ")[1:2] in ([b"431"], [b"400"], []), answer[:200]


def test_slow_bodies(platform):
    """Sixty connections that never end their requests keep nobody else waiting."""
    host, port = platform.url.removeprefix("http://").split(":")
    head = f"POST /v1/tts HTTP/1.1\r\nhost: {host}\r\napi-secret: {platform.key}\r\ncontent-length: 1000\r\n\r\n{{".encode()
    slow = []
    for _ in range(60):
        stream = socket.create_connection((host, int(port)), timeout=5)
        stream.sendall(head)
        slow.append(stream)
    begin = time.monotonic()
    for _ in range(5):
        platform.get("/v1/me")
    assert time.monotonic() - begin < 5
    for stream in slow:
        stream.close()


def test_strings(platform, site):
    """SQL and the like in every string of every operation."""
    code, before = platform.code, platform.get("/v1/agents?limit=100")["pagination"]["total"]
    made = 0
    for text in STRINGS:
        requests = [
            ("POST", "/v1/agent/generate", {"prompt": text, "image": f"{site.url}/face.jpg", "agent_id": text}),
            ("POST", "/v1/agent/generate", {"prompt": text, "image": text}),
            ("POST", f"/v1/agent/{code}/speak", {"message": text, "room_id": text}),
            ("POST", f"/v1/agent/{code}/add-context", {"context": text, "type": text, "room_id": text}),
            ("POST", f"/v1/agent/{code}/models", {"model": text}),
            ("POST", "/v1/files/upload", {"file_data": text, "file_name": text}),
            ("POST", "/v1/embed-tokens/request", {"agent_id": text, "fingerprint": text, "model": text}),
            ("POST", "/v1/dynamics/generate", {"agent_id": text, "model": text}),
            ("PUT", f"/v1/dynamics/{code}", {"dynamics": {"batch_results": {text: {"video_url": text}}}}),
            ("POST", "/v1/video/generate", {"model": text, "agent_code": text, "input": {"type": text, "text": text}}),
            ("POST", "/v1/tts", {"text": text[:50], "voice": text, "voice_code": text, "language": text}),
            ("POST", "/v1/audio/speech", {"input": text[:50], "voice": text}),
            ("POST", "/v1/studio/preview", {"text": text[:50], "base_voice": text, "axes": {text: 1}}),
            ("POST", "/v1/webhooks", {"url": text, "events": [text], "description": text}),
        ]
        for method, path, body in requests:
            answer = platform.ask(method, path, json=body)
            assert answer.status_code < 500, (path, body, answer.text)
            made += path.endswith("/agent/generate") and answer.status_code == 200
        for path in ("/v1/agents", "/v1/usage", "/v2/credit-summaries"):
            names = ("status", "agent_code", "start", "end", "limit", "offset", "app", "app_key")
            answer = platform.ask("GET", path, params=dict.fromkeys(names, text))
            assert answer.status_code in (200, 400), (path, answer.text)
            if path == "/v1/agents" and answer.status_code == 200:
                assert answer.json()["data"] == []
        for path in ("/v1/agent/{}", "/v1/agent/status/{}", "/v1/dynamics/{}", "/v1/video/{}", "/v1/webhooks/{}", "/v1/agent/{}/model/download"):
            answer = platform.ask("GET", path.format(quote(text, safe="")))
            assert answer.status_code in (400, 404), (path, answer.text)
        platform.post(f"/v1/agent/{code}", {"system_prompt": PROMPT})
    assert platform.get("/v1/agents?limit=100")["pagination"]["total"] == before + made
    assert not pathlib.Path("/tmp/owned").exists()


def test_json_that_is_none(platform):
    for body in (b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"prompt": "\\ud800"}', b'{"duration": 1e999}', b'{"duration": 99999999999999999999}'):
        answer = platform.ask("POST", "/v1/agent/generate", data=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400 and error_of(answer) == "VALIDATION_ERROR", (body, answer.text)
    assert json.loads(platform.ask("POST", "/v1/tts", json={}).text)["error"]["code"] in ("MISSING_PARAM", "VALIDATION_ERROR")
