"""Labels real recordings: phones by alignment, one JSON file beside each recording's name in the work folder.

    python -m essence_studio.speech.real RECORDINGS work/speech/real [--transcripts FILE] [--backwards]

`librispeech.txt` beside this file has what is said in LibriSpeech's train-clean-100 recordings: recognised by pocketsphinx, then read
through and mended by hand (the books are in the public domain), with a `~` before each word that stayed a guess. A recording without a
transcript is aligned with what is recognised, which takes about as long as it lasts. Goes on where it stopped; a second process may
come from the other end (`--backwards`).
"""

import argparse
import json
import subprocess
from dataclasses import astuple
from pathlib import Path

import soundfile

from essence_studio.speech import filmed
from essence_studio.speech.align import Aligner

TRANSCRIPTS = Path(__file__).with_name("librispeech.txt")


def main(recordings: Path, out: Path, transcripts: Path | None = TRANSCRIPTS, backwards: bool = False) -> None:
    out.mkdir(parents=True, exist_ok=True)
    known = read_transcripts(transcripts) if transcripts else {}
    aligner = Aligner()
    for path in sorted(recordings.rglob("*.flac"), reverse=backwards):
        target = out / f"{path.stem}.json"
        if target.exists():
            continue
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == 16000, f"{path}: {rate} Hz, expected 16000"
        text = known.get(path.stem, "")
        phones = aligner.align(samples, text) if text else []
        if all(phone.name == "pau" for phone in phones):  # no transcript, or one that doesn't fit what is said
            text, phones = aligner.recognise(samples)
        rows = [[round(v, 4) if isinstance(v, float) else v for v in astuple(phone)] for phone in phones]
        target.write_text(json.dumps({"recording": str(path), "text": text, "phones": rows}))


def label_videos(folder: Path, out: Path) -> None:
    """Labels the GRID corpus' clips, whose words stand in `.align` files; their sound goes to `out` too. The last sixth is left out,
    for measuring (`filmed.py`)."""
    out.mkdir(parents=True, exist_ok=True)
    aligner = None
    for path in sorted(set(folder.glob("*.mpg")) - set(filmed.held_out(folder))):
        target, wav = out / f"{path.stem}.json", out / f"{path.stem}.wav"
        if target.exists():
            continue
        subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-i", path, "-ar", "16000", "-ac", "1", wav], check=True)
        aligner = aligner or Aligner()
        words = [line.split()[2] for line in path.with_suffix(".align").read_text().splitlines()]
        text = " ".join(word for word in words if word not in ("sil", "sp"))
        samples = soundfile.read(wav, dtype="float32")[0]
        rows = [[round(v, 4) if isinstance(v, float) else v for v in astuple(phone)] for phone in aligner.align(samples, text)]
        target.write_text(json.dumps({"recording": str(wav), "text": text, "phones": rows}))


def read_transcripts(path: Path) -> dict[str, str]:
    """What is said in each recording, from lines of `id|text`."""
    rows = (line.partition("|") for line in path.read_text(encoding="utf-8").splitlines() if line)
    return {name.removesuffix(".wav"): text for name, _, text in rows}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--transcripts", type=Path, default=TRANSCRIPTS)
    parser.add_argument("--backwards", action="store_true")
    arguments = parser.parse_args()
    main(arguments.recordings, arguments.out, arguments.transcripts, arguments.backwards)
