//! `bench instructions`: what a frame costs in instructions, counted by callgrind and told apart by who
//! executes them. A busy machine doesn't change the counts.
//!
//! valgrind knows processors up to AVX2, so these are the counts of the kernels for AVX2; with AVX-512
//! there are fewer.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::{root, runtime};

/// Functions that are listed by name.
const LISTED: usize = 30;

/// Instructions by object file and function.
type Counts = BTreeMap<(String, String), u64>;

pub(crate) fn count(sh: &Shell, frames: &[&str]) -> Result<()> {
    let library = runtime::ensure(sh)?;
    let _library = sh.push_env("ORT_DYLIB_PATH", library);
    let out = root().join("target/callgrind");
    sh.remove_path(&out)?;
    sh.create_dir(&out)?;
    let file = out.join("counts");
    let runner = format!(
        "target.'cfg(all())'.runner = ['valgrind', '-q', '--tool=callgrind', '--instr-atstart=no', '--callgrind-out-file={}']",
        file.display()
    );
    cmd!(
        sh,
        "cargo bench --config {runner} --package benches --locked --bench instructions -- {frames...}"
    )
    .run()?;

    let mut table = String::from("kind,part,instructions_per_frame\n");
    let mut listing = String::new();
    for number in 1.. {
        let Ok(text) = fs::read_to_string(out.join(format!("counts.{number}"))) else {
            ensure!(number > 1, "callgrind wrote nothing into {}", out.display());
            break;
        };
        let (kind, frames, counts) = parse(&text)?;
        let mut parts = BTreeMap::<String, u64>::new();
        for ((object, function), count) in &counts {
            *parts.entry(part(object, function)).or_default() += count;
        }
        let total: u64 = parts.values().sum();
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        parts.insert(0, ("total".to_owned(), total));
        for (part, count) in parts.iter().filter(|(_, count)| *count >= 100 * frames) {
            table += &format!("{kind},{part},{}\n", count / frames);
        }
        if kind == "speaking_bgr" {
            listing = list(&counts, frames);
        }
    }
    println!("{listing}");
    println!("{table}");
    sh.create_dir("benches/record")?;
    sh.write_file("benches/record/instructions.csv", &table)?;
    println!("kept in benches/record/instructions.csv; whole profiles in target/callgrind");
    Ok(())
}

/// Name of what was measured, number of frames and counts of a profile (the format is described in
/// valgrind's manual).
fn parse(text: &str) -> Result<(String, u64, Counts)> {
    let label = text
        .lines()
        .find_map(|line| line.strip_prefix("desc: Trigger: Client Request: "))
        .context("the profile has no name")?;
    let (kind, frames) = label
        .split_once(' ')
        .context("a name and a number of frames")?;
    let mut names = HashMap::<String, String>::new();
    let mut counts = Counts::new();
    let (mut object, mut function) = (String::new(), String::new());
    let mut of_a_call = false;
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=') {
            // `(number) name` where it occurs first, `(number)` from then on.
            let space = match key {
                "ob" | "cob" => "object",
                "fn" | "cfn" => "function",
                "calls" => {
                    of_a_call = true;
                    continue;
                }
                _ => continue,
            };
            let (number, name) = value.split_once(' ').unwrap_or((value, ""));
            let entry = names.entry(format!("{space}{number}")).or_default();
            if !name.is_empty() {
                name.clone_into(entry);
            }
            match key {
                "ob" => entry.clone_into(&mut object),
                "fn" => entry.clone_into(&mut function),
                _ => {}
            }
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            // What a call costs is counted in the function that was called.
            if std::mem::take(&mut of_a_call) {
                continue;
            }
            let count = line.split(' ').nth(1).and_then(|count| count.parse().ok());
            let place = (object.clone(), function.clone());
            *counts.entry(place).or_default() += count.unwrap_or(0);
        }
    }
    Ok((kind.to_owned(), frames.parse()?, counts))
}

/// Whose instructions these are: a library's, a stage's of the engine, or another crate's.
fn part(object: &str, function: &str) -> String {
    let file = object.rsplit('/').next().unwrap_or(object);
    if let Some(library) = ["libonnxruntime", "libc", "libm", "libstdc++", "ld-linux"]
        .into_iter()
        .find(|library| file.starts_with(&format!("{library}.")) || file.starts_with("ld-linux"))
    {
        return library.to_owned();
    }
    let path = function.trim_start_matches(['<', '&', '(']);
    // `<f32 as a_crate::Trait>::function` is the crate's.
    let path = match path.split_once(" as ") {
        Some((implementor, rest)) if !implementor.contains("::") => rest,
        _ => path,
    };
    let mut segments = path.split("::");
    match (segments.next(), segments.next()) {
        (Some("essence"), Some(stage)) => format!("essence::{stage}"),
        (Some("core" | "alloc" | "std"), _) => "std".to_owned(),
        (Some(name), Some(_)) => name.to_owned(),
        _ => "other".to_owned(),
    }
}

/// The functions that cost most.
fn list(counts: &Counts, frames: u64) -> String {
    let mut functions: Vec<_> = counts.iter().collect();
    functions.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut text = String::from("speaking_bgr, instructions per frame by function:\n");
    for ((object, function), count) in functions.into_iter().take(LISTED) {
        let file = object.rsplit('/').next().unwrap_or(object);
        text += &format!("{:>12}  {function}  ({file})\n", count / frames);
    }
    text
}
