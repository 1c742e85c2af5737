"""Makes `testdata/audio`: a short text by a free voice at four rates, with the phones' times.

    python -m essence_studio.speech.samples ../testdata/audio
"""

import sys
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from essence_studio.speech import festival

VOICE = "cmu_us_slt_arctic_hts"
SENTENCES = (
    "Hello! My name is Amber, and I am happy to be back.",
    "Maybe Bob bought a big map, a blue lamp, and a box of plums.",
    "Whose voice did you move, mine, or mother's?",
)
PAUSE_S = 0.4
RATES_HZ = (16000, 24000, 44100, 48000)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pieces, phones, now, rate = [], [], 0.0, 0
    for samples, rate, segments in festival.speak(list(SENTENCES), VOICE):
        begin = next(start for start, _, phone in segments if phone != "pau")
        end = max(end for _, end, phone in segments if phone != "pau")
        # 0.05 s of the voice's own silence on each side, then pure silence
        cut = samples[round((begin - 0.05) * rate) : round((end + 0.05) * rate)].copy()
        edge = round(0.02 * rate)
        cut[:edge] *= np.linspace(0, 1, edge)
        cut[-edge:] *= np.linspace(1, 0, edge)
        pieces += [np.zeros(round((PAUSE_S - 0.05) * rate)), cut]
        now += round((PAUSE_S - 0.05) * rate) / rate
        spoken = [(now + s - begin + 0.05, now + e - begin + 0.05, p) for s, e, p in segments if begin <= s < end]
        phones += [(phones[-1][1] if phones else 0.0, spoken[0][0], "pau"), *spoken]
        now += len(cut) / rate
    pieces.append(np.zeros(round(PAUSE_S * rate)))
    phones.append((phones[-1][1], now + PAUSE_S, "pau"))

    speech = np.concatenate(pieces)
    speech *= 0.7 / np.abs(speech).max()
    for target in RATES_HZ:
        divisor = np.gcd(target, rate)
        soundfile.write(folder / f"speech_{target}.wav", resample_poly(speech, target // divisor, rate // divisor), target, "PCM_16")
    rows = [f"{start:.4f},{end:.4f},{phone}" for start, end, phone in phones]
    (folder / "speech.phones.csv").write_text("\n".join(["start_s,end_s,phone", *rows]) + "\n")
    print(f"{len(speech) / rate:.2f} s at {rate} Hz -> {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
