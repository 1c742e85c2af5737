"""The speech network's command: makes data, trains, evaluates, exports. Run from `studio/`.

    python -m essence_studio.speech data --recordings FOLDER
    python -m essence_studio.speech train
    python -m essence_studio.speech average
    python -m essence_studio.speech evaluate
    python -m essence_studio.speech export
"""

import argparse
import os
from pathlib import Path

_SHARED = Path(os.environ.get("ESSENCE_DATA", "../../shared/data"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.speech", description="The speech network: mels to mouth.")
    parser.add_argument("--work", type=Path, default=Path("work/speech"), help="folder for what is made on the way")
    commands = parser.add_subparsers(dest="command", required=True)

    data = commands.add_parser("data", help="synthesize speech, label real speech, write the corpus")
    data.add_argument("--recordings", type=Path, default=_SHARED / "real_speech/librispeech_train-clean-100", help="real speech (flac)")
    data.add_argument("--videos", type=Path, default=_SHARED / "talking_video/grid_s1", help="real speech (mpg with .align)")
    data.add_argument("--captured", type=Path, default=_SHARED / "captured_curves", help="captured articulation (wav, npy)")
    data.add_argument("--minutes", type=float, default=110, help="minutes of synthesized speech")
    data.add_argument("--seed", type=int, default=1)

    train = commands.add_parser("train", help="train, or go on training")
    train.add_argument("--steps", type=int, default=12000)
    train.add_argument("--teacher", action="store_true", help="train the teacher, which hears the future too")
    train.add_argument("--taught", type=Path, help="labels that `teach` wrote, to use besides the corpus'")
    train.add_argument("--seed", type=int, default=1)
    train.add_argument("--threads", type=int, default=1)
    train.add_argument("--name", default="network", help="name of the checkpoint in the work folder")

    teach = commands.add_parser("teach", help="label the real recordings with a trained teacher")
    teach.add_argument("--name", default="teacher")
    teach.add_argument("--out", type=Path, default=Path("work/speech/taught.npz"))

    average = commands.add_parser("average", help="write the mean of networks from one training")
    average.add_argument("--of", nargs="+", default=["network_halfway", "network"])
    average.add_argument("--name", default="averaged")

    film = commands.add_parser("film", help="measure the lips of filmed clips, to evaluate with (needs PyAV)")
    film.add_argument("--videos", type=Path, default=_SHARED / "talking_video/grid_s1")

    evaluate = commands.add_parser("evaluate", help="measure on real speech with transcripts")
    evaluate.add_argument("--shared", type=Path, default=_SHARED, help="folder of the recordings to measure on")
    evaluate.add_argument("--plots", type=Path, help="folder for plots")
    evaluate.add_argument("--name", default="averaged")

    export = commands.add_parser("export", help="write networks/speech.onnx, speech.json and the test vectors")
    export.add_argument("--networks", type=Path, default=Path("networks"))
    export.add_argument("--testdata", type=Path, default=Path("../testdata"))
    export.add_argument("--name", default="averaged")

    arguments = parser.parse_args()
    work: Path = arguments.work
    match arguments.command:
        case "data":
            from essence_studio.speech import data, real

            if arguments.recordings.is_dir():
                real.main(arguments.recordings, work / "real")
            if arguments.videos.is_dir():
                real.label_videos(arguments.videos, work / "real")
            captured = arguments.captured if arguments.captured.is_dir() else None
            data.make(work / "corpus.npz", work / "real", captured, arguments.minutes, arguments.seed)
        case "train":
            from essence_studio.speech.network import STUDENT, TEACHER
            from essence_studio.speech.train import train

            layout = TEACHER if arguments.teacher else STUDENT
            train(work / "corpus.npz", work / f"{arguments.name}.pt", arguments.steps, layout, arguments.taught, arguments.seed, arguments.threads)
        case "teach":
            from essence_studio.speech.train import teach

            teach(work / f"{arguments.name}.pt", work / "corpus.npz", arguments.out)
        case "average":
            from essence_studio.speech.train import average

            average([work / f"{name}.pt" for name in arguments.of], work / f"{arguments.name}.pt")
        case "film":
            from essence_studio.speech.filmed import film

            film(arguments.videos, work / "filmed")
        case "evaluate":
            from essence_studio.speech.evaluate import evaluate, validate

            if (work / "corpus.npz").exists():
                validate(work / f"{arguments.name}.pt", work / "corpus.npz")
            evaluate(work / f"{arguments.name}.pt", arguments.shared, work, arguments.plots)
        case "export":
            from essence_studio.speech.export import export

            export(work / f"{arguments.name}.pt", work / "evaluation.json", arguments.networks, arguments.testdata)


if __name__ == "__main__":
    main()
