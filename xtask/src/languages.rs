//! The bindings against the header: every status reaches a language's error type, every value of an
//! enumeration has its case, and every function is reachable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, bail};
use xshell::Shell;

use crate::{header, root};

const PYTHON: &str = "bindings/python/python/bithuman/exceptions.py";
const DART: &str = "bindings/flutter/lib/src/errors.dart";
const SWIFT: &str = "bindings/swift/Sources/bitHumanKit";

/// Swift's enumerations and what theirs is called in the header.
const ENUMERATIONS: [(&str, &str); 11] = [
    ("EssenceEmotion", "EMOTION"),
    ("EssenceLogLevel", "LOG_LEVEL"),
    ("EssencePacing", "PACING"),
    ("EssencePixelFormat", "PIXEL_FORMAT"),
    ("EssenceProvider", "PROVIDER"),
    ("EssenceQuality", "QUALITY"),
    ("EssenceVisemeSet", "VISEME_SET"),
    ("EssenceYUVMatrix", "YUV_MATRIX"),
    ("EssenceYUVRange", "YUV_RANGE"),
    ("EssenceFrameFlags", "FRAME"),
    ("Kind", "ERR"),
];

/// Functions that a language has no use for.
const UNUSED: [(&str, &str); 1] = [("essence_avatar_retain", "Swift counts references itself")];

/// Names of a thing and their values.
type Values = BTreeMap<String, Option<i64>>;

/// Checks all bindings that are written by hand.
///
/// # Errors
/// Lists what is missing, and what the header doesn't have.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let header = sh.read_file(root().join("include/essence.h"))?;
    let statuses = header_values(&header, "ERR");
    let mut wrong = Vec::new();

    let python = python_kinds(&sh.read_file(root().join(PYTHON))?);
    compare("Python's BY_KIND", &statuses, &python, &mut wrong);

    let dart = dart_kinds(&sh.read_file(root().join(DART))?);
    compare("Dart's EssenceStatus", &statuses, &dart, &mut wrong);

    let swift = sources(sh, &root().join(SWIFT))?;
    for (name, prefix) in ENUMERATIONS {
        let there = swift_values(&swift, name);
        let wanted = header_values(&header, prefix);
        if prefix == "ERR" {
            compare("Swift's EssenceError.Kind", &wanted, &there, &mut wrong);
        } else {
            // Words differ (BGR8, bgr), values don't.
            let [wanted, there] = [&wanted, &there].map(|v| v.values().collect::<BTreeSet<_>>());
            if wanted != there {
                wrong.push(format!(
                    "Swift's {name} has {there:?}, the header {wanted:?}"
                ));
            }
        }
    }
    for function in header::functions(&header) {
        let called = swift.contains(function.name);
        let unused = UNUSED.iter().any(|(name, _)| *name == function.name);
        if called == unused {
            wrong.push(format!("{}() in Swift: called is {called}", function.name));
        }
    }
    if !wrong.is_empty() {
        bail!("bindings and include/essence.h:\n  {}", wrong.join("\n  "));
    }
    println!(
        "bindings: {} statuses in Python, Swift and Dart, as the header says",
        statuses.len()
    );
    Ok(())
}

/// The constants of the header that begin with `ESSENCE_<prefix>_`, without that and in lower case.
fn header_values(header: &str, prefix: &str) -> Values {
    let start = format!("ESSENCE_{prefix}_");
    let constant = |line: &str| {
        let (name, value) = line.trim().strip_prefix(&start)?.split_once(" = ")?;
        let value = value.trim_end_matches(',').parse().ok()?;
        Some((name.to_lowercase(), Some(value)))
    };
    header.lines().filter_map(constant).collect()
}

/// The keys of the table of exceptions.
fn python_kinds(text: &str) -> Values {
    let table = text.split("BY_KIND:").nth(1).unwrap_or_default();
    let table = table.split("\n}").next().unwrap_or_default();
    let key = |line: &str| {
        Some((
            line.trim()
                .strip_prefix('"')?
                .split_once("\": ")?
                .0
                .to_owned(),
            None,
        ))
    };
    table.lines().filter_map(key).collect()
}

/// The cases of Dart's enumeration for errors; each names its constant, which has to be its own.
fn dart_kinds(text: &str) -> Values {
    let kind = |line: &str| {
        let (case, constant) = line.trim().split_once("(ESSENCE_ERR_")?;
        let constant = constant.split(')').next()?.to_lowercase();
        let case = snake(case);
        let name = if case == constant {
            case
        } else {
            format!("{case} = {constant}")
        };
        Some((name, None))
    };
    text.lines().filter_map(kind).collect()
}

/// The cases or constants of one of Swift's types, in the header's spelling.
fn swift_values(text: &str, name: &str) -> Values {
    let value = |line: &str| {
        let line = line.trim();
        if let Some(case) = line.strip_prefix("case ") {
            let (name, value) = case.split_once(" = ")?;
            return Some((snake(name.trim_matches('`')), Some(value.parse().ok()?)));
        }
        let (name, value) = line
            .strip_prefix("public static let ")?
            .split_once(" = Self(rawValue: ")?;
        Some((snake(name), Some(value.trim_end_matches(')').parse().ok()?)))
    };
    let of = |keyword: &str| {
        text.split_once(&format!("public {keyword} {name}: "))
            .map(|(_, rest)| rest)
    };
    let rest = of("enum").or_else(|| of("struct")).unwrap_or_default();
    // The type's own lines, up to a brace at its indentation or before.
    let head = text.len() - rest.len();
    let indentation = text[..head].rsplit('\n').next().unwrap_or_default();
    let indentation = indentation.len() - indentation.trim_start().len();
    let closing = format!("\n{}}}", " ".repeat(indentation));
    let body = rest.split(&closing).next().unwrap_or_default();
    body.lines().filter_map(value).collect()
}

/// `invalidArgument` as `invalid_argument`.
fn snake(name: &str) -> String {
    name.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        out
    })
}

/// Tells of names that are in one alone, and of values that differ.
fn compare(what: &str, wanted: &Values, there: &Values, wrong: &mut Vec<String>) {
    for (name, value) in wanted {
        match there.get(name) {
            None => wrong.push(format!("{what} lacks {name}")),
            Some(Some(other)) if Some(*other) != *value => {
                wrong.push(format!(
                    "{what} has {other} for {name}, the header {value:?}"
                ));
            }
            Some(_) => {}
        }
    }
    for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
        wrong.push(format!("{what} has {name}, which the header lacks"));
    }
}

fn sources(sh: &Shell, folder: &Path) -> Result<String> {
    let mut text = String::new();
    for path in sh.read_dir(folder)? {
        if path.extension().is_some_and(|ending| ending == "swift") {
            text += &sh.read_file(path)?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "    ESSENCE_ERR_IO = -201,\n    ESSENCE_ERR_NOT_FOUND = -200\n";

    #[test]
    fn names_and_values_are_compared() {
        let wanted = header_values(HEADER, "ERR");
        let swift = "enum Other {}\n    public enum Kind: Int32 {\n        case io = -201\n        case notFound = -200\n    }\n    case more = 1";
        let mut wrong = Vec::new();
        compare("Swift", &wanted, &swift_values(swift, "Kind"), &mut wrong);
        assert_eq!(wrong, Vec::<String>::new());
        let other = swift
            .replace("notFound = -200", "found = 3")
            .replace("-201", "-7");
        compare("Swift", &wanted, &swift_values(&other, "Kind"), &mut wrong);
        let expected = [
            "Swift has -7 for io, the header Some(-201)",
            "Swift lacks not_found",
            "Swift has found, which the header lacks",
        ];
        assert_eq!(wrong, expected);
    }

    #[test]
    fn python_names_are_compared() {
        let python = "BY_KIND: \"x\" = {\n    \"io\": IoError,\n}\nOTHER = {\n    \"x\": 1,\n}";
        let mut wrong = Vec::new();
        let wanted = header_values(HEADER, "ERR");
        compare("Python", &wanted, &python_kinds(python), &mut wrong);
        assert_eq!(wrong, ["Python lacks not_found"]);
    }

    #[test]
    fn dart_names_are_compared() {
        let mut wrong = Vec::new();
        let wanted = header_values(HEADER, "ERR");
        let dart = "  io(ESSENCE_ERR_IO),\n  notFound(ESSENCE_ERR_FOUND);\n  ok(ESSENCE_OK),";
        compare("Dart", &wanted, &dart_kinds(dart), &mut wrong);
        let expected = [
            "Dart lacks not_found",
            "Dart has not_found = found, which the header lacks",
        ];
        assert_eq!(wrong, expected);
    }

    #[test]
    fn flags_are_values_too() {
        let swift = "public struct EssenceFrameFlags: OptionSet {\n    public static let endOfSpeech = Self(rawValue: 2)\n}\n";
        let there = swift_values(swift, "EssenceFrameFlags");
        assert_eq!(there, Values::from([("end_of_speech".into(), Some(2))]));
    }
}
