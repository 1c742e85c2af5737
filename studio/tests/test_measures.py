"""What the speech network is measured with, on curves and sounds whose measures are known."""

import numpy as np
import pytest

from essence_studio.speech import conditions, measures, nonspeech, real
from essence_studio.speech.mouth import COEFFICIENTS

RATE_HZ = 16000


def curves(steps: int, **values: np.ndarray) -> np.ndarray:
    out = np.zeros((steps, len(COEFFICIENTS)), np.float32)
    for name, value in values.items():
        out[:, COEFFICIENTS.index(name)] = value
    return out


def pulses(steps: int, *places: int) -> np.ndarray:
    out = np.zeros(steps)
    for place in places:
        out[place - 1 : place + 2] = (0.2, 0.4, 0.2)
    return out


def test_closures_match_once_and_within_40_ms():
    wanted = measures.closures(curves(100, mouthPress=pulses(100, 10, 40, 70)))
    said = measures.closures(curves(100, mouthPress=pulses(100, 12, 43, 70, 90)))
    assert list(wanted) == [10, 40, 70] and list(said) == [12, 43, 70, 90]
    assert measures.matches(wanted, said) == 2, "60 ms is too late"
    assert measures.f1(2, 3, 4) == pytest.approx(4 / 7)


def test_lag_is_found_with_its_sign():
    jaw = np.random.default_rng(1).random(200).cumsum() % 1.0
    assert measures.lag(np.roll(jaw, 3), jaw) == 60
    assert measures.lag(np.roll(jaw, -2), jaw) == -40


def test_edges_say_how_late_a_mouth_starts_and_stops():
    wanted, got = np.zeros(120), np.zeros(120)
    wanted[30:70], got[32:69] = 0.3, 0.3
    assert measures.edges(curves(120, jawOpen=got), curves(120, jawOpen=wanted)) == ([40], [-20])
    assert measures.edges(curves(120), curves(120, jawOpen=wanted)) == ([400], [400]), "a mouth that never moves"


def test_rest_is_measured_inside_pauses_only():
    jaw, reference = np.full(100, 0.02), np.zeros(100)
    reference[50:] = 0.3
    row = measures.measure(curves(100, jawOpen=jaw), np.zeros(100), curves(100, jawOpen=reference), np.zeros(100), np.zeros(32000))
    assert row["silence_jaw_mean"] == pytest.approx(0.02) and row["silence_jaw_std"] < 1e-6 and row["silence_steps"] == 46


def test_conditions_do_what_they_say():
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    changed = {name: change(tone) for name, change in conditions.conditions().items()}
    assert all(len(samples) == len(tone) and np.isfinite(samples).all() for samples in changed.values())
    noise = changed["noise, 15 dB"] - tone
    assert 10 * np.log10(np.mean(tone**2) / np.mean(noise**2)) == pytest.approx(15, abs=0.1)
    assert np.abs(changed["-12 dB"]).max() == pytest.approx(0.1 * 10**-0.6, rel=1e-3)
    low = 0.1 * np.sin(2 * np.pi * 100 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    assert conditions.conditions()["telephone"](low).std() < 0.1 * low.std(), "the telephone passes no bass"
    click = np.zeros(RATE_HZ, np.float32)
    click[100] = 1
    tail = conditions.conditions()["room, 0.4 s"](click)
    assert tail[100] == 1 and np.sum(tail[164:] ** 2) == pytest.approx(0.5, rel=0.05), "3 dB below the direct sound"


def test_sounds_that_are_no_speech_have_their_levels():
    generator = np.random.default_rng(4)
    pieces = nonspeech.sounds(2.0, generator)
    assert all(len(piece) == 2 * RATE_HZ and np.abs(piece).max() <= 1 for piece in pieces)
    voices = [0.1 * generator.standard_normal(RATE_HZ) for _ in range(12)]
    crowd = nonspeech.crowd(voices, 3.0, generator)
    assert len(crowd) == 3 * RATE_HZ and -46 < 20 * np.log10(crowd.std()) < -17


def test_transcripts_are_read_and_mended(tmp_path):
    (tmp_path / "t.txt").write_text("a.wav|one two\nb|three ~four\n")
    assert real.read_transcripts(tmp_path / "t.txt") == {"a": "one two", "b": "three ~four"}
    known = real.read_transcripts(real.TRANSCRIPTS)
    assert len(known) == 242 and all(text for text in known.values())


def test_muon_makes_steps_orthogonal():
    torch = pytest.importorskip("torch")
    from essence_studio.speech.muon import orthogonal

    for shape in ((8, 20), (20, 8)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(2))))
        assert values.min() > 0.4 and values.max() < 1.4, f"{shape}: singular values {values}"
