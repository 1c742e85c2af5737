"""The same input gives the same file, from a portrait and from film. Needs PyTorch, the program `bithuman` and films; skipped without them."""

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")
pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio.create import command  # noqa: E402

GRID = Path(os.environ.get("ESSENCE_DATA", "")) / "talking_video" / "grid_s1"


def made_twice(folder: Path, arguments: list[str]) -> tuple[bytes, bytes]:
    files = []
    for name in ("first", "second"):
        output = folder / name / "avatar.imx"
        output.parent.mkdir()
        command.main([*arguments, "--output", str(output), "--steps", "12", "--threads", "1", "--quiet", "--force"])
        files.append(output.read_bytes())
    return files[0], files[1]


def test_a_portrait_gives_the_same_bytes(tmp_path):
    from essence_studio.character import drawn

    drawn.drawn().save(tmp_path / "face.png")
    first, second = made_twice(tmp_path, ["--portrait", str(tmp_path / "face.png"), "--distill"])
    assert first == second


@pytest.mark.skipif(not GRID.is_dir(), reason="no film")
def test_film_gives_the_same_bytes(tmp_path):
    clips = sorted(GRID.glob("*.mpg"))[:3]
    first, second = made_twice(tmp_path, [word for clip in clips for word in ("--video", str(clip))])
    assert first == second
    other = tmp_path / "other.imx"
    command.main(["--video", str(clips[0]), "--video", str(clips[1]), "--video", str(clips[2]), "--output", str(other), "--steps", "12", "--threads", "1", "--seed", "2", "--quiet", "--force"])
    assert other.read_bytes() != first, "the seed counts"
