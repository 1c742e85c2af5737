"""Writes `espeak.tsv`: the phoneme events of eSpeak NG for twenty sentences, each with a p, b or m.

    python testdata/visemes/espeak.py > testdata/visemes/espeak.tsv

A line is a sentence (`# text`), or an event: its time in seconds and its symbol in IPA, empty for a pause.
Needs the library of eSpeak NG (`libespeak-ng.so.1`) and nothing else.
"""

import ctypes

SENTENCES = (
    "My brother bought a big blue boat.", "People must pay before they pick up the parcel.", "Maybe we should stop here.",
    "The lamp by the window is broken.", "Please bring me a map of Paris.", "She jumped up and clapped.",
    "A simple problem may have many answers.", "Bob keeps bees behind the barn.", "Remember to lock the back door.",
    "The company opens at about nine.", "I hope it will not be a problem.", "Put the apples in the basket.",
    "Her map is on top of the books.", "We met them in September.", "The baby slept for most of the trip.",
    "Tomorrow morning I am in Berlin.", "Can you repeat the number, please?", "The movie begins in ten minutes.",
    "He climbed the steps one by one.", "Time to wrap up and go home.",
)  # fmt: skip
RATE_HZ = 22050


class Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
                ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", Id)]  # fmt: skip


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


def main() -> None:
    library = ctypes.CDLL("libespeak-ng.so.1")
    library.espeak_Synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
                                     ctypes.c_void_p, ctypes.c_void_p]  # fmt: skip
    # Synchronous output, phoneme events, in IPA.
    assert library.espeak_Initialize(2, 0, None, 1 | 2) == RATE_HZ
    assert library.espeak_SetVoiceByName(b"en-us") == 0
    events: "list[tuple[float, str]]" = []

    def receive(_samples, _count, first) -> int:
        index = 0
        while first[index].type != 0:
            if first[index].type == 7:
                raw = ctypes.string_at(ctypes.addressof(first[index].id), 8).split(b"\0")[0]
                events.append((first[index].sample / RATE_HZ, raw.decode("utf-8", "ignore")))
            index += 1
        return 0

    callback = CALLBACK(receive)
    library.espeak_SetSynthCallback(callback)
    for sentence in SENTENCES:
        events.clear()
        data = sentence.encode()
        library.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)
        library.espeak_Synchronize()
        print(f"# {sentence}")
        for start, symbol in events:
            print(f"{start:.3f}\t{symbol}")


if __name__ == "__main__":
    main()
