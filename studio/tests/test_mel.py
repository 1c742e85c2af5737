from pathlib import Path

import numpy as np

from essence_studio import mel

VECTORS = Path(__file__).parents[2] / "testdata" / "vectors"


def test_equals_the_committed_vectors():
    samples = np.fromfile(VECTORS / "mel_input.f32", "<f4")
    expected = np.fromfile(VECTORS / "mel_expected.f32", "<f4").reshape(-1, mel.BANDS)
    assert np.abs(mel.mel_frames(samples) - expected).max() < 1e-4


def test_one_frame_by_the_definition():
    samples = np.random.default_rng(1).uniform(-1, 1, 2000).astype(np.float32)
    block = samples[5 * 160 - 120 : 5 * 160 + 280] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400))
    power = np.abs(np.fft.fft(np.pad(block, (0, 112)))[:257]) ** 2
    expected = np.log(power @ mel.mel_filters() + 1e-6)
    assert np.allclose(mel.mel_frames(samples, 5, 1)[0], expected, atol=1e-5)


def test_filters_are_triangles_of_at_most_one():
    filters = mel.mel_filters()
    assert filters.shape == (257, 80) and 0 <= filters.min() and 0.9 < filters.max() <= 1
    assert not filters[0].any() and not filters[225:].any()  # 0 Hz and above 7 kHz
    assert (filters.sum(axis=0) > 0).all()


def test_outside_of_the_utterance_is_silence():
    samples = np.ones(1600, np.float32)
    assert np.allclose(mel.mel_frames(samples, -5, 3), np.log(1e-6))
    assert np.allclose(mel.mel_frames(samples, 11, 3), np.log(1e-6))
    assert mel.mel_frames(samples, -1, 1).max() > 0  # reaches 120 samples into the first hop


def test_a_part_equals_the_whole():
    samples = np.random.default_rng(2).uniform(-1, 1, 16000).astype(np.float32)
    assert np.array_equal(mel.mel_frames(samples, 20, 10), mel.mel_frames(samples)[20:30])


def test_windows_end_fourteen_hops_after_their_frame_begins():
    samples = np.random.default_rng(3).uniform(-1, 1, 6401).astype(np.float32)
    windows = mel.windows(samples, 36)
    assert windows.shape == (11, 36, 80)
    assert np.array_equal(windows[4], mel.mel_frames(samples, 4 * 4 + 14 - 36, 36))
