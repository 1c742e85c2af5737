//! The names that speech engines give to what is said, and the phones that they mean.

use super::shapes::PAUSE;
use crate::{Error, ErrorKind, Result};

/// Whose names for phonemes or visemes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum VisemeSet {
    /// ARPAbet as CMU's dictionary, Festival and Flite write it: `HH AH0 L OW1`, `SIL` or `pau` for
    /// silence. Upper or lower case; digits of stress are ignored.
    Arpabet,
    /// Viseme ids of Microsoft's (Azure's) speech service, `0` to `21`.
    Azure,
    /// Phoneme mnemonics of eSpeak NG, as its phoneme events give them unless IPA is asked for: `h`,
    /// `@`, `l`, `oU`. `_` and `_:` are pauses.
    Espeak,
    /// The International Phonetic Alphabet, one phoneme or affricate a symbol, as the events of eSpeak NG
    /// give it if IPA is asked for: `h`, `ə`, `l`, `oʊ`. Marks of stress and length are ignored; an
    /// empty symbol and `_` are pauses.
    Ipa,
    /// The fifteen visemes of Oculus (Meta) and VRM-like rigs: `sil PP FF TH DD kk CH SS nn RR aa E ih oh
    /// ou`.
    Oculus,
    /// Visemes of Amazon Polly's speech marks: `p t S T f k i r s u @ a e E o O sil`.
    Polly,
}

impl VisemeSet {
    /// Every set.
    pub const ALL: [Self; 6] = [
        Self::Arpabet,
        Self::Azure,
        Self::Espeak,
        Self::Ipa,
        Self::Oculus,
        Self::Polly,
    ];

    /// The name in options: `arpabet`, `azure`, `espeak`, `ipa`, `oculus` or `polly`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arpabet => "arpabet",
            Self::Azure => "azure",
            Self::Espeak => "espeak",
            Self::Ipa => "ipa",
            Self::Oculus => "oculus",
            Self::Polly => "polly",
        }
    }

    /// The phones of a symbol, one after the other; none if it only prolongs what is before it, such as a
    /// mark of stress. None if the set lacks the symbol.
    pub(super) fn phones(self, symbol: &str) -> Option<Phones> {
        let found = |table: &[(&str, &'static str)]| {
            let entry = table.iter().find(|(names, _)| has(names, symbol));
            entry.map(|(_, phones)| listed(phones))
        };
        match self {
            Self::Arpabet => arpabet(symbol),
            Self::Azure => found(&AZURE),
            Self::Espeak => spelled(symbol, &ESPEAK, &ESPEAK_TOGETHER, ESPEAK_MARKS),
            Self::Ipa => spelled(symbol, &IPA, &IPA_TOGETHER, IPA_MARKS),
            Self::Oculus => found(&OCULUS),
            Self::Polly => found(&POLLY),
        }
    }
}

impl std::fmt::Display for VisemeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for VisemeSet {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let set = Self::ALL.into_iter().find(|set| set.name() == name);
        set.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(
                ErrorKind::InvalidArgument,
                format!("`{name}` is not a set of visemes; choose one of {names}"),
            )
        })
    }
}

/// The names of phones of the [table](super::shapes), in order.
pub(super) type Phones = arrayvec::ArrayVec<&'static str, MAX_PHONES>;

/// Phones of a symbol; further ones are left out.
const MAX_PHONES: usize = 4;

/// Whether `symbol` is one of `names`, which are separated by spaces.
fn has(names: &str, symbol: &str) -> bool {
    names.split(' ').any(|name| name == symbol)
}

fn listed(phones: &'static str) -> Phones {
    phones.split(' ').take(MAX_PHONES).collect()
}

fn arpabet(symbol: &str) -> Option<Phones> {
    let name = symbol.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = name.to_ascii_lowercase();
    let phones = ARPABET.iter().find(|(names, _)| has(names, &name));
    if let Some((_, phones)) = phones {
        return Some(listed(phones));
    }
    let same = ARPABET_PHONES.split(' ').find(|phone| *phone == name);
    same.map(listed)
}

/// The phones of a symbol that is spelled by letters; `marks` stand for no sound. None if a letter is in
/// none of the tables.
fn spelled(
    symbol: &str,
    letters: &[(&str, &'static str)],
    together: &[(&str, &'static str)],
    marks: &str,
) -> Option<Phones> {
    let symbol = symbol.trim();
    // eSpeak NG tells of a change of language so: `(en)`.
    if symbol.is_empty() || symbol.starts_with(['_', '(']) {
        return Some(listed(PAUSE));
    }
    let mut phones = Phones::new();
    let mut rest = symbol.trim_start_matches(|c| marks.contains(c));
    while let Some(letter) = rest.chars().next() {
        let pair = together.iter().find(|(name, _)| rest.starts_with(name));
        if let Some((name, several)) = pair {
            for phone in several.split(' ') {
                let _ = phones.try_push(phone);
            }
            rest = &rest[name.len()..];
            continue;
        }
        let length = letter.len_utf8();
        let known = letters
            .iter()
            .find(|(names, _)| has(names, &rest[..length]));
        match known {
            // More than four phones are not one symbol; the rest is left out.
            Some((_, phone)) => _ = phones.try_push(phone),
            None if marks.contains(letter) => {}
            None => return None,
        }
        rest = &rest[length..];
    }
    Some(phones)
}

/// Phones of ARPAbet that the table of shapes names alike.
const ARPABET_PHONES: &str = "aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p \
                              r s sh t th uh uw v w y z zh pau";

/// Symbols that the set lacks.
#[rustfmt::skip]
const ARPABET: [(&str, &str); 13] = [
    ("sil sp spn brth h# #", PAUSE), ("axr", "er"), ("ix", "ih"), ("ux", "uw"), ("dx nx", "d"), ("el", "ax l"), ("em", "ax m"),
    ("en", "ax n"), ("eng", "ax ng"), ("wh", "w"), ("hv", "hh"), ("q", PAUSE), ("bcl dcl gcl pcl tcl kcl epi", PAUSE),
];

/// By what the service's documentation says of each id. Where it names several phonemes, the one that
/// shows most.
#[rustfmt::skip]
const AZURE: [(&str, &str); 22] = [
    ("0", PAUSE), ("1", "ah"), ("2", "aa"), ("3", "ao"), ("4", "eh"), ("5", "er"), ("6", "iy"), ("7", "uw"), ("8", "o"),
    ("9", "aw"), ("10", "oy"), ("11", "ay"), ("12", "hh"), ("13", "r"), ("14", "l"), ("15", "s"), ("16", "sh"), ("17", "dh"),
    ("18", "f"), ("19", "t"), ("20", "k"), ("21", "b"),
];

#[rustfmt::skip]
const OCULUS: [(&str, &str); 15] = [
    ("sil SIL", PAUSE), ("PP", "b"), ("FF", "f"), ("TH", "th"), ("DD", "d"), ("kk KK", "k"), ("CH", "ch"), ("SS", "s"), ("nn NN", "n"),
    ("RR", "r"), ("aa AA A", "aa"), ("E", "eh"), ("ih IH I", "iy"), ("oh OH O", "o"), ("ou OU U", "uw"),
];

#[rustfmt::skip]
const POLLY: [(&str, &str); 17] = [
    ("sil", PAUSE), ("p", "b"), ("t", "t"), ("S", "sh"), ("T", "th"), ("f", "f"), ("k", "k"), ("i", "iy"), ("r", "r"), ("s", "s"),
    ("u", "uw"), ("@", "ax"), ("a", "aa"), ("e", "e"), ("E", "eh"), ("o", "o"), ("O", "ao"),
];

/// As the studio maps IPA (`studio/essence_studio/speech/mouth.py`).
#[rustfmt::skip]
const IPA: [(&str, &str); 38] = [
    ("ɑ ɒ", "aa"), ("a ä ɐ", "a"), ("æ", "ae"), ("ʌ", "ah"), ("ɔ", "ao"), ("ɛ", "eh"), ("e", "e"), ("o ɤ", "o"), ("ø œ ɵ", "oe"),
    ("ə ɘ ɜ", "ax"), ("ɝ ɚ", "er"), ("ɪ ɨ ᵻ ɩ", "ih"), ("i", "iy"), ("ʊ", "uh"), ("u ʉ ɯ", "uw"), ("y ʏ ɥ", "y_front"), ("p", "p"),
    ("b ɓ β", "b"), ("m ɱ", "m"), ("f ɸ", "f"), ("v ʋ", "v"), ("θ", "th"), ("ð", "dh"), ("t ʈ", "t"), ("d ɖ ɗ", "d"), ("n ɳ ɲ", "n"),
    ("l ɫ ɭ ʎ ɬ ɮ", "l"), ("s", "s"), ("z", "z"), ("ʃ ɕ ʂ", "sh"), ("ʒ ʑ ʐ", "zh"), ("k c q", "k"), ("ɡ g ɟ ɢ", "g"), ("ŋ ɴ", "ng"),
    ("x χ ɣ ʁ ħ ʕ ç ʝ", "x"), ("h ɦ", "hh"), ("ɹ ɻ", "r"), ("r ɾ ʀ", "rr"),
];

/// Affricates, and the approximants that come after the letters above.
#[rustfmt::skip]
const IPA_TOGETHER: [(&str, &str); 15] = [
    ("tʃ", "ch"), ("t͡ʃ", "ch"), ("ʧ", "ch"), ("tɕ", "ch"), ("ʈʂ", "ch"), ("dʒ", "jh"), ("d͡ʒ", "jh"), ("ʤ", "jh"), ("dʑ", "jh"), ("ts", "t s"),
    ("dz", "d z"), ("w", "w"), ("ʍ", "w"), ("ɰ", "w"), ("j", "y"),
];

const IPA_MARKS: &str = "ʔˈˌːˑ ̩̃.-|‿̯ʲʰˠˤ̪̥̬ʼ̠̟̞̝̺̻̊͡'\"012345˥˦˧˨˩↓↑→";

/// The mnemonics of eSpeak NG's phoneme tables that most languages share; digits and signs behind a
/// letter tell variants apart that look alike.
#[rustfmt::skip]
const ESPEAK: [(&str, &str); 46] = [
    ("A", "aa"), ("0", "aa"), ("a", "a"), ("&", "ae"), ("V", "ah"), ("O", "ao"), ("E", "eh"), ("e", "e"), ("o", "o"), ("Y", "oe"), ("W", "oe"),
    ("@", "ax"), ("3", "er"), ("I", "ih"), ("i", "iy"), ("U", "uh"), ("u", "uw"), ("y", "y_front"), ("p", "p"), ("b", "b"), ("B", "b"),
    ("m", "m"), ("M", "m"), ("f", "f"), ("F", "f"), ("v", "v"), ("T", "th"), ("D", "dh"), ("t", "t"), ("d", "d"), ("n", "n"), ("l L", "l"),
    ("s", "s"), ("z", "z"), ("S", "sh"), ("Z", "zh"), ("k c", "k"), ("g J", "g"), ("N", "ng"), ("x C Q X", "x"), ("h H", "hh"), ("r", "r"),
    ("R", "rr"), ("w", "w"), ("j", "y"), ("q", "k"),
];

#[rustfmt::skip]
const ESPEAK_TOGETHER: [(&str, &str); 8] = [
    ("tS", "ch"), ("dZ", "jh"), ("ts", "t s"), ("dz", "d z"), ("aa", "ae"), ("3:", "er"), ("@r", "er"), ("I2", "ih"),
];

const ESPEAK_MARKS: &str = "',%=|:;*?!#~^\"`-_./+1245678 9$<>[]{}";

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::shapes;
    use super::*;

    #[test]
    fn every_phone_that_a_symbol_means_has_a_shape() {
        let tables: [&[(&str, &str)]; 9] = [
            &ARPABET,
            &AZURE,
            &OCULUS,
            &POLLY,
            &IPA,
            &IPA_TOGETHER,
            &ESPEAK,
            &ESPEAK_TOGETHER,
            &[("", ARPABET_PHONES)],
        ];
        let phones = tables
            .into_iter()
            .flatten()
            .flat_map(|row| row.1.split(' '));
        for phone in phones {
            assert!(shapes::find(phone).is_some(), "`{phone}`");
        }
    }

    #[test]
    fn names_of_every_set_mean_phones() {
        let cases: [(VisemeSet, &str, &[&str]); 18] = [
            (VisemeSet::Arpabet, "OW1", &["ow"]),
            (VisemeSet::Arpabet, "sil", &["pau"]),
            (VisemeSet::Arpabet, "EL", &["ax", "l"]),
            (VisemeSet::Azure, "21", &["b"]),
            (VisemeSet::Azure, "0", &["pau"]),
            (VisemeSet::Espeak, "oU", &["o", "uh"]),
            (VisemeSet::Espeak, "tS", &["ch"]),
            (VisemeSet::Espeak, "_:", &["pau"]),
            (VisemeSet::Espeak, "a#", &["a"]),
            (VisemeSet::Espeak, "'", &[]),
            (VisemeSet::Ipa, "ˈoʊ", &["o", "uh"]),
            (VisemeSet::Ipa, "tʃ", &["ch"]),
            (VisemeSet::Ipa, "ˈ", &[]),
            (VisemeSet::Ipa, "j", &["y"]),
            (VisemeSet::Ipa, "", &["pau"]),
            (VisemeSet::Oculus, "PP", &["b"]),
            (VisemeSet::Oculus, "ou", &["uw"]),
            (VisemeSet::Polly, "@", &["ax"]),
        ];
        for (set, symbol, phones) in cases {
            assert_eq!(
                &set.phones(symbol).unwrap()[..],
                phones,
                "{set}: `{symbol}`"
            );
        }
        for (set, symbol) in [
            (VisemeSet::Arpabet, "XX"),
            (VisemeSet::Azure, "22"),
            (VisemeSet::Espeak, "ʃ"),
            (VisemeSet::Ipa, "7"),
            (VisemeSet::Oculus, "pp"),
            (VisemeSet::Polly, "P"),
        ] {
            assert!(set.phones(symbol).is_none(), "{set}: `{symbol}`");
        }
    }
}
