"""Bending portraits, with a made-up mesh: no network, no data."""

import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
pytest.importorskip("cv2")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio.create import bend, innermouth, landmarks, mask, mesh  # noqa: E402

AS_IT_IS = np.array([1.0, 0, 0, 0, 1.0, 0])


def lips_mesh() -> mesh.Mesh:
    """Lips on a plain face: upper and lower lines that touch, the lower ones moved down by `jawOpen`."""
    points = np.zeros((468, 2))
    points[:] = [50, 50]
    points[168], points[152] = [50, 20], [50, 90]
    t = np.linspace(-1, 1, 11)
    for line, half, sign in ((landmarks.LIPS_INNER, 18, 0.0), (landmarks.LIPS_OUTER, 22, 6.0)):
        points[list(line[:11])] = np.stack([50 + half * t, 60 - sign * (1 - t**2)], 1)
        points[list(line[11:])] = np.stack([50 + half * t[9:0:-1], 60 + sign * (1 - t[9:0:-1] ** 2)], 1)
    opening = np.zeros((468, 2))
    lower = list(landmarks.LIPS_INNER[11:]) + list(landmarks.LIPS_OUTER[11:])
    opening[lower, 1] = 20
    triangles = []
    for inner, outer in ((landmarks.LIPS_INNER[:11], landmarks.LIPS_OUTER[:11]), (landmarks.LIPS_INNER[10:] + landmarks.LIPS_INNER[:1], landmarks.LIPS_OUTER[10:] + landmarks.LIPS_OUTER[:1])):
        for i in range(10):
            triangles += [(inner[i], inner[i + 1], outer[i]), (inner[i + 1], outer[i + 1], outer[i])]
    return mesh.Mesh(points, np.array(triangles), {"jawOpen": opening, "mouthClose": -1.5 * opening}, 60.0)


def test_rest_is_the_picture():
    own = lips_mesh()
    places = bend.source_map(own, bend.moved(own, {}), AS_IT_IS, (100, 100))
    x, y = np.meshgrid(np.arange(100) + 0.5, np.arange(100) + 0.5)
    assert np.allclose(places, np.stack([x, y], 2), atol=1e-4)
    picture = np.random.default_rng(1).integers(0, 255, (100, 100, 3)).astype(np.uint8)
    assert (bend.shown(picture, places) == picture).all()


def test_a_moved_lip_shows_what_was_there():
    own = lips_mesh()
    points = bend.moved(own, {"jawOpen": 0.5})
    places = bend.source_map(own, points, AS_IT_IS, (100, 100))
    middle = points[17]
    row, column = int(middle[1] - 1.5), 50
    assert places[row, column, 1] == pytest.approx(row + 0.5 - 10, abs=0.3)
    # Beside the mesh nothing moves.
    assert places[10, 10].tolist() == [10.5, 10.5]


def test_lips_do_not_cross():
    own = lips_mesh()
    points = bend.moved(own, {"jawOpen": 0.2, "mouthClose": 0.6})
    upper, lower = points[list(landmarks.LIPS_INNER[1:10])], points[[landmarks.LIPS_INNER[20 - k] for k in range(1, 10)]]
    assert (lower[:, 1] - upper[:, 1] > -1e-6).all()


def test_an_open_mouth_is_painted_and_a_shut_one_is_not():
    own = lips_mesh()
    picture = np.full((100, 100, 3), 180, np.uint8)
    palette = innermouth.Palette(np.array([10.0, 5, 5]), np.array([90.0, 40, 40]), np.array([230.0, 225, 215]), np.array([120.0, 60, 60]), 0.0)
    shut = innermouth.paint(picture, own, bend.moved(own, {}), np.zeros(2), 0.0, palette, AS_IT_IS)
    assert (shut == picture).all()
    points = bend.moved(own, {"jawOpen": 0.8})
    wide = innermouth.paint(picture, own, points, np.array([0.0, 16.0]), 0.0, palette, AS_IT_IS)
    inside = wide[68:74, 45:55]
    assert inside.mean() < 120, "dark, tongue or shaded teeth"
    assert (wide[:55] == picture[:55]).all() and (wide[80:] == picture[80:]).all()


def test_alpha_is_soft_and_ends_before_the_border():
    moved = np.zeros((96, 96), bool)
    moved[20:95, 30:70] = True
    alpha = mask.soft(moved)
    assert alpha[50, 50] == 1 and alpha.max() <= 1
    assert alpha[:2].max() == alpha[-2:].max() == alpha[:, :2].max() == alpha[:, -2:].max() == 0
    assert np.abs(np.diff(alpha, axis=0)).max() < 0.35 and np.abs(np.diff(alpha, axis=1)).max() < 0.35
