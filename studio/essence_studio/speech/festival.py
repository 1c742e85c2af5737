"""Speech by Festival, with the phones' times.

Voices (Debian's `festvox-kallpc16k`, `festvox-kdlpc16k` and `festvox-us-slt-hts`, all free of restrictions on what is made with them) speak CMU phones;
`utt.save.segs` tells where each ends.
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

VOICES = ("cmu_us_slt_arctic_hts", "kal_diphone", "ked_diphone")


def speak(texts: list[str], voice: str, stretch: float = 1.0) -> list[tuple[np.ndarray, int, list[tuple[float, float, str]]]]:
    """Speaks each text: samples, their rate, and the phones as (start s, end s, CMU phone or "pau")."""
    with tempfile.TemporaryDirectory() as folder:
        script = [f"(voice_{voice})", f"(Parameter.set 'Duration_Stretch {stretch:.3f})"]
        for index, text in enumerate(texts):
            plain = text.replace("\\", " ").replace('"', " ")
            script += [
                f'(set! u (utt.synth (Utterance Text "{plain}")))',
                f"(utt.save.wave u \"{folder}/{index}.wav\" 'riff)",
                f'(utt.save.segs u "{folder}/{index}.segs")',
            ]
        path = Path(folder, "script.scm")
        path.write_text("\n".join(script), encoding="ascii", errors="ignore")
        subprocess.run(["festival", "-b", str(path)], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        spoken = []
        for index in range(len(texts)):
            wav, segs = Path(folder, f"{index}.wav"), Path(folder, f"{index}.segs")
            if wav.exists() and segs.exists():
                samples, rate = soundfile.read(wav, dtype="float32")
                spoken.append((samples, rate, _segments(segs.read_text())))
        return spoken


def _segments(text: str) -> list[tuple[float, float, str]]:
    phones, start = [], 0.0
    for line in text.splitlines()[1:]:
        end, _, phone = line.split()
        phones.append((start, float(end), phone))
        start = float(end)
    return phones
