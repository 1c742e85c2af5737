"""What the mouth does for each phone: the one table to read and to change.

Values are ARKit's meaning, 0 to 1, for a clearly but not theatrically spoken phone in the middle of a word; all 0 is the mouth at rest.
How phones flow into each other is in `targets.py`.
"""

from dataclasses import dataclass

COEFFICIENTS = (
    "jawOpen", "jawForward", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "mouthSmile", "mouthStretch", "mouthPress", "mouthLowerDown", "mouthUpperUp", "mouthDimple", "tongueTip",
)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """A phone's mouth. `jaw_hold` and `lip_hold` say how much the phone insists on its jaw and its lips against its neighbours:
    1 is a vowel, 0.1 takes over whatever is around it."""

    jaw: float
    jaw_hold: float = 1.0
    lip_hold: float = 1.0
    funnel: float = 0.0
    pucker: float = 0.0
    stretch: float = 0.0
    smile: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    dimple: float = 0.0
    forward: float = 0.0
    tongue: float = 0.0
    """`tongueTip`, a gesture of its own: goes there and back within the phone."""
    bilabial: float = 0.0
    """Part of the phone, from its start, for which the lips are shut (p, b, m)."""
    labiodental: float = 0.0
    """Part of the phone for which the lower lip is tucked under the upper teeth (f, v)."""


@dataclass(frozen=True)
class Glide:
    """A diphthong: from one shape to another, the first lasting `first` of the phone."""

    parts: tuple[str, str]
    first: float = 0.55


def _stop(jaw: float, **kind: float) -> Shape:
    return Shape(jaw, **{"jaw_hold": 0.7, "lip_hold": 0.15, **kind})


SHAPES: dict[str, Shape | Glide] = {
    # vowels, from wide to narrow
    "aa": Shape(0.55, lower=0.20, upper=0.08),
    "a": Shape(0.50, lower=0.22, upper=0.10, stretch=0.06),
    "ae": Shape(0.48, lower=0.26, upper=0.15, stretch=0.15, smile=0.10),
    "ah": Shape(0.36, lower=0.16, upper=0.06),
    "ao": Shape(0.42, funnel=0.36, pucker=0.15, lower=0.10),
    "eh": Shape(0.35, lower=0.20, upper=0.10, stretch=0.14, smile=0.10),
    "o": Shape(0.34, lip_hold=1.2, funnel=0.40, pucker=0.34),
    "oe": Shape(0.27, lip_hold=1.2, funnel=0.36, pucker=0.32),
    "e": Shape(0.25, lower=0.20, upper=0.10, stretch=0.22, smile=0.15),
    "ax": Shape(0.22, jaw_hold=0.7, lip_hold=0.5, lower=0.12, upper=0.04),
    "er": Shape(0.19, funnel=0.26, pucker=0.18, lower=0.12),
    "ih": Shape(0.19, lower=0.18, upper=0.08, stretch=0.14, smile=0.10),
    "uh": Shape(0.18, lip_hold=1.1, funnel=0.30, pucker=0.32),
    "iy": Shape(0.12, lower=0.20, upper=0.10, stretch=0.28, smile=0.24, dimple=0.08),
    "uw": Shape(0.12, lip_hold=1.5, funnel=0.32, pucker=0.60),
    "y_front": Shape(0.12, lip_hold=1.4, funnel=0.34, pucker=0.50),
    # diphthongs
    "ay": Glide(("aa", "ih"), 0.6),
    "aw": Glide(("aa", "uh"), 0.6),
    "ey": Glide(("eh", "iy"), 0.5),
    "ow": Glide(("o", "uw"), 0.55),
    "oy": Glide(("ao", "ih"), 0.55),
    # lips shut, lip under teeth
    "p": _stop(0.10, bilabial=0.65),
    "b": _stop(0.10, bilabial=0.80),
    "m": _stop(0.10, bilabial=0.92),
    "f": _stop(0.07, jaw_hold=1.0, lip_hold=0.5, labiodental=0.9),
    "v": _stop(0.07, jaw_hold=1.0, lip_hold=0.5, labiodental=0.9),
    # tongue at or between the teeth
    "th": _stop(0.14, lip_hold=0.3, lower=0.15, upper=0.08, tongue=1.0),
    "dh": _stop(0.13, lip_hold=0.3, lower=0.15, upper=0.06, tongue=0.9),
    "t": _stop(0.11, lower=0.15, upper=0.05, tongue=0.4),
    "d": _stop(0.11, lower=0.15, upper=0.05, tongue=0.4),
    "n": _stop(0.12, lower=0.14, upper=0.05, tongue=0.4),
    "l": _stop(0.18, lower=0.16, upper=0.06, tongue=0.42),
    # teeth together
    "s": _stop(0.05, jaw_hold=1.5, lip_hold=0.45, lower=0.24, upper=0.10, stretch=0.16, smile=0.06, forward=0.06),
    "z": _stop(0.05, jaw_hold=1.5, lip_hold=0.45, lower=0.24, upper=0.10, stretch=0.16, smile=0.06, forward=0.06),
    "sh": _stop(0.08, jaw_hold=1.3, lip_hold=1.2, funnel=0.50, pucker=0.28, lower=0.18, upper=0.14, forward=0.12),
    "zh": _stop(0.08, jaw_hold=1.3, lip_hold=1.2, funnel=0.50, pucker=0.28, lower=0.18, upper=0.14, forward=0.12),
    "ch": _stop(0.08, jaw_hold=1.2, lip_hold=1.1, funnel=0.48, pucker=0.28, lower=0.16, upper=0.12, forward=0.10),
    "jh": _stop(0.08, jaw_hold=1.2, lip_hold=1.1, funnel=0.48, pucker=0.28, lower=0.16, upper=0.12, forward=0.10),
    # behind the teeth: the lips are free
    "k": _stop(0.15, jaw_hold=0.5, lower=0.10, upper=0.03),
    "g": _stop(0.15, jaw_hold=0.5, lower=0.10, upper=0.03),
    "ng": _stop(0.15, jaw_hold=0.5, lower=0.10, upper=0.03),
    "x": _stop(0.18, jaw_hold=0.4, lower=0.12, upper=0.05),
    "hh": _stop(0.20, jaw_hold=0.15, lip_hold=0.05, lower=0.10),
    # approximants
    "r": _stop(0.13, lip_hold=0.7, funnel=0.28, pucker=0.26, lower=0.08),
    "rr": _stop(0.16, lip_hold=0.2, lower=0.14, upper=0.05, tongue=0.3),
    "w": _stop(0.09, jaw_hold=1.0, lip_hold=2.0, funnel=0.30, pucker=0.68),
    "y": _stop(0.12, lip_hold=0.6, lower=0.18, upper=0.08, stretch=0.22, smile=0.16),
    # a pause too short to come to rest in
    "pau": Shape(0.03, jaw_hold=0.6, lip_hold=0.4),
}

VISEMES = ("rest", "p", "f", "th", "t", "s", "sh", "k", "r", "a", "e", "o")
"""Twelve classes that look alike, for training and measuring."""

_VISEME_OF = {
    "rest": "pau", "p": "p b m", "f": "f v", "th": "th dh", "t": "t d n l", "s": "s z", "sh": "sh zh ch jh", "k": "k g ng hh x",
    "r": "r er rr", "a": "aa a ae ah ay aw ax", "e": "eh e ey ih iy y", "o": "ao o oe ow oy uw uh w y_front",
}  # fmt: skip

VISEME_OF: dict[str, int] = {phone: VISEMES.index(name) for name, phones in _VISEME_OF.items() for phone in phones.split()}
"""Phone to its class."""

_IPA = {
    "aa": "ɑ ɒ", "a": "a ä ɐ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "eh": "ɛ", "e": "e", "o": "o ɤ", "oe": "ø œ ɵ", "ax": "ə ɘ ɜ",
    "er": "ɝ ɚ", "ih": "ɪ ɨ ᵻ ɩ", "iy": "i", "uh": "ʊ", "uw": "u ʉ ɯ", "y_front": "y ʏ ɥ", "p": "p", "b": "b ɓ β", "m": "m ɱ",
    "f": "f ɸ", "v": "v ʋ", "th": "θ", "dh": "ð", "t": "t ʈ", "d": "d ɖ ɗ", "n": "n ɳ ɲ", "l": "l ɫ ɭ ʎ ɬ ɮ", "s": "s",
    "z": "z", "sh": "ʃ ɕ ʂ", "zh": "ʒ ʑ ʐ", "k": "k c q", "g": "ɡ g ɟ ɢ", "ng": "ŋ ɴ", "x": "x χ ɣ ʁ ħ ʕ ç ʝ", "hh": "h ɦ",
    "r": "ɹ ɻ", "rr": "r ɾ ʀ", "w": "w ʍ ɰ", "y": "j",
}  # fmt: skip

_PHONE_OF_IPA = {letter: phone for phone, letters in _IPA.items() for letter in letters.split()}

_SILENT_IPA = set("ʔˈˌːˑ ̩̃.-|‿̯ʲʰˠˤ̪̥̬ʼ̠̟̞̝̺̻̊͡ ")


def phones_of_ipa(text: str) -> list[str]:
    """The table's phones of an IPA string; unknown letters give nothing."""
    if text in ("tʃ", "dʒ", "ts", "dz", "tɕ", "dʑ", "ʈʂ"):
        return {"tʃ": ["ch"], "dʒ": ["jh"], "tɕ": ["ch"], "dʑ": ["jh"], "ʈʂ": ["ch"], "ts": ["t", "s"], "dz": ["d", "z"]}[text]
    return [_PHONE_OF_IPA[letter] for letter in text if letter in _PHONE_OF_IPA]


def phone_of_cmu(name: str) -> str | None:
    """The table's phone for a CMU phone as Festival, Flite or pocketsphinx write it; None for something unknown."""
    name = {"ix": "ih", "axr": "er", "el": "l", "em": "m", "en": "n", "dx": "d", "sil": "pau", "h#": "pau", "brth": "pau"}.get(name, name)
    return name if name in SHAPES else None
