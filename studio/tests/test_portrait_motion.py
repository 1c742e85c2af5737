"""How films of portraits are measured: steps, and the head against the voice."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import wavfile

from essence_studio.portrait import motion

RATE, HZ, SECONDS = 25, 8000, 24
SPOKEN = RATE * SECONDS * 3 // 4


def voice(path: Path) -> np.ndarray:
    """Syllables of changing stress, then silence; the stress of each frame."""
    random = np.random.default_rng(2)
    stress = np.repeat(random.choice([0.3, 0.5, 1.4], SPOKEN // 5 + 1), 5)[:SPOKEN]
    stress = np.concatenate([stress, np.zeros(RATE * SECONDS - SPOKEN)])
    samples = np.repeat(stress, HZ // RATE) * 0.2 * np.sin(np.arange(HZ * SECONDS) * 0.7)
    wavfile.write(path, HZ, (samples * 32767).astype(np.int16))
    return stress


def film(path: Path, heights: np.ndarray) -> None:
    """A bright square on grey at these heights."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), RATE, (96, 96))
    for height in heights:
        picture = np.full((96, 96, 3), 90, np.uint8)
        y = round(16 * (40 + height))
        cv2.rectangle(picture, (40 * 16, y), (56 * 16, y + 16 * 16), (250, 250, 250), -1, cv2.LINE_AA, 4)
        writer.write(picture)
    writer.release()


def found(picture: np.ndarray):
    """In place of MediaPipe: every landmark in the square's middle."""
    light = picture[..., 0].astype(float).clip(120) - 120
    y = (light.sum(1) * np.arange(96)).sum() / light.sum()
    return [(np.full((478, 3), y), [], None, [])]


def nods(stress: np.ndarray) -> np.ndarray:
    kernel = np.ones(5) / 5
    return 6 * np.convolve(stress, kernel, "same")


def test_a_head_that_nods_with_the_voice_is_told_from_one_that_does_not(tmp_path: Path):
    stress = voice(tmp_path / "voice.wav")
    film(tmp_path / "nods.avi", nods(stress))
    film(tmp_path / "other.avi", nods(np.random.default_rng(9).permutation(stress.reshape(-1, 5)).ravel()))
    follows, strays = (motion.moved(tmp_path / name, tmp_path / "voice.wav", found) for name in ("nods.avi", "other.avi"))
    assert follows.frames == RATE * SECONDS
    assert follows.stress_r > 0.8 > 0.4 > strays.stress_r
    assert follows.stillness < 0.1 < 0.5 < strays.stillness


def test_a_frame_that_jumps_is_seen(tmp_path: Path):
    voice(tmp_path / "voice.wav")
    swaying = 5 * np.sin(np.arange(RATE * SECONDS) * 0.2)
    film(tmp_path / "sways.avi", swaying)
    swaying[200:] += 12
    film(tmp_path / "jumps.avi", swaying)
    sways, jumps = (motion.moved(tmp_path / name, tmp_path / "voice.wav", found) for name in ("sways.avi", "jumps.avi"))
    assert sways.largest_step < 4 < jumps.largest_step


def test_a_film_without_frames_or_faces_is_refused(tmp_path: Path):
    voice(tmp_path / "voice.wav")
    film(tmp_path / "grey.avi", np.zeros(50))
    with pytest.raises(ValueError, match="no frames"):
        motion.moved(tmp_path / "missing.avi", tmp_path / "voice.wav", found)
    with pytest.raises(ValueError, match="no face"):
        motion.moved(tmp_path / "grey.avi", tmp_path / "voice.wav", lambda picture: [])
