"""The Python snippets of the reference documents run as they stand: only the files that they name are given.

The documents are not part of this repository: ``ESSENCE_REFERENCE`` names their folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Dict, List

import pytest
from conftest import MIKA, ROOT, SPEECH, read_wav, write_wav

TAGS = ("quickstart", "audio-streaming", "sdk-python")
FOLDER = Path(os.environ.get("ESSENCE_REFERENCE", ROOT.parent / "shared/reference"))

#: Runs a snippet as if it were the program, and says what it drew.
DRIVER = """
import runpy, sys
import bithuman
account, drawn = bithuman.AsyncBithuman._account, []
def counted(runtime, frame, interrupted):
    drawn.append(frame)
    return account(runtime, frame, interrupted)
bithuman.AsyncBithuman._account = counted
runpy.run_path(sys.argv[1], run_name="__main__")
spoken = [frame for frame in drawn if frame.is_speech]
samples = sum(len(frame.audio_chunk) for frame in spoken)
print("DRAWN", len(spoken), samples, all(frame.has_image for frame in drawn), bool(drawn and drawn[-1].end_of_speech), file=sys.stderr)
"""


def snippets() -> Dict[str, List[str]]:
    """The Python snippets of each tag."""
    found: Dict[str, List[str]] = {}
    for path in sorted(FOLDER.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        for tag in TAGS:
            page = re.search(rf"^  - name: {tag}\n(.*?)(?=^  - name: |\Z)", text, re.M | re.S)
            if page:
                found[tag] = [textwrap.dedent(code) for code in re.findall(r"^ *```python\n(.*?)^ *```", page[1], re.M | re.S)]
    return found


SNIPPETS = snippets()
NAMED = [(tag, code) for tag, codes in SNIPPETS.items() for code in codes]

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the reference documents are not here (ESSENCE_REFERENCE)")


def test_every_tag_has_a_snippet() -> None:
    assert {tag: len(codes) for tag, codes in SNIPPETS.items()} == dict.fromkeys(TAGS, 1)


@pytest.mark.parametrize(("tag", "code"), NAMED, ids=[tag for tag, _ in NAMED])
def test_a_snippet_runs(tag: str, code: str, tmp_path: Path) -> None:
    seconds = 2
    (tmp_path / "avatar.imx").symlink_to(MIKA)
    speech = read_wav(SPEECH[48_000])
    rate = speech[1]
    write_wav(tmp_path / "speech.wav", speech, seconds)
    snippet = tmp_path / "snippet.py"
    snippet.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(snippet)],
        cwd=tmp_path,
        env={**os.environ, "BITHUMAN_API_SECRET": "unused"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, drawn = done.stdout.strip(), done.stderr.strip().splitlines()[-1].split()
    if "run()" in code:
        assert "soundfile" in code
        _, frames, samples, *sure = drawn
        # Late pictures are left out, and a busy machine is late; sound never is.
        assert 10 < int(frames) <= 25 * seconds and int(samples) == rate * seconds and sure == ["True", "True"]
    else:
        assert said == "512 x 512"
