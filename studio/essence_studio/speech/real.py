"""Labels real recordings: phones by recognition and alignment, one JSON file beside each recording's name in the work folder.

    python -m essence_studio.speech.real RECORDINGS work/speech/real [--backwards]

Takes about as long as the recordings last; goes on where it stopped. A second process may come from the other end (`--backwards`).
"""

import json
import sys
from dataclasses import astuple
from pathlib import Path

import soundfile

from essence_studio.speech.align import Aligner


def main(recordings: Path, out: Path, backwards: bool = False) -> None:
    out.mkdir(parents=True, exist_ok=True)
    aligner = Aligner()
    for path in sorted(recordings.rglob("*.flac"), reverse=backwards):
        target = out / f"{path.stem}.json"
        if target.exists():
            continue
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == 16000, f"{path}: {rate} Hz, expected 16000"
        text, phones = aligner.recognise(samples)
        rows = [[round(v, 4) if isinstance(v, float) else v for v in astuple(phone)] for phone in phones]
        target.write_text(json.dumps({"recording": str(path), "text": text, "phones": rows}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "--backwards" in sys.argv)
