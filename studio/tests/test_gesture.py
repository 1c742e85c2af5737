"""Gestures: their joints to the base loop, with made-up pictures."""

import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
pytest.importorskip("av")
pytest.importorskip("onnxruntime")
pytest.importorskip("cv2")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio.create import base, footage, gesture, landmarks, morph, warp  # noqa: E402
from essence_studio.face import finder  # noqa: E402


def film(places: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """A bright disc at these x positions, and the similarities that follow it."""
    y, x = np.mgrid[0:96, 0:128]
    pictures = [np.repeat((200 * np.exp(-((x - 64 - p) ** 2 + (y - 48) ** 2) / 200))[..., None], 3, 2).astype(np.uint8) for p in places]
    return pictures, np.stack([np.array([[20.0, 0, 64 + p], [0, 20.0, 48]]) for p in places])


def scene() -> tuple[base.Strip, base.Strip]:
    """A loop of 40 pictures, and a gesture's stretch."""
    swaying, wave = 4 * np.sin(np.arange(40) * 2 * np.pi / 40), np.concatenate([np.linspace(6, 30, 20), np.linspace(30, 5, 20)])
    return base.Strip(*film(swaying), np.zeros((40, 2), np.float32)), base.Strip(*film(wave), np.ones((40, 2), np.float32))


def test_a_gesture_grows_out_of_the_loop_and_back():
    loop, stretch = scene()
    made = gesture.made("wave", stretch, loop)
    assert len(made.frames) == len(made.to_frame) == len(made.pose) == len(made.inside) == len(made.share)
    shown = base.differences(*(gesture._small(each) for each in (made.frames[1:], made.frames[:-1])))
    film_step = base.differences(*(gesture._small(each) for each in (stretch.frames[1:], stretch.frames[:-1]))).max()
    assert shown.max() <= 1.5 * film_step, "no step in the morph is much larger than the film's own"
    joints = [base.differences(gesture._small([made.frames[end]]), gesture._small([loop.frames[made.anchor]]))[0] for end in (0, -1)]
    assert max(joints) <= film_step
    # The patch follows the disc through the morph.
    assert np.abs(np.diff(made.to_frame[:, 0, 2])).max() <= 2.0
    assert made.pose[0].max() < 0.2 and made.pose[len(made.pose) // 2].min() == 1
    assert gesture.made("nod", stretch, loop, anchor=3).anchor == 3


def canonical(gap: float = 0.0) -> np.ndarray:
    """A face `[478, 3]` in eyes, its lower lip's inner edge `gap` below where it lies."""
    face = np.zeros((478, 3))
    face[:468] = finder.canonical()
    face[list(landmarks.LIPS_INNER[10:]), 1] += gap
    return face


def tracked(strip: base.Strip, gaps: np.ndarray) -> base.Strip:
    points = [canonical(gap) * [20, 20, 20] + [*place[:, 2], 0] for gap, place in zip(gaps, strip.to_frame)]
    return dataclasses.replace(strip, points=np.stack(points))


def test_the_mesh_follows_a_gesture_out_of_the_loop_and_back():
    loop, stretch = (tracked(each, np.zeros(40)) for each in scene())
    made = gesture.made("wave", stretch, loop)

    def face(strip, own):
        return warp.Face(strip.points, np.full((len(strip.points), 16), own))

    found = warp.of_gesture(made, face(stretch, 0.8), face(loop, 0.0))
    wanted = np.stack([canonical()[1, :2] * 20 + place[:, 2] for place in made.to_frame])
    assert np.abs(found.points[:, 1, :2] - wanted).max() < 1e-9, "a point of the head stays on the head"
    assert found.own[0].max() < 0.1 and found.own[len(found.own) // 2].min() == pytest.approx(0.8)


def test_gestures_are_joined_where_lips_are_shut():
    loop, stretch = scene()
    gaps = np.full(40, 0.2)
    gaps[14:17] = 0.0
    assert gesture.made("wave", tracked(stretch, np.zeros(40)), tracked(loop, gaps)).anchor in range(14, 17)


def test_a_mouth_does_not_show_through_another():
    """Two faces whose lips, a dark line, lie at different heights."""
    def shown(down: float) -> tuple[np.ndarray, np.ndarray]:
        face = 60 * canonical() + [64, 40, 0]
        face[:, 1] += down * np.clip((face[:, 1] - face[4, 1]) / (face[0, 1] - face[4, 1]), 0, 1)
        picture = np.full((128, 128, 3), 200, np.uint8)
        row = round(float(face[13, 1] + face[14, 1]) / 2)
        picture[row - 1 : row + 2, 50:78] = 40
        return picture, face

    (first, face), (second, other) = shown(0.0), shown(9.0)
    place = np.array([[60.0, 0, 64], [0, 60.0, 40]])
    bent = morph.blended(first, place, second, place, place, 0.5, (face, other))
    between = round(float(face[13, 1] + face[14, 1] + other[13, 1] + other[14, 1]) / 4)
    assert bent[between, 64, 0] < 70 and np.flatnonzero(bent[:, 64, 0] < 130).size <= 5, "one line between them"
    assert (bent[:8] == 200).all(), "nothing moves away from the face"


def test_a_loop_s_end_grows_into_its_start():
    random, (pictures, places) = np.random.default_rng(1), film(np.cumsum(np.random.default_rng(2).normal(size=90)))
    pictures = [np.clip(picture + random.integers(0, 3, picture.shape), 0, 255).astype(np.uint8) for picture in pictures]
    clip = SimpleNamespace(pictures=lambda with_matte=False: iter(pictures))
    prepared = SimpleNamespace(clips=[clip], heads=[SimpleNamespace(to_frame=places)], pose=[np.arange(90.0)[:, None]])
    loop = base.Loop(0, 12, 70, "cycle", 0.5, 12)
    strip = base.strip(prepared, loop)
    assert len(strip.frames) == len(strip.pose) == 70
    assert (strip.frames[0] == pictures[12]).all() and strip.pose[57] == 69
    # The picture before the first one is nearly that of the film.
    steps = base.differences(gesture._small(strip.frames), np.roll(gesture._small(strip.frames), -1, 0))
    film_steps = base.differences(gesture._small(pictures[1:]), gesture._small(pictures[:-1]))
    assert steps[-1] <= 1.5 * np.median(film_steps) + 0.3
    assert steps.max() <= 1.5 * film_steps.max()


def test_exits_are_where_the_loop_looks_like_the_anchor():
    loop, _ = scene()
    exits = gesture.exits_near(10, loop.frames)
    assert 10 in exits and 30 not in exits and len(exits) < 20


def test_too_short_a_gesture_is_refused():
    loop, stretch = scene()
    short = base.Strip(stretch.frames[:8], stretch.to_frame[:8], stretch.pose[:8])
    with pytest.raises(footage.Refused, match="too few"):
        gesture.made("wave", short, loop)


@pytest.mark.parametrize("given", ["wave", "idle=a.mp4", "a b=c.mp4", "wave="])
def test_names_of_gestures(given):
    with pytest.raises(footage.Refused):
        gesture.names([given])
    assert list(gesture.names(["wave=a.mp4", "nod=b.mp4"])) == ["wave", "nod"]


def test_a_talking_loop_is_where_the_head_moves_most():
    still, moving = np.zeros((100, 4), np.float32), np.zeros((100, 4), np.float32)
    moving[:, 0] = np.sin(np.arange(100) / 4) * (np.arange(100) > 30)
    still[:, 0] = 0.1 * np.sin(np.arange(100) / 4)
    seen = [landmarks.Faces(np.stack([canonical()] * 100), np.ones(100, bool)) for _ in range(2)]
    prepared = SimpleNamespace(pose=[still, moving], covered=[np.zeros(100, bool)] * 2, coefficients=[np.zeros((100, 16))] * 2, detail=[])
    found = base.lively(prepared, seen, base.Loop(0, 0, 60, "cycle", 0.5))
    assert found.clip == 1 and found.kind == "cycle"
    # Of two such stretches the one whose mouth is nearer to rest.
    prepared.pose[1] = np.concatenate([moving[30:], moving[30:60]])
    prepared.coefficients = [np.zeros((100, 16)), np.linspace(1, 0, 100)[:, None] * np.eye(16)[0]]
    assert base.lively(prepared, seen, base.Loop(0, 0, 60, "cycle", 0.5)).first >= 20
    prepared.pose[1] = still
    assert base.lively(prepared, seen, base.Loop(0, 0, 60, "cycle", 0.5)) is None


def test_base_frames_keep_to_their_share():
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from essence_studio.create import packing

    pictures = [np.random.default_rng(k).integers(0, 255, (64, 64, 3)).astype(np.uint8) for k in range(5)]
    best, least = (sum(map(len, packing.jpegs(pictures, share))) for share in (10**9, 0))
    between = sum(map(len, packing.jpegs(pictures, (best + least) // 2)))
    assert least < between <= (best + least) // 2 < best
    assert packing.most_bytes(320, 240) == packing.FILE_BYTES == packing.most_bytes(512, 1024) // 2
    assert packing.most_bytes(1280, 720) == packing.MOST_BYTES
