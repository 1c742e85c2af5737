"""A film becomes an avatar: the stages in their order, and the verdict at their end."""
from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path

import numpy as np

from ..identity import train
from ..identity.network import Identity
from ..speech.mouth import COEFFICIENTS
from . import base, calibrate, checks, drive, fit, footage, gesture, keying, landmarks, mask, measure, mouths, packing, prepare, progress, report, sound, verdict, warp, workfolder
from .footage import Refused

UNTAUGHT = 32
"""Size of the patch where nothing is learned: its network shows nothing, and costs nothing."""
TAUGHT_DB = 22.0
"""Quality of pictures that training never saw from which the network draws the inside of the mouth; below, it is painted."""


def make(options: argparse.Namespace) -> None:
    """`create --video`: writes the avatar, unless it is refused."""
    began = time.monotonic()
    for path in [options.output, options.output.with_suffix(".html"), *([options.preview] if options.preview else [])]:
        checks.writable(path)
    drive.program()
    names = gesture.names(options.motion)
    clips, warnings = footage_of(options.video)
    talks = len(clips)
    clips += footage.clips_of(list(names.values()))
    clips, backdrop = keyed(clips, options.background)
    work = workfolder.of(options.work, options.output, sorted({clip.path for clip in clips}))
    checks.room(work, clips)
    if not list(work.glob("faces-*.npz")):
        checks.one_face(clips)

    total, tracks = sum(clip.count for clip in clips), []
    shares = {"faces": 0.04 * total, "sound": 0.01 * total, "patches": 0.01 * total, "training": 300.0, "packing": 30.0, "verdict": 60.0}
    meter = progress.Progress(shares, options.quiet)
    meter.stage("faces", total)
    for number, clip in enumerate(clips):
        before = sum(len(track.points) for track in tracks)
        tracks.append(landmarks.tracked(clip, work / f"faces-{number:04d}.npz", lambda n: meter.tick(before + n)))
    meter.tick(total)
    warnings += checks.face_fit(clips, tracks)

    meter.stage("sound", 1)
    spoken, placed = heard(clips[:talks], tracks[:talks], options.networks, warnings)
    silent = [np.zeros((clip.count, len(COEFFICIENTS)), np.float32) for clip in clips[talks:]]
    meter.tick(1)
    meter.stage("patches", total)
    learns = spoken is not None and (options.steps is None and not mouths.enough(tracks[:talks]) or bool(options.steps))
    if not learns:
        meter.expect("training", 0.0)
    prepared = prepare.prepare(clips, tracks, spoken and spoken + silent, meter.tick, len(names), None if learns else UNTAUGHT)
    samples = prepared.samples
    samples.alpha = mask.alpha_of(samples, prepared.heads, prepared.patch)
    warnings += checks.uncovered(clips[:talks], prepared.covered[:talks])
    tracks = [dataclasses.replace(track, found=track.found & ~hidden) for track, hidden in zip(tracks, prepared.covered)]
    loop = base.choose(prepared, tracks[:talks], spoken)
    for warning in warnings:
        meter.say(f"warning: {warning}")

    net, facts = learned(options, prepared, work, meter) if learns else untaught(prepared)
    meter.stage("packing", 2)
    facts |= {"seconds_of_footage": round(total / footage.RATE, 1), "fit_left_in_eyes": round(prepared.left, 4)}
    meter.tick(1)
    matrix, shown = np.eye(len(COEFFICIENTS)), np.concatenate(prepared.coefficients[:talks])
    bare = np.concatenate([track.found for track in tracks[:talks]])
    if spoken is not None:
        said, seen = np.concatenate(spoken)[bare], shown[bare]
        opening = np.concatenate([track.opening() for track in tracks[:talks]])[bare]
        matrix = calibrate.calibrated(said, seen, opening, fit.parting(prepared.shapes))
        facts["follows_speech"] = calibrate.quality(said, seen, matrix, opening)
    if placed:
        facts["sound"] = {"late_pictures": placed.pictures, "r": round(placed.r, 3), "lead": round(placed.lead, 3)}
    strip = base.strip(prepared, loop, tracks[loop.clip])
    gestures, faces = motions(prepared, tracks, talks, names, loop, strip, meter)
    taught = "held_out" in facts and facts["held_out"]["psnr_db"] >= TAUGHT_DB
    inside = mouths.chosen(prepared, clips[:talks], tracks[:talks], loop) if spoken is not None else None
    moving = warp.members(faces, matrix, calibrate.limits(shown[bare]), warp.NETWORK if taught else warp.DRAWN, inside)
    origin = packing.Origin(options.name or options.output.stem, options.source, options.license)
    most = packing.most_bytes(clips[0].width, clips[0].height)
    members, manifest = packing.packed(work, prepared, net, matrix, loop, strip, origin, facts, options.networks, most, gestures, backdrop, moving)
    candidate = work / "candidate.imx"
    packing.written(candidate, members, manifest)
    meter.tick(2)

    meter.stage("verdict", 2)
    filmed = verdict.of_film(clips[:talks], tracks[:talks])
    meter.tick(1)
    figures = verdict.measured(candidate, drive.SENTENCE, filmed, spoken is not None)
    if placed:
        figures["sound"] = placed.r
    if moving[1]["inside"] == warp.NETWORK:
        figures["held_out_db"] = facts["held_out"]["psnr_db"]
    judgement = verdict.judged(figures)
    meter.tick(2)
    minutes = (time.monotonic() - began) / 60
    page = options.output.with_suffix(".html")
    shown = [frame[..., :3] for frame in strip.frames]
    report.write(page, candidate, prepared, net, loop, shown, shown, warnings, facts, origin, minutes, judgement)
    finished(options, candidate, members, manifest, judgement, meter, page, minutes)


def finished(
    options: argparse.Namespace, candidate: Path, members: dict, manifest: dict, judgement: verdict.Verdict, meter: progress.Progress, page: Path, minutes: float
) -> None:
    """Writes the avatar with its verdict, or refuses: then no file is left under the name that was asked for."""
    candidate.unlink()
    if judgement.grade == "refused" and not options.force:
        kept = ""
        if options.output.exists():
            options.output.replace(candidate.with_name("replaced.imx"))
            kept = f"; the older {options.output.name} is now {candidate.with_name('replaced.imx')}"
        raise Refused(f"this film makes no good avatar: {'; '.join(judgement.reasons)}. The report says more: {page}{kept}. --force writes it all the same")
    manifest["verdict"] = judgement.written()
    packing.written(options.output, members, manifest)
    meter.say(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB in {minutes:.1f} minutes; report: {page}")
    meter.say(f"verdict: {judgement.grade}" + "".join(f"\n  {reason}" for reason in judgement.reasons))
    meter.say(json.dumps(judgement.figures))
    if options.preview:
        drive.render(options.output, options.preview_audio, options.preview)
        meter.say(f"{options.preview}: written")


def footage_of(paths: list[Path]) -> tuple[list[footage.Clip], list[str]]:
    """The shots that are used, and what is to be said of the others."""
    clips, others = footage.alike(footage.clips_of(paths))
    warnings = []
    if others:
        named = ", ".join(f"{clip.name} ({clip.length:.1f} s)" for clip in others)
        warnings.append(f"there are cuts to other pictures: {named} left out")
    used = checks.long_enough(clips, others)
    if len(used) < len(clips):
        warnings.append(f"only the first {checks.LONGEST_S / 60:.0f} minutes are used")
    return used, warnings


def keyed(clips: list[footage.Clip], background: str | None) -> tuple[list[footage.Clip], np.ndarray | None]:
    """The clips with the screen behind the person replaced, if there is one, and the colour behind a matte that is kept."""
    screen = keying.screen_of(next(clips[0].pictures()))
    # A blue wall may be just that: only plain screen green is replaced unasked.
    if screen and (background or keying.obvious(*screen)):
        keeps_matte = keying.is_color(background)
        key = keying.Key(*screen, keying.background(background, clips[0].width, clips[0].height), keeps_matte)
        clips = [dataclasses.replace(clip, change=key, matte=key.matte if keeps_matte else None) for clip in clips]
        return clips, key.background[0, 0] if keeps_matte else None
    if background:
        raise Refused("--background: no green or blue screen was found behind the person")
    return clips, None


def heard(
    clips: list[footage.Clip], tracks: list[landmarks.Faces], networks: Path, warnings: list[str]
) -> tuple[list[np.ndarray] | None, sound.Offset | None]:
    """What is spoken, brought to the pictures it belongs to; None where nobody speaks whose lips are seen."""
    spoken = sound.spoken(clips, networks)
    if spoken is None:
        return None, None
    opening = [track.opening() for track in tracks]
    found = sound.offset(spoken, opening)
    if not found.is_sure:
        still = np.quantile(np.concatenate(opening), 0.95) < sound.STILL
        if still:
            warnings.append("the lips keep still while the film sounds: the sound is not used")
            return None, None
        warnings.append(f"the sound can't be placed against the lips (r = {found.r:.2f} at best): it is used as it is")
        return spoken, dataclasses.replace(found, pictures=0)
    if found.pictures:
        way = "late" if found.pictures > 0 else "early"
        warnings.append(f"the sound is {abs(found.pictures) * 40} ms {way} against the lips (r = {found.r:.2f}): put right")
    return [sound.shifted(each, found.pictures) for each in spoken], found


def learned(options: argparse.Namespace, prepared: prepare.Prepared, work: Path, meter: progress.Progress) -> tuple[Identity, dict]:
    """The identity network, trained, and what is known of it."""
    samples = prepared.samples
    steps = options.steps or train.steps_for(samples)
    checkpoint = work / f"identity-{steps}-{options.seed}.pt"
    meter.expect("training", steps * 0.05 * (samples.patches.shape[-1] / 96) ** 2)
    meter.stage("training", steps, train.steps_done(checkpoint))
    net = train.train(samples, checkpoint, steps, options.threads, options.seed, lambda step, loss: meter.tick(step, f"loss {loss:.4f}"), options.device)
    quality = dict(train.evaluate(net, samples), **measure.in_frames(prepared, net))
    return net, dict(train.facts(checkpoint), samples=len(samples.split()[0]), held_out=quality, multiply_adds=net.multiply_adds())


def untaught(prepared: prepare.Prepared) -> tuple[Identity, dict]:
    """The network where nothing is learned: it shows nothing."""
    import torch

    samples = prepared.samples
    samples.alpha = np.zeros_like(samples.alpha)
    torch.manual_seed(0)
    mean = torch.from_numpy(samples.patches.mean(0, dtype=np.float32) / 255)
    net = Identity(samples.coefficients.shape[1], samples.pose.shape[1], samples.patches.shape[-1], mean).eval()
    return net, {"steps": 0, "samples": len(samples.patches), "multiply_adds": net.multiply_adds()}


def motions(
    prepared: prepare.Prepared, tracks: list[landmarks.Faces], talks: int, names: dict[str, Path], loop: base.Loop, strip: base.Strip,
    meter: progress.Progress,
) -> tuple[list[gesture.Gesture], list[warp.Face]]:  # fmt: skip
    """The talking loop, if there is one, and the gestures of `--motion`; and the faces of all base frames, the idle loop's first."""
    idle = warp.of_loop(prepared, tracks[loop.clip], loop, strip)
    gestures: list[gesture.Gesture] = []
    faces = [idle]

    def add(made: gesture.Gesture, stretch: base.Loop, shown: base.Strip, moves: bool) -> None:
        gestures.append(made)
        inside = warp.of_loop(prepared, tracks[stretch.clip], stretch, shown, moves)
        faces.append(warp.of_gesture(made, inside, idle))

    talking = base.lively(prepared, tracks[:talks], loop)
    if talking:
        shown = base.strip(prepared, talking, tracks[talking.clip])
        made = gesture.made("talking", shown, strip, kind="cycle", least=4 * talking.count // 5)
        if made.jump <= gesture.SMOOTH:
            add(made, talking, shown, True)
    for number, name in enumerate(names, talks):
        # As filmed: a smile is the mouth's, too.
        stretch = base.whole(prepared, number)
        shown = base.strip(prepared, stretch, tracks[number])
        made = gesture.made(name, shown, strip, gestures[0].anchor if gestures else None)
        add(made, stretch, shown, False)
        if made.jump > 8:
            meter.say(f"warning: --motion {name} begins or ends {made.jump:.0f} of the base loop's steps away from it: the morph will show")
    return gestures, faces
