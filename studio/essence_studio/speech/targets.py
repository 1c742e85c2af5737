"""Phones and their times to mouth curves, 100 values a second, with coarticulation.

Jaw and lip shape follow a blend of the neighbouring phones' shapes: each phone pulls with its `hold`, most in its middle, and less the
further away in time (Cohen and Massaro's dominance functions), so that lips round before an /u/ and a schwa takes its neighbours'
shape. What must happen whatever the neighbours do are gestures on top: lips shut before the burst of p, b and m, the lower lip under
the teeth for f and v, the tongue's tip. In pauses of 200 ms and more everything returns to 0.
"""

import numpy as np

from essence_studio.speech.mouth import COEFFICIENTS, SHAPES, VISEME_OF, Glide, Shape

RATE_HZ = 100
REST_S = 0.2
"""Pauses at least this long come to rest."""
JAW_REACH_S = 0.045
LIP_REACH_S = 0.065
"""How far a phone's pull goes beyond its middle part: lips anticipate further than the jaw."""

_LIPS = (("mouthFunnel", "funnel"), ("mouthPucker", "pucker"), ("mouthStretch", "stretch"), ("mouthSmile", "smile"),
         ("mouthLowerDown", "lower"), ("mouthUpperUp", "upper"), ("mouthDimple", "dimple"), ("jawForward", "forward"))  # fmt: skip

Phones = list[tuple[float, float, str]]
"""(start s, end s, phone of the table), in order and without gaps."""


def coefficients(phones: Phones, count: int) -> np.ndarray:
    """The mouth at the times 0, 10, 20 … ms, `[count, 16]` f32."""
    t = np.arange(count) / RATE_HZ
    phones = _merge_pauses(phones)
    out = dict.fromkeys(COEFFICIENTS, 0.0)
    shapes = _shapes(phones)
    if not shapes:
        return np.zeros((count, len(COEFFICIENTS)), np.float32)
    out["jawOpen"] = _blend(t, shapes, JAW_REACH_S, lambda s: s.jaw_hold, ("jaw",))[0]
    for (name, _), curve in zip(_LIPS, _blend(t, shapes, LIP_REACH_S, lambda s: s.lip_hold, [key for _, key in _LIPS])):
        out[name] = curve

    shut, tuck, tongue = np.zeros(count), np.zeros(count), np.zeros(count)
    for start, end, phone in phones:
        shape = SHAPES[phone]
        if isinstance(shape, Glide):
            continue
        if shape.bilabial:
            _raise(shut, t, start, max(start + 0.05, start + shape.bilabial * (end - start)), 0.07, 0.05, 1.0)
        if shape.labiodental:
            _raise(tuck, t, start, max(start + 0.05, start + shape.labiodental * (end - start)), 0.06, 0.05, 1.0)
        if shape.tongue:
            _raise(tongue, t, start, max(start + 0.03, end - 0.015), 0.05, 0.05, shape.tongue)

    jaw = out["jawOpen"] * (1 - 0.35 * tuck)
    out["jawOpen"] = jaw * (1 - 0.25 * shut)
    out["mouthClose"] = out["jawOpen"] * shut
    out["mouthPress"] = 0.40 * shut
    out["mouthRollLower"] = 0.30 * shut + 0.50 * tuck * (1 - shut)
    out["mouthRollUpper"] = 0.24 * shut
    out["mouthShrugLower"] = 0.10 * shut + 0.08 * tuck
    out["mouthShrugUpper"] = 0.06 * shut
    out["mouthLowerDown"] = out["mouthLowerDown"] * (1 - shut) * (1 - tuck)
    out["mouthUpperUp"] = out["mouthUpperUp"] * (1 - shut) * (1 - tuck) + 0.18 * tuck * (1 - shut)
    for name in ("mouthFunnel", "mouthStretch", "mouthSmile"):
        out[name] = out[name] * (1 - 0.7 * shut)
    out["tongueTip"] = tongue
    alive = activity(phones, count)
    return np.stack([np.broadcast_to(out[name], count) * alive for name in COEFFICIENTS], axis=1).astype(np.float32)


def visemes(phones: Phones, count: int) -> np.ndarray:
    """The class of each 10 ms, `[count]` i64."""
    out = np.zeros(count, np.int64)
    for start, end, phone in phones:
        out[max(round(start * RATE_HZ), 0) : round(end * RATE_HZ)] = VISEME_OF[phone]
    return out


def activity(phones: Phones, count: int) -> np.ndarray:
    """1 while speaking, 0 at rest: opens from 50 ms before speech begins, is shut 90 ms after it ends."""
    t = np.arange(count) / RATE_HZ
    alive = np.zeros(count)
    for start, end in speech_spans(phones):
        _raise(alive, t, start + 0.02, end - 0.02, 0.07, 0.11, 1.0)
    return alive


def speech_spans(phones: Phones) -> list[tuple[float, float]]:
    """(start s, end s) of what lies between pauses of 200 ms and more."""
    spans: list[tuple[float, float]] = []
    for start, end, phone in _merge_pauses(phones):
        if phone == "pau":
            if end - start >= REST_S:
                continue
            if not spans or start > spans[-1][1] + 1e-6:
                continue  # a short pause at the very beginning
        if spans and start <= spans[-1][1] + 1e-6:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _merge_pauses(phones: Phones) -> Phones:
    merged: Phones = []
    for start, end, phone in phones:
        if merged and phone == "pau" == merged[-1][2]:
            merged[-1] = (merged[-1][0], end, "pau")
        else:
            merged.append((start, end, phone))
    return merged


def _shapes(phones: Phones) -> list[tuple[float, float, Shape]]:
    """Phones as shapes with their middle part; diphthongs become two, long pauses none."""
    shapes = []
    for start, end, phone in phones:
        shape = SHAPES[phone]
        if isinstance(shape, Glide):
            middle = start + shape.first * (end - start)
            shapes.append((start, middle, SHAPES[shape.parts[0]]))
            shapes.append((middle, end, SHAPES[shape.parts[1]]))
        elif phone != "pau" or end - start < REST_S:
            shapes.append((start, end, shape))
    return shapes


def _blend(t: np.ndarray, shapes: list[tuple[float, float, Shape]], reach: float, hold, keys) -> np.ndarray:
    """Weighted mean of the shapes' values at each time, `[keys, t]`."""
    total = np.full(len(t), 1e-9)
    sums = np.zeros((len(keys), len(t)))
    for start, end, shape in shapes:
        middle, half = (start + end) / 2, 0.25 * (end - start)
        low, high = np.searchsorted(t, (start - 6 * reach, end + 6 * reach))
        distance = np.maximum(np.abs(t[low:high] - middle) - half, 0)
        # a longer phone pulls more: it has time to reach its target
        strength = hold(shape) * min(1.0, 0.35 + (end - start) / 0.12)
        pull = strength * np.exp(-((distance / reach) ** 1.5))
        total[low:high] += pull
        for row, key in enumerate(keys):
            value = getattr(shape, key)
            if value:
                sums[row, low:high] += pull * value
    return sums / total


def _raise(curve: np.ndarray, t: np.ndarray, start: float, end: float, before: float, after: float, height: float) -> None:
    """Raises `curve` to `height` between `start` and `end`, with smooth flanks outside of them."""
    low, high = np.searchsorted(t, (start - before, end + after))
    x = t[low:high]
    flank = np.minimum(np.clip((x - (start - before)) / before, 0, 1), np.clip(((end + after) - x) / after, 0, 1))
    curve[low:high] = np.maximum(curve[low:high], height * (0.5 - 0.5 * np.cos(np.pi * flank)))
