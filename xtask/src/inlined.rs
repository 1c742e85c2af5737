//! Whether each kernel of our own runtime is one function. What it calls and isn't inlined into it is compiled for
//! the processor's baseline, which makes the kernel ten times as slow; such a function has a symbol.

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::command_line;

/// Part of the names of all that kernels are made of.
const KERNELS: &str = "essence::infer::builtin::kernels::";
/// Parts of names of functions that have to be inlined: operations on vectors, kernels, closures.
const WITHIN: [&str; 3] = ["::simd::Simd>::", "::simd::Work>::run", "{{closure}}"];
/// Of those, the functions that kernels are inlined into, and one that none calls.
const APART: [&str; 2] = ["::enter::inside", "::is_here"];

pub(crate) fn check(sh: &Shell) -> Result<()> {
    let program = command_line(sh)?;
    let symbols = cmd!(sh, "nm --demangle {program}").quiet().read()?;
    let (mut kernels, mut outside) = (0, Vec::new());
    for line in symbols.lines().filter(|line| line.contains(KERNELS)) {
        let name = line.splitn(3, ' ').nth(2).context("a symbol has a name")?;
        if APART.iter().any(|ending| name.contains(ending)) {
            kernels += 1;
        } else if WITHIN.iter().any(|part| name.contains(part)) {
            outside.push(name);
        }
    }
    ensure!(
        kernels > 0,
        "no kernel is in the symbols of {}",
        program.display()
    );
    ensure!(
        outside.is_empty(),
        "parts of kernels are functions of their own, so that they are slow:\n  {}",
        outside.join("\n  ")
    );
    println!("kernels: each of {kernels} is one function");
    Ok(())
}
