"""Phones of real speech and when they are said, by pocketsphinx (BSD licence, with its own US English model).

`Aligner.align` takes a transcript; `Aligner.recognise` first guesses one and says for each phone how sure the recogniser was of
its word. pocketsphinx's phone pass swallows pauses and fails on long spans, so the words are placed first, the recording is cut
at the pauses between them, and each piece gets its own phone pass; a piece that fails is halved.
"""

import re
import subprocess
from dataclasses import dataclass

import numpy as np

RATE_HZ = 16000
HOP_S = 0.01
SHIFT_S = 0.008
"""Middle of pocketsphinx's analysis window against the begin of its hop."""
PAUSE_HOPS = 8
PAD_HOPS = 6
GUESSED = 0.2


@dataclass
class Phone:
    start_s: float
    end_s: float
    name: str
    """CMU phone in lower case, "pau" for silence."""
    confidence: float


class Aligner:
    def __init__(self):
        from pocketsphinx import Decoder

        self._decoder = Decoder(loglevel="FATAL")

    def align(self, samples: np.ndarray, text: str) -> list[Phone]:
        """The phones of 16 kHz samples in [-1, 1] that say `text`; words marked `~` come with the confidence `GUESSED`."""
        marked = normalise(text).split()
        words = [self._known(word.lstrip("~")) for word in marked]
        return self._phones(_pcm(samples), words, [GUESSED if word[0] == "~" else 1.0 for word in marked])

    def recognise(self, samples: np.ndarray) -> tuple[str, list[Phone]]:
        """What was probably said, and its phones."""
        pcm = _pcm(samples)
        self._decoder.activate_search()
        self._decode(pcm)
        heard = [(segment.word, segment.prob) for segment in self._decoder.seg() if segment.word[0] not in "<["]
        words = [re.sub(r"\(\d+\)$", "", word) for word, _ in heard]
        return " ".join(words), self._phones(pcm, words, [min(max(prob, 0.0), 1.0) for _, prob in heard])

    def _phones(self, pcm: np.ndarray, words: list[str], confidence: list[float]) -> list[Phone]:
        hops = len(pcm) // 160
        phones: list[Phone] = []
        if words and (placed := self._place(pcm, words)):
            for group in _groups(placed):
                phones += self._piece(pcm, group, confidence)
        filled, now = [], 0.0
        for phone in sorted(phones, key=lambda p: p.start_s):
            start = max(phone.start_s, now)
            if phone.end_s <= start:
                continue
            if start > now + 1e-6:
                filled.append(Phone(now, start, "pau", 1.0))
            filled.append(Phone(start, phone.end_s, phone.name, phone.confidence))
            now = phone.end_s
        if now < hops * HOP_S:
            filled.append(Phone(now, hops * HOP_S, "pau", 1.0))
        return filled

    def _place(self, pcm: np.ndarray, words: list[str]) -> list[tuple[int, str, int, int]]:
        """(index, word, first hop, last hop) of each word, by alignment without phones."""
        self._decoder.set_align_text(" ".join(words))
        self._decode(pcm)
        if self._decoder.hyp() is None:
            return []
        placed, index = [], 0
        for segment in self._decoder.seg():
            if segment.word[0] not in "<[":
                if index < len(words):
                    placed.append((index, words[index], segment.start_frame, segment.end_frame))
                index += 1
        return placed if index == len(words) else []

    def _piece(self, pcm: np.ndarray, group: list[tuple[int, str, int, int]], confidence: list[float]) -> list[Phone]:
        """Phones of consecutive words without a pause between them."""
        first = max(group[0][2] - PAD_HOPS, 0)
        last = min(group[-1][3] + 1 + PAD_HOPS, len(pcm) // 160)
        piece = pcm[160 * first : 160 * last]
        try:
            self._decoder.set_align_text(" ".join(word for _, word, _, _ in group))
            self._decode(piece)
            self._decoder.set_alignment()
            self._decode(piece)
            phones, said = [], iter(group)
            for word in self._decoder.get_alignment():
                if word.name[0] in "<[":
                    continue
                sure = confidence[next(said)[0]]
                for phone in word:
                    start = (first + phone.start) * HOP_S + SHIFT_S
                    phones.append(Phone(start, start + phone.duration * HOP_S, phone.name.lower(), sure))
            if not phones:
                raise RuntimeError("no phones")
            return phones
        except (RuntimeError, StopIteration):
            if len(group) == 1:
                _, _, start, end = group[0]
                return [Phone(start * HOP_S + SHIFT_S, (end + 1) * HOP_S + SHIFT_S, "unknown", 0.0)]
            half = len(group) // 2
            return self._piece(pcm, group[:half], confidence) + self._piece(pcm, group[half:], confidence)

    def _decode(self, pcm: np.ndarray) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()

    def _known(self, word: str) -> str:
        """The word, taught to the decoder with flite's pronunciation when its dictionary lacks it."""
        if self._decoder.lookup_word(word) is None:
            said = subprocess.run(["flite", "-ps", "-t", word, "-o", "none"], capture_output=True, text=True, check=True).stdout
            phones = [{"ax": "AH"}.get(p, p.upper()) for p in said.split() if p != "pau"]
            self._decoder.add_word(word, " ".join(phones), True)
        return word


def normalise(text: str) -> str:
    return " ".join(re.sub(r"[^a-z'~ ]", " ", text.lower().replace("-", " ")).split())


def _groups(placed: list[tuple[int, str, int, int]]) -> list[list[tuple[int, str, int, int]]]:
    groups = [[placed[0]]]
    for before, word in zip(placed, placed[1:]):
        if word[2] - before[3] - 1 >= PAUSE_HOPS:
            groups.append([])
        groups[-1].append(word)
    return groups


def _pcm(samples: np.ndarray) -> np.ndarray:
    peak = max(float(np.abs(samples).max()), 1e-3)
    return np.round(samples * (0.7 * 32767 / peak)).astype("<i2")
