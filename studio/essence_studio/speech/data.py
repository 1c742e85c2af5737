"""The training corpus: synthesized speech with the synthesizers' phone times, labelled real speech, and sounds to rest in.

One file of arrays at 100 Hz: log-mels, target coefficients, viseme classes and weights of all utterances behind one another.
Index `i` of a target belongs to the time `10 i` ms, the beginning of mel frame `i`'s hop.
"""

import json
import random
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from essence_studio import mel
from essence_studio.speech import curves, espeak, festival, nonspeech, sentences, targets
from essence_studio.speech.mouth import phone_of_cmu

SYNTHETIC, REAL, NONSPEECH, CAPTURED = range(4)
KINDS = ("synthetic", "real", "nonspeech", "captured")
UNSURE = 0.5
"""Words that the recogniser is less sure of weigh little."""

_ESPEAK_ENGLISH = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-us-nyc")
_ESPEAK_VARIANTS = (
    "", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+klatt", "+klatt2", 
    "+adam", "+anika", "+belinda", "+david", "+edward", "+michael", "+norbert", "+steph", "+travis", "+zac", "+Andy", "+Alicia",
    "+Diogo", "+iven2", "+john", "+max", "+paul", "+quincy", "+rob", "+victor", "+grandma", "+whisper", "+Mr serious", "+boris",
)  # fmt: skip
HELD_OUT_VARIANTS = ("+m8", "+f5", "+klatt3", "+linda")
"""Voices for measuring, never trained on."""
_FLITE = ("slt", "rms", "awb", "kal16")


def make(out: Path, labels: Path, captured: Path | None, minutes: float = 50, seed: int = 1) -> None:
    """Writes `out`, an `.npz` with `mel`, `target`, `viseme`, `weight`, `start` (of each utterance, and the end) and `kind`."""
    corpus = _Corpus()
    chooser, generator = random.Random(seed), np.random.Generator(np.random.PCG64(seed))
    sources = {
        _espeak_english: 0.24, _espeak_others: 0.26, _flite: 0.25, _festival: 0.25,
    }  # fmt: skip
    voices: list[np.ndarray] = []
    for source, share in sources.items():
        for samples, rate, phones in source(chooser, 60 * minutes * share):
            samples = _at_16khz(samples, rate)
            corpus.add_speech(samples, phones, generator)
            voices.append(samples)
        print(f"{source.__name__.strip('_')}: {corpus.minutes():.1f} min", flush=True)
    for _ in range(max(1, round(minutes / 6))):
        for piece in nonspeech.sounds(5.0, generator):
            corpus.add_rest(piece)
        corpus.add_rest(nonspeech.crowd(voices, 8.0, generator))
    print(f"with non-speech: {corpus.minutes():.1f} min", flush=True)
    for path in sorted(labels.glob("*.json")):
        corpus.add_real(path, generator)
    print(f"with real speech: {corpus.minutes():.1f} min", flush=True)
    if captured:
        for path in sorted(captured.glob("*.wav")):
            samples, target = curves.part(path, held_out=False)
            corpus.add_captured(samples, target)
        print(f"with captured curves: {corpus.minutes():.1f} min", flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    corpus.save(out)


class _Corpus:
    def __init__(self):
        self._rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
        self._kinds: list[int] = []

    def minutes(self) -> float:
        return sum(len(row[0]) for row in self._rows) / 6000

    def add_speech(self, samples: np.ndarray, phones: targets.Phones, generator: np.random.Generator) -> None:
        before, after = generator.uniform(0.15, 0.9, 2)
        samples = samples * (10 ** (generator.uniform(-30, -14) / 20) / max(np.sqrt(np.mean(samples**2)), 1e-5))
        samples = np.pad(samples, (round(before * mel.RATE_HZ), round(after * mel.RATE_HZ)))
        if before > 0.35 and generator.random() < 0.5:
            nonspeech.breathe(samples[: round((before - 0.1) * mel.RATE_HZ)], generator)
        before = round(before * mel.RATE_HZ) / mel.RATE_HZ
        shifted = [(s + before, e + before, p) for s, e, p in phones]
        end = len(samples) / mel.RATE_HZ
        shifted = [(0.0, shifted[0][0], "pau"), *shifted, (shifted[-1][1], end, "pau")]
        self._add(samples, shifted, None, SYNTHETIC)

    def add_rest(self, samples: np.ndarray) -> None:
        self._add(samples, [(0.0, len(samples) / mel.RATE_HZ, "pau")], None, NONSPEECH)

    def add_real(self, path: Path, generator: np.random.Generator) -> None:
        labels = json.loads(path.read_text())
        if all(name == "pau" for _, _, name, _ in labels["phones"]):
            return
        samples, rate = soundfile.read(labels["recording"], dtype="float32")
        phones, weights = [], np.ones(len(samples) // 160 + 2, np.float32)
        for start, end, name, sure in labels["phones"]:
            phone = phone_of_cmu(name)
            if phone is None or sure < UNSURE:
                # what is unsure spoils what is near it
                weights[max(round(100 * start) - 3, 0) : round(100 * end) + 3] = 0.0 if phone is None or sure < 0.1 else 0.25
            phones.append((start, end, phone or "ax"))
        samples = samples * (10 ** (generator.uniform(-30, -14) / 20) / max(np.sqrt(np.mean(samples**2)), 1e-5))
        self._add(_at_16khz(samples, rate), phones, weights, REAL)

    def add_captured(self, samples: np.ndarray, target: np.ndarray) -> None:
        mels = mel.mel_frames(samples).astype(np.float16)[: len(target)]
        viseme, weight = np.full(len(mels), -1, np.int8), np.ones(len(mels), np.float32)
        self._rows.append((mels, target[: len(mels)].astype(np.float16), viseme, weight))
        self._kinds.append(CAPTURED)

    def _add(self, samples: np.ndarray, phones: targets.Phones, weights: np.ndarray | None, kind: int) -> None:
        mels = mel.mel_frames(samples).astype(np.float16)
        count = len(mels)
        target = targets.coefficients(phones, count).astype(np.float16)
        weight = np.ones(count, np.float32) if weights is None else np.pad(weights, (0, count))[:count]
        self._rows.append((mels, target, targets.visemes(phones, count).astype(np.int8), weight))
        self._kinds.append(kind)

    def save(self, out: Path) -> None:
        mels, target, viseme, weight = (np.concatenate(column) for column in zip(*self._rows))
        start = np.cumsum([0, *(len(row[0]) for row in self._rows)])
        np.savez(out, mel=mels, target=target, viseme=viseme, weight=weight, start=start, kind=np.array(self._kinds, np.int8))


def _espeak_english(chooser: random.Random, seconds: float):
    while seconds > 0:
        voice = chooser.choice(_ESPEAK_ENGLISH) + chooser.choice(_ESPEAK_VARIANTS)
        yield from (piece := _espeak(chooser, sentences.sentence(chooser), voice))
        seconds -= len(piece[0][0]) / espeak.RATE_HZ if piece else 0


def _espeak_others(chooser: random.Random, seconds: float):
    while seconds > 0:
        language = chooser.choice(list(sentences.OTHER_LANGUAGES))
        text = chooser.choice(sentences.OTHER_LANGUAGES[language])
        yield from (piece := _espeak(chooser, text, language + chooser.choice(_ESPEAK_VARIANTS)))
        seconds -= len(piece[0][0]) / espeak.RATE_HZ if piece else 0


def _espeak(chooser: random.Random, text: str, voice: str) -> list:
    samples, phones = espeak.speak(text, voice, chooser.randint(130, 230), chooser.randint(25, 75))
    return [(samples, espeak.RATE_HZ, phones)] if phones else []


def _flite(chooser: random.Random, seconds: float):
    """Flite, with a random speed; its phones come as end times."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        path = [Path(folder, f"{i}.wav") for i in range(8)]

        def speak(job):
            text, voice, stretch, wav = job
            command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.3f}", "-psdur", "-t", text, "-o", str(wav)]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            samples, rate = soundfile.read(wav, dtype="float32")
            rows, now = [], 0.0
            for item in said:
                name, _, end = item.rpartition(":")
                rows.append((now, float(end), name))
                now = float(end)
            return samples, rate, _known(rows)

        while seconds > 0:
            jobs = [(sentences.sentence(chooser), chooser.choice(_FLITE), chooser.uniform(0.8, 1.25), wav) for wav in path]
            for samples, rate, phones in list(pool.map(speak, jobs)):
                seconds -= len(samples) / rate
                yield samples, rate, phones


def _festival(chooser: random.Random, seconds: float):
    while seconds > 0:
        voice = chooser.choice(festival.VOICES)
        texts = [sentences.sentence(chooser) for _ in range(24)]
        for samples, rate, phones in festival.speak(texts, voice, chooser.uniform(0.8, 1.25)):
            seconds -= len(samples) / rate
            yield samples, rate, _known(phones)


def _known(phones: list[tuple[float, float, str]]) -> targets.Phones:
    return [(start, end, phone_of_cmu(name) or "ax") for start, end, name in phones if end > start]


def _at_16khz(samples: np.ndarray, rate: int) -> np.ndarray:
    divisor = np.gcd(rate, mel.RATE_HZ)
    return samples if rate == mel.RATE_HZ else resample_poly(samples, mel.RATE_HZ // divisor, rate // divisor).astype(np.float32)
