"""A portrait as footage, drawn by a stand-in for the engine: a plain face whose mouth is a dark bar."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("cv2")

from essence_studio.create import command, landmarks, mask, portrait
from essence_studio.portrait.rig import State

SIDE, MIDDLE, EYES = 160, np.array([80.0, 64.0]), 50.0


class Drawer:
    """Draws a face of which a state turns, shifts and opens only what lies on the skull."""

    def __init__(self, alpha: int = 255):
        places = np.random.default_rng(1).uniform(-0.5, 0.5, (468, 2))
        places[list(landmarks.EYES)] = [[-0.5, 0.0], [0.5, 0.0]]
        lips = np.linspace(-0.25, 0.25, 11)
        for line, y in ((landmarks.LIPS_INNER, 0.75), (landmarks.LIPS_OUTER, 0.75)):
            places[list(line[:11])] = np.stack([lips, np.full(11, y)], 1)
            places[list(line[11:])] = np.stack([lips[9:0:-1], np.full(9, y + 0.02)], 1)
        self._places = places
        self._alpha = alpha

    def draw(self, state: State) -> dict[str, np.ndarray]:
        roll = np.radians(state.turn[2])
        turn = EYES * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        shift = MIDDLE + EYES * np.array(state.shift)
        x, y = np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5)
        own = (np.stack([x, y], 2) - shift) @ np.linalg.inv(turn).T
        opening = 0.4 * state.mouth.get("jawOpen", 0.0)
        dark = 1 / (1 + np.exp(-90 * np.minimum(0.2 - np.abs(own[..., 0]), opening / 2 - np.abs(own[..., 1] - 0.75 - opening / 2))))
        picture = np.full((SIDE, SIDE, 4), self._alpha, np.uint8)
        picture[..., :3] = (200 - 160 * dark * (opening > 0))[..., None]
        return {"picture": picture, "landmarks": (self._places @ turn.T + shift).astype(np.float32)}


@pytest.fixture(scope="module")
def prepared():
    return portrait.prepared(Drawer(), Path("face.png"))


def test_patches_show_mouths_without_the_head_s_motion(prepared):
    samples = prepared.samples
    jaw = samples.coefficients[:, 0]
    shut = samples.patches[jaw == 0].astype(float)
    assert len(shut) > 30 and np.abs(shut - 200).max() <= 1, "nothing but skin"
    wide = np.argsort(jaw)[-20:]
    rows = (samples.patches[wide, 0] < 120).any(2)
    top = rows.argmax(1)
    assert np.ptp(top) <= 1, "the upper edge keeps its place in the patch, wherever the head is"
    heights = rows.sum(1) / samples.patches.shape[-1] * prepared.patch.width
    assert np.abs(heights - 0.4 * jaw[wide]).max() < 0.04


def test_alpha_covers_what_mouths_change_and_nothing_else(prepared):
    alpha = prepared.samples.alpha
    often = np.quantile(prepared.samples.patches[:, 0], 0.1, axis=0) < 120
    assert often.sum() > 50 and alpha[often].min() > 0.9
    assert alpha[:8].max() == 0, "nothing moves above the nose"


def test_pose_is_told_with_each_mouth(prepared):
    pose = prepared.samples.pose
    assert pose[:, :3].std(0).min() > 0.3 and np.abs(pose[:, :3]).max() < 3 and not pose[:, 3:].any()


def test_the_loop_begins_again_without_a_jump():
    turns = np.array([portrait.life(number).turn for number in range(portrait.FRAMES)])
    steps = np.abs(np.diff(np.concatenate([turns, turns[:1]]), axis=0))
    assert steps[-1].max() <= steps[:-1].max()
    first, last = portrait.life(0), portrait.life(portrait.FRAMES - 1)
    assert first.blink == last.blink == (0.0, 0.0) and first.gaze == last.gaze
    assert max(portrait.life(number).blink[0] for number in range(portrait.FRAMES)) == 1.0


def test_a_picture_with_alpha_keeps_it_as_a_matte():
    through = portrait.prepared(Drawer(alpha=0), Path("face.png")).clips[0]
    assert through.matte
    shown = next(through.pictures(with_matte=True))
    assert shown.shape[2] == 4 and (shown[..., 3] == 0).all() and (shown[..., :3] == portrait.BACKDROP).all()
    assert next(through.pictures()).shape[2] == 3


def test_a_large_picture_is_made_upright_and_smaller(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (1501, 1001), (9, 9, 9)).save(tmp_path / "face.jpg", exif=exif)
    with Image.open(portrait.shrunk(tmp_path / "face.jpg", tmp_path)) as small:
        assert small.size == (480, 720) and small.mode == "RGB"


def test_a_soft_mask_ends_before_the_border():
    moved = np.zeros((96, 96), bool)
    moved[20:95, 30:70] = True
    alpha = mask.soft(moved)
    assert alpha[50, 50] == 1 and alpha.max() <= 1
    assert alpha[:2].max() == alpha[-2:].max() == alpha[:, :2].max() == alpha[:, -2:].max() == 0
    assert np.abs(np.diff(alpha, axis=0)).max() < 0.35 and np.abs(np.diff(alpha, axis=1)).max() < 0.35


def bithuman(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a program of this name first on the path."""
    program = folder / "bithuman"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_without_distilling_the_engine_makes_the_avatar(tmp_path, monkeypatch, capsys):
    bithuman(tmp_path, f"echo \"$@\" > '{tmp_path}/asked'; echo '{{\"width\": 512, \"height\": 640, \"bytes\": 2500000, \"wall_seconds\": 0.8}}'\n", monkeypatch)
    assert command.main(["--portrait", "face.png", "--output", "face.imx", "--license", "CC0-1.0", "--force"]) == 0
    assert (tmp_path / "asked").read_text() == "create face.png --output face.imx --license CC0-1.0 --json --force\n"
    assert "face.imx: 512x640, 2.5 MB in 0.8 s" in capsys.readouterr().out


def test_a_refusal_has_the_engine_s_words(tmp_path, monkeypatch, capsys):
    bithuman(tmp_path, "echo 'error: face.png: no face was found' >&2; exit 65\n", monkeypatch)
    assert command.main(["--portrait", "face.png", "--output", "face.imx"]) == 66
    assert capsys.readouterr().err == "error: face.png: no face was found\n"


@pytest.mark.parametrize("more", [["--motion", "nod=nod.mp4"], ["--background", "#ffffff"], ["--source", "my own"], ["--video", "film.mp4"]])
def test_options_that_a_portrait_has_no_use_for_are_named(more):
    with pytest.raises(SystemExit) as ended:
        command.main(["--portrait", "face.png", "--output", "face.imx", *more])
    assert ended.value.code == 2
