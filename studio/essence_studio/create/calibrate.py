"""The person's own range: a matrix that turns the shared speech network's coefficients into those that this person's lips would show.

Where the footage has sound, the speech network hears it: how far this person opens the mouth for what it hears is measured, shape by shape.
Least squares alone would make every motion smaller by as much as the prediction is uncertain; so each shape's deviation is restored. Rest stays
rest (there is no constant part). What is heard as closed lips must close them: where it leaves them farther apart than this person's lips stand when
they are shut, the matrix gives way.
"""
from __future__ import annotations

import numpy as np

from ..speech.mouth import COEFFICIENTS

RIDGE = 0.1
"""Of each coefficient, towards the shared meaning: held-out lips agree as well, and what the speech network asks for stays recognisable."""
RESTORED = 1.8
"""At most this many times the least-squares answer."""
CLOSED = 0.15
"""`mouthPress` from which the speech network means closed lips."""
CLOSED_WEIGHT = 2.0
"""Of all closures together, against all other pictures together."""
LEAST = 100
"""Pictures with speech that are needed."""
TIGHT = 0.03
"""Part of the pictures whose lips count as shut: those nearest to each other."""
SHUT_WEIGHT = 3.0
"""Of lips that ought to be shut, against all other pictures together."""
SHUT_ROUNDS = 12
SHUT_RIDGE = 0.01

BOUNDED = ("mouthPress", "mouthRollLower", "mouthRollUpper")
"""What lips do farther in the head's shapes than people do: it makes them thin, or draws the skin in."""
FURTHEST = 0.995
"""Part of the film's pictures that stay within its range."""
PRESSED = 0.25
"""As far as lips may be pressed and rolled in at least: some films show no closure."""

_JAW, _CLOSE, _PRESS, _TONGUE = (COEFFICIENTS.index(name) for name in ("jawOpen", "mouthClose", "mouthPress", "tongueTip"))

_OPENING = np.array([{"jawOpen": 1.0, "mouthClose": -1.0, "mouthLowerDown": 0.5, "mouthUpperUp": 0.3}.get(name, 0.0) for name in COEFFICIENTS])


def calibrated(heard: np.ndarray, seen: np.ndarray, opening: np.ndarray, parting: np.ndarray) -> np.ndarray:
    """The matrix `[16, 16]` that takes heard coefficients `[n, 16]` to seen ones, `seen = heard @ matrix`.

    `opening` `[n]`: how far the filmed lips stand apart; `parting` `[16]`: how far each coefficient parts them. With too little speech, or
    coefficients that don't follow it, the plain one.
    """
    count = len(COEFFICIENTS)
    plain = np.eye(count)
    speaking = heard[:, _JAW] > 0.05
    if speaking.sum() < LEAST or np.corrcoef(heard[:, _JAW], seen[:, _JAW])[0, 1] < 0.3:
        return plain
    shut = speaking & (opening <= np.quantile(opening, 0.2))
    closing = heard[:, _PRESS] > CLOSED
    gram, target = heard.T @ heard / len(heard), heard.T @ seen / len(heard)
    if closing.sum() >= 5 and shut.sum() >= 5:
        said = heard[closing]
        closed = np.broadcast_to(seen[shut].mean(0), said.shape).copy()
        closed[:, _JAW] = np.minimum(closed[:, _JAW], closed[:, _CLOSE] + 0.02)
        gram = gram + CLOSED_WEIGHT * said.T @ said / len(said)
        target = target + CLOSED_WEIGHT * said.T @ closed / len(said)
    # What is not known of a shape is taken over as it is.
    ridge = RIDGE * np.diag(np.diag(gram) + 1e-4)
    matrix = np.linalg.solve(gram + ridge, target + ridge @ plain)
    made = np.clip(heard[~closing] @ matrix, 0, 1)
    restored = np.clip(seen[~closing].std(0) / np.maximum(made.std(0), 1e-4), 1.0, RESTORED)
    restored[_TONGUE] = 1.0
    matrix = matrix * restored
    # The tongue isn't seen: the person's network has learned it as it was heard.
    matrix[:, _TONGUE] = plain[:, _TONGUE]
    return _shutting(matrix, heard[closing], heard[~closing], parting, float((seen[opening <= np.quantile(opening, TIGHT)] @ parting).mean()))


def _shutting(matrix: np.ndarray, closing: np.ndarray, others: np.ndarray, parting: np.ndarray, shut: float) -> np.ndarray:
    """The matrix, changed so that `closing` `[n, 16]` parts lips no farther than `shut`; `others` stay where they were as far as may be.

    One-sided least squares: what is shut already asks for nothing, and coefficients at their bounds don't help.
    """
    if len(closing) < 5 or not len(others):
        return matrix
    kept = others.T @ others / len(others)
    said = SHUT_WEIGHT * closing.T @ closing / len(closing)
    ridge = SHUT_RIDGE * np.diag(np.diag(kept) + 1e-4)
    out = matrix
    for _ in range(SHUT_ROUNDS):
        made = closing @ out
        own = np.clip(made, 0, 1)
        excess = np.maximum(own @ parting - shut, 0)
        helps = np.where(((parting > 0) & (own > 0)) | ((parting < 0) & (own > 0) & (own < 1)), parting, 0.0)
        wanted = made - (excess / np.maximum((helps**2).sum(1), 1e-6))[:, None] * helps
        out = np.linalg.solve(kept + said + ridge, (kept + ridge) @ matrix + SHUT_WEIGHT * closing.T @ wanted / len(closing))
    return out


def limits(seen: np.ndarray) -> np.ndarray:
    """The most that each coefficient may reach, `[16]`: what presses lips or rolls them in, no farther than the film's `seen` `[n, 16]` do."""
    out = np.ones(len(COEFFICIENTS))
    for place in map(COEFFICIENTS.index, BOUNDED):
        out[place] = np.clip(np.quantile(seen[:, place], FURTHEST), PRESSED, 1.0)
    return out


def asked(coefficients: np.ndarray) -> np.ndarray:
    """How far coefficients `[n, 16]` ask the lips to open, `[n]`: a sum over four of them, which the film's own lips follow with `film_r`."""
    return coefficients @ _OPENING


def quality(heard: np.ndarray, seen: np.ndarray, matrix: np.ndarray, opening: np.ndarray) -> dict[str, float]:
    """How well lips that follow the calibrated speech agree with the filmed ones; `opening` `[n]`: how far those stand apart.

    `film_r` is the most that can be expected of rendered lips: how well the film's own lips follow `asked`.
    """
    made = np.clip(heard @ matrix, 0, 1)
    own, filmed = made[:, _JAW] - made[:, _CLOSE], seen[:, _JAW] - seen[:, _CLOSE]
    return {
        "jaw_r": round(float(np.corrcoef(made[:, _JAW], seen[:, _JAW])[0, 1]), 3),
        "jaw_range": round(float(np.quantile(made[:, _JAW], 0.95) / max(np.quantile(seen[:, _JAW], 0.95), 1e-6)), 3),
        "opening_r": round(float(np.corrcoef(own, filmed)[0, 1]), 3),
        "film_r": round(float(np.corrcoef(asked(seen), opening)[0, 1]), 3),
    }
