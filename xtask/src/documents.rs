//! Names in documents against the tree: a file, link, function or constant that a document names
//! has to exist.
//!
//! Read are all Markdown files, and the file names in comments of Rust and Python sources. In
//! Markdown three things are checked: targets of links; words in backticks that look like paths;
//! words in backticks that look like identifiers of ours (`essence_…`, `ESSENCE_…`, `Type::item`).

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

/// Endings of files that documents name.
const ENDINGS: [&str; 13] = [
    ".rs", ".py", ".c", ".h", ".md", ".csv", ".toml", ".sh", ".ps1", ".onnx", ".imx", ".npz",
    ".abi",
];

/// Files that documents name and the repository does not hold: the head model that a user downloads.
const ELSEWHERE: [&str; 1] = ["face/ict_facekit_light.npz"];

/// The tracked tree, as the checks ask for it.
struct Tree {
    files: Vec<String>,
    /// Every word of every source file.
    words: HashSet<String>,
}

/// Checks all documents.
///
/// # Errors
/// Lists each name that is not there, with document and line; or the first mark that a merge has left.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let listed = cmd!(sh, "git ls-files --cached --others --exclude-standard")
        .quiet()
        .read()?;
    let files: Vec<String> = listed.lines().map(str::to_owned).collect();
    let mut words = HashSet::new();
    for file in files.iter().filter(|file| is_source(file)) {
        if let Ok(text) = sh.read_file(file) {
            words.extend(identifiers(&text).map(str::to_owned));
        }
    }
    let tree = Tree { files, words };
    let mut missing = Vec::new();
    for file in tree.files.clone() {
        let markdown = file.ends_with(".md");
        if !markdown && !is_source(&file) {
            continue;
        }
        // A file that is deleted and not committed yet is listed, too.
        let Ok(text) = sh.read_file(&file) else {
            continue;
        };
        let marks = ["<<<<<<< ", ">>>>>>> "];
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.starts_with(mark)) {
                bail!("{file}:{}: two versions of lines, not merged", number + 1);
            }
        }
        for (number, name) in names(&text, markdown) {
            if !tree.has(&file, &name) {
                missing.push(format!("{file}:{number}: {name}"));
            }
        }
    }
    if !missing.is_empty() {
        bail!(
            "documents name what is not there:\n  {}",
            missing.join("\n  ")
        );
    }
    Ok(())
}

/// A name that a document uses.
enum Name {
    /// A link's target, relative to the document.
    Link(String),
    /// A file, by its path from the root, its document or any folder.
    File(String),
    /// An identifier of ours, whose last part has to stand in some source.
    Item(String),
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Link(name) => write!(f, "link to `{name}`"),
            Self::File(name) => write!(f, "file `{name}`"),
            Self::Item(name) => write!(f, "item `{name}`"),
        }
    }
}

impl Tree {
    fn has(&self, document: &str, name: &Name) -> bool {
        match name {
            Name::Link(target) => {
                let folder = Path::new(document).parent().unwrap_or(Path::new(""));
                self.has_path(&normal(&folder.join(target)))
            }
            Name::File(path) => {
                ELSEWHERE.contains(&path.as_str())
                    || self.has_path(path)
                    || self.files.iter().any(|file| ends_with_path(file, path))
            }
            Name::Item(item) => identifiers(item)
                .last()
                .is_none_or(|word| self.words.contains(word)),
        }
    }

    /// Whether a file or folder has this path from the root.
    fn has_path(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty()
            || self.files.iter().any(|file| {
                file.strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }
}

/// Names in a text with their lines: of Markdown all, of sources the files in comments.
fn names(text: &str, markdown: bool) -> Vec<(usize, Name)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if markdown && line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        if markdown {
            let links = line.split("](").skip(1).filter_map(|x| x.split(')').next());
            for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
                let target = link.split(['#', ' ']).next().unwrap_or_default();
                found.push((index + 1, Name::Link(target.to_owned())));
            }
        }
        let comment = if markdown { Some(line) } else { comment(line) };
        // Words between backticks are those at odd places.
        for word in comment
            .into_iter()
            .flat_map(|x| x.split('`').skip(1).step_by(2))
        {
            if is_file(word) {
                found.push((index + 1, Name::File(word.to_owned())));
            } else if markdown && is_item(word) {
                found.push((index + 1, Name::Item(word.to_owned())));
            }
        }
    }
    found
}

/// The comment of a line of Rust or Python.
fn comment(line: &str) -> Option<&str> {
    let line = line.trim_start();
    ["//", "# "]
        .into_iter()
        .find_map(|mark| line.strip_prefix(mark))
}

fn is_source(file: &str) -> bool {
    let ours = !file.starts_with("fuzz/corpus/") && !file.starts_with("testdata/");
    let endings = [".rs", ".py", ".c", ".h", ".toml", ".pyi"];
    ours && endings.iter().any(|ending| file.ends_with(ending)) || file == "testdata/generate.py"
}

/// A plain path with one of the [endings](ENDINGS): no blanks, no wildcards, not absolute.
fn is_file(word: &str) -> bool {
    ENDINGS
        .iter()
        .any(|ending| word.ends_with(ending) && word.len() > ending.len())
        && word.contains(['/', '_'])
        && !word.starts_with(['/', '~', '<', '-', '$', '.'])
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
}

/// An identifier of ours: a C name, or a path of Rust that begins with a type.
fn is_item(word: &str) -> bool {
    let plain = |x: &str| {
        x.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !x.is_empty()
            && !x.ends_with('_')
    };
    let name = word.trim_end_matches("()");
    if name.starts_with("essence_") || name.starts_with("ESSENCE_") {
        return plain(name);
    }
    name.contains("::")
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.split("::").all(plain)
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// Whether `file` ends with the whole parts of `path`.
fn ends_with_path(file: &str, path: &str) -> bool {
    file.strip_suffix(path)
        .is_some_and(|front| front.is_empty() || front.ends_with('/'))
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> String {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::Normal(part) => parts.push(part),
            _ => {}
        }
    }
    parts.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let tree = Tree {
            files: vec!["docs/c.md".to_owned(), "engine/src/audio/mel.rs".to_owned()],
            words: HashSet::from(["next_frame".to_owned(), "essence_session_flush".to_owned()]),
        };
        names(text, true)
            .iter()
            .filter(|(_, name)| !tree.has("docs/x.md", name))
            .map(|(line, name)| format!("{line}: {name}"))
            .collect()
    }

    #[test]
    fn names_that_exist_pass() {
        let text = "[c](c.md), [site](https://example.org), `audio/mel.rs`, `Session::next_frame`,\n\
                    `essence_session_flush()`, `cargo xtask c-test`, `essence_*`";
        assert_eq!(told(text), Vec::<String>::new());
    }

    #[test]
    fn names_that_are_gone_are_told_with_their_lines() {
        let text = "[c](d.md)\n`audio/parity.rs` and `mel.rs_old.rs`\n```\n`in/code.rs`\n```\n`Session::gone`";
        let expected = [
            "1: link to `d.md`",
            "2: file `audio/parity.rs`",
            "2: file `mel.rs_old.rs`",
            "6: item `Session::gone`",
        ];
        assert_eq!(told(text), expected);
    }
}
