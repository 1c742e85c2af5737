"""Making avatars, the parts that need no network and no data: geometry, fit, calibration, loops, footage."""

import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
pytest.importorskip("av")
pytest.importorskip("onnxruntime")
cv2 = pytest.importorskip("cv2")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio.face import finder  # noqa: E402
from essence_studio.create import base, calibrate, checks, fit, footage, front, geometry, landmarks  # noqa: E402
from essence_studio.speech.mouth import COEFFICIENTS  # noqa: E402


def face(random: np.random.Generator) -> np.ndarray:
    """A made-up face, `[478, 3]` in pixels, the eyes' corners level."""
    points = random.normal(size=(478, 3)) * [40, 60, 15] + [200, 180, 0]
    points[landmarks.EYES[0]] = [150, 150, 0]
    points[landmarks.EYES[1]] = [250, 150, 0]
    return points


def faces_of(points: np.ndarray) -> landmarks.Faces:
    n = len(points)
    return landmarks.Faces(points.astype(np.float32), np.ones(n, bool))


def turned(points: np.ndarray, degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return scale * points @ turn.T + [*shift, 0]


def test_heads_are_held_still():
    points = face(np.random.default_rng(1))
    film = np.stack([turned(points, 5.0, 1.1, (30, -10))] * 9)
    mean = geometry.mean_face(np.stack([points] * 3))
    assert np.linalg.norm(mean[landmarks.EYES[1]] - mean[landmarks.EYES[0]]) == pytest.approx(1.0)
    heads = geometry.heads_of(faces_of(film), mean)
    assert np.allclose(heads.flat, mean[None, :, :2], atol=1e-5)
    # And back: the similarity takes the aligned face to the pixels.
    back = heads.flat[0] @ heads.to_frame[0, :, :2].T + heads.to_frame[0, :, 2]
    assert np.allclose(back, film[0, :, :2], atol=1e-2)


def test_patch_lies_where_its_affine_says():
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[40:44, 60:64] = 255
    affine = np.array([1.0, 0, 50, 0, 1.0, 30])
    patch = geometry.crop(picture, affine, 32)
    rows, columns = np.where(patch[..., 0] > 128)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 13, 10, 13)
    twice = geometry.Patch(32, -0.5, 0.25, 1.0)
    still = np.array([[[64.0, 0, 80], [0, 64.0, 20]]])
    assert np.allclose(twice.to_frame(still)[0], [2, 0, 80 - 32, 0, 2, 20 + 16])
    assert np.allclose(twice.pixels(np.array([0.0, 0.75])), [16, 16])


def shapes() -> fit.Shapes:
    random = np.random.default_rng(2)
    points = len(fit.POINTS)
    return fit.Shapes(random.normal(size=(points, 3)), 0.1 * random.normal(size=(len(fit.NAMES), points, 3)))


def test_fit_finds_the_coefficients_that_made_the_lips():
    own = shapes()
    wanted = np.random.default_rng(3).uniform(0, 1, (20, len(fit.FITTED)))
    wanted[:, 3:] *= np.random.default_rng(4).uniform(0, 1, (20, len(fit.FITTED) - 3)) > 0.5
    solid = np.zeros((20, 478, 3))
    solid[:, list(fit.POINTS)] = own.rest + np.einsum("nc,cpk->npk", wanted, own.moves[: len(fit.FITTED)])
    found = fit.fit(own, solid)
    places = [COEFFICIENTS.index(name) for name in fit.FITTED]
    assert np.abs(found[:, places] - wanted).max() < 0.03
    assert (found[:, COEFFICIENTS.index("tongueTip")] == 0).all()
    assert fit.residual(own, solid, found) < 0.01


def test_fit_stays_within_bounds():
    own = shapes()
    solid = np.zeros((4, 478, 3))
    solid[:, list(fit.POINTS)] = own.rest - 3 * own.moves[0] + np.arange(4)[:, None, None] * 2 * own.moves[0]
    found = fit.fit(own, solid)
    assert found.min() >= 0 and found.max() <= 1


PARTING = np.array([{"jawOpen": 1.0, "mouthClose": -1.0, "mouthLowerDown": 0.2, "mouthPress": -0.05}.get(name, 0.0) for name in COEFFICIENTS])


def heard_and_seen(gain: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    heard = np.zeros((600, 16))
    heard[:, 0] = np.clip(0.25 + 0.2 * np.sin(np.arange(600) / 3), 0, 1)
    heard[:, 12] = heard[:, 0] / 2
    heard[::50, 0], heard[::50, 11] = 0.1, 0.4
    seen = gain * heard + 0.01 * random.normal(size=heard.shape)
    seen[::50] = 0
    return heard, np.clip(seen, 0, 1), np.clip(seen[:, 0], 0, 1)


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.5])
def test_calibration_measures_the_persons_range(gain):
    heard, seen, opening = heard_and_seen(gain)
    matrix = calibrate.calibrated(heard, seen, opening, PARTING)
    made = np.clip(heard @ matrix, 0, 1)
    talking = heard[:, 11] == 0
    assert np.quantile(made[talking, 0], 0.95) == pytest.approx(np.quantile(seen[talking, 0], 0.95), rel=0.12)
    # What is heard as closed closes, and rest is rest.
    assert made[::50, 0].mean() < 0.3 * made[talking, 0].mean()
    assert (np.zeros(16) @ matrix == 0).all()


def test_calibration_needs_speech():
    assert (calibrate.calibrated(np.zeros((600, 16)), np.zeros((600, 16)), np.zeros(600), PARTING) == np.eye(16)).all()


def test_closures_shut_lips_that_least_squares_leaves_apart():
    heard, seen, opening = heard_and_seen(1.0)
    # A jaw that is heard wider than it is seen in closures, as a prediction's mean is.
    heard[25::50, 0], heard[25::50, 11], seen[25::50, 0] = 0.45, 0.3, 0.15
    opening[25::50] = 0.15
    closing, shut = heard[:, 11] > calibrate.CLOSED, float((seen[opening <= np.quantile(opening, calibrate.TIGHT)] @ PARTING).mean())
    plain = calibrate.calibrated(heard, seen, opening, 0 * PARTING)
    matrix = calibrate.calibrated(heard, seen, opening, PARTING)
    apart = [np.clip(heard[closing] @ each, 0, 1) @ PARTING - shut for each in (plain, matrix)]
    assert np.quantile(apart[1], 0.9) < 0.5 * np.quantile(apart[0], 0.9)
    others = [np.clip(heard[~closing] @ each, 0, 1) @ PARTING for each in (plain, matrix)]
    assert np.abs(others[1] - others[0]).mean() < 0.1 * others[0].mean()


def test_a_loop_closes_where_pictures_meet():
    phase = np.arange(120) * 2 * np.pi / 80
    there = np.stack([np.sin(phase), np.cos(phase)], 1)
    small = 100 + 20 * there[:, :1, None, None] + np.zeros((120, 8, 8, 1)) + 20 * there[:, 1:, None, None] * np.linspace(-1, 1, 8)[:, None, None]
    start, end, step = base._closing(small, np.ones(120))
    # The last twelve pictures look like the first twelve.
    assert end - start in range(90, 95) and step <= 1.0
    lids = np.ones(120)
    lids[end - 6 : end] = 0.2
    other = base._closing(small, lids)
    assert lids[other[1] - 12 : other[1]].min() == 1.0, "no blink is laid over open eyes"


def test_pauses_between_words_are_no_silence():
    said = np.zeros((60, 16))
    said[20, 0] = said[30, 0] = 0.4
    found = base.voiced(said)
    assert not found[:12].any() and found[12:39].all() and not found[39:].any()


def written(path: Path, count: int, rate: float) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), rate, (64, 48))
    for number in range(count):
        writer.write(np.full((48, 64, 3), number * 2, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("rate,count", [(25.0, 50), (50.0, 100), (30.0, 60)])
def test_pictures_come_at_25_a_second(tmp_path, rate, count):
    clip = footage.clips_of([written(tmp_path / "a.avi", count, rate)])[0]
    assert len(clip.times) == count
    pictures = list(clip.pictures())
    assert len(pictures) == clip.count == 50
    wanted = [2 * int((k + 0.5) / 25 * rate) for k in range(50)]
    assert np.abs(np.array([p.mean() for p in pictures]) - wanted).max() < 4


def test_refusals_say_why(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all")
    with pytest.raises(footage.Refused, match="can be read"):
        footage.clips_of([broken])
    with pytest.raises(footage.Refused, match="no such file"):
        footage.clips_of([tmp_path / "none.mp4"])
    short = footage.clips_of([written(tmp_path / "short.avi", 40, 25.0)])
    with pytest.raises(footage.Refused, match="lasts 1.6 s"):
        checks.long_enough(short)
    clip = footage.clips_of([written(tmp_path / "dark.avi", 20, 25.0)])
    head, angle = np.zeros((478, 3)), np.radians(50)
    head[:468] = finder.canonical()
    points = np.stack([100 * head + [30, 20, 0]] * 20)
    with pytest.raises(footage.Refused, match="too small"):
        checks.face_fit(clip, [faces_of(points / 4)])
    with pytest.raises(footage.Refused, match="too dark"):
        checks.face_fit(clip, [faces_of(points)])
    aside = 100 * head @ np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]]).T + [30, 20, 0]
    with pytest.raises(footage.Refused, match="turned away by 50"):
        checks.face_fit(clip, [faces_of(np.stack([aside] * 20))])
    lost = faces_of(points)
    lost.found[:10] = False
    with pytest.raises(footage.Refused, match="lost in 50 %"):
        checks.face_fit(clip, [lost])


def test_mouths_that_look_alike_are_alike_to_the_decoder():
    own = shapes()
    own.moves[1] = own.moves[0]
    coefficients = np.random.default_rng(7).uniform(0, 0.5, (300, 16))
    lips = front.of_lips(own, coefficients)
    one, other, apart = np.zeros((3, 16))
    one[0], other[1], apart[4] = 0.3, 0.3, 0.3
    assert np.allclose(lips(one), lips(other), atol=1e-5)
    assert np.linalg.norm(lips(one) - lips(apart)) > 0.1
    tongue = np.zeros(16)
    tongue[COEFFICIENTS.index("tongueTip")] = 0.5
    assert np.allclose(lips(tongue) - lips(np.zeros(16)), [0] * front.AXES + [0.5 * front.TONGUE], atol=1e-6)
    assert (front.plain()(one) == one.astype(np.float32)).all()
