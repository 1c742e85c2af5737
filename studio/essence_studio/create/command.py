"""`python -m essence_studio create`: the stages in their order."""
from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import sys
import time
import traceback
from pathlib import Path

STUDIO = Path(__file__).resolve().parents[2]
ABOUT = "Makes an avatar of a person who agrees to it (docs/consent.md)."
UNSAID = "not stated"
SENTENCE = STUDIO.parent / "testdata" / "audio" / "speech_48000.wav"
MODULES = ("numpy", "scipy", "PIL", "cv2", "av", "onnx", "onnxruntime")
TRAINS = "torch"
"""What training needs besides; a portrait that is not distilled does without."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m essence_studio create", description=ABOUT)
    parser.add_argument("--video", type=Path, action="append", metavar="FILE", help="footage of one face; may be given again, or name a folder of clips")
    parser.add_argument("--portrait", type=Path, metavar="FILE", help="a photograph, painting or drawing of a face: the engine makes an avatar of it in a second, as `bithuman create` does")
    parser.add_argument("--distill", action="store_true", help="with --portrait: train a patch on what the engine draws, for an avatar that costs a millisecond a frame")
    parser.add_argument("--force", action="store_true", help="take portraits that are turned far, dark, or hardly like faces; keep film avatars that the verdict refuses, marked as such")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.imx")
    parser.add_argument("--motion", action="append", default=[], metavar="NAME=FILE", help="a gesture of the same person before the same camera; may be given again")
    parser.add_argument("--name", help="of the avatar; by default the file's")
    parser.add_argument("--source", default=UNSAID, help="where the footage comes from")
    parser.add_argument("--license", default=UNSAID, help="what may be done with the avatar")
    parser.add_argument("--background", metavar="COLOUR|PICTURE", help="behind a person before a green or blue screen: #rrggbb, which a viewer may replace, or a picture, which becomes a part of the avatar; else grey")
    parser.add_argument("--networks", type=Path, default=STUDIO / "networks", help="folder of the shared speech network")
    parser.add_argument("--steps", type=int, help="of a film's training, which by default is left out where the film's own mouths show what lies between the lips; 0: never. Of --distill's: 1500 unasked")
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
    if options.video and options.distill:
        parser.error("--distill goes with --portrait")
    if options.portrait and (options.motion or options.background):
        parser.error("--motion and --background go with --video")
    if options.portrait and not options.distill and options.source != UNSAID:
        parser.error("--source goes with --video and --distill: what is made of a portrait at once has none in its manifest")
    needed = [*MODULES, TRAINS] if options.video or options.distill else MODULES
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        print(f"error: the studio lacks {', '.join(missing)}: set it up with `python3 studio/install.py` (studio/README.md)", file=sys.stderr)
        return 69
    from .reading import Refused

    try:
        if options.video:
            from . import film

            film.make(options)
        else:
            from_portrait(options)
    except Refused as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 66
    except OSError as error:
        print(f"error: {error.filename or options.output}: {error.strerror or error}", file=sys.stderr)
        return 74
    except MemoryError:
        print("error: the memory is used up: close other programs, or give less footage", file=sys.stderr)
        return 71
    except Exception as fault:
        told = options.output.with_name(options.output.name + ".fault.txt")
        with contextlib.suppress(OSError):
            told.write_text(traceback.format_exc())
        print(f"error: a fault of the studio itself ({type(fault).__name__}: {fault}); please report it with {told}", file=sys.stderr)
        return 70
    except KeyboardInterrupt:
        print("\ninterrupted: the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def from_portrait(options: argparse.Namespace) -> None:
    from . import checks, drive, portrait

    checks.writable(options.output)

    if options.distill:
        distilled(options)
    else:
        face = portrait.created(options.portrait, options.output, options.name, options.license, options.force)
        print(f"{options.output}: {face['width']}x{face['height']}, {face['bytes'] / 1e6:.1f} MB in {face['wall_seconds']:.1f} s")
    if options.preview:
        drive.render(options.output, options.preview_audio, options.preview)
        print(f"{options.preview}: written")


def distilled(options: argparse.Namespace) -> None:
    """An essence avatar whose patch learns from what the engine draws of the portrait."""
    import numpy as np

    from ..identity import train
    from ..portrait import rig
    from ..speech.mouth import COEFFICIENTS
    from . import base, footage, packing, portrait, progress, report, workfolder

    began = time.monotonic()
    work = workfolder.of(options.work, options.output, [options.portrait])
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
    strip = base.strip(prepared, loop)
    rested = packing.rested(prepared, net, strip)
    meter.tick(1)
    quality = train.evaluate(net, samples)
    facts = dict(train.facts(checkpoint), samples=len(samples.split()[0]), held_out=quality, multiply_adds=net.multiply_adds())
    origin = packing.Origin(options.name or options.output.stem, options.source, options.license)
    backdrop = np.full(3, portrait.BACKDROP) if prepared.clips[0].matte else None
    members, manifest = packing.packed(work, prepared, net, np.eye(len(COEFFICIENTS)), loop, rested, origin, facts, options.networks, packing.FILE_BYTES, background=backdrop)
    packing.written(options.output, members, manifest)
    minutes = (time.monotonic() - began) / 60
    page = options.output.with_suffix(".html")
    seen = [[frame[..., :3] for frame in each] for each in (strip.frames, rested.frames)]
    report.write(page, options.output, prepared, net, loop, *seen, [], facts, origin, minutes)
    meter.tick(2)
    meter.say(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB in {minutes:.1f} minutes; held out: {json.dumps(quality)}; report: {page}")
