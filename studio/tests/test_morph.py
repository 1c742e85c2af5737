"""One stretch of film grows into another."""

import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
cv2 = pytest.importorskip("cv2")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio.create import morph  # noqa: E402

STAYS = np.array([[1.0, 0, 0], [0, 1.0, 0]])


def shouldered(left: int) -> np.ndarray:
    """A light ground with some texture, before which something dark stands, 60 pixels wide."""
    noise = np.random.default_rng(1).normal(0, 1, (240, 320)).astype(np.float32)
    picture = np.round(200 + 120 * cv2.GaussianBlur(noise, (0, 0), 5)).clip(150, 250).astype(np.uint8)
    picture[100:200, left : left + 60] = 40
    return np.repeat(picture[..., None], 3, 2)


def test_what_has_moved_is_seen_once_on_its_way():
    first, second = shouldered(100), shouldered(124)
    between = morph.blended(first, STAYS, second, STAYS, STAYS, 0.5)[110:190, :, 0].mean(0)
    assert between[116:168].max() < 60, "as dark as it is, half way"
    assert min(between[90:108].min(), between[176:194].min()) > 140, "and nothing where it was, or will be"


def test_ends_are_the_pictures_themselves():
    first, second = shouldered(100), shouldered(124)
    assert np.abs(morph.blended(first, STAYS, second, STAYS, STAYS, 0.0).astype(int) - first).max() <= 1
    assert np.array_equal(morph.blended(first, STAYS, second, STAYS, STAYS, 1.0), second)
