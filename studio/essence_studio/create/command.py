"""`python -m essence_studio create`: the stages in their order."""
from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import sys
import time
from pathlib import Path

STUDIO = Path(__file__).resolve().parents[2]
ABOUT = "Makes an avatar of a person who agrees to it (docs/consent.md)."
UNSAID = "not stated"
WAY = "3"
"""Counts up when tracking, coefficients or training change: what an earlier way left behind is not gone on from."""
SENTENCE = STUDIO.parent / "testdata" / "audio" / "speech_48000.wav"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m essence_studio create", description=ABOUT)
    parser.add_argument("--video", type=Path, action="append", metavar="FILE", help="footage of one face; may be given again, or name a folder of clips")
    parser.add_argument("--portrait", type=Path, metavar="FILE", help="a photograph, painting or drawing of a face: the engine makes an avatar of it in a second, as `bithuman create` does")
    parser.add_argument("--distill", action="store_true", help="with --portrait: train a patch on what the engine draws, for an avatar that costs a millisecond a frame")
    parser.add_argument("--force", action="store_true", help="with --portrait: take faces that are turned far, dark, or hardly like faces, as art may have them")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.imx")
    parser.add_argument("--motion", action="append", default=[], metavar="NAME=FILE", help="a gesture of the same person before the same camera; may be given again")
    parser.add_argument("--name", help="of the avatar; by default the file's")
    parser.add_argument("--source", default=UNSAID, help="where the footage comes from")
    parser.add_argument("--license", default=UNSAID, help="what may be done with the avatar")
    parser.add_argument("--background", metavar="COLOUR|PICTURE", help="behind a person before a green or blue screen: #rrggbb, which a viewer may replace, or a picture, which becomes a part of the avatar; else grey")
    parser.add_argument("--face-landmarker", metavar="PATH", help="MediaPipe's face_landmarker.task")
    parser.add_argument("--networks", type=Path, default=STUDIO / "networks", help="folder of the shared speech network")
    parser.add_argument("--steps", type=int, help="of training; by default as many as the patch's size and the footage's length want")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=max(1, os.cpu_count() or 1), help="for training")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="for training; auto takes a CUDA device where there is one")
    parser.add_argument("--work", type=Path, help="folder for what a broken run goes on from; by default beside the output")
    parser.add_argument("--preview", type=Path, metavar="FILE.mp4", help="render a sentence with the finished avatar")
    parser.add_argument("--preview-audio", type=Path, default=SENTENCE, metavar="FILE")
    parser.add_argument("--quiet", action="store_true")
    return parser


def main(argv: list[str] | None = None) -> int:
    parser = arguments()
    options = parser.parse_args(argv)
    if bool(options.video) == bool(options.portrait):
        parser.error("give either --video or --portrait")
    if options.video and (options.distill or options.force):
        parser.error("--distill and --force go with --portrait")
    if options.portrait and (options.motion or options.background):
        parser.error("--motion and --background go with --video")
    if options.portrait and not options.distill and options.source != UNSAID:
        parser.error("--source goes with --video and --distill: what is made of a portrait at once has none in its manifest")
    from .footage import Refused

    try:
        (from_video if options.video else from_portrait)(options)
    except Refused as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 66
    except KeyboardInterrupt:
        print("\ninterrupted: the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def from_video(options: argparse.Namespace) -> None:
    import numpy as np

    from ..identity import train
    from ..speech.mouth import COEFFICIENTS
    from . import base, calibrate, checks, fit, footage, gesture, keying, landmarks, mask, measure, packing, prepare, preview, progress, report, sound

    began = time.monotonic()
    bundle = landmarks.landmarker_path(options.face_landmarker)
    clips = footage.clips_of(options.video)
    used = checks.long_enough(clips)
    warnings = [f"only the first {checks.LONGEST_S / 60:.0f} minutes are used"] if len(used) < len(clips) else []
    clips = used
    talks = len(clips)
    names = gesture_names(options.motion)
    clips = footage.clips_of([clip.path for clip in clips] + list(names.values()))
    screen = keying.screen_of(next(clips[0].pictures()))
    # A blue wall may be just that: only plain screen green is replaced unasked.
    if screen and (options.background or keying.obvious(*screen)):
        keeps_matte = keying.is_color(options.background)
        key = keying.Key(*screen, keying.background(options.background, clips[0].width, clips[0].height), keeps_matte)
        clips = [dataclasses.replace(clip, change=key, matte=key.matte if keeps_matte else None) for clip in clips]
    elif options.background:
        raise footage.Refused("--background: no green or blue screen was found behind the person")
    backdrop = key.background[0, 0] if clips[0].matte else None
    work = folder(options, [clip.path for clip in clips])
    if not list(work.glob("faces-*.npz")):
        checks.one_face(clips, bundle)

    total, tracks = sum(clip.count for clip in clips), []
    meter = progress.Progress({"faces": 0.025 * total, "sound": 0.01 * total, "patches": 0.01 * total, "training": 300.0, "packing": 30.0}, options.quiet)
    meter.stage("faces", total)
    for number, clip in enumerate(clips):
        before = sum(len(track.points) for track in tracks)
        tracks.append(landmarks.tracked(clip, bundle, work / f"faces-{number:04d}.npz", lambda n: meter.tick(before + n)))
    meter.tick(total)
    warnings += checks.face_fit(clips, tracks)

    meter.stage("sound", 1)
    spoken = sound.spoken(clips[:talks], options.networks)
    silent = [np.zeros((clip.count, len(COEFFICIENTS)), np.float32) for clip in clips[talks:]]
    meter.tick(1)
    meter.stage("patches", total)
    prepared = prepare.prepare(clips, tracks, spoken and spoken + silent, meter.tick, len(names))
    samples = prepared.samples
    samples.alpha = mask.alpha_of(samples, prepared.heads, prepared.patch)
    for number, flags in enumerate(prepared.covered):
        warnings += [f"{clips[number].path.name}, {a:.1f} to {b:.1f} s: something seems to cover the mouth; left out" for a, b in checks.spans(flags)]
    loop = base.choose(prepared, tracks[:talks])
    for warning in warnings:
        meter.say(f"warning: {warning}")

    steps = options.steps or train.steps_for(samples)
    checkpoint = work / f"identity-{steps}-{options.seed}.pt"
    meter.expect("training", steps * 0.05 * (samples.patches.shape[-1] / 96) ** 2)
    meter.stage("training", steps, train.steps_done(checkpoint))
    net = train.train(samples, checkpoint, steps, options.threads, options.seed, lambda step, loss: meter.tick(step, f"loss {loss:.4f}"), options.device)

    meter.stage("packing", 3)
    quality = dict(train.evaluate(net, samples), **measure.in_frames(prepared, net, bundle))
    meter.tick(1)
    matrix, match = np.eye(len(COEFFICIENTS)), None
    if spoken is not None:
        heard, seen = np.concatenate(spoken), np.concatenate(prepared.coefficients[:talks])
        opening = np.concatenate([track.opening() for track in tracks[:talks]])
        matrix = calibrate.calibrated(heard, seen, opening, fit.parting(prepared.shapes))
        match = calibrate.quality(heard, seen, matrix, opening)
    frames = base.pictures(prepared, loop)
    rested = packing.rested(prepared, net, loop, frames)
    gestures: list[gesture.Gesture] = []
    talking = base.lively(prepared, tracks[:talks], loop)
    if talking:
        shown = packing.rested(prepared, net, talking, base.pictures(prepared, talking))
        gestures = [gesture.made("talking", prepared, talking, shown, loop, rested, least=4 * talking.count // 5)]
        if gestures[0].jump > gesture.SMOOTH:
            gestures = []
    for number, name in enumerate(names, talks):
        # As filmed: a smile is the mouth's, too.
        stretch = base.whole(prepared, number)
        shown = base.pictures(prepared, stretch)
        gestures.append(gesture.made(name, prepared, stretch, shown, loop, rested, gestures[0].anchor if gestures else None))
        if gestures[-1].jump > 8:
            meter.say(f"warning: --motion {name} begins or ends {gestures[-1].jump:.0f} of the base loop's steps away from it: the morph will show")
    facts = dict(
        train.facts(checkpoint), samples=len(samples.split()[0]), held_out=quality, multiply_adds=net.multiply_adds(), seconds_of_footage=round(total / footage.RATE, 1),
        fit_left_in_eyes=round(prepared.left, 4),
    )  # fmt: skip
    if match:
        facts["follows_speech"] = match
    origin = packing.Origin(options.name or options.output.stem, options.source, options.license)
    packing.pack(options.output, work, prepared, net, matrix, loop, rested, origin, facts, options.networks, packing.most_bytes(clips[0].width, clips[0].height), gestures, backdrop)
    meter.tick(2)
    minutes = (time.monotonic() - began) / 60
    page = options.output.with_suffix(".html")
    seen = [[frame[..., :3] for frame in each] for each in (frames, rested)]
    report.write(page, options.output, prepared, net, loop, *seen, warnings, facts, origin, minutes)
    meter.tick(3)
    meter.say(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB in {minutes:.1f} minutes; held out: {json.dumps(quality)}; report: {page}")
    if options.preview:
        preview.render(options.output, options.preview_audio, options.preview)
        meter.say(f"{options.preview}: written")


def gesture_names(given: list[str]) -> dict[str, Path]:
    """Gestures' names and files of `--motion NAME=FILE`."""
    from .footage import Refused

    names: dict[str, Path] = {}
    for each in given:
        name, _, path = each.partition("=")
        if not path or not name.isidentifier() or name in ("idle", "talking") or name in names:
            raise Refused(f"--motion {each}: give NAME=FILE, each name once; `idle` and `talking` are the base loops")
        names[name] = Path(path)
    return names


def from_portrait(options: argparse.Namespace) -> None:
    from . import portrait, preview

    if options.distill:
        distilled(options)
    else:
        face = portrait.created(options.portrait, options.output, options.name, options.license, options.force)
        print(f"{options.output}: {face['width']}x{face['height']}, {face['bytes'] / 1e6:.1f} MB in {face['wall_seconds']:.1f} s")
    if options.preview:
        preview.render(options.output, options.preview_audio, options.preview)
        print(f"{options.preview}: written")


def distilled(options: argparse.Namespace) -> None:
    """An essence avatar whose patch learns from what the engine draws of the portrait."""
    import numpy as np

    from ..identity import train
    from ..portrait import rig
    from ..speech.mouth import COEFFICIENTS
    from . import base, footage, packing, portrait, progress, report

    began = time.monotonic()
    work = folder(options, [options.portrait])
    meter = progress.Progress({"mouths": 30.0, "training": 300.0, "packing": 20.0}, options.quiet)
    meter.stage("mouths", portrait.MOUTHS)
    # A picture that can't become an avatar is refused in the engine's words.
    portrait.created(options.portrait, work / "portrait.imx", options.name, options.license, options.force)
    try:
        with rig.Drawer(portrait.shrunk(options.portrait, work)) as drawer:
            prepared = portrait.prepared(drawer, options.portrait, meter.tick)
    except rig.Refused as refusal:
        raise footage.Refused(str(refusal)) from None
    samples = prepared.samples
    steps = options.steps or portrait.STEPS
    checkpoint = work / f"identity-{steps}-{options.seed}.pt"
    meter.expect("training", steps * 0.05 * (samples.patches.shape[-1] / 96) ** 2)
    meter.stage("training", steps, train.steps_done(checkpoint))
    net = train.train(samples, checkpoint, steps, options.threads, options.seed, lambda step, loss: meter.tick(step, f"loss {loss:.4f}"), options.device)
    meter.stage("packing", 2)
    loop = base.Loop(0, 0, portrait.FRAMES, "cycle", 0.0)
    frames = base.pictures(prepared, loop)
    rested = packing.rested(prepared, net, loop, frames)
    meter.tick(1)
    quality = train.evaluate(net, samples)
    facts = dict(train.facts(checkpoint), samples=len(samples.split()[0]), held_out=quality, multiply_adds=net.multiply_adds())
    origin = packing.Origin(options.name or options.output.stem, options.source, options.license)
    backdrop = np.full(3, portrait.BACKDROP) if prepared.clips[0].matte else None
    packing.pack(options.output, work, prepared, net, np.eye(len(COEFFICIENTS)), loop, rested, origin, facts, options.networks, packing.FILE_BYTES, background=backdrop)
    minutes = (time.monotonic() - began) / 60
    page = options.output.with_suffix(".html")
    seen = [[frame[..., :3] for frame in each] for each in (frames, rested)]
    report.write(page, options.output, prepared, net, loop, *seen, [], facts, origin, minutes)
    meter.tick(2)
    meter.say(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB in {minutes:.1f} minutes; held out: {json.dumps(quality)}; report: {page}")


def folder(options: argparse.Namespace, inputs: list[Path]) -> Path:
    """The work folder of exactly this footage, tracked and learned in this way."""
    digest = hashlib.sha256(WAY.encode())
    for path in inputs:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    root = options.work or options.output.with_name(options.output.name + ".work")
    work = root / digest.hexdigest()[:12]
    work.mkdir(parents=True, exist_ok=True)
    return work
