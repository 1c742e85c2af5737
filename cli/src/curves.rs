//! `bithuman curves`: speech to a table of mouth values.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use essence::{Frame, SessionOptions};
use essence_media::FRAME_RATE;
use serde_json::json;

use crate::console::Console;
use crate::engine::EngineArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::speech::{self, Flow};

/// Write the mouth's ARKit values of speech as CSV, a row per frame
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The avatar, an .imx file
    avatar: PathBuf,
    /// Speech: wav, flac, mp3, ogg (Vorbis), m4a or aac
    #[arg(short, long, value_name = "FILE")]
    audio: PathBuf,
    /// The table to write, or - for stdout
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Stop after this many frames
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    // First of all: from here on Ctrl-C leaves nothing half done.
    let interrupt = Interrupt::listen()?;
    let begin = Instant::now();
    let to_stdout = args.output == Path::new("-");
    if to_stdout && console.json() {
        return Err(Failure::argument(
            "--json and a table on stdout; give the table's file with -o",
        ));
    }
    if !to_stdout {
        output::check(&args.output, &[&args.avatar, &args.audio])?;
    }
    let mut audio = speech::open(&args.audio).map_err(|f| f.unless_missing(&args.avatar))?;
    let avatar = args.engine.open(&args.avatar)?;

    let mut table = match to_stdout {
        true => Table::stdout(),
        false => Table::file(&args.output, &interrupt)?,
    };
    let names = &avatar.info().arkit_names;
    table.row(format!("index,time_s,{}\n", names.join(",")).as_bytes())?;
    let options = SessionOptions::default().pictures(false);
    let mut row = Vec::new();
    // On a terminal the table itself shows how far it is.
    let quiet = Console::new(console.json() || to_stdout && std::io::stdout().is_terminal());
    let passed = speech::frames(
        &quiet,
        &avatar,
        options,
        &mut audio,
        args.limit,
        &interrupt,
        |frame| {
            format_row(frame, &mut row);
            table.row(&row)
        },
    )?;
    let bytes = table.finish(&interrupt)?;
    if passed.interrupted {
        let n = passed.frames;
        return Err(Failure::interrupted(format!(
            "stopped after {n} frames; their rows are written"
        )));
    }
    if console.json() {
        console.object(json!({
            "output": args.output.display().to_string(),
            "bytes": bytes,
            "seconds": passed.frames as f64 / f64::from(FRAME_RATE),
            "wall_seconds": begin.elapsed().as_secs_f64(),
            "frames": passed.frames,
            "fps": FRAME_RATE,
            "warnings": passed.warnings,
            "columns": names,
        }));
    } else if !to_stdout {
        let output = args.output.display();
        console.text(&format!(
            "{output}: {} frames, {} values each\n",
            passed.frames,
            names.len()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn format_row(frame: &Frame, row: &mut Vec<u8>) {
    row.clear();
    let index = frame.index();
    let time = index as f64 / f64::from(FRAME_RATE);
    // Writing to memory does not fail.
    let _ = write!(row, "{index},{time:.2}");
    for value in frame.arkit() {
        let _ = write!(row, ",{value:.5}");
    }
    row.push(b'\n');
}

/// Rows to stdout, or to a file that gets its name when it is complete.
struct Table {
    writer: Box<dyn Write>,
    path: Option<PathBuf>,
    bytes: u64,
}

impl Table {
    fn stdout() -> Self {
        Self {
            writer: Box::new(BufWriter::new(std::io::stdout())),
            path: None,
            bytes: 0,
        }
    }

    fn file(path: &Path, interrupt: &Interrupt) -> Result<Self, Failure> {
        let part = output::part_path(path);
        let file = File::create(&part)
            .map_err(|e| Failure::output(format!("cannot write {}", path.display()), Some(&e)))?;
        interrupt.unfinished(Some(part));
        Ok(Self {
            writer: Box::new(BufWriter::new(file)),
            path: Some(path.to_owned()),
            bytes: 0,
        })
    }

    fn row(&mut self, row: &[u8]) -> Result<Flow, Failure> {
        self.bytes += row.len() as u64;
        self.written(|writer| writer.write_all(row))
    }

    fn finish(mut self, interrupt: &Interrupt) -> Result<u64, Failure> {
        self.written(|writer| writer.flush())?;
        self.writer = Box::new(std::io::sink());
        if let Some(path) = self.path.take() {
            std::fs::rename(output::part_path(&path), &path).map_err(|e| {
                Failure::output(format!("cannot write {}", path.display()), Some(&e))
            })?;
            interrupt.unfinished(None);
        }
        Ok(self.bytes)
    }

    fn written(
        &mut self,
        work: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<Flow, Failure> {
        match work(&mut self.writer) {
            Ok(()) => Ok(Flow::More),
            Err(e) if self.path.is_none() && e.kind() == std::io::ErrorKind::BrokenPipe => {
                Ok(Flow::Stop)
            }
            Err(e) => Err(Failure::output("cannot write the table", Some(&e))),
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(output::part_path(path));
        }
    }
}
