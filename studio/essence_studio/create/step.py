"""Does the picture jump where talking ends? The engine talks and falls silent; its pictures are compared with their neighbours.

    python -m essence_studio.create.step avatar.imx --audio speech.wav [--cuts 8] [--video film.mp4]

Speech is ended where it ends, and cut off at `--cuts` places within it, mostly with the mouth open. Printed, as root mean square differences between
neighbours over the whole picture: the step from the last talking to the first idle picture, the largest of the three after it, and what they are
held against: the largest step between neighbours of the film, or, without one, of the avatar's own idle loop and of its talking.

Needs the package `bithuman` (`bindings/python`).
"""
from __future__ import annotations

import argparse
import io
import json
import wave
from pathlib import Path

import numpy as np
from PIL import Image

from .. import pack
from . import base, footage

AFTER = 4
"""Idle pictures that are looked at."""
TICK_S = 0.04


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.create.step", description=__doc__.splitlines()[0])
    parser.add_argument("avatar", type=Path)
    parser.add_argument("--audio", type=Path, required=True, help="speech, a mono WAV file of 16 bits")
    parser.add_argument("--cuts", type=int, default=8, help="places within the speech where it is cut off as well")
    parser.add_argument("--video", type=Path, action="append", help="the film that the avatar was made of")
    options = parser.parse_args()
    samples, rate = read(options.audio)
    talking, ends = [], []
    for part in np.linspace(0, 1, options.cuts + 1)[1:]:
        frames, last = said(options.avatar, samples[: int(part * len(samples))], rate)
        steps = base.differences(frames[1:], frames[:-1])
        ends.append(steps[last : last + AFTER])
        talking.append(steps[:last])
    report = {
        "ends": len(ends),
        "end_of_speech": round(float(ends[-1][0]), 2),
        "worst_of_ends": round(float(max(each[0] for each in ends)), 2),
        "worst_of_pictures_after": round(float(max(each[1:].max() for each in ends)), 2),
        "largest_in_talking": round(float(max(each.max() for each in talking)), 2),
        "largest_in_idle_loop": round(largest(idle(options.avatar)), 2),
    }
    if options.video:
        report["largest_in_film"] = round(max(largest([picture.astype(np.float32) for picture in clip.pictures()]) for clip in footage.clips_of(options.video)), 2)
    print(json.dumps(report))


def read(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        if file.getsampwidth() != 2 or file.getnchannels() != 1:
            raise SystemExit(f"{path}: not mono with 16 bits")
        return np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()


def said(avatar: Path, samples: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """The pictures of an utterance in real time, on a clock that doesn't run by itself, and some after it; and the number of the last talking one."""
    from bithuman._engine import open_avatar
    from bithuman._session import ManualClock, Session

    clock = ManualClock()
    session = Session(open_avatar(avatar), pacing="realtime", pixel_format="rgb", clock=clock)
    session.push(np.ascontiguousarray(samples), rate)
    session.flush()
    frames, last = [], None
    while last is None or len(frames) < last + 1 + AFTER:
        clock.advance(TICK_S)
        frame = session.draw()
        if frame is None or len(frames) > len(samples) / rate / TICK_S + 100:
            raise SystemExit("the engine gave no end of speech")
        if frame.end_of_speech:
            last = len(frames)
        frames.append(np.asarray(frame.image, np.float32))
    session.close()
    return np.stack(frames), last


def idle(avatar: Path) -> list[np.ndarray]:
    """The idle loop's pictures."""
    manifest, members = pack.read_imx(avatar)
    motion = manifest["motions"]["idle"]
    numbers = range(motion["first"], motion["first"] + motion["count"])
    return [np.asarray(Image.open(io.BytesIO(members[f"frames/{number:05d}.jpg"])).convert("RGB"), np.float32) for number in numbers]


def largest(pictures: list[np.ndarray]) -> float:
    """Of the differences between neighbours."""
    return max(float(base.differences(a[None], b[None])[0]) for a, b in zip(pictures[1:], pictures[:-1]))


if __name__ == "__main__":
    main()
