"""A hand or a microphone before the mouth: on films of Mika's own base frames, with something painted over some of them."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("cv2")
pytest.importorskip("av")
pytest.importorskip("scipy")
pytest.importorskip("onnxruntime")

from PIL import Image  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio import pack  # noqa: E402
from essence_studio.create import checks, covered, footage, landmarks, prepare  # noqa: E402
from made import hand, microphone  # noqa: E402

MIKA = Path(__file__).parents[2] / "testdata" / "avatars" / "mika.imx"
COUNT = 60


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    _, members = pack.read_imx(MIKA)
    return [np.array(Image.open(io.BytesIO(members[f"frames/{number:05d}.jpg"])).convert("RGB")) for number in range(COUNT)]


@pytest.fixture(scope="module")
def face(pictures) -> np.ndarray:
    return landmarks.seen(pictures[0])


def prepared(pictures: list[np.ndarray]) -> tuple[list, list[np.ndarray]]:
    """The film as a clip, and where it is found covered; faces are found in the pictures as they are shown."""
    height, width = pictures[0].shape[:2]
    clip = SimpleNamespace(name="film.mp4", count=len(pictures), width=width, height=height, pictures=lambda: iter(pictures))
    track = landmarks.track(clip)
    found = prepare.prepare([clip], [track], [np.zeros((clip.count, 16), np.float32)], size=32)
    return [clip], found.covered


@pytest.mark.parametrize("cover", [hand, lambda *a: hand(*a, light=0.8), microphone], ids=["hand", "dark hand", "microphone"])
def test_what_covers_the_mouth_is_left_out(pictures, face, cover):
    clips, found = prepared([cover(picture, face, number) if 20 <= number < 30 else picture for number, picture in enumerate(pictures)])
    assert found[0][20:30].all(), "all of it"
    beside = covered.BESIDE
    assert not found[0][: 20 - beside].any() and not found[0][30 + beside :].any(), "and nothing else"
    # Of a longer film that goes on without it.
    warnings = checks.uncovered(clips, [np.pad(found[0], (0, 100))])
    assert len(warnings) == 1 and "covers the mouth; left out" in warnings[0]


def test_a_hand_that_stays_is_refused(pictures, face):
    clips, found = prepared([hand(picture, face, number) if 15 <= number < 40 else picture for number, picture in enumerate(pictures)])
    with pytest.raises(footage.Refused, match="covers the mouth in .. %.*nothing before it"):
        checks.uncovered(clips, found)


def test_a_bare_mouth_is_not_covered(pictures):
    clips, found = prepared(pictures)
    assert checks.uncovered(clips, found) == []
