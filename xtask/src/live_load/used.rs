//! The server's use of the machine: processor time and memory.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::live_figures::rank;
use crate::live_server::Server;

/// The server's use of the machine. Lists hold values at times spread over the run.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// Processor time in seconds, of `wall_s`.
    pub(super) processor_s: f64,
    pub(super) wall_s: f64,
    /// Resident memory in MB.
    pub(super) memory_mb: Vec<f64>,
    pub(super) threads: Vec<f64>,
    pub(super) files: Vec<f64>,
}

impl Used {
    /// From the middle of the first three values to that of the last three.
    pub(super) fn growth(values: &[f64]) -> f64 {
        let middle = |values: &[f64]| rank(values.to_vec(), 0.5);
        let some = values.len().min(3);
        middle(&values[values.len() - some..]) - middle(&values[..some])
    }

    fn look(&mut self, server: &Server) -> Result<()> {
        self.memory_mb.push(memory_mb(server)?);
        self.threads.push(entries(server, "task")?);
        self.files.push(entries(server, "fd")?);
        Ok(())
    }
}

/// Waits for `time` and reads the server's figures meanwhile. The first tenth is left out.
pub(super) fn watch(server: &Server, time: Duration) -> Result<Used> {
    std::thread::sleep(time / 10);
    let (begin, before) = (Instant::now(), processor_s(server)?);
    let mut used = Used::default();
    for _ in 0..9 {
        used.look(server)?;
        std::thread::sleep(time / 10);
    }
    used.look(server)?;
    used.processor_s = processor_s(server)? - before;
    used.wall_s = begin.elapsed().as_secs_f64();
    Ok(used)
}

/// User and system time so far (proc(5): fields 14 and 15 of `stat`, in hundredths).
fn processor_s(server: &Server) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.id()))?;
    let fields = stat
        .rsplit_once(')')
        .context("no name")?
        .1
        .split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).flat_map(str::parse).collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn memory_mb(server: &Server) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("no VmRSS")?.parse::<f64>()? / 1024.0)
}

/// Entries of a folder of the process: `task` has one a thread, `fd` one an open file.
fn entries(server: &Server, folder: &str) -> Result<f64> {
    let entries = fs::read_dir(format!("/proc/{}/{folder}", server.id()))?;
    Ok(entries.count() as f64)
}
