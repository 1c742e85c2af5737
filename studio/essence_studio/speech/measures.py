"""Measures of predicted mouth curves against reference curves, 50 values a second."""

import numpy as np
from scipy.signal import find_peaks

from essence_studio import mel
from essence_studio.speech.mouth import COEFFICIENTS, VISEMES

RATE_HZ = 50
TOLERANCE = 2
"""Steps of 20 ms that a closure may be off."""
SHUT = 0.12
"""`mouthPress` of a closure; the targets' is 0.4."""
MOVING = 0.05
"""A mouth moves if any of its coefficients is above."""
JAW, PRESS = COEFFICIENTS.index("jawOpen"), COEFFICIENTS.index("mouthPress")


def measure(predicted: np.ndarray, visemes: np.ndarray, reference: np.ndarray, classes: np.ndarray, samples: np.ndarray) -> dict:
    """Of one recording; counts stay in, so that recordings can be added up (`overall`)."""
    wanted_shut, got_shut = closures(reference), closures(predicted)
    jaw = predicted[inside(reference.max(axis=1) < 0.01), JAW]
    onsets, offsets = edges(predicted, reference)
    return {
        "seconds": len(samples) / mel.RATE_HZ,
        "jaw_r": correlation(predicted[:, JAW], reference[:, JAW]),
        "jaw_scale": float(predicted[:, JAW].std() / max(reference[:, JAW].std(), 1e-6)),
        "lag_ms": lag(predicted[:, JAW], reference[:, JAW]),
        "closures": len(wanted_shut), "closures_found": matches(wanted_shut, got_shut), "closures_said": len(got_shut),
        "closure_f1": f1(matches(wanted_shut, got_shut), len(wanted_shut), len(got_shut)),
        "viseme_accuracy": float((visemes == classes).mean()),
        "viseme_recall": {name: [int(((visemes == i) & (classes == i)).sum()), int((classes == i).sum())] for i, name in enumerate(VISEMES)},
        "loudness_r": correlation(loudness(samples, len(reference)), reference[:, JAW]),
        "silence_jaw_mean": float(jaw.mean()) if len(jaw) else None, "silence_jaw_std": float(jaw.std()) if len(jaw) else None,
        "silence_steps": len(jaw), "onsets_ms": onsets, "offsets_ms": offsets,
    }  # fmt: skip


def overall(rows: list[dict]) -> dict:
    """Means over time, and sums of the counts."""
    seconds = np.array([row["seconds"] for row in rows])
    average = {key: float(np.average([row[key] for row in rows], weights=seconds)) for key in ("jaw_r", "loudness_r", "jaw_scale", "lag_ms", "viseme_accuracy")}
    counts = {key: sum(row[key] for row in rows) for key in ("closures", "closures_found", "closures_said", "silence_steps")}
    quiet = [row for row in rows if row["silence_steps"]]
    steps = [row["silence_steps"] for row in quiet]
    rest = {key: float(np.average([row[key] for row in quiet], weights=steps)) if quiet else None for key in ("silence_jaw_mean", "silence_jaw_std")}
    recall = {name: [sum(row["viseme_recall"][name][i] for row in rows) for i in (0, 1)] for name in VISEMES}
    moments = {key: sum((row[key] for row in rows), []) for key in ("onsets_ms", "offsets_ms")}
    return {"seconds": float(seconds.sum()), **average, **counts, **rest, **moments, "viseme_recall": recall,
            "worst_jaw_r": min(row["jaw_r"] for row in rows),
            "closure_f1": f1(counts["closures_found"], counts["closures"], counts["closures_said"])}  # fmt: skip


def closures(curves: np.ndarray, height: float = SHUT) -> np.ndarray:
    """Steps at which the lips are shut most: peaks of `mouthPress`."""
    return find_peaks(np.pad(curves[:, PRESS], 1), height=height, distance=3, prominence=0.05)[0] - 1


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
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 and b.std() > 1e-6 else 0.0


def lag(predicted: np.ndarray, reference: np.ndarray) -> int:
    """Milliseconds by which the prediction is late, where both agree best."""
    shifts = range(-8, 9)
    return 20 * max(shifts, key=lambda s: correlation(predicted[max(s, 0) : len(predicted) + min(s, 0)], reference[max(-s, 0) : len(reference) - max(s, 0)]))


def edges(predicted: np.ndarray, reference: np.ndarray) -> tuple[list[int], list[int]]:
    """Milliseconds by which the mouth starts and stops late, at each pause of 300 ms and more; 400 where it does not within that."""
    wanted, got = reference.max(axis=1) > MOVING, predicted.max(axis=1) > MOVING
    pause, reach = 15, 20
    onsets, offsets = [], []
    for step in np.flatnonzero(np.diff(wanted.astype(int))) + 1:
        starts = bool(wanted[step])
        still = wanted[max(step - pause, 0) : step] if starts else wanted[step : step + pause]
        if len(still) < pause or still.any():
            continue
        # the change nearest to the wanted one, in the same direction
        changes = np.flatnonzero(np.diff(got.astype(int)) == (1 if starts else -1)) + 1
        nearest = min(changes - step, key=abs, default=reach)
        (onsets if starts else offsets).append(20 * int(np.clip(nearest, -reach, reach)))
    return onsets, offsets


def loudness(samples: np.ndarray, steps: int) -> np.ndarray:
    power = np.convolve(samples**2, np.ones(640) / 640, "same")[:: mel.RATE_HZ // RATE_HZ][:steps]
    return np.log(power + 1e-6)


def inside(mask: np.ndarray, margin: int = 2) -> np.ndarray:
    """Away from the mask's edges by `margin` steps."""
    kernel = np.ones(2 * margin + 1)
    return np.convolve(mask, kernel, "same") >= len(kernel) - 0.5
