import json
import random
from pathlib import Path

import numpy as np
import pytest

from essence_studio import mel
from essence_studio.speech import nonspeech, sentences, targets
from essence_studio.speech.mouth import COEFFICIENTS, SHAPES, VISEME_OF, Glide, phone_of_cmu, phones_of_ipa

ROOT = Path(__file__).parents[2]
NETWORK = ROOT / "studio" / "networks" / "speech.onnx"
VECTORS = ROOT / "testdata" / "vectors"
JAW, CLOSE, PRESS = (COEFFICIENTS.index(name) for name in ("jawOpen", "mouthClose", "mouthPress"))


def say(*phones: str, each_s: float = 0.1) -> np.ndarray:
    rows = [(0.0, 0.5, "pau"), *((0.5 + i * each_s, 0.5 + (i + 1) * each_s, p) for i, p in enumerate(phones))]
    end = rows[-1][1]
    return targets.coefficients([*rows, (end, end + 0.6, "pau")], round(100 * (end + 0.6)))


def test_every_phone_has_a_class_and_glides_have_parts():
    for phone, shape in SHAPES.items():
        assert phone in VISEME_OF
        if isinstance(shape, Glide):
            assert all(part in SHAPES for part in shape.parts)
    assert phone_of_cmu("axr") == "er" and phone_of_cmu("nothing") is None
    assert phones_of_ipa("tʃ") == ["ch"] and phones_of_ipa("aɪ") == ["a", "ih"]


def test_the_lips_shut_for_a_bilabial_and_the_mouth_rests_in_silence():
    curves = say("aa", "m", "aa")
    assert curves[65, PRESS] == pytest.approx(0.4, abs=0.02)
    assert curves[65, CLOSE] == pytest.approx(curves[65, JAW], abs=0.02)
    assert curves[53, JAW] > 0.4 and curves[53, PRESS] < 0.05
    assert not curves[:40].any() and not curves[-40:].any()
    assert curves.min() >= 0 and curves.max() <= 1


def test_lips_round_before_the_vowel():
    pucker = COEFFICIENTS.index("mouthPucker")
    assert say("t", "s", "uw")[66, pucker] > say("t", "s", "iy")[66, pucker] + 0.1


def test_sentences_and_sounds_repeat_with_their_seed():
    assert [sentences.sentence(random.Random(4)) for _ in range(2)] == [sentences.sentence(random.Random(4))] * 2
    first, second = (nonspeech.sounds(0.5, np.random.Generator(np.random.PCG64(1))) for _ in range(2))
    assert all((a == b).all() and np.abs(a).max() <= 1 for a, b in zip(first, second))


def test_the_network_is_as_it_is_described():
    about = json.loads(NETWORK.with_suffix(".json").read_text())
    assert about["coefficients"] == list(COEFFICIENTS) and about["window"] <= 128
    assert NETWORK.stat().st_size <= 3 << 20


def test_the_network_says_what_the_vectors_hold():
    pytest.importorskip("onnxruntime")
    from essence_studio.speech import vectors

    expected = np.fromfile(VECTORS / "speech_expected.f32", "<f4").reshape(-1, len(COEFFICIENTS))
    got = vectors.coefficients(np.fromfile(VECTORS / "mel_input.f32", "<f4"), NETWORK)
    assert got.shape == expected.shape == (mel.frame_count(16800), 16)
    assert np.abs(got - expected).max() < 1e-4


def test_the_mouth_rests_in_digital_silence():
    pytest.importorskip("onnxruntime")
    from essence_studio.speech import vectors

    assert vectors.coefficients(np.zeros(16000, np.float32), NETWORK).max() < 0.02


def test_windows_and_long_stretches_agree():
    torch = pytest.importorskip("torch")
    from essence_studio.speech.network import STUDENT, WINDOW, Layout, SpeechNetwork, settle
    from essence_studio.speech.window import WindowNetwork

    torch.manual_seed(0)
    network = SpeechNetwork(Layout(STUDENT.convolutions, 24, STUDENT.target_lag)).eval()
    mels = torch.randn(1, WINDOW + 8, mel.BANDS) * 2 - 4
    with torch.no_grad():
        outputs = network(mels)
        windows = torch.cat([mels[:, i : i + WINDOW] for i in range(0, 9, 2)])
        assert torch.allclose(WindowNetwork(network)(windows), settle(*(output[0] for output in outputs)), atol=1e-5)


def test_a_warp_of_one_changes_nothing_and_others_move_the_peak():
    torch = pytest.importorskip("torch")
    from essence_studio.speech.augment import augment, warp

    mels = torch.zeros(3, 4, mel.BANDS)
    mels[:, :, 40] = 5
    moved = warp(mels, np.array([0.85, 1.0, 1.2])).argmax(-1)[:, 0]
    assert moved[0] < 40 and moved[1] == 40 and moved[2] > 40
    changed = augment(torch.randn(6, 60, mel.BANDS) - 5, torch.randn(3, 60, mel.BANDS), torch.randn(3, 60, mel.BANDS), np.random.default_rng(1))
    assert torch.isfinite(changed).all() and changed.shape == (6, 60, mel.BANDS)
