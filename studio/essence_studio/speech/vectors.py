"""Makes the test vectors that hold the studio's and the engine's mel and speech network together.

    python -m essence_studio.speech.vectors ../testdata/vectors ../testdata/audio/speech_16000.wav [networks/speech.onnx]
"""

import sys
from pathlib import Path

import numpy as np
import soundfile

from essence_studio import mel


def main(folder: Path, speech: Path, network: Path | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    samples = signal(speech)
    samples.tofile(folder / "mel_input.f32")
    mel.mel_frames(samples).astype("<f4").tofile(folder / "mel_expected.f32")
    if network:
        coefficients(samples, network).astype("<f4").tofile(folder / "speech_expected.f32")


def signal(speech: Path) -> np.ndarray:
    """1.05 s: a chirp with noise, digital silence, a click, then words. Not a multiple of a video frame."""
    generator = np.random.Generator(np.random.PCG64(7))
    t = np.arange(4800) / mel.RATE_HZ
    chirp = 0.4 * np.sin(2 * np.pi * (60 * t + 0.5 * (7600 / t[-1]) * t**2)) + 0.02 * generator.standard_normal(len(t))
    gap = np.zeros(1200)
    gap[600] = 0.9
    words, rate = soundfile.read(speech, dtype="float64")
    assert rate == mel.RATE_HZ
    return np.concatenate([chirp, gap, words[6400:17200]]).astype("<f4")


def coefficients(samples: np.ndarray, network: Path) -> np.ndarray:
    """What the network says of every video frame, `[frames, C]`."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    length = session.get_inputs()[0].shape[1]
    windows = np.ascontiguousarray(mel.windows(samples, length))
    return session.run(["coefficients"], {"mel": windows})[0]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
