//! Circles of imports: modules of one crate that need each other, over any number of steps. A module
//! may lie within another that needs it (a folder's `mod.rs` and its files), as long as the inner
//! one doesn't need the outer one; what `lib.rs` exports anybody may use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{ItemMod, ItemUse, UseTree};
use xshell::Shell;

use crate::root;

/// Names of a module, from the crate's root on.
type Module = Vec<String>;

/// Checks all crates of the workspace.
///
/// # Errors
/// Names the modules of each circle.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let mut circles = Vec::new();
    for folder in [
        "engine",
        "media",
        "live",
        "brain",
        "server",
        "cli",
        "ffi",
        "ffi/proxy",
        "xtask",
        "benches",
    ] {
        let source = root().join(folder).join("src");
        let mut modules = BTreeMap::new();
        read(sh, &source, &Vec::new(), &mut modules)?;
        for circle in find(&graph(&modules)) {
            circles.push(format!("{folder}: {}", circle.join(", ")));
        }
    }
    if !circles.is_empty() {
        bail!(
            "modules that import each other in a circle:\n  {}",
            circles.join("\n  ")
        );
    }
    Ok(())
}

/// Reads the files of a folder and of those in it.
fn read(
    sh: &Shell,
    folder: &Path,
    at: &Module,
    modules: &mut BTreeMap<Module, syn::File>,
) -> Result<()> {
    for path in sh.read_dir(folder)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let module = match &*name {
            "lib" | "main" | "mod" => at.clone(),
            name => [at.as_slice(), &[name.to_owned()]].concat(),
        };
        if path.is_dir() {
            read(sh, &path, &module, modules)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let file = syn::parse_file(&sh.read_file(&path)?);
            modules.insert(module, file.with_context(|| path.display().to_string())?);
        }
    }
    Ok(())
}

/// The modules that each one names.
fn graph(modules: &BTreeMap<Module, syn::File>) -> BTreeMap<String, BTreeSet<String>> {
    let edges = modules.iter().map(|(module, file)| {
        let mut names = Names {
            module,
            modules,
            found: BTreeSet::new(),
        };
        names.visit_file(file);
        (module.join("::"), names.found)
    });
    edges.collect()
}

/// Collects the modules that a file names.
struct Names<'a> {
    module: &'a Module,
    modules: &'a BTreeMap<Module, syn::File>,
    found: BTreeSet<String>,
}

impl Names<'_> {
    /// Notes the module that a path leads to, if the path begins within the crate.
    fn note(&mut self, path: &[String]) {
        let mut target = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            _ => return,
        };
        for word in path {
            match word.as_str() {
                "crate" | "self" => {}
                "super" => drop(target.pop()),
                word => target.push(word.to_owned()),
            }
        }
        while !self.modules.contains_key(&target) {
            target.pop();
        }
        // The root exports what all may use.
        if !target.is_empty() && target != *self.module {
            self.found.insert(target.join("::"));
        }
    }

    fn tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            UseTree::Name(name) => self.note(&with(&name.ident)),
            UseTree::Rename(name) => self.note(&with(&name.ident)),
            UseTree::Glob(_) => self.note(before),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(before, tree);
                }
            }
        }
    }
}

impl<'a> Visit<'a> for Names<'_> {
    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let words: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.note(&words);
        visit::visit_path(self, path);
    }

    /// `pub(super)` needs nothing.
    fn visit_visibility(&mut self, _: &'a syn::Visibility) {}

    /// A module within the file has other paths; those that are not tests are rare.
    fn visit_item_mod(&mut self, _: &'a ItemMod) {}
}

/// The groups of nodes that reach each other, by Tarjan's algorithm.
fn find(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<&str>> {
    let mut search = Search {
        graph,
        numbers: BTreeMap::new(),
        open: Vec::new(),
        circles: Vec::new(),
    };
    for node in graph.keys() {
        if !search.numbers.contains_key(node.as_str()) {
            search.visit(node);
        }
    }
    search.circles
}

struct Search<'a> {
    graph: &'a BTreeMap<String, BTreeSet<String>>,
    /// The order in which nodes were met.
    numbers: BTreeMap<&'a str, usize>,
    /// Nodes whose group is not known yet.
    open: Vec<&'a str>,
    circles: Vec<Vec<&'a str>>,
}

impl<'a> Search<'a> {
    /// Visits a node; returns the smallest number that it reaches among the open ones.
    fn visit(&mut self, node: &'a str) -> usize {
        let number = self.numbers.len();
        let mut lowest = number;
        self.numbers.insert(node, number);
        self.open.push(node);
        for next in self.graph.get(node).into_iter().flatten() {
            lowest = lowest.min(match self.numbers.get(next.as_str()) {
                None => self.visit(next),
                Some(&number) if self.open.contains(&next.as_str()) => number,
                Some(_) => continue,
            });
        }
        if lowest == number {
            let begin = self.open.iter().position(|&open| open == node);
            let group = self.open.split_off(begin.unwrap_or(0));
            if group.len() > 1 {
                self.circles.push(group);
            }
        }
        lowest
    }
}
