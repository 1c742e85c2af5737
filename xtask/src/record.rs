//! Tables of the long benchmarks: run, printed, and kept in `benches/record/` with the machine and the
//! command that they come from.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::{plots, runtime};

/// A table that can be made.
struct Table {
    name: &'static str,
    bench: &'static str,
    /// On one core only.
    pinned: bool,
    /// The default arguments of the benchmark.
    arguments: &'static [&'static str],
    /// How long it takes on a quiet machine.
    takes: &'static str,
}

const fn table(
    name: &'static str,
    bench: &'static str,
    pinned: bool,
    arguments: &'static [&'static str],
    takes: &'static str,
) -> Table {
    Table {
        name,
        bench,
        pinned,
        arguments,
        takes,
    }
}

/// All of them; those up to `ten_minutes_of_10` make up `record all`.
const TABLES: [Table; 10] = [
    table("frame_times", "frame_times", true, &[], "1 min"),
    table("stages", "stages", true, &[], "1 min"),
    table("memory", "memory", false, &[], "20 s"),
    table("latency", "latency", false, &[], "3 min"),
    table(
        "sessions",
        "sessions",
        true,
        &["20", "1", "5", "10", "18", "21", "24", "27", "30", "36"],
        "4 min",
    ),
    table(
        "ten_minutes_of_18",
        "sessions",
        true,
        &["600", "18"],
        "10 min",
    ),
    table(
        "ten_minutes_of_10",
        "sessions",
        true,
        &["600", "10"],
        "10 min",
    ),
    table("scheduler", "scheduler", false, &[], "1 min"),
    table("soak", "soak", false, &["480"], "15 min"),
    table(
        "soak_pictures",
        "soak",
        false,
        &["480", "shipped", "pictures"],
        "40 min",
    ),
];

/// The tables of `record all`, in turn.
const ALL: usize = 7;

/// Names of the tables, for the menu.
pub(crate) fn is_table(name: &str) -> bool {
    TABLES.iter().any(|table| table.name == name)
}

/// Every table that a quiet machine is needed for, one after the other, then the plots.
pub(crate) fn all(sh: &Shell) -> Result<()> {
    let begin = Instant::now();
    let mut durations = Vec::new();
    for table in &TABLES[..ALL] {
        println!("{}: about {}", table.name, table.takes);
        durations.push((table.name, record(sh, table.name, &[])?));
    }
    plots::plots(sh)?;
    for (name, duration) in durations {
        println!("{name:>12} {:6.1} s", duration.as_secs_f64());
    }
    println!("{:>12} {:6.1} s", "all", begin.elapsed().as_secs_f64());
    Ok(())
}

/// One table; gives how long its benchmark ran, the build left out.
pub(crate) fn record(sh: &Shell, name: &str, arguments: &[&str]) -> Result<Duration> {
    runtime::ensure(sh)?;
    let table = TABLES.iter().find(|table| table.name == name);
    let &Table {
        bench,
        pinned,
        arguments: usual,
        ..
    } = table.context("a table's name")?;
    let arguments = match arguments {
        [] => usual,
        given => given,
    };
    cmd!(
        sh,
        "cargo bench --package benches --locked --bench {bench} --no-run"
    )
    .run()?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    let pin: &[&str] = match pinned && has_taskset(sh) {
        true => &["taskset", "--cpu-list", "0"],
        false => &[],
    };
    let mut words = pin.to_vec();
    words.extend([
        "cargo",
        "bench",
        "--package",
        "benches",
        "--locked",
        "--bench",
    ]);
    words.extend([bench, "--"]);
    if bench == "stages" {
        words.extend(["--warm-up-time", "1", "--measurement-time", "2"]);
    }
    words.extend(arguments);
    let core = if pin.is_empty() { "cpu " } else { "cpu0 " };
    let before = ticks(core);
    let begin = Instant::now();
    let (program, rest) = words.split_first().context("a program")?;
    let printed = cmd!(sh, "{program} {rest...}").read()?;
    let took = begin.elapsed();
    let stolen = stolen(before.as_deref(), ticks(core).as_deref());
    let rows = match bench {
        "stages" => stages(sh)?,
        _ => printed,
    };
    let text = format!(
        "# cargo xtask record {name}: {}\n# {}{}, load {load} at the beginning; {:.0} s{stolen}\n{rows}\n",
        words.join(" "),
        machine(),
        if pin.is_empty() { "" } else { ", on one core" },
        took.as_secs_f64(),
    );
    println!("{text}");
    sh.create_dir("benches/record")?;
    let file = format!("benches/record/{name}.csv");
    sh.write_file(&file, text)?;
    println!("kept in {file}");
    Ok(took)
}

/// The times that a core, or all of them, has spent since the machine started (`proc_stat(5)`).
fn ticks(core: &str) -> Option<Vec<u64>> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(core))?;
    line.split_whitespace()
        .map(|ticks| ticks.parse().ok())
        .collect()
}

/// Of the time that was wanted, how much a virtual machine's host gave to others.
fn stolen(before: Option<&[u64]>, after: Option<&[u64]>) -> String {
    const IDLE: [usize; 2] = [3, 4];
    const STEAL: usize = 7;
    // What comes after it is counted before already.
    let (Some(before), Some(after)) = (
        before.and_then(|ticks| ticks.get(..=STEAL)),
        after.and_then(|ticks| ticks.get(..=STEAL)),
    ) else {
        return String::new();
    };
    let wanted: u64 = (0..=STEAL)
        .filter(|column| !IDLE.contains(column))
        .map(|column| after[column] - before[column])
        .sum();
    let stolen = after[STEAL] - before[STEAL];
    let percent = 100.0 * stolen as f64 / wanted.max(1) as f64;
    format!("; {percent:.1} % of the processor time wanted went to other guests of the host")
}

fn has_taskset(sh: &Shell) -> bool {
    let version = cmd!(sh, "taskset --version").quiet();
    version.ignore_stdout().ignore_stderr().run().is_ok()
}

/// Processor and number of cores.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = info.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split_once(':')).map_or_else(
            || "unknown".to_owned(),
            |(_, value)| value.trim().to_owned(),
        )
    };
    let wide = [" avx512vbmi ", " avx2 "];
    let flags = format!(" {} ", value("flags"));
    let widest = wide.into_iter().find(|flag| flags.contains(flag));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} (model {},{}), {cores} cores",
        value("model name"),
        value("model\t"),
        widest.unwrap_or(" neither AVX2 nor AVX-512 ").trim_end()
    )
}

/// Criterion's medians of the stages.
fn stages(sh: &Shell) -> Result<String> {
    let mut rows = vec!["group,stage,p50_us".to_owned()];
    for group in ["audio", "networks", "compose"] {
        let folder = format!("target/criterion/{group}");
        for stage in sh.read_dir(&folder)? {
            let Ok(text) = fs::read_to_string(stage.join("new/estimates.json")) else {
                continue;
            };
            let name = stage.file_name().unwrap_or_default().to_string_lossy();
            let median = text
                .split_once("\"median\"")
                .and_then(|(_, rest)| rest.split_once("\"point_estimate\":"))
                .and_then(|(_, rest)| rest.split([',', '}']).next())
                .and_then(|number| number.parse::<f64>().ok())
                .with_context(|| format!("no median in {}", stage.display()))?;
            rows.push(format!("{group},{name},{:.1}", median / 1e3));
        }
    }
    Ok(rows.join("\n"))
}
