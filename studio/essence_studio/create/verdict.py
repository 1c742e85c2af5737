"""What a finished avatar is worth: it speaks through the engine, and what is seen is held against the film.

    python -m essence_studio.create.verdict avatar.imx --video me.mp4 [--audio speech.wav]

The figures of training say how well single pictures are drawn again. They don't say how the face looks when it speaks: that is measured here, on the engine's
own pictures of a voice. Each measure has two bars. Below the lower one of any, the avatar is refused; above the upper ones of all, it is good.
"""
from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .. import pack
from ..face import finder
from ..speech.mouth import COEFFICIENTS
from . import calibrate, detail, drive, landmarks
from .footage import Clip, clips_of

LOOKED_AT = 120
"""Pictures of the film that are measured."""
TALKING = 0.4
"""Part of the pictures, those with the least open lips, that don't count as talking."""
CLOSED = 0.15
"""`mouthPress` with which speech asks for shut lips."""
SHUT_PX = 1.0
"""Pixels, of 512, that shut lips are apart at most."""
RESTS = 0.02
"""What is asked of the lips at rest, at most."""
TEXTURE = (24, 10)

_PRESS = COEFFICIENTS.index("mouthPress")


@dataclass(frozen=True)
class Bar:
    """How one measure is judged."""

    good: float
    least: float
    """For refusal; beyond it nothing is usable."""
    says: str
    """The fault, with `{}` for the value."""
    instead: str
    """What to film or do."""
    more: bool = True
    """Whether more is better."""

    def grade(self, value: float) -> int:
        """2 good, 1 usable, 0 refused."""
        sign = 1 if self.more else -1
        return int(sign * value >= sign * self.least) + int(sign * value >= sign * self.good)


STILL = "film at least half a minute from a camera that stands still, with the head held still and the light even"
OPEN = "film some sentences with wide and closed lips, the mouth not covered"
BARS = {
    "faces_lost": Bar(0.01, 0.05, "in {:.0%} of the pictures of speech no face is found any more", STILL, False),
    "lips_sharpness": Bar(0.8, 0.4, "speaking lips have {:.2f} of the film's sharpness", STILL),
    "chin_sharpness": Bar(0.8, 0.45, "the chin of the speaking face has {:.2f} of the film's sharpness", STILL),
    "stains": Bar(1.6, 2.5, "the speaking face is {:.1f} times as rough as the film's: noise or stains over chin and cheeks", STILL, False),
    "closures": Bar(0.9, 0.5, "only {:.0%} of the closures that speech asks for shut the lips", OPEN),
    "opening_r": Bar(0.8, 0.5, "the lips follow the speech with r = {:.2f}", OPEN),
    "widest": Bar(0.045, 0.02, "the lips open to {:.3f} of the eyes' distance at most", OPEN),
    "rest": Bar(0.012, 0.04, "at rest the lips stand {:.3f} of the eyes' distance farther apart than the film's", "film a moment in which the person keeps still with the mouth shut", False),
    "flicker": Bar(1.3, 2.5, "the mouth flickers {:.1f} times as much as the film's", STILL, False),
    "colour_step": Bar(1.5, 3.0, "the lips' colour jumps {:.1f} times as far as in the film", "film in even light", False),
    "loop_seam": Bar(1.5, 6.0, "the idle loop's seam is {:.1f} times its usual step", "film ten seconds in which the person keeps still and looks into the camera", False),
    "held_out_db": Bar(27.0, 20.0, "pictures that training never saw are drawn with {:.1f} dB", STILL),
    "sound": Bar(0.4, 0.25, "the lips in the film agree with its own sound by r = {:.2f} only", "film the person who speaks, with their own voice as it was recorded"),
}  # fmt: skip
GRADES = ("refused", "usable", "good")


@dataclass(frozen=True)
class Verdict:
    """What the avatar is worth."""

    grade: str
    figures: dict[str, float]
    reasons: list[str]
    """Sentences: what falls short of good, the worst first, and what to film instead."""

    def written(self) -> dict:
        """For the manifest."""
        return {"grade": self.grade, "reasons": self.reasons, "figures": self.figures}


def judged(figures: dict[str, float]) -> Verdict:
    """The verdict on figures; those that don't apply are missing."""
    grades = {name: BARS[name].grade(value) if np.isfinite(value) else 0 for name, value in figures.items() if name in BARS}
    short = sorted((grade, name) for name, grade in grades.items() if grade < 2)
    reasons = [f"{BARS[name].says.format(figures[name])}: {BARS[name].instead}" for _, name in short]
    return Verdict(GRADES[min(grades.values(), default=0)], {name: round(float(value), 3) for name, value in figures.items()}, reasons)


@dataclass(frozen=True)
class Look:
    """What is measured of pictures of one face."""

    points: np.ndarray
    """`[n, 478, 3]`; not a number where no face was found."""
    detail: dict[str, np.ndarray]
    """Per part of the face `[n]`: the Laplacian's deviation."""
    colour: np.ndarray
    """`[n, 3]`: the lips' mean."""
    texture: np.ndarray
    """`[n, h, w]`: the mouth in its own coordinates."""

    def gap(self) -> np.ndarray:
        """The lips' distance in eyes, `[n]`, across the mouth."""
        right, left, upper, lower = (self.points[:, i, :2] for i in (78, 308, 13, 14))
        (x, y), (u, v) = (left - right).T, (lower - upper).T
        return np.abs(x * v - y * u) / np.hypot(x, y) / self.eyes()

    def eyes(self) -> np.ndarray:
        return np.linalg.norm(self.points[:, 33, :2] - self.points[:, 263, :2], axis=1)


def look(pictures, points: np.ndarray | None = None) -> Look:
    """Measures pictures one after the other; `points` where they are known."""
    found, details, colours, textures, last = [], [], [], [], None
    for number, picture in enumerate(pictures):
        if points is not None:
            last = points[number]
        else:
            again = finder.again(picture, last) if last is not None else None
            last = again.points if again and again.presence >= finder.LEAST_PRESENCE else landmarks.seen(picture)
        if last is None:
            found.append(np.full((478, 3), np.nan))
            details.append({name: np.nan for name in detail.PARTS})
            colours.append(np.full(3, np.nan))
            textures.append(np.full(TEXTURE[::-1], np.nan))
            continue
        found.append(last)
        details.append(detail.of(picture, last))
        colours.append(_colour(picture, last))
        textures.append(_texture(picture, last))
    amounts = {name: np.array([each[name] for each in details]) for name in details[0]}
    return Look(np.stack(found), amounts, np.stack(colours), np.stack(textures))


def _colour(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    eyes = np.linalg.norm(points[33, :2] - points[263, :2])
    x, y = (points[0, :2] + points[17, :2]) / 2
    part = picture[max(0, int(y - 0.154 * eyes)) : int(y + 0.154 * eyes) + 1, max(0, int(x - 0.22 * eyes)) : int(x + 0.22 * eyes) + 1]
    return part.reshape(-1, 3).mean(0) if part.size else np.full(3, np.nan)


def _texture(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The mouth as it lies between the outlines of the lips."""
    upper, lower = points[list(landmarks.LIPS_OUTER[:11]), :2], points[list(landmarks.LIPS_OUTER[:1] + landmarks.LIPS_OUTER[:9:-1]), :2]
    at, down = np.linspace(0, 10, TEXTURE[0]), (np.arange(TEXTURE[1]) + 0.5) / TEXTURE[1]
    top, bottom = (np.stack([np.interp(at, np.arange(11), line[:, axis]) for axis in (0, 1)], 1) for line in (upper, lower))
    place = (top + down[:, None, None] * (bottom - top)).astype(np.float32)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.remap(grey, place[..., 0] - 0.5, place[..., 1] - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def flicker(texture: np.ndarray) -> float:
    """How much a mouth changes and changes back from picture to picture: the 90th percentile."""
    if len(texture) < 3:
        return np.nan
    second = texture[1:-1] - (texture[:-2] + texture[2:]) / 2
    return float(np.nanquantile(np.sqrt((second**2).mean((1, 2))), 0.9))


def of_film(clips: list[Clip], tracks: list[landmarks.Faces]) -> Look:
    """The film itself, in runs of neighbouring pictures."""
    looks = []
    for clip, track in zip(clips, tracks):
        share = max(9, LOOKED_AT * clip.count // sum(each.count for each in clips))
        runs = max(1, share // 9)
        whole = np.flatnonzero([track.found[first : first + 9].all() for first in range(max(1, clip.count - 8))])
        whole = whole if len(whole) else np.arange(max(1, clip.count - 8))
        firsts = set(whole[np.linspace(0, len(whole) - 1, min(runs, len(whole))).astype(int)].tolist())
        wanted = {first + k for first in firsts for k in range(9)}
        pairs = [(picture, track.points[number]) for number, picture in enumerate(clip.pictures()) if number in wanted and number < len(track.points)]
        looks.append(look([picture for picture, _ in pairs], np.stack([points for _, points in pairs])))
    return Look(
        np.concatenate([each.points for each in looks]), {name: np.concatenate([each.detail[name] for each in looks]) for name in looks[0].detail},
        np.concatenate([each.colour for each in looks]), np.concatenate([each.texture for each in looks]),
    )  # fmt: skip


def measured(avatar: Path, audio: Path, film: Look, talks: bool) -> dict[str, float]:
    """The figures of an avatar that says `audio`, against the film; `talks`: whether somebody speaks in it."""
    spoken = drive.curves(avatar, audio)
    shown = look(drive.pictures(avatar, audio))
    count = min(len(shown.colour), len(spoken))
    gap, asked, press = shown.gap()[:count], calibrate.asked(spoken)[:count], spoken[:count, _PRESS]
    seen = np.isfinite(gap)
    figures = {"faces_lost": float(np.mean(~seen))}
    if seen.sum() < 25:
        return figures
    talking = seen & (asked > np.quantile(asked, TALKING))
    filmed = film.gap()
    speaking = filmed >= np.nanquantile(filmed, TALKING)
    for name in ("chin", "cheeks", "lips"):
        share = float(np.nanmean(shown.detail[name][:count][talking]) / max(np.nanmean(film.detail[name][speaking]), 1e-6))
        if name != "cheeks":
            figures[f"{name}_sharpness"] = share
        if name != "lips":
            figures["stains"] = max(figures.get("stains", 0.0), share)
    figures["opening_r"] = float(np.corrcoef(asked[seen], gap[seen])[0, 1])
    figures["widest"] = float(np.quantile(gap[seen], 0.98))
    side = max(drive.size(avatar))
    pixels = gap * float(np.nanmedian(shown.eyes())) * 512 / side
    tightest = [np.nanmin(pixels[max(0, a - 1) : b + 1]) for a, b in _runs(press > CLOSED) if np.isfinite(pixels[max(0, a - 1) : b + 1]).any()]
    if tightest:
        figures["closures"] = float(np.mean(np.array(tightest) <= SHUT_PX))
    still = seen & (asked <= RESTS) & (press <= RESTS)
    if still.sum() >= 5:
        # Who smiles throughout rests so.
        figures["rest"] = max(0.0, float(np.median(gap[still]) - np.nanquantile(filmed, 0.1)))
    steps = np.abs(np.diff(shown.colour[:count], axis=0)).mean(1)
    own = np.abs(np.diff(film.colour, axis=0)).mean(1)[np.arange(len(film.colour) - 1) % 9 < 8]
    if talks:
        figures["flicker"] = flicker(shown.texture[:count][talking]) / max(flicker(film.texture), 1e-6)
        figures["colour_step"] = float(np.nanquantile(steps, 0.98) / max(np.nanquantile(own, 0.99), 0.5))
    figures["loop_seam"] = seam(avatar)
    return figures


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def seam(avatar: Path) -> float:
    """The idle loop's step where it closes, over the median of its steps; 1 where it runs back and forth."""
    manifest, members = pack.read_imx(avatar)
    motion = manifest["motions"]["idle"]
    if motion["loop"] != "cycle":
        return 1.0
    numbers = [motion["first"] + k for k in range(motion["count"])]
    small = np.stack([drive.small(members[f"frames/{number:05d}.jpg"]) for number in numbers])
    steps = np.sqrt(((small - np.roll(small, -1, 0)) ** 2).mean((1, 2, 3)))
    return float(steps[-1] / max(np.median(steps[:-1]), 0.3))


def of_a_speaker(avatar: Path) -> bool:
    """Whether somebody speaks in the film of a finished avatar, as its own verdict was found; yes where it has none."""
    manifest, _ = pack.read_imx(avatar)
    found = manifest.get("verdict")
    return found is None or "flicker" in found["figures"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.create.verdict", description=__doc__.splitlines()[0])
    parser.add_argument("avatar", type=Path)
    parser.add_argument("--video", type=Path, action="append", required=True)
    parser.add_argument("--audio", type=Path, default=drive.SENTENCE)
    options = parser.parse_args()
    clips = clips_of(options.video)
    film = of_film(clips, [landmarks.track(clip) for clip in clips])
    print(json.dumps(judged(measured(options.avatar, options.audio, film, of_a_speaker(options.avatar))).written(), indent=1))


if __name__ == "__main__":
    main()
