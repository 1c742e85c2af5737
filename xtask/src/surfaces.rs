//! `docs/surfaces.md` against the sources: every public item of the engine has a row that says what
//! it is in C and in Python, or why it isn't there; and every function of the header is in a row.
//!
//! The engine's items are read from its sources: what `lib.rs` exports, with the public methods,
//! associated constants, fields and variants of each type. Items of modules are written with the
//! module (`clock::Clock::System`). A row `imx::Container::*` stands for all members of a type.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use syn::{Fields, ImplItem, Item, ItemImpl, ItemUse, Type, UseTree, Visibility};
use xshell::Shell;

use crate::{header, root};

const DOCUMENT: &str = "docs/surfaces.md";

/// Checks the document.
///
/// # Errors
/// Lists items without a row, rows without an item, and names in cells that are nowhere.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let items = Sources::read(&root().join("engine/src"))?.public();
    let text = sh.read_file(root().join(DOCUMENT))?;
    let header = sh.read_file(root().join("include/essence.h"))?;
    let mut python = String::new();
    for path in sh.read_dir(root().join("bindings/python/python/bithuman"))? {
        if path.extension().is_some_and(|ending| ending == "py") {
            python += &sh.read_file(path)?;
        }
    }
    let functions: BTreeSet<&str> = header::functions(&header).map(|f| f.name).collect();
    let wrong = compare(&items, &text, &functions, &words(&header), &words(&python));
    if !wrong.is_empty() {
        bail!("{DOCUMENT}:\n  {}", wrong.join("\n  "));
    }
    println!(
        "{DOCUMENT}: {} items of the engine, {} functions of C",
        items.len(),
        functions.len()
    );
    Ok(())
}

/// Faults of the document's tables.
fn compare(
    items: &BTreeSet<String>,
    text: &str,
    functions: &BTreeSet<&str>,
    header: &BTreeSet<&str>,
    python: &BTreeSet<&str>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut rows = BTreeSet::new();
    let mut named = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        let Some(cells) = cells(line) else {
            continue;
        };
        let mut say = |what: String| wrong.push(format!("line {}: {what}", number + 1));
        let [rust, c, py] = cells;
        for item in in_backticks(rust) {
            if !rows.insert(item.to_owned()) {
                say(format!("`{item}` has a second row"));
            }
            let members = item.strip_suffix("::*").map(|name| format!("{name}::"));
            let there = match &members {
                Some(start) => items.iter().any(|item| item.starts_with(start)),
                None => items.contains(item),
            };
            if !there {
                say(format!("`{item}` is no public item of the engine"));
            }
        }
        for (surface, cell, known) in [("C", c, header), ("Python", py, python)] {
            let names: Vec<&str> = in_backticks(cell).collect();
            if names.is_empty() && cell.chars().filter(|c| c.is_alphabetic()).count() < 3 {
                say(format!("nothing under {surface}, and no reason"));
            }
            for word in names.iter().flat_map(|name| words_of(name)) {
                if !known.contains(word) {
                    say(format!("`{word}` is not in {surface}"));
                }
                named.insert(word);
            }
        }
    }
    for item in items {
        let whole = item.rsplit_once("::").map(|(name, _)| format!("{name}::*"));
        if !rows.contains(item) && !whole.is_some_and(|whole| rows.contains(&whole)) {
            wrong.push(format!("`{item}` has no row"));
        }
    }
    for function in functions {
        if !named.contains(function) {
            wrong.push(format!("{function}() is in no row"));
        }
    }
    wrong
}

/// The cells of a row of three, if the line is one and not a table's head.
fn cells(line: &str) -> Option<[&str; 3]> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let [a, b, c] = cells.as_slice() else {
        return None;
    };
    let head = *a == "Rust" || a.chars().all(|c| c == '-' || c == ':');
    (!head).then_some([*a, *b, *c])
}

/// Words between backticks: those at odd places.
fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn words(text: &str) -> BTreeSet<&str> {
    words_of(text).collect()
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}

/// The engine's files, parsed.
struct Sources {
    files: BTreeMap<PathBuf, syn::File>,
    folder: PathBuf,
}

impl Sources {
    fn read(folder: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(&next)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "rs") {
                    let text = std::fs::read_to_string(&path)?;
                    let file = syn::parse_file(&text)
                        .with_context(|| format!("{} can't be parsed", path.display()))?;
                    files.insert(path, file);
                }
            }
        }
        Ok(Self {
            files,
            folder: folder.to_owned(),
        })
    }

    /// Every public item, by its path from the crate.
    fn public(&self) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        self.module(&self.folder.join("lib.rs"), "", &mut out);
        out
    }

    /// Adds what a module exports.
    fn module(&self, path: &Path, prefix: &str, out: &mut BTreeSet<String>) {
        let Some(file) = self.files.get(path) else {
            return;
        };
        for item in &file.items {
            match item {
                Item::Mod(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    let name = item.ident.to_string();
                    self.module(&below(path, &name), &format!("{prefix}{name}::"), out);
                }
                Item::Use(item) if is_public(&item.vis) => self.exported(item, path, prefix, out),
                other => {
                    if let Some(name) = public_name(other) {
                        self.item(&name, prefix, out);
                    }
                }
            }
        }
    }

    /// Adds what a `pub use` exports: items, or a module in whole.
    fn exported(&self, item: &ItemUse, from: &Path, prefix: &str, out: &mut BTreeSet<String>) {
        let mut names = Vec::new();
        leaves(&item.tree, &mut Vec::new(), &mut names);
        for path in names {
            let (name, parents) = path.split_last().expect("a path has a last part");
            let mut file = from.to_owned();
            for parent in parents.iter().filter(|parent| *parent != "self") {
                file = below(&file, parent);
            }
            let module = below(&file, name);
            if self.files.contains_key(&module) && !name.starts_with(char::is_uppercase) {
                self.module(&module, &format!("{prefix}{name}::"), out);
            } else {
                self.item(name, prefix, out);
            }
        }
    }

    /// Adds an item with its public members. Types are found by their names, which are unique among
    /// the engine's public ones; where they aren't, the members of both are added.
    fn item(&self, name: &str, prefix: &str, out: &mut BTreeSet<String>) {
        out.insert(format!("{prefix}{name}"));
        let mut member = |name_of: &str| out.insert(format!("{prefix}{name}::{name_of}"));
        for item in self.files.values().flat_map(|file| &file.items) {
            match item {
                Item::Struct(item) if item.ident == name && is_public(&item.vis) => {
                    if let Fields::Named(fields) = &item.fields {
                        for field in fields.named.iter().filter(|field| is_public(&field.vis)) {
                            member(
                                &field
                                    .ident
                                    .as_ref()
                                    .map(ToString::to_string)
                                    .unwrap_or_default(),
                            );
                        }
                    }
                }
                Item::Enum(item) if item.ident == name && is_public(&item.vis) => {
                    for variant in &item.variants {
                        member(&variant.ident.to_string());
                    }
                }
                Item::Impl(item) if is_inherent(item, name) => {
                    for inner in &item.items {
                        match inner {
                            ImplItem::Fn(f) if is_public(&f.vis) => {
                                member(&f.sig.ident.to_string())
                            }
                            ImplItem::Const(c) if is_public(&c.vis) => member(&c.ident.to_string()),
                            _ => continue,
                        };
                    }
                }
                _ => {}
            }
        }
    }
}

/// The file of module `name` that is declared in `path`; a folder's `mod.rs` where there is one.
fn below(path: &Path, name: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let folder = path.parent().unwrap_or(path);
    let folder = if stem == "lib" || stem == "mod" {
        folder.to_owned()
    } else {
        folder.join(stem)
    };
    let inside = folder.join(name).join("mod.rs");
    if inside.is_file() {
        inside
    } else {
        folder.join(format!("{name}.rs"))
    }
}

fn leaves(tree: &UseTree, parents: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    match tree {
        UseTree::Path(path) => {
            parents.push(path.ident.to_string());
            leaves(&path.tree, parents, out);
            parents.pop();
        }
        UseTree::Name(name) => {
            parents.push(name.ident.to_string());
            out.push(parents.clone());
            parents.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                leaves(tree, parents, out);
            }
        }
        UseTree::Rename(_) | UseTree::Glob(_) => {}
    }
}

fn public_name(item: &Item) -> Option<String> {
    let (vis, ident) = match item {
        Item::Const(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    is_public(vis).then(|| ident.to_string())
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

fn is_hidden(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("doc")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|word| word == "hidden")
    })
}

fn is_inherent(item: &ItemImpl, name: &str) -> bool {
    let Type::Path(path) = item.self_ty.as_ref() else {
        return false;
    };
    item.trait_.is_none()
        && path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "essence_session_flush essence_session ESSENCE_OK";
    const PYTHON: &str = "AsyncBithuman flush";

    fn wrong(items: &[&str], table: &str) -> Vec<String> {
        let items = items.iter().map(ToString::to_string).collect();
        let functions = BTreeSet::from(["essence_session_flush"]);
        compare(&items, table, &functions, &words(HEADER), &words(PYTHON))
    }

    #[test]
    fn a_table_that_has_everything_passes() {
        let table = "| Rust | C | Python |\n|---|---|---|\n\
                     | `Session::flush` | `essence_session_flush` | `AsyncBithuman.flush` |\n\
                     | `Frame::*` | fields of the info | attributes |";
        assert_eq!(
            wrong(&["Session::flush", "Frame::index"], table),
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_item_that_is_added_needs_a_row() {
        let table = "| `Session::flush` | `essence_session_flush` | `flush` |";
        let told = wrong(&["Session::flush", "Session::fly"], table);
        assert_eq!(told, ["`Session::fly` has no row"]);
    }

    #[test]
    fn empty_cells_and_names_that_are_gone_are_told() {
        let table = "| `Session::flush` |  | `AsyncBithuman.gone` |\n| `Old` | — | `flush` |";
        let told = wrong(&["Session::flush"], table);
        let expected = [
            "line 1: nothing under C, and no reason",
            "line 1: `gone` is not in Python",
            "line 2: `Old` is no public item of the engine",
            "line 2: nothing under C, and no reason",
            "essence_session_flush() is in no row",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn the_engines_items_are_found_where_they_are_exported() -> Result<()> {
        let items = Sources::read(&root().join("engine/src"))?.public();
        for item in [
            "Engine::open",
            "FrameFlags::late",
            "Provider::CoreMl",
            "PixelFormat::ALL",
            "clock::ManualClock::advance",
            "imx::limits::MAX_FRAMES",
            "imx::Container::open",
            "gpu::Canvas",
            "MAX_RATE_HZ",
        ] {
            assert!(items.contains(item), "{item} is public");
        }
        for item in [
            "Engine::scheduler",
            "session::Session",
            "internals::Isa",
            "Log",
        ] {
            assert!(!items.contains(item), "{item} is not");
        }
        Ok(())
    }
}
