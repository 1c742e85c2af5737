"""Portraits that the engine moves, measured: `cargo build --release -p benches --features portrait`, then

    bithuman curves AVATAR --audio SPEECH --output curves.csv
    python -m essence_studio.portrait curves.csv PICTURE...
    python -m essence_studio.portrait --sweep 500 --sheets FOLDER curves.csv PICTURE...
    python -m essence_studio.portrait --sheet sheet.jpg curves.csv PICTURE...
    python -m essence_studio.portrait --hostile 300 curves.csv PICTURE...

measures them in speech, looks for faults of the mesh in states all over the rig, shows eight of them, or damages
the pictures. And how they move over a minute, in films that `bithuman render PICTURE --audio voice.wav` made:

    python -m essence_studio.portrait --motion voice.wav FILM...
"""
from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.portrait", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", type=Path, help="a voice's mouth, the table of `bithuman curves`; with --motion, a film")
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--face-landmarker", metavar="PATH", help="MediaPipe's face_landmarker.task")
    parser.add_argument("--sweep", type=int, metavar="COUNT", help="instead, the most pixels of holes and folds in so many states")
    parser.add_argument("--hostile", type=int, metavar="COUNT", help="instead, what becomes of so many damaged copies of the pictures")
    parser.add_argument("--motion", type=Path, metavar="VOICE", help="instead, steps and nods of films of this voice, a WAV file")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="instead, a sheet of them in eight states")
    parser.add_argument("--sheets", type=Path, metavar="FOLDER", help="for the sweep's contact sheets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    options = parser.parse_args()
    if options.sweep:
        sweep_all(options.pictures, options.sweep, options.sheets)
        return
    if options.sheet:
        from . import sheet

        sheet.drawn_sheet(options.pictures, options.sheet)
        return
    if options.hostile:
        hostile_all(options.pictures, options.hostile)
        return
    from ..face import mediapipe

    landmarker = mediapipe.Landmarker(mediapipe.landmarker_path(options.face_landmarker))
    if options.motion:
        motion_all([options.curves, *options.pictures], options.motion, landmarker)
        landmarker.close()
        return
    from . import measures, rig

    figures = {}
    print("| picture | at rest, dB | opening, r | shut | shut as in the picture | blinks | bright | 15° of gaze | iris |")
    print("|---|---|---|---|---|---|---|---|---|")
    for picture in options.pictures:
        try:
            one = measures.measured(picture, options.curves, landmarker)
        except rig.Refused as refusal:
            print(f"| {picture.stem} | {refusal} |")
            continue
        figures[picture.stem] = dataclasses.asdict(one)
        print(
            f"| {picture.stem} | {one.rest_db:.1f} | {one.opening_r:.3f} | {one.shut:.0%} | {one.shut_as_rest:.0%} ({one.gap_at_rest:.1f} px) "
            f"| {one.blinks[0]:.2f} {one.blinks[1]:.2f} | {one.bright:.1%} | {one.gaze_degrees:.1f} | {one.iris_change:.0%} |",
            flush=True,
        )
    landmarker.close()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def sweep_all(pictures: list[Path], count: int, sheets: Path | None) -> None:
    from . import sweep

    print("| picture | holes, px | folds, px | corners astray |")
    print("|---|---|---|---|")
    for picture in pictures:
        sheet = sheets / f"{picture.stem}.png" if sheets else None
        holes, folds, strays = sweep.swept(picture, count, sheet)
        print(f"| {picture.stem} | {holes} | {folds} | {strays} |", flush=True)


def motion_all(films: list[Path], voice: Path, landmarker) -> None:
    from . import motion

    print("| film | frames | largest step, of the median | head and stress, r | behind by, s | speed in silence |")
    print("|---|---|---|---|---|---|")
    for film in films:
        one = motion.moved(film, voice, landmarker)
        print(f"| {film.stem} | {one.frames} | {one.largest_step:.1f} | {one.stress_r:.2f} | {one.lag_s:.2f} | {one.stillness:.0%} |", flush=True)


def hostile_all(pictures: list[Path], count: int) -> None:
    import tempfile

    from . import hostile

    with tempfile.TemporaryDirectory() as folder:
        ends, most = hostile.run(pictures, count, Path(folder))
    print(", ".join(f"{number} {end}" for end, number in sorted(ends.items())) + f"; {most / 1e6:.0f} MB at most")


if __name__ == "__main__":
    main()
