"""An identity network in 8 bits: the same picture, the same file each time."""

import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio import pack  # noqa: E402
from essence_studio.identity import quantize  # noqa: E402

MIKA = Path(__file__).parents[2] / "testdata/avatars/mika.imx"


def test_small_taps_before_an_enlargement_equal_large_ones_behind_it():
    random = np.random.default_rng(1)
    weights, small = random.normal(size=(3, 2, 3, 3)), random.normal(size=(2, 5, 5))
    large = np.pad(small.repeat(2, 1).repeat(2, 2), ((0, 0), (1, 1), (1, 1)))
    wanted = np.zeros((3, 10, 10))
    for y in range(10):
        for x in range(10):
            wanted[:, y, x] = np.einsum("oikl,ikl->o", weights, large[:, y : y + 3, x : x + 3])
    padded, made = np.pad(small, ((0, 0), (1, 1), (1, 1))), np.zeros((3, 12, 12))
    for (p, q), taps in np.ndenumerate(np.empty((2, 2))):
        taps = quantize.halved(weights)[p, q]
        for i in range(6):
            for j in range(6):
                made[:, 2 * i + p, 2 * j + q] = np.einsum("oiab,iab->o", taps, padded[:, i : i + 2, j : j + 2])
    np.testing.assert_allclose(made[:, 1:-1, 1:-1], wanted, atol=1e-9)


@pytest.fixture(scope="module")
def mika():
    return pack.read_imx(MIKA)


def test_the_shipped_network_is_good_on_mouths_it_was_not_made_with(mika):
    manifest, members = mika
    network = quantize.Network.read(members["identity.onnx"])
    floats, small = (quantize._session(members[name]) for name in ("identity.onnx", quantize.FILE))
    assert members[quantize.MASK_FILE] == np.round(255 * network.texture[3]).astype(np.uint8).tobytes()
    poses = np.frombuffer(members["geometry.f32"], "<f4").reshape(manifest["frame"]["count"], -1)[:, :-6]
    random = np.random.default_rng(2)
    worst, cells = 99.0, network.size // quantize.BLOCK
    for _ in range(24):
        mouth = (random.random(16) * (random.random(16) < 0.5)).astype(np.float32)
        inputs = {"coefficients": mouth[None], "pose": poses[random.integers(len(poses))][None]}
        wanted = floats.run(None, inputs)[0][0, :3]
        made = small.run(None, inputs)[0].reshape(cells, cells, 4, 4, 3).transpose(4, 0, 2, 1, 3).reshape(wanted.shape) / 255
        worst = min(worst, -10 * np.log10((((made - wanted) * network.texture[3]) ** 2).mean()))
    assert worst > 40, worst


def test_the_same_network_gives_the_same_bytes(mika, monkeypatch):
    manifest, members = mika
    monkeypatch.setattr(quantize, "CALIBRATION", 16)
    poses = np.zeros((1, len(manifest["crop"]["pose"])), np.float32)
    first, second = (quantize.quantized(members["identity.onnx"], 16, poses) for _ in range(2))
    assert first[0] == second[0] and (first[1] == second[1]).all()


def test_slimming_twice_is_slimming_once(mika):
    _, members = mika
    assert quantize.slim(members["identity.onnx"]) == members["identity.onnx"]


def test_another_network_is_refused(mika):
    _, members = mika
    with pytest.raises(quantize.NotThisNetwork):
        quantize.quantized(members["speech.onnx"], 16, np.zeros((1, 6), np.float32))
