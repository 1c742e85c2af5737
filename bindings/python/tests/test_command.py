"""``python -m bithuman``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bithuman.__main__ import main
from conftest import MIKA, ROOT, SPEECH, TOY, read_wav, write_wav


def test_render_writes_a_file(tmp_path: Path) -> None:
    out = tmp_path / "speech.mp4"
    command = [sys.executable, "-m", "bithuman", "render", str(TOY), "--audio", str(SPEECH[16_000]), "--output", str(out)]
    done = subprocess.run([*command, "--target-size", "128x96"], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{out}: 276 frames, 11.04 s, 128x96, rendered in ")
    if shutil.which("ffprobe"):
        probe = subprocess.run(
            ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(out)], capture_output=True, check=True
        )
        streams = json.loads(probe.stdout)["streams"]
        assert {(stream["codec_name"], stream.get("nb_frames")) for stream in streams} >= {("h264", "276")}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["render", "no-such.imx", "-a", str(SPEECH[16_000]), "-o", "x.mp4"], 66, "no-such.imx"),
        (["render", str(TOY), "-a", "no-such.wav", "-o", "x.mp4"], 66, "no-such.wav"),
        (["render", str(ROOT / "testdata/bad/tar.imx"), "-a", str(SPEECH[16_000]), "-o", "x.mp4"], 66, "tar.imx"),
        (["render", str(TOY), "-a", str(SPEECH[16_000]), "-o", "x.mp4", "--provider", "cuda"], 69, "cuda"),
        (["render", str(TOY), "-a", str(SPEECH[16_000]), "-o", "x.mp4", "--target-size", "9"], 2, "16 to 8192"),
    ],
)
def test_what_fails_has_the_exit_code_of_the_command_line(
    arguments: "list[str]", code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ") and words in error


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
def test_a_program_that_is_told_to_end_leaves_no_file(tmp_path: Path) -> None:
    minute = tmp_path / "long.wav"
    pcm, rate = read_wav(SPEECH[48_000])
    write_wav(minute, (pcm * 20, rate), 200)
    out = tmp_path / "speech.mp4"
    command = [sys.executable, "-m", "bithuman", "render", str(MIKA), "--audio", str(minute), "--output", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        # It has begun to write once there is a file besides the audio.
        while len(list(tmp_path.iterdir())) == 1 and program.poll() is None:
            pass
        assert program.poll() is None, "a video of minutes isn't done yet"
        program.terminate()
        _, said = program.communicate(timeout=100)
    assert (program.returncode, said) == (130, "interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["long.wav"]


def test_usage_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["render"])
    assert ended.value.code == 2 and "--audio" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("bithuman 0.")
