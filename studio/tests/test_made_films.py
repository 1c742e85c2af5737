"""From a film to an avatar that speaks, on films made here of a face that the engine draws. Needs PyTorch and the program `bithuman`; skipped without them."""

import itertools
import sys
import wave
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("av")
pytest.importorskip("cv2")
pytest.importorskip("scipy")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio import pack  # noqa: E402
from essence_studio.create import command, drive, landmarks, reading  # noqa: E402
from made import RATE_HZ, film, hand, smiling  # noqa: E402

JUNO = Path(__file__).parents[2] / "testdata" / "avatars" / "juno.imx"
COUNT = 200


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


@pytest.fixture(scope="module")
def face(spoken) -> np.ndarray:
    return landmarks.seen(spoken[0][0])


def made(path: Path, *more: str) -> int:
    return command.main(["--video", str(path), "--output", str(path.with_suffix(".imx")), "--threads", "1", "--quiet", *more])


def corners(face: np.ndarray) -> float:
    """How high the corners of the mouth lie above its middle, in eyes."""
    high = face[[13, 14], 1].mean() - face[[61, 291], 1].mean()
    return float(high / np.linalg.norm(face[33, :2] - face[263, :2]))


def test_a_smile_throughout_is_how_the_mouth_rests(spoken, face, tmp_path):
    pictures, voice = spoken
    path = film(tmp_path / "smile.mp4", [smiling(picture, face) for picture in pictures], voice)
    assert made(path) == 0, "not refused"
    manifest, _ = pack.read_imx(path.with_suffix(".imx"))
    assert manifest["verdict"]["figures"]["closures"] >= 0.9, "and lips that smile shut"
    still = next(iter(drive.pictures(path.with_suffix(".imx"), drive.SENTENCE)))
    assert corners(landmarks.seen(still)) > corners(face) + 0.02, "the avatar smiles before it speaks"


def test_a_hand_is_refused_or_left_out(spoken, face, tmp_path, capsys):
    pictures, voice = spoken
    path = film(tmp_path / "hand.mp4", [hand(picture, face, number) if 60 <= number < 130 else picture for number, picture in enumerate(pictures)], voice)
    assert made(path) == 66 and not path.with_suffix(".imx").exists()
    assert "covers the mouth" in capsys.readouterr().err
    pictures = [hand(picture, face, number) if 60 <= number < 80 else picture for number, picture in enumerate(pictures)]
    path = film(tmp_path / "short.mp4", pictures, voice)
    assert made(path) == 0
    report = path.with_suffix(".html").read_text()
    assert "something covers the mouth; left out" in report


def test_a_film_gives_the_same_file_twice(spoken, tmp_path):
    files = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        path = film(tmp_path / name / "me.mp4", *spoken)
        assert made(path, "--force") == 0
        files.append(path.with_suffix(".imx").read_bytes())
    assert files[0] == files[1]
