"""What an avatar is worth: the bars, and the measures on made-up pictures."""

import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
cv2 = pytest.importorskip("cv2")
pytest.importorskip("av")
pytest.importorskip("scipy")
pytest.importorskip("onnxruntime")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio import pack  # noqa: E402
from essence_studio.create import checks, footage, landmarks, verdict  # noqa: E402
from essence_studio.face import finder  # noqa: E402

GOOD = {
    "faces_lost": 0.0, "lips_sharpness": 0.95, "chin_sharpness": 0.98, "stains": 1.0, "closures": 1.0, "opening_r": 0.93, "widest": 0.12, "rest": 0.004,
    "flicker": 0.9, "colour_step": 1.0, "loop_seam": 1.1, "sound": 0.8,
}  # fmt: skip


def test_good_is_good():
    found = verdict.judged(GOOD)
    assert found.grade == "good" and not found.reasons and found.figures["closures"] == 1.0


@pytest.mark.parametrize("name,usable,refused", [
    ("lips_sharpness", 0.5, 0.3), ("chin_sharpness", 0.6, 0.4), ("stains", 2.0, 4.0), ("closures", 0.7, 0.3), ("opening_r", 0.6, -0.39), ("widest", 0.03, 0.0),
    ("rest", 0.03, 0.08), ("flicker", 2.0, 3.0), ("colour_step", 2.0, 5.0), ("loop_seam", 3.0, 9.0), ("faces_lost", 0.03, 0.2), ("sound", 0.3, 0.02),
])  # fmt: skip
def test_each_measure_can_spoil_it_and_says_what_to_film(name, usable, refused):
    for value, grade in ((usable, "usable"), (refused, "refused")):
        found = verdict.judged(GOOD | {name: value})
        assert found.grade == grade
        assert len(found.reasons) == 1 and ": film" in found.reasons[0]


def test_what_can_t_be_measured_is_refused():
    assert verdict.judged(GOOD | {"opening_r": float("nan")}).grade == "refused"


def portrait(blur: float, jitter: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Pictures of a canonical face over noise, one for each row of `jitter` `[n, 2]`."""
    points = np.zeros((478, 3))
    points[:468] = 100 * finder.canonical() + [128, 110, 0]
    noise = np.random.default_rng(1).integers(0, 255, (256, 256, 3)).astype(np.float32)
    picture = cv2.GaussianBlur(noise, (0, 0), blur).clip(0, 255).astype(np.uint8)
    moved = [cv2.warpAffine(picture, np.array([[1, 0, x], [0, 1, y]], np.float64), (256, 256)) for x, y in jitter]
    return moved, np.stack([points + [x, y, 0] for x, y in jitter])


def test_blur_and_flicker_are_seen():
    still = np.zeros((6, 2))
    sharp, soft = (verdict.look(*portrait(blur, still)) for blur in (0.8, 2.0))
    for part in ("lips", "chin", "cheeks"):
        assert soft.detail[part].mean() < 0.6 * sharp.detail[part].mean()
    assert verdict.flicker(sharp.texture) < 0.5
    pictures, points = portrait(1.5, still)
    flashing = [np.clip(picture.astype(int) + 25 * (number % 2), 0, 255).astype(np.uint8) for number, picture in enumerate(pictures)]
    assert verdict.flicker(verdict.look(flashing, points).texture) > 10


def test_the_gap_is_measured_across_the_mouth():
    points = np.zeros((1, 478, 3))
    points[0, 33], points[0, 263] = [0, 0, 0], [100, 0, 0]
    points[0, 78], points[0, 308] = [20, 80, 0], [80, 80, 0]
    points[0, 13], points[0, 14] = [50, 78, 0], [54, 84, 0]
    assert verdict.Look(points, {}, np.zeros((1, 3)), np.zeros((1, 2, 2))).gap()[0] == pytest.approx(0.06)


def test_outputs_that_can_t_be_written_are_refused_first(tmp_path):
    checks.writable(tmp_path / "new.imx")
    with pytest.raises(footage.Refused, match="no such folder"):
        checks.writable(tmp_path / "none" / "new.imx")
    with pytest.raises(footage.Refused, match="is a folder"):
        checks.writable(tmp_path)
    with pytest.raises(footage.Refused, match="nothing can be written"):
        checks.writable(Path("/proc/new.imx"))


def test_small_disks_and_memories_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "available_memory", lambda: 10**8)
    with pytest.raises(footage.Refused, match="0.1 GB of memory"):
        checks.room(tmp_path, [])
    monkeypatch.setattr(checks, "available_memory", lambda: 10**12)
    checks.room(tmp_path, [])
    monkeypatch.setattr(checks, "DISK_BYTES", 10**18)
    with pytest.raises(footage.Refused, match="are free on the disk"):
        checks.room(tmp_path, [])


def test_lids_and_lips_of_a_track():
    points = np.zeros((2, 478, 3), np.float32)
    points[:, :468] = finder.canonical() * 100
    faces = landmarks.Faces(points, np.ones(2, bool))
    assert (faces.lids() > 0.1).all() and (faces.opening() < 0.08).all()


@pytest.mark.parametrize("figures, talks", [({"flicker": 0.9, "rest": 0.0}, True), ({"rest": 0.0}, False), (None, True)])
def test_a_finished_avatar_says_whether_its_film_speaks(tmp_path, figures, talks):
    said = {} if figures is None else {"verdict": verdict.judged(figures).written()}
    pack.write_imx(tmp_path / "me.imx", {}, said)
    assert verdict.of_a_speaker(tmp_path / "me.imx") is talks
