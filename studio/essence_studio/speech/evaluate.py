"""Measures the network on real speech with true transcripts: against the mouth that the phones of a forced alignment ask for.

Everything at 50 values a second, the network's own rate; the engine takes every second of them.
"""

import json
from pathlib import Path

import numpy as np
import soundfile
import torch
from scipy.signal import find_peaks, resample_poly

from essence_studio import mel
from essence_studio.speech import nonspeech, targets
from essence_studio.speech.mouth import COEFFICIENTS, VISEMES, phone_of_cmu
from essence_studio.speech.network import STRIDE, TARGET_LAG, WINDOW, SpeechNetwork, settle

RATE_HZ = 50
TOLERANCE = 2
"""Steps of 20 ms that a closure may be off."""
SHUT = 0.12
"""`mouthPress` of a closure; the targets' is 0.4."""
_JAW, _PRESS = COEFFICIENTS.index("jawOpen"), COEFFICIENTS.index("mouthPress")


def evaluate(checkpoint: Path, speech: Path, work: Path, plots: Path | None) -> dict:
    """Prints a table and writes `evaluation.json` to `work`."""
    from essence_studio.speech.train import load

    network, _ = load(checkpoint)
    rows, curves = [], {}
    for name, samples, phones in clips(speech, work):
        predicted, visemes = run(network, samples)
        reference, classes = wanted(phones, len(samples))
        rows.append({"clip": name, **measure(predicted, visemes, reference, classes, samples)})
        curves[name] = (samples, predicted, reference)
    rows.append({"clip": "all", **_overall(rows)})
    table(rows)
    result = {"clips": rows, "rest_in_noise": rest_in_noise(network)}
    print("jaw in non-speech: " + " ".join(f"{key} {value:.4f}" for key, value in result["rest_in_noise"].items()))
    (work / "evaluation.json").write_text(json.dumps(result, indent=1))
    if plots:
        from essence_studio.speech.plots import plot

        plots.mkdir(parents=True, exist_ok=True)
        for name in ("LJ001-0001", "jfk"):
            if name in curves:
                plot(*curves[name], plots / f"speech_{name}.png")
    return result


def validate(checkpoint: Path, corpus: Path) -> None:
    """Prints measures on the corpus' held-out recordings, for several thresholds of a closure: what may be tuned on."""
    from essence_studio.speech.train import held_out, load

    network, _ = load(checkpoint)
    scores, jaws = {height: np.zeros(3, int) for height in (0.08, 0.10, 0.12, 0.15, 0.18)}, []
    right = total = 0
    for mels, target, classes in held_out(corpus):
        before = np.full((WINDOW - TARGET_LAG - 1, mel.BANDS), np.log(mel.FLOOR), np.float32)
        with torch.no_grad():
            coefficients, rest, visemes = network(torch.from_numpy(np.concatenate([before, mels]))[None])
        predicted = settle(coefficients[0], rest[0], visemes[0]).numpy()
        reference = target[::2][: len(predicted)]
        predicted, visemes = predicted[: len(reference)], visemes[0].argmax(-1).numpy()[: len(reference)]
        jaws.append(correlation(predicted[:, _JAW], reference[:, _JAW]))
        right, total = right + int((visemes == classes[::2][: len(visemes)]).sum()), total + len(visemes)
        wanted_shut = closures(reference)
        for height in scores:
            got = closures(predicted, height)
            scores[height] += (matches(wanted_shut, got), len(wanted_shut), len(got))
    print(f"held out of the corpus: jaw r {np.mean(jaws):.3f}, visemes {right / total:.3f}, closures "
          + ", ".join(f"{f1(*score):.3f} above {height}" for height, score in scores.items()))  # fmt: skip


def clips(folder: Path, work: Path):
    """(name, 16 kHz samples, phones of the mouth table) of each recording; alignments are kept in the work folder."""
    kept = work / "aligned"
    kept.mkdir(parents=True, exist_ok=True)
    aligner = None
    for line in (folder / "transcripts.txt").read_text().splitlines():
        name, _, text = line.partition("|")
        path = folder / f"{name.removesuffix('.wav')}.wav"
        samples, rate = soundfile.read(path, dtype="float32")
        divisor = np.gcd(rate, mel.RATE_HZ)
        samples = resample_poly(samples, mel.RATE_HZ // divisor, rate // divisor).astype(np.float32)
        labels = kept / f"{path.stem}.json"
        if not labels.exists():
            if aligner is None:
                from essence_studio.speech.align import Aligner

                aligner = Aligner()
            labels.write_text(json.dumps([[p.start_s, p.end_s, p.name] for p in aligner.align(samples, text)]))
        phones = [(start, end, phone_of_cmu(phone) or "ax") for start, end, phone in json.loads(labels.read_text())]
        yield path.stem, samples, phones


def run(network: SpeechNetwork, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients `[steps, 16]` and classes `[steps]`; step `i` is the time `20 i` ms."""
    steps = len(samples) // (mel.RATE_HZ // RATE_HZ)
    first = TARGET_LAG + 1 - WINDOW
    mels = torch.from_numpy(mel.mel_frames(samples, first, WINDOW + STRIDE * (steps - 1)))
    with torch.no_grad():
        coefficients, rest, visemes = network(mels[None])
        return settle(coefficients[0], rest[0], visemes[0]).numpy(), visemes[0].argmax(-1).numpy()


def wanted(phones: targets.Phones, samples: int) -> tuple[np.ndarray, np.ndarray]:
    steps = samples // (mel.RATE_HZ // RATE_HZ)
    return targets.coefficients(phones, 2 * steps)[::2], targets.visemes(phones, 2 * steps)[::2]


def measure(predicted, visemes, reference, classes, samples) -> dict:
    """Counts stay in, so that clips can be added up."""
    wanted_shut, got_shut = closures(reference), closures(predicted)
    asleep = _inside(reference.max(axis=1) < 0.01)
    jaw = predicted[asleep, _JAW]
    return {
        "seconds": len(samples) / mel.RATE_HZ,
        "jaw_r": correlation(predicted[:, _JAW], reference[:, _JAW]),
        "jaw_scale": float(predicted[:, _JAW].std() / max(reference[:, _JAW].std(), 1e-6)),
        "lag_ms": lag(predicted[:, _JAW], reference[:, _JAW]),
        "closures": len(wanted_shut), "closures_found": matches(wanted_shut, got_shut), "closures_said": len(got_shut),
        "closure_f1": f1(matches(wanted_shut, got_shut), len(wanted_shut), len(got_shut)),
        "viseme_accuracy": float((visemes == classes).mean()),
        "viseme_recall": {name: [int(((visemes == i) & (classes == i)).sum()), int((classes == i).sum())] for i, name in enumerate(VISEMES)},
        "loudness_r": correlation(loudness(samples, len(reference)), reference[:, _JAW]),
        "silence_jaw_mean": float(jaw.mean()) if len(jaw) else None, "silence_jaw_std": float(jaw.std()) if len(jaw) else None,
        "silence_steps": len(jaw),
    }  # fmt: skip


def closures(curves: np.ndarray, height: float = SHUT) -> np.ndarray:
    """Steps at which the lips are shut most: peaks of `mouthPress`."""
    return find_peaks(np.pad(curves[:, _PRESS], 1), height=height, distance=3, prominence=0.05)[0] - 1


def matches(wanted: np.ndarray, got: np.ndarray) -> int:
    """Pairs within the tolerance, each used once."""
    left, found = list(got), 0
    for step in wanted:
        near = [g for g in left if abs(g - step) <= TOLERANCE]
        if near:
            left.remove(min(near, key=lambda g: abs(g - step)))
            found += 1
    return found


def f1(found: int, wanted: int, said: int) -> float:
    return 2 * found / max(wanted + said, 1)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-9 and b.std() > 1e-9 else 0.0


def lag(predicted: np.ndarray, reference: np.ndarray) -> int:
    """Milliseconds by which the prediction is late, where both agree best."""
    shifts = range(-8, 9)
    return 20 * max(shifts, key=lambda s: correlation(predicted[max(s, 0) : len(predicted) + min(s, 0)], reference[max(-s, 0) : len(reference) - max(s, 0)]))


def loudness(samples: np.ndarray, steps: int) -> np.ndarray:
    power = np.convolve(samples**2, np.ones(640) / 640, "same")[:: mel.RATE_HZ // RATE_HZ][:steps]
    return np.log(power + 1e-6)


def rest_in_noise(network: SpeechNetwork, seed: int = 99) -> dict[str, float]:
    """Jaw opening in sounds that aren't speech, up to -30 dBFS; of another seed than the corpus."""
    generator, jaws = np.random.Generator(np.random.PCG64(seed)), []
    for _ in range(3):
        for piece in nonspeech.sounds(5.0, generator):
            level = np.sqrt(np.mean(piece**2))
            jaws.append(run(network, piece * min(1.0, 10 ** (-30 / 20) / max(level, 1e-9)))[0][:, _JAW])
    worst = max(float(jaw.mean()) for jaw in jaws)
    return {"mean": float(np.concatenate(jaws).mean()), "std": float(np.concatenate(jaws).std()), "worst_mean": worst}


def table(rows: list[dict]) -> None:
    print(f"{'clip':<12} {'s':>5} {'jaw r':>6} {'loud r':>6} {'scale':>6} {'lag ms':>6} {'F1':>6} {'shut':>10} {'visemes':>7} {'rest jaw':>15}")
    for row in rows:
        rest = "-" if row["silence_jaw_mean"] is None else f"{row['silence_jaw_mean']:.3f} ± {row['silence_jaw_std']:.3f}"
        shut = f"{row['closures_found']}/{row['closures']}/{row['closures_said']}"
        print(f"{row['clip']:<12} {row['seconds']:5.1f} {row['jaw_r']:6.3f} {row['loudness_r']:6.3f} {row['jaw_scale']:6.2f} {row['lag_ms']:6.0f} "
              f"{row['closure_f1']:6.3f} {shut:>10} {row['viseme_accuracy']:7.3f} {rest:>15}")  # fmt: skip
    recall = rows[-1]["viseme_recall"]
    print("recall: " + " ".join(f"{name} {found / max(count, 1):.2f}" for name, (found, count) in recall.items()))


def _overall(rows: list[dict]) -> dict:
    """Means over time, and sums of the counts."""
    seconds = np.array([row["seconds"] for row in rows])
    average = {key: float(np.average([row[key] for row in rows], weights=seconds)) for key in ("jaw_r", "loudness_r", "jaw_scale", "lag_ms", "viseme_accuracy")}
    counts = {key: sum(row[key] for row in rows) for key in ("closures", "closures_found", "closures_said", "silence_steps")}
    quiet = [row for row in rows if row["silence_steps"]]
    steps = [row["silence_steps"] for row in quiet]
    rest = {key: float(np.average([row[key] for row in quiet], weights=steps)) if quiet else None for key in ("silence_jaw_mean", "silence_jaw_std")}
    recall = {name: [sum(row["viseme_recall"][name][i] for row in rows) for i in (0, 1)] for name in VISEMES}
    return {"seconds": float(seconds.sum()), **average, **counts, **rest, "viseme_recall": recall,
            "closure_f1": f1(counts["closures_found"], counts["closures"], counts["closures_said"])}  # fmt: skip


def _inside(mask: np.ndarray, margin: int = 2) -> np.ndarray:
    """Away from the mask's edges by `margin` steps."""
    kernel = np.ones(2 * margin + 1)
    return np.convolve(mask, kernel, "same") >= len(kernel) - 0.5
