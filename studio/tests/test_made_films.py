"""Films made here of a face that the engine draws: a cut, late sound, a smile throughout, and the same file twice. Need the program `bithuman`."""

import itertools
import sys
import wave
from fractions import Fraction
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
av = pytest.importorskip("av")
pytest.importorskip("cv2")
pytest.importorskip("scipy")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio.create import command, drive, film, fit, footage, landmarks, prepare, reading, sound  # noqa: E402
from essence_studio.speech.mouth import COEFFICIENTS  # noqa: E402

STUDIO = Path(__file__).parents[1]
JUNO = STUDIO.parent / "testdata" / "avatars" / "juno.imx"
COUNT = 200
RATE_HZ = 48000


@pytest.fixture(scope="module")
def spoken() -> tuple[list[np.ndarray], np.ndarray]:
    """The pictures of a face that speaks for eight seconds, and its voice."""
    try:
        drive.program()
    except reading.Refused as refusal:
        pytest.skip(str(refusal))
    pictures = list(itertools.islice(drive.pictures(JUNO, drive.SENTENCE), COUNT))
    with wave.open(str(drive.SENTENCE)) as file:
        voice = np.frombuffer(file.readframes(COUNT * RATE_HZ // 25), "<i2").astype(np.float32) / 32768
    return pictures, voice


def written(path: Path, pictures: list[np.ndarray], voice: np.ndarray) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt, video.bit_rate = pictures[0].shape[1], pictures[0].shape[0], "yuv420p", 6_000_000
        track = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        for first in range(0, len(voice) - 1024, 1024):
            frame = av.AudioFrame.from_ndarray(voice[None, first : first + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, first, Fraction(1, RATE_HZ)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return path


@pytest.fixture(scope="module")
def filmed(spoken, tmp_path_factory) -> tuple[Path, footage.Clip, landmarks.Faces]:
    path = written(tmp_path_factory.mktemp("film") / "juno.mp4", *spoken)
    clip = footage.clips_of([path])[0]
    return path, clip, landmarks.track(clip)


def test_a_cut_divides_the_film_and_is_said(spoken, tmp_path):
    pictures, voice = spoken
    other = np.kron(np.random.default_rng(1).integers(0, 255, (8, 8, 3)), np.ones((64, 64, 1))).astype(np.uint8)[: pictures[0].shape[0], : pictures[0].shape[1]]
    path = written(tmp_path / "cut.mp4", pictures[:160] + [np.roll(other, k, 1) for k in range(40)], voice)
    used, warnings = film.footage_of([path])
    assert [clip.count for clip in used] == [160]
    assert len(warnings) == 1 and "cuts to other pictures" in warnings[0]


@pytest.mark.parametrize("late", [-5, 8])
def test_sound_beside_its_lips_is_put_right(spoken, filmed, tmp_path, late):
    pictures, voice = spoken
    _, _, track = filmed
    path = written(tmp_path / "late.mp4", pictures, np.roll(voice, late * RATE_HZ // 25))
    warnings: list[str] = []
    heard, found = film.heard(footage.clips_of([path]), [track], STUDIO / "networks", warnings)
    # Lips are drawn a picture or two before what the network hears of them.
    plain = sound.offset(sound.spoken(footage.clips_of([filmed[0]]), STUDIO / "networks"), [track.opening()])
    assert found.is_sure and found.pictures - plain.pictures == late
    assert "put right" in warnings[-1] and len(heard[0]) == COUNT


def test_a_smile_throughout_is_how_the_mouth_rests(filmed):
    _, clip, track = filmed
    eyes = np.linalg.norm(track.points[:, 33, :2] - track.points[:, 263, :2], axis=1)[:, None, None]
    lift = np.zeros_like(track.points)
    for corner, side in ((61, -1), (291, 1)):
        near = np.exp(-((track.points[..., :2] - track.points[:, corner : corner + 1, :2]) ** 2).sum(2, keepdims=True) / (2 * (0.12 * eyes) ** 2))
        lift[..., :1] += 0.05 * side * eyes * near
        lift[..., 1:2] -= 0.06 * eyes * near
    smiling = landmarks.Faces(track.points + lift, track.found)

    plain, other = (prepare.prepare([clip], [each], [np.zeros((clip.count, 16), np.float32)], size=32) for each in (track, smiling))
    smile = COEFFICIENTS.index("mouthSmile")
    shut = track.opening() < np.quantile(track.opening(), 0.2)
    assert np.median(other.coefficients[0][shut, smile]) < 0.1, "rest is the person's own"
    corners = [fit.POINTS.index(point) for point in (61, 291)]
    assert (other.shapes.rest[corners, 1] < plain.shapes.rest[corners, 1] - 0.02).all()


def test_a_film_gives_the_same_file_twice(filmed, tmp_path):
    path, _, _ = filmed
    files = []
    for name in ("first", "second"):
        output = tmp_path / name / "avatar.imx"
        output.parent.mkdir()
        assert command.main(["--video", str(path), "--output", str(output), "--threads", "1", "--quiet", "--force"]) == 0
        files.append(output.read_bytes())
    assert files[0] == files[1]
