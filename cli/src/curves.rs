//! `bithuman curves`: speech to a table of mouth values.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use essence::{Frame, SessionOptions};
use essence_media::{FRAME_RATE, OutputFile};
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
    /// Speech: wav, mp3, m4a, ogg, opus, flac, aac, webm and others, or - for standard input
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
    // Before any work: from here on Ctrl-C leaves nothing half done.
    let interrupt = Interrupt::listen(console)?;
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
    let mut audio =
        speech::open(&args.audio, &interrupt).map_err(|f| f.unless_missing(&args.avatar))?;
    let avatar = args.engine.open(&args.avatar)?;

    let mut table = match to_stdout {
        true => Table::stdout(&interrupt),
        false => Table::file(&args.output, &interrupt)?,
    };
    let names = &avatar.info().arkit_names;
    table.row(format!("index,time_s,{}\n", names.join(",")).as_bytes())?;
    let options = SessionOptions::default().pictures(false);
    let mut row = Vec::new();
    // A table on a terminal is progress enough.
    let quiet = Console::new(console.json() || to_stdout && std::io::stdout().is_terminal());
    let mut passed = speech::frames(
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
    let (bytes, replaced_another) = table.finish()?;
    if replaced_another {
        let warning = output::replaced(&args.output);
        console.warn(&warning);
        passed.warnings.push(warning);
    }
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
        }))?;
    } else if !to_stdout {
        let output = args.output.display();
        console.text(&format!(
            "{output}: {} frames, {} values each\n",
            passed.frames,
            names.len()
        ))?;
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

/// A table on stdout, or in a file that gets its name when it is complete.
struct Table<'a> {
    writer: Writer,
    bytes: u64,
    interrupt: &'a Interrupt,
}

enum Writer {
    Stdout(BufWriter<std::io::Stdout>),
    File(BufWriter<OutputFile>),
}

impl<'a> Table<'a> {
    fn stdout(interrupt: &'a Interrupt) -> Self {
        Self {
            writer: Writer::Stdout(BufWriter::new(std::io::stdout())),
            bytes: 0,
            interrupt,
        }
    }

    fn file(path: &Path, interrupt: &'a Interrupt) -> Result<Self, Failure> {
        let file = OutputFile::create(path).map_err(Failure::writing)?;
        interrupt.unfinished(file.temporary_path().map(Path::to_owned));
        Ok(Self {
            writer: Writer::File(BufWriter::new(file)),
            bytes: 0,
            interrupt,
        })
    }

    fn row(&mut self, row: &[u8]) -> Result<Flow, Failure> {
        self.bytes += row.len() as u64;
        let written = match &mut self.writer {
            Writer::Stdout(stdout) => self.interrupt.waiting(|| stdout.write_all(row)),
            Writer::File(file) => file.write_all(row),
        };
        self.flow(written)
    }

    /// Completes the table. Returns its size, and whether another program wrote the same name meanwhile.
    fn finish(mut self) -> Result<(u64, bool), Failure> {
        let flushed = match &mut self.writer {
            Writer::Stdout(stdout) => self.interrupt.waiting(|| stdout.flush()),
            Writer::File(file) => file.flush(),
        };
        self.flow(flushed)?;
        let Writer::File(file) = self.writer else {
            return Ok((self.bytes, false));
        };
        let file = file
            .into_inner()
            .map_err(|e| Failure::output("cannot write the table", Some(e.error())))?;
        // An output without a temporary file is a FIFO or a device, which may wait for its reader.
        let committed = match file.temporary_path() {
            Some(_) => file.commit(),
            None => self.interrupt.waiting(|| file.commit()),
        };
        let committed = committed.map_err(Failure::writing)?;
        self.interrupt.unfinished(None);
        Ok((committed.bytes, committed.replaced_another))
    }

    fn flow(&self, written: std::io::Result<()>) -> Result<Flow, Failure> {
        let to_stdout = matches!(self.writer, Writer::Stdout(_));
        match written {
            Ok(()) => Ok(Flow::More),
            Err(e) if to_stdout && e.kind() == std::io::ErrorKind::BrokenPipe => Ok(Flow::Stop),
            Err(e) => Err(Failure::output("cannot write the table", Some(&e))),
        }
    }
}
