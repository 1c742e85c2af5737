"""Gestures: their joints to the base loop, with made-up pictures."""

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

from essence_studio.create import base, footage, gesture  # noqa: E402


def film(places: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """A bright disc at these x positions, and the similarities that follow it."""
    y, x = np.mgrid[0:96, 0:128]
    pictures = [np.repeat((200 * np.exp(-((x - 64 - p) ** 2 + (y - 48) ** 2) / 200))[..., None], 3, 2).astype(np.uint8) for p in places]
    return pictures, np.stack([np.array([[20.0, 0, 64 + p], [0, 20.0, 48]]) for p in places])


def scene() -> tuple[SimpleNamespace, base.Loop, list[np.ndarray], list[np.ndarray]]:
    swaying, wave = 4 * np.sin(np.arange(40) * 2 * np.pi / 40), np.concatenate([np.linspace(6, 30, 20), np.linspace(30, 5, 20)])
    loop_frames, at_loop = film(swaying)
    pictures, at_wave = film(wave)
    heads = [SimpleNamespace(to_frame=at_loop), SimpleNamespace(to_frame=at_wave)]
    prepared = SimpleNamespace(heads=heads, pose=[np.zeros((40, 2), np.float32), np.ones((40, 2), np.float32)])
    return prepared, base.Loop(0, 0, 40, "cycle", 0.5), loop_frames, pictures


def test_a_gesture_grows_out_of_the_loop_and_back():
    prepared, loop, loop_frames, pictures = scene()
    stretch = base.whole(prepared, 1)
    made = gesture.made("wave", prepared, stretch, pictures, loop, loop_frames)
    assert len(made.frames) == len(made.to_frame) == len(made.pose)
    shown = base.differences(*(gesture._small(each) for each in (made.frames[1:], made.frames[:-1])))
    film_step = base.differences(*(gesture._small(each) for each in (pictures[1:], pictures[:-1]))).max()
    assert shown.max() <= 1.5 * film_step, "no step in the morph is much larger than the film's own"
    joints = [base.differences(gesture._small([made.frames[end]]), gesture._small([loop_frames[made.anchor]]))[0] for end in (0, -1)]
    assert max(joints) <= film_step
    # The patch follows the disc through the morph.
    assert np.abs(np.diff(made.to_frame[:, 0, 2])).max() <= 2.0
    assert made.pose[0].max() < 0.2 and made.pose[len(made.pose) // 2].min() == 1
    again = gesture.made("nod", prepared, stretch, pictures, loop, loop_frames, anchor=3)
    assert again.anchor == 3


def test_exits_are_where_the_loop_looks_like_the_anchor():
    _, _, loop_frames, _ = scene()
    exits = gesture.exits_near(10, loop_frames)
    assert 10 in exits and 30 not in exits and len(exits) < 20


def test_too_short_a_gesture_is_refused():
    prepared, loop, loop_frames, pictures = scene()
    with pytest.raises(footage.Refused, match="too few"):
        gesture.made("wave", prepared, base.Loop(1, 0, 8, "once", 0.0), pictures[:8], loop, loop_frames)


@pytest.mark.parametrize("given", ["wave", "idle=a.mp4", "a b=c.mp4", "wave="])
def test_names_of_gestures(given):
    with pytest.raises(footage.Refused):
        gesture.names([given])
    assert list(gesture.names(["wave=a.mp4", "nod=b.mp4"])) == ["wave", "nod"]


def test_a_talking_loop_is_where_the_head_moves_most():
    still, moving = np.zeros((100, 4), np.float32), np.zeros((100, 4), np.float32)
    moving[:, 0] = np.sin(np.arange(100) / 4) * (np.arange(100) > 30)
    still[:, 0] = 0.1 * np.sin(np.arange(100) / 4)
    seen = [SimpleNamespace(found=np.ones(100, bool)) for _ in range(2)]
    prepared = SimpleNamespace(pose=[still, moving], covered=[np.zeros(100, bool)] * 2)
    found = base.lively(prepared, seen, base.Loop(0, 0, 60, "cycle", 0.5))
    assert found.clip == 1 and found.first >= 25 and found.kind == "cycle"
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
