"""The rendered character, from pictures to an avatar.

    python -m essence_studio.character train     # the identity network, from the renders
    python -m essence_studio.character evaluate  # its held-out quality, and a sheet to look at
    python -m essence_studio.character pack      # the avatar, with the speech network that is there

The pictures come from `python -m essence_studio.character.render`, which runs in Blender's Python.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

from . import dataset, packing

STUDIO = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.character", description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=["train", "evaluate", "pack"])
    parser.add_argument("--work", type=Path, default=STUDIO / "work" / "character", help="where base/ and mouths/ lie and checkpoints go")
    parser.add_argument("--steps", type=int, default=12000, help="of training in all")
    parser.add_argument("--start", type=Path, help="checkpoint of an earlier network to go on from, its inputs the same or fewer")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=STUDIO.parent / "testdata" / "avatars" / "mika.imx")
    options = parser.parse_args()
    checkpoint = options.work / "identity.pt"
    from ..identity import train

    samples = dataset.load(options.work / "mouths")
    if options.verb == "train":
        train.train(samples, checkpoint, options.steps, options.threads, start=options.start)
    net = train.restore(samples, checkpoint)
    quality = train.evaluate(net, samples)
    print(json.dumps(quality))
    if options.verb == "evaluate":
        dataset.sheet(net, samples, options.work / "held_out.png")
    if options.verb == "pack":
        facts = dict(train.facts(checkpoint), samples=len(samples.patches), multiply_adds=net.multiply_adds(), held_out=quality)
        packing.pack(options.output, options.work, net, samples, facts, STUDIO / "networks")


if __name__ == "__main__":
    main()
