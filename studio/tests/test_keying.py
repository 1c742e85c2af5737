"""Green screens, drawn by hand: no network, no data."""

import io
import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
cv2 = pytest.importorskip("cv2")
Image = pytest.importorskip("PIL.Image")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio.create import keying  # noqa: E402


def before_a_screen() -> np.ndarray:
    """Somebody before a green screen: an edge of mixed pixels, and green light on what is near it."""
    alpha = np.zeros((240, 320), np.float32)
    alpha[80:, 100:220] = 1
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.5)[..., None]
    person = np.full((240, 320, 3), (90, 70, 60), np.float32)
    person[120:, 100:220] = (200, 150, 120)
    light = cv2.GaussianBlur(1 - alpha, (0, 0), 4)[..., None]
    person[..., 1] += 60 * light[..., 0]
    return np.round(person * alpha + np.array((20, 200, 40)) * (1 - alpha)).astype(np.uint8)


def test_a_green_screen_is_found_and_replaced():
    picture = before_a_screen()
    screen = keying.screen_of(picture)
    assert screen and keying.obvious(*screen)
    made = keying.Key(*screen, keying.background("#102030", 320, 240))(picture)
    assert np.abs(made[10, 10].astype(int) - (16, 32, 48)).max() <= 2
    assert np.abs(made[180, 160].astype(int) - (200, 150, 120)).max() <= 2
    assert keying.screen_of(np.random.default_rng(2).integers(0, 255, (120, 160, 3)).astype(np.uint8)) is None


def test_a_matte_lets_any_background_through_and_no_green_rim():
    picture = before_a_screen()
    key = keying.Key(*keying.screen_of(picture), keying.background(None, 320, 240), keeps_matte=True)
    colors, alpha = key(picture), key.matte(picture)
    assert alpha[10, 10] == 0 and alpha[180, 160] == 255
    assert (colors[5, 5] == keying.GREY).all(), "far from the person, the background"
    assert np.abs(colors[180, 160].astype(int) - (200, 150, 120)).max() <= 2, "inside, as filmed"
    for level in (0, 128, 255):
        shown = colors * (alpha[..., None] / 255) + level * (1 - alpha[..., None] / 255)
        green = shown[..., 1] - shown[..., [0, 2]].max(2)
        assert green.max() < 3, f"over {level}: {green.max()}"


def test_colors_go_on_beyond_the_edge():
    colors = np.zeros((40, 60, 3), np.float32)
    colors[:, :20] = (100, 50, 25)
    weight = np.zeros((40, 60), np.float32)
    weight[:, :20] = 1
    assert np.abs(keying.extended(colors, weight) - (100, 50, 25)).max() < 1


def test_a_matte_in_the_file_has_foot_and_headroom():
    pytest.importorskip("torch")
    from essence_studio.create import packing

    alpha = np.zeros((64, 64), np.uint8)
    alpha[:, 24:] = 255
    stored = np.asarray(Image.open(io.BytesIO(packing.matte_jpeg(alpha))))
    read = np.clip((stored.astype(float) - 24) * 255 / 208, 0, 255)
    assert stored.shape == (64, 64), "grey"
    assert read[:, :24].max() == 0 and read[:, 24:].min() == 255, "a hard edge is clean"
    alpha[:, 20:28] = np.arange(16, 240, 28)
    stored = np.asarray(Image.open(io.BytesIO(packing.matte_jpeg(alpha)))).astype(float)
    read = np.clip((stored - 24) * 255 / 208, 0, 255)
    assert np.abs(read - alpha).max() < 16 and np.abs(read - alpha).mean() < 1.5, "a soft edge keeps its levels"
