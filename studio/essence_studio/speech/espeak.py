"""Speech by espeak-ng, with the phones' times, through the library's phoneme events.

A voice is a language file with an optional variant: `en-us`, `en-gb-x-rp+f3`, `de+m1`.
"""

import ctypes
import ctypes.util
import functools

import numpy as np

from essence_studio.speech.mouth import phones_of_ipa

RATE_HZ = 22050
_PHONEME = 7
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA = 1, 2
_UTF8 = 1
_RATE, _PITCH = 1, 3


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def speak(text: str, voice: str, words_per_minute: int = 170, pitch: int = 50) -> tuple[np.ndarray, list[tuple[float, float, str]]]:
    """Samples at 22,050 Hz and the phones of the mouth table as (start s, end s, phone)."""
    library = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise ValueError(f"espeak-ng has no voice {voice}")
    library.espeak_SetParameter(_RATE, words_per_minute, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    blocks, starts = [], []

    def receive(samples, count, events):
        if count > 0:
            blocks.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32768)
        index = 0
        while events[index].type != 0:
            if events[index].type == _PHONEME:
                # `string` ends at 8 bytes and may lack its terminator
                raw = ctypes.string_at(ctypes.addressof(events[index].id), 8).split(b"\0")[0]
                starts.append((events[index].sample / RATE_HZ, raw.decode("utf-8", "ignore")))
            index += 1
        return 0

    callback = _CALLBACK(receive)
    library.espeak_SetSynthCallback(callback)
    data = text.encode()
    library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return samples, _phones(starts, len(samples) / RATE_HZ)


def _phones(starts: list[tuple[float, str]], duration: float) -> list[tuple[float, float, str]]:
    rows: list[tuple[float, float, str]] = [(0.0, starts[0][0], "pau")] if starts and starts[0][0] > 0 else []
    for (start, name), end in zip(starts, [*(s for s, _ in starts[1:]), duration]):
        if end <= start:
            continue
        name = name.strip("ˈˌː ")
        phones = phones_of_ipa(name)
        if name.startswith("("):
            phones = []  # a change of language, "(en)"
        if not phones and rows and name and name[0] != "_":
            rows[-1] = (rows[-1][0], end, rows[-1][2])  # what isn't a phone lengthens what was before
            continue
        phones = phones or ["pau"]
        step = (end - start) / len(phones)
        rows += [(start + i * step, start + (i + 1) * step, phone) for i, phone in enumerate(phones)]
    return rows


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    if library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS | _PHONEME_IPA) < 0:
        raise RuntimeError("espeak-ng doesn't start")
    return library
