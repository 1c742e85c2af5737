//! The mouth of each phone: `studio/essence_studio/speech/mouth.py` in Rust, figure for figure (a test
//! compares both). The studio trains the speech network on curves made from that table, so that visemes
//! and audio move a mouth alike.
//!
//! Values are ARKit's meaning, 0 to 1, for a clearly spoken phone in the middle of a word.

/// A phone's mouth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    /// `jawOpen`.
    pub(super) jaw: f32,
    /// How much the phone insists on its jaw against its neighbours': 1 is a vowel, 0.1 takes over what is
    /// around it.
    pub(super) jaw_hold: f32,
    /// The same for the lips.
    pub(super) lip_hold: f32,
    funnel: f32,
    pucker: f32,
    stretch: f32,
    smile: f32,
    lower: f32,
    upper: f32,
    dimple: f32,
    forward: f32,
    /// `tongueTip`, which goes there and back within the phone.
    pub(super) tongue: f32,
    /// Part of the phone, from its start, for which the lips are shut (p, b, m).
    pub(super) bilabial: f32,
    /// Part of the phone for which the lower lip is under the upper teeth (f, v).
    pub(super) labiodental: f32,
}

/// The kind of a phone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Entry {
    /// One shape.
    Shape(Shape),
    /// A diphthong: from one phone's shape to another's, the first lasting `first` of the phone.
    Glide {
        parts: [&'static str; 2],
        first: f32,
    },
}

/// The coefficients that [`Shape::lips`] gives values for, in its order.
pub(super) const LIPS: [&str; 8] = [
    "mouthFunnel",
    "mouthPucker",
    "mouthStretch",
    "mouthSmile",
    "mouthLowerDown",
    "mouthUpperUp",
    "mouthDimple",
    "jawForward",
];

impl Shape {
    /// The lips' values, in the order of [`LIPS`].
    pub(super) fn lips(&self) -> [f32; LIPS.len()] {
        [
            self.funnel,
            self.pucker,
            self.stretch,
            self.smile,
            self.lower,
            self.upper,
            self.dimple,
            self.forward,
        ]
    }
}

const REST: Shape = Shape {
    jaw: 0.0,
    jaw_hold: 1.0,
    lip_hold: 1.0,
    funnel: 0.0,
    pucker: 0.0,
    stretch: 0.0,
    smile: 0.0,
    lower: 0.0,
    upper: 0.0,
    dimple: 0.0,
    forward: 0.0,
    tongue: 0.0,
    bilabial: 0.0,
    labiodental: 0.0,
};

/// The phone of a pause that is too short to come to rest in.
pub(super) const PAUSE: &str = "pau";

/// The phone called `name`.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    let phone = PHONES.iter().find(|(phone, _)| *phone == name);
    phone.map(|(_, entry)| entry)
}

/// Every phone.
#[rustfmt::skip]
pub(super) const PHONES: [(&str, Entry); 48] = [
    ("aa", Entry::Shape(Shape { jaw: 0.55, lower: 0.2, upper: 0.08, ..REST })),
    ("a", Entry::Shape(Shape { jaw: 0.5, stretch: 0.06, lower: 0.22, upper: 0.1, ..REST })),
    ("ae", Entry::Shape(Shape { jaw: 0.48, stretch: 0.15, smile: 0.1, lower: 0.26, upper: 0.15, ..REST })),
    ("ah", Entry::Shape(Shape { jaw: 0.36, lower: 0.16, upper: 0.06, ..REST })),
    ("ao", Entry::Shape(Shape { jaw: 0.42, funnel: 0.36, pucker: 0.15, lower: 0.1, ..REST })),
    ("eh", Entry::Shape(Shape { jaw: 0.35, stretch: 0.14, smile: 0.1, lower: 0.2, upper: 0.1, ..REST })),
    ("o", Entry::Shape(Shape { jaw: 0.34, lip_hold: 1.2, funnel: 0.4, pucker: 0.34, ..REST })),
    ("oe", Entry::Shape(Shape { jaw: 0.27, lip_hold: 1.2, funnel: 0.36, pucker: 0.32, ..REST })),
    ("e", Entry::Shape(Shape { jaw: 0.25, stretch: 0.22, smile: 0.15, lower: 0.2, upper: 0.1, ..REST })),
    ("ax", Entry::Shape(Shape { jaw: 0.22, jaw_hold: 0.7, lip_hold: 0.5, lower: 0.12, upper: 0.04, ..REST })),
    ("er", Entry::Shape(Shape { jaw: 0.19, funnel: 0.26, pucker: 0.18, lower: 0.12, ..REST })),
    ("ih", Entry::Shape(Shape { jaw: 0.19, stretch: 0.14, smile: 0.1, lower: 0.18, upper: 0.08, ..REST })),
    ("uh", Entry::Shape(Shape { jaw: 0.18, lip_hold: 1.1, funnel: 0.3, pucker: 0.32, ..REST })),
    ("iy", Entry::Shape(Shape { jaw: 0.12, stretch: 0.28, smile: 0.24, lower: 0.2, upper: 0.1, dimple: 0.08, ..REST })),
    ("uw", Entry::Shape(Shape { jaw: 0.12, lip_hold: 1.5, funnel: 0.32, pucker: 0.6, ..REST })),
    ("y_front", Entry::Shape(Shape { jaw: 0.12, lip_hold: 1.4, funnel: 0.34, pucker: 0.5, ..REST })),
    ("ay", Entry::Glide { parts: ["aa", "ih"], first: 0.6 }),
    ("aw", Entry::Glide { parts: ["aa", "uh"], first: 0.6 }),
    ("ey", Entry::Glide { parts: ["eh", "iy"], first: 0.5 }),
    ("ow", Entry::Glide { parts: ["o", "uw"], first: 0.55 }),
    ("oy", Entry::Glide { parts: ["ao", "ih"], first: 0.55 }),
    ("p", Entry::Shape(Shape { jaw: 0.1, jaw_hold: 0.7, lip_hold: 0.15, bilabial: 0.65, ..REST })),
    ("b", Entry::Shape(Shape { jaw: 0.1, jaw_hold: 0.7, lip_hold: 0.15, bilabial: 0.8, ..REST })),
    ("m", Entry::Shape(Shape { jaw: 0.1, jaw_hold: 0.7, lip_hold: 0.15, bilabial: 0.92, ..REST })),
    ("f", Entry::Shape(Shape { jaw: 0.07, lip_hold: 0.5, labiodental: 0.9, ..REST })),
    ("v", Entry::Shape(Shape { jaw: 0.07, lip_hold: 0.5, labiodental: 0.9, ..REST })),
    ("th", Entry::Shape(Shape { jaw: 0.14, jaw_hold: 0.7, lip_hold: 0.3, lower: 0.15, upper: 0.08, tongue: 1.0, ..REST })),
    ("dh", Entry::Shape(Shape { jaw: 0.13, jaw_hold: 0.7, lip_hold: 0.3, lower: 0.15, upper: 0.06, tongue: 0.9, ..REST })),
    ("t", Entry::Shape(Shape { jaw: 0.11, jaw_hold: 0.7, lip_hold: 0.15, lower: 0.15, upper: 0.05, tongue: 0.4, ..REST })),
    ("d", Entry::Shape(Shape { jaw: 0.11, jaw_hold: 0.7, lip_hold: 0.15, lower: 0.15, upper: 0.05, tongue: 0.4, ..REST })),
    ("n", Entry::Shape(Shape { jaw: 0.12, jaw_hold: 0.7, lip_hold: 0.15, lower: 0.14, upper: 0.05, tongue: 0.4, ..REST })),
    ("l", Entry::Shape(Shape { jaw: 0.18, jaw_hold: 0.7, lip_hold: 0.15, lower: 0.16, upper: 0.06, tongue: 0.42, ..REST })),
    ("s", Entry::Shape(Shape { jaw: 0.05, jaw_hold: 1.5, lip_hold: 0.45, stretch: 0.16, smile: 0.06, lower: 0.24, upper: 0.1, forward: 0.06, ..REST })),
    ("z", Entry::Shape(Shape { jaw: 0.05, jaw_hold: 1.5, lip_hold: 0.45, stretch: 0.16, smile: 0.06, lower: 0.24, upper: 0.1, forward: 0.06, ..REST })),
    ("sh", Entry::Shape(Shape { jaw: 0.08, jaw_hold: 1.3, lip_hold: 1.2, funnel: 0.5, pucker: 0.28, lower: 0.18, upper: 0.14, forward: 0.12, ..REST })),
    ("zh", Entry::Shape(Shape { jaw: 0.08, jaw_hold: 1.3, lip_hold: 1.2, funnel: 0.5, pucker: 0.28, lower: 0.18, upper: 0.14, forward: 0.12, ..REST })),
    ("ch", Entry::Shape(Shape { jaw: 0.08, jaw_hold: 1.2, lip_hold: 1.1, funnel: 0.48, pucker: 0.28, lower: 0.16, upper: 0.12, forward: 0.1, ..REST })),
    ("jh", Entry::Shape(Shape { jaw: 0.08, jaw_hold: 1.2, lip_hold: 1.1, funnel: 0.48, pucker: 0.28, lower: 0.16, upper: 0.12, forward: 0.1, ..REST })),
    ("k", Entry::Shape(Shape { jaw: 0.15, jaw_hold: 0.5, lip_hold: 0.15, lower: 0.1, upper: 0.03, ..REST })),
    ("g", Entry::Shape(Shape { jaw: 0.15, jaw_hold: 0.5, lip_hold: 0.15, lower: 0.1, upper: 0.03, ..REST })),
    ("ng", Entry::Shape(Shape { jaw: 0.15, jaw_hold: 0.5, lip_hold: 0.15, lower: 0.1, upper: 0.03, ..REST })),
    ("x", Entry::Shape(Shape { jaw: 0.18, jaw_hold: 0.4, lip_hold: 0.15, lower: 0.12, upper: 0.05, ..REST })),
    ("hh", Entry::Shape(Shape { jaw: 0.2, jaw_hold: 0.15, lip_hold: 0.05, lower: 0.1, ..REST })),
    ("r", Entry::Shape(Shape { jaw: 0.13, jaw_hold: 0.7, lip_hold: 0.7, funnel: 0.28, pucker: 0.26, lower: 0.08, ..REST })),
    ("rr", Entry::Shape(Shape { jaw: 0.16, jaw_hold: 0.7, lip_hold: 0.2, lower: 0.14, upper: 0.05, tongue: 0.3, ..REST })),
    ("w", Entry::Shape(Shape { jaw: 0.09, lip_hold: 2.0, funnel: 0.3, pucker: 0.68, ..REST })),
    ("y", Entry::Shape(Shape { jaw: 0.12, jaw_hold: 0.7, lip_hold: 0.6, stretch: 0.22, smile: 0.16, lower: 0.18, upper: 0.08, ..REST })),
    ("pau", Entry::Shape(Shape { jaw: 0.03, jaw_hold: 0.6, lip_hold: 0.4, ..REST })),
];

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// The value of a keyword argument in a line of the studio's table.
    fn given(line: &str, name: &str) -> Option<f32> {
        let at = line.find(&format!("{name}="))? + name.len() + 1;
        line[at..].split([',', ')']).next()?.parse().ok()
    }

    #[test]
    fn the_table_is_the_studios() {
        let path = format!(
            "{}/../studio/essence_studio/speech/mouth.py",
            env!("CARGO_MANIFEST_DIR")
        );
        let studio = std::fs::read_to_string(path).unwrap();
        for (phone, entry) in &PHONES {
            let line = studio
                .lines()
                .find(|line| {
                    line.trim().starts_with(&format!("\"{phone}\": ")) && line.contains('(')
                })
                .unwrap();
            match entry {
                Entry::Glide { parts, first } => {
                    let python = format!("Glide((\"{}\", \"{}\"), {first})", parts[0], parts[1]);
                    assert!(line.contains(&python), "{phone}: {line}");
                }
                Entry::Shape(shape) => {
                    let stop = line.contains("_stop(");
                    let or = |name, value| given(line, name).unwrap_or(value);
                    let jaw: f32 = line.split(['(', ',', ')']).nth(1).unwrap().parse().unwrap();
                    let expected = Shape {
                        jaw,
                        jaw_hold: or("jaw_hold", if stop { 0.7 } else { 1.0 }),
                        lip_hold: or("lip_hold", if stop { 0.15 } else { 1.0 }),
                        funnel: or("funnel", 0.0),
                        pucker: or("pucker", 0.0),
                        stretch: or("stretch", 0.0),
                        smile: or("smile", 0.0),
                        lower: or("lower", 0.0),
                        upper: or("upper", 0.0),
                        dimple: or("dimple", 0.0),
                        forward: or("forward", 0.0),
                        tongue: or("tongue", 0.0),
                        bilabial: or("bilabial", 0.0),
                        labiodental: or("labiodental", 0.0),
                    };
                    assert_eq!(*shape, expected, "{phone}");
                }
            }
        }
    }

    #[test]
    fn the_parts_of_diphthongs_are_shapes() {
        for (phone, entry) in &PHONES {
            if let Entry::Glide { parts, .. } = entry {
                for part in parts {
                    assert!(
                        matches!(find(part), Some(Entry::Shape(_))),
                        "{phone}: {part}"
                    );
                }
            }
        }
    }
}
