"""The film's own open mouths: what lies between the lips, and which are chosen."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

np = pytest.importorskip("numpy")
cv2 = pytest.importorskip("cv2")
pytest.importorskip("av")
pytest.importorskip("scipy")
pytest.importorskip("onnxruntime")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio.create import base, landmarks, mouths  # noqa: E402
from essence_studio.face import finder  # noqa: E402

UPPER, LOWER = mouths._UPPER, mouths._LOWER


def face(gap: float) -> np.ndarray:
    """Landmarks of a mouth 60 pixels wide that is open by `gap` pixels in its middle; 100 pixels are an eye."""
    points = np.zeros((478, 3), np.float32)
    points[:468] = 100 * finder.canonical() + [130, 80, 0]
    points[landmarks.EYES[0], :2], points[landmarks.EYES[1], :2] = [80, 80], [180, 80]
    across = np.linspace(-1, 1, 11)
    for lip, sign in ((UPPER, -0.5), (LOWER, 0.5)):
        points[list(lip), :2] = np.stack([130 + 30 * across, 150 + sign * gap * (1 - across**2)], 1)
    return points


def picture(gap: float, teeth: int, blur: float = 0.0) -> np.ndarray:
    """Red skin; between the lips `teeth` stripes."""
    out = np.full((240, 260, 3), (200, 90, 90), np.uint8)
    y, x = np.mgrid[0:240, 0:260] + 0.5
    across = np.clip((x - 130) / 30, -1, 1)
    inside = np.abs(y - 150) < 0.5 * gap * (1 - across**2)
    out[inside] = np.where(np.sin(teeth * x / 8) > 0, 240, 60)[inside][:, None]
    return cv2.GaussianBlur(out, (0, 0), blur) if blur else out


def test_the_inside_is_taken_without_the_lips():
    shown = mouths.inside(picture(24, 2), face(24), (60, 24))
    assert shown.shape == (24, 60, 3)
    middle = shown[2:-2, 8:-8].astype(int)
    assert np.abs(middle[..., 0] - middle[..., 1]).max() < 40, "no red of the lips"
    assert middle.min() < 90 and middle.max() > 200
    assert mouths.widest(face(24)[None])[0] == pytest.approx(0.24, rel=0.02)


def film(gaps: np.ndarray, blurred: set[int] = frozenset(), turned: set[int] = frozenset()):
    pictures = [picture(100 * gap, 2, 3.0 if number in blurred else 0.0) for number, gap in enumerate(gaps)]
    pose = np.zeros((len(gaps), 3))
    pose[list(turned), 0] = np.radians(30)
    clip = SimpleNamespace(pictures=lambda: iter(pictures))
    track = landmarks.Faces(np.stack([face(100 * gap) for gap in gaps]), np.ones(len(gaps), bool))
    prepared = SimpleNamespace(heads=[SimpleNamespace(pose=pose)], covered=[np.zeros(len(gaps), bool)])
    return prepared, [clip], [track], base.Loop(0, 0, 10, "cycle", 0.5)


def test_sharp_mouths_from_the_loop_s_side_are_chosen_for_every_gap():
    gaps = np.concatenate([np.zeros(10), np.tile(np.linspace(0.01, 0.15, 30), 3)])
    blurred, turned = set(range(10, 40)), set(range(40, 70))
    found = mouths.chosen(*film(gaps, blurred, turned))
    assert len(found.gaps) >= 6 and found.gaps[0] < 0.03 and found.gaps[-1] > 0.11
    assert (np.diff(found.gaps) > 0).all() and found.pictures.shape[:3] == (len(found.gaps), *mouths.SHAPES)
    height, width = found.pictures.shape[3:5]
    detail = [cv2.Laplacian(each[..., 0], cv2.CV_32F).std() for each in found.pictures[2:].reshape(-1, height, width, 3)]
    blurry = mouths.inside(picture(10, 2, 3.0), face(10), (width, height))
    assert min(detail) > 1.5 * cv2.Laplacian(blurry[..., 0], cv2.CV_32F).std(), "not the blurred ones"


def test_the_file_has_the_usual_mouths_and_all_of_them():
    found = mouths.chosen(*film(np.tile(np.linspace(0.01, 0.15, 30), 3)))
    said, members = found.manifest(), found.members()
    read = {name: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for name, data in members.items()}
    gaps, (a, b) = len(said["gaps"]), mouths.SHAPES
    assert read[said["file"]].shape[:2] == (said["height"] * gaps, said["width"])
    every = read[said["shapes"]["file"]]
    assert every.shape[:2] == (said["height"] * gaps, said["width"] * a * b)
    middle = (a // 2) * b + b // 2
    usual = every[:, middle * said["width"] : (middle + 1) * said["width"]].astype(float)
    assert np.abs(usual - read[said["file"]]).mean() < 3, "the middle ones"
    assert np.shape(said["shapes"]["widths"]) == (gaps, a) and np.shape(said["shapes"]["chins"]) == (gaps, b)


def test_mouths_of_a_width_show_what_the_film_shows_there():
    rng = np.random.default_rng(5)
    count = 300
    gaps, widths, chins = rng.uniform(0.02, 0.15, count), rng.uniform(0.4, 0.6, count), rng.uniform(0.4, 0.6, count)
    # The wider, the redder; the lower the chin, the bluer.
    pictures = np.zeros((count, 16, 40, 3), np.float32)
    pictures[..., 0] = (1000 * (widths - 0.4))[:, None, None]
    pictures[..., 2] = (1000 * (chins - 0.4))[:, None, None]
    pictures += rng.normal([20, 100, 20], 4, pictures.shape)
    seen = mouths.Seen(np.clip(pictures, 0, 255).astype(np.uint8), gaps, widths, chins, np.zeros(count), np.zeros(count))
    found = mouths.atlas(seen, np.array([0.05, 0.1]))
    colours = found.pictures.mean((3, 4))
    for k in range(2):
        assert (np.diff(found.widths[k]) > 0.03).all() and (np.diff(found.chins[k]) > 0.03).all()
        assert np.abs(colours[k, ..., 0] - 1000 * (found.widths[k][:, None] - 0.38)).max() < 25
        assert np.abs(colours[k, ..., 2] - 1000 * (found.chins[k] - 0.38)).max() < 25
    assert 2 < found.pictures[..., 1].std() < 6, "the grain of single pictures"


def test_an_inside_that_is_lips_is_known():
    landmarks_of_a_wider_mouth = face(24)
    of_lips, of_teeth = (mouths.inside(picture(shown, 2), landmarks_of_a_wider_mouth, (60, 24)) for shown in (2, 24))
    assert mouths.like_lips(of_lips, picture(2, 2), face(24)) > 0.8
    assert mouths.like_lips(of_teeth, picture(24, 2), face(24)) < 0.1


def test_films_of_shut_mouths_have_none():
    assert mouths.chosen(*film(np.full(60, 0.005))) is None
    assert mouths.chosen(*film(np.linspace(0, 0.03, 60))) is None
