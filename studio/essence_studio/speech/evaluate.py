"""Measures the network on real speech with true transcripts, against the mouth that the phones of a forced alignment ask for; and on
captured articulation, other languages' synthesis, sounds that aren't speech, and speech that went through worse channels.

Everything at 50 values a second, the network's own rate; the engine takes every second of them.
"""

import json
from pathlib import Path

import numpy as np
import soundfile
import torch
from scipy.signal import resample_poly

from essence_studio import mel
from essence_studio.speech import curves, espeak, filmed, measures, nonspeech, real, sentences, targets
from essence_studio.speech.conditions import conditions
from essence_studio.speech.data import HELD_OUT_VARIANTS
from essence_studio.speech.measures import JAW, RATE_HZ
from essence_studio.speech.mouth import phone_of_cmu
from essence_studio.speech.network import STRIDE, SpeechNetwork, settle

TEST_OTHER = Path(__file__).with_name("librispeech_test_other.txt")
"""What is said in LibriSpeech's test-other recordings whose words are sure: known books, checked against what a recogniser heard."""


def evaluate(checkpoint: Path, shared: Path, work: Path, plots: Path | None) -> dict:
    """Prints tables and writes `evaluation.json` to `work`. `shared` has the recordings (studio/README.md says which)."""
    from essence_studio.speech.train import load

    network, _ = load(checkpoint)
    clips = list(recordings(shared / "speech", shared / "speech/transcripts.txt", work / "aligned"))
    others = list(recordings(shared / "real_speech/librispeech_test-other", TEST_OTHER, work / "aligned_other"))
    result = {"clips": [], "worse": {}}
    said = {name: run(network, samples) for name, samples, _ in clips}
    for name, samples, phones in clips:
        result["clips"].append({"clip": name, **measures.measure(*said[name], *wanted(phones, len(samples)), samples)})
    result["clips"].append({"clip": "all", **measures.overall(result["clips"])})
    rows = [{"clip": name, **score(network, samples, phones)} for name, samples, phones in others]
    result["test_other"] = {"clip": "test-other", **measures.overall(rows)}
    table([*result["clips"], result["test_other"]])
    for name, change in conditions().items():
        changed = [score(network, change(samples), phones) for _, samples, phones in clips]
        result["worse"][name] = measures.overall(changed)["jaw_r"]
    result["captured"] = captured(network, shared / "captured_curves")
    if (work / "filmed").is_dir():
        result["filmed"] = filmed.compare(lambda samples: run(network, samples)[0], work / "filmed")
    result["languages"] = languages(network)
    result["rest_in_noise"] = rest_in_noise(network)
    for title in filter(result.get, ("worse", "captured", "filmed", "languages", "rest_in_noise")):
        print(f"{title.replace('_', ' ')}: " + ", ".join(f"{key} {value:.4f}" for key, value in result[title].items()))
    (work / "evaluation.json").write_text(json.dumps(result, indent=1))
    if plots:
        from essence_studio.speech.plots import plot

        plots.mkdir(parents=True, exist_ok=True)
        for name, samples, phones in clips:
            if name in ("LJ001-0001", "jfk"):
                plot(samples, said[name][0], wanted(phones, len(samples))[0], plots / f"speech_{name}.png")
    return result


def validate(checkpoint: Path, corpus: Path) -> None:
    """Prints measures on the corpus' held-out recordings, for several thresholds of a closure: what may be tuned on."""
    from essence_studio.speech.batches import Corpus
    from essence_studio.speech.train import load, run

    network, _ = load(checkpoint)
    known = Corpus(corpus)
    scores, jaws = {height: np.zeros(3, int) for height in (0.08, 0.10, 0.12, 0.15, 0.18)}, []
    right = total = 0
    for span in known.held_out:
        predicted, classes = (curve[::2].astype(np.float32) for curve in run(network, known.mel[span].astype(np.float32)))
        reference, sure = known.target[span][::2].astype(np.float32), known.weight[span][::2] == 1
        jaws.append(measures.correlation(predicted[sure, JAW], reference[sure, JAW]))
        right += int((classes.argmax(-1) == known.classes[span][::2].argmax(-1))[sure].sum())
        total += int(sure.sum())
        wanted_shut = measures.closures(reference)
        for height in scores:
            got = measures.closures(predicted, height)
            scores[height] += (measures.matches(wanted_shut, got), len(wanted_shut), len(got))
    print(f"held out of the corpus: jaw r {np.mean(jaws):.3f}, visemes {right / total:.3f}, closures "
          + ", ".join(f"{measures.f1(*score):.3f} above {height}" for height, score in scores.items()))  # fmt: skip


def recordings(folder: Path, transcripts: Path, kept: Path):
    """(name, 16 kHz samples, phones of the mouth table) of each recording with a transcript; alignments are kept in a folder."""
    kept.mkdir(parents=True, exist_ok=True)
    aligner = None
    for name, text in real.read_transcripts(transcripts).items():
        path = next(path for kind in ("wav", "flac") for path in folder.rglob(f"{name}.{kind}"))
        samples, rate = soundfile.read(path, dtype="float32")
        divisor = np.gcd(rate, mel.RATE_HZ)
        samples = resample_poly(samples, mel.RATE_HZ // divisor, rate // divisor).astype(np.float32)
        labels = kept / f"{name}.json"
        if not labels.exists():
            if aligner is None:
                from essence_studio.speech.align import Aligner

                aligner = Aligner()
            labels.write_text(json.dumps([[p.start_s, p.end_s, p.name] for p in aligner.align(samples, text)]))
        phones = [(start, end, phone_of_cmu(phone) or "ax") for start, end, phone in json.loads(labels.read_text())]
        if all(phone == "pau" for _, _, phone in phones):
            print(f"{name}: could not be aligned, left out")
            continue
        yield name, samples, phones


def run(network: SpeechNetwork, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients `[steps, 16]` and classes `[steps]`; step `i` is the time `20 i` ms."""
    steps = len(samples) // (mel.RATE_HZ // RATE_HZ)
    window = network.layout.window
    first = network.layout.target_lag + 1 - window
    mels = torch.from_numpy(mel.mel_frames(samples, first, window + STRIDE * (steps - 1)))
    with torch.no_grad():
        coefficients, rest, visemes = network(mels[None])
        return settle(coefficients[0], rest[0], visemes[0]).numpy(), visemes[0].argmax(-1).numpy()


def wanted(phones: targets.Phones, samples: int) -> tuple[np.ndarray, np.ndarray]:
    steps = samples // (mel.RATE_HZ // RATE_HZ)
    return targets.coefficients(phones, 2 * steps)[::2], targets.visemes(phones, 2 * steps)[::2]


def score(network: SpeechNetwork, samples: np.ndarray, phones: targets.Phones) -> dict:
    return measures.measure(*run(network, samples), *wanted(phones, len(samples)), samples)


def captured(network: SpeechNetwork, folder: Path) -> dict[str, float]:
    """Correlation of the jaw with the captured one, on the held-out end of each recording."""
    result = {}
    for path in sorted(folder.glob("*.wav")):
        samples, target = curves.part(path, held_out=True)
        predicted = run(network, samples)[0][:, JAW]
        result[path.stem] = measures.correlation(predicted, target[::2, JAW][: len(predicted)])
    result["mean"] = float(np.mean(list(result.values())))
    return result


def languages(network: SpeechNetwork) -> dict[str, float]:
    """Correlation of the jaw over synthesized sentences in voices that weren't trained on."""
    result = {}
    for name, (voice, texts) in sentences.HELD_OUT.items():
        predicted, reference = [], []
        for variant in HELD_OUT_VARIANTS:
            for text in texts:
                samples, phones = espeak.speak(text, voice + variant)
                samples = resample_poly(samples, 320, 441).astype(np.float32)
                predicted.append(run(network, samples)[0][:, JAW])
                reference.append(wanted(phones, len(samples))[0][:, JAW])
        result[name] = measures.correlation(np.concatenate(predicted), np.concatenate(reference))
    return result


def rest_in_noise(network: SpeechNetwork, seed: int = 99) -> dict[str, float]:
    """Jaw opening in sounds that aren't speech, up to -30 dBFS; of another seed than the corpus."""
    generator, jaws = np.random.Generator(np.random.PCG64(seed)), []
    for _ in range(3):
        for piece in nonspeech.sounds(5.0, generator):
            level = np.sqrt(np.mean(piece**2))
            jaws.append(run(network, piece * min(1.0, 10 ** (-30 / 20) / max(level, 1e-9)))[0][:, JAW])
    worst = max(float(jaw.mean()) for jaw in jaws)
    return {"mean": float(np.concatenate(jaws).mean()), "std": float(np.concatenate(jaws).std()), "worst_mean": worst}


def table(rows: list[dict]) -> None:
    """As Markdown."""
    print("| clip | s | jaw r | loud r | scale | lag ms | F1 | shut | visemes | rest jaw |\n|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        rest = "–" if row["silence_jaw_mean"] is None else f"{row['silence_jaw_mean']:.3f} ± {row['silence_jaw_std']:.3f}"
        print(f"| {row['clip']} | {row['seconds']:.1f} | {row['jaw_r']:.3f} | {row['loudness_r']:.3f} | {row['jaw_scale']:.2f} | {row['lag_ms']:.0f} | "
              f"{row['closure_f1']:.2f} | {row['closures_found']} / {row['closures']} / {row['closures_said']} | {row['viseme_accuracy']:.3f} | {rest} |")  # fmt: skip
    for row in rows[-2:]:
        print(f"{row['clip']}: recall " + " ".join(f"{name} {found / max(count, 1):.2f}" for name, (found, count) in row["viseme_recall"].items()))
        for key in ("onsets_ms", "offsets_ms"):
            late = np.array(row[key])
            print(f"  {key}: {len(late)}, median {np.median(late):.0f}, within 40 ms {np.mean(np.abs(late) <= 40):.2f}")
        print(f"  lowest jaw r {row['worst_jaw_r']:.3f}")
