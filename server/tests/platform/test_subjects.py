"""Pictures that a model isn't for are refused before anything is begun."""

import base64
import os
import struct
import zlib

import pytest

from kit import ROOT, Platform

PORTRAITS = ROOT.parent / "shared/data/portraits"


def noise(side):
    """A PNG with the grain of a photograph everywhere, and nobody in it."""
    rows = b"".join(b"\0" + os.urandom(3 * side) for _ in range(side))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def platform():
    with Platform("--metered", "5000") as platform:
        yield platform


def asked(platform, picture, model):
    body = {"image": base64.b64encode(picture).decode(), "model": model, "prompt": "You are Ada."}
    return platform.ask("POST", "/v1/agent/generate", json=body)


def test_pictures_of_nobody_and_drawings_are_refused(platform):
    drawing = (ROOT / "cli/data/juno.png").read_bytes()
    for picture, says in ((noise(512), "no face"), (drawing, "drawing")):
        for model in ("essence-2", "essence-2-light"):
            answer = asked(platform, picture, model)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (422, "MODEL_SUBJECT_MISMATCH"), answer.text
            assert says in error["message"], error
    assert platform.get("/v1/me")["data"]["credit_balance"] == 5000
    assert platform.get("/v1/agents")["data"] == []


def test_auto_takes_the_model_that_fits(platform):
    pictures = [((ROOT / "cli/data/juno.png").read_bytes(), "expression-2")]
    # Pictures like photographs, which stay out of the repository.
    pictures += [(path.read_bytes(), "essence-2") for path in sorted(PORTRAITS.glob("generated_*.png"))]
    for picture, model in pictures:
        code = asked(platform, picture, "auto").json()["agent_id"]
        platform.ready(code)
        assert platform.get(f"/v1/agent/{code}")["data"]["model"] == model
