//! Speech by a program that is installed: flite or espeak-ng, started as a child, never linked.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use essence::{Error, ErrorKind, Result};
use essence_media::AudioReader;

use crate::cancel::Cancel;
use crate::responder::Speak;

/// How long a program may take for a piece of text.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// How often the child is looked at.
const POLL: Duration = Duration::from_millis(2);

/// Most bytes of a program's words.
const MAX_OUTPUT_BYTES: u64 = 1 << 20;

/// Most bytes of a program's sound: five minutes at 48 kHz.
const MAX_SOUND_BYTES: u64 = 30 << 20;

/// The programs that are looked for, in the order of preference, with their arguments. The text comes
/// through standard input, so that nothing in it is taken for an option.
const PROGRAMS: [(&str, &[&str]); 3] = [
    ("flite", &["-voice", "slt", "-f", "-", "-o", OUTPUT]),
    ("espeak-ng", &["--stdin", "-b", "1", "-w", OUTPUT]),
    ("espeak", &["--stdin", "-b", "1", "-w", OUTPUT]),
];

/// Stands for the path of the output in the arguments.
const OUTPUT: &str = "{output}";

/// A speech program.
#[derive(Clone, Debug)]
pub struct SpeechProgram {
    path: PathBuf,
    arguments: &'static [&'static str],
}

impl SpeechProgram {
    /// The first of flite, espeak-ng and espeak that is on `PATH`.
    pub fn find() -> Option<Self> {
        Self::find_in(&std::env::var_os("PATH")?)
    }

    /// The same in the folders of `path`, which is written as the variable `PATH` is. Relative folders
    /// are passed over.
    pub fn find_in(path: &std::ffi::OsStr) -> Option<Self> {
        PROGRAMS.iter().find_map(|&(name, arguments)| {
            let path = find_in(path, name)?;
            Some(Self { path, arguments })
        })
    }

    /// The program's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The error that none is installed.
    #[cold]
    pub fn missing() -> Error {
        let message = "no program that speaks text is installed: install flite or espeak-ng, or use a brain with a \
                       voice of its own";
        Error::new(ErrorKind::NotFound, message)
    }

    fn failed(&self, what: &str) -> Error {
        failed(&self.path, what)
    }
}

/// A program on `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    find_in(&std::env::var_os("PATH")?, name)
}

fn find_in(path: &std::ffi::OsStr, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

fn failed(path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::Io, format!("{}: {what}", path.display()))
}

/// Runs a program on paragraphs of text, which come through its standard input, and gives its output if that is a
/// pipe: at most 1 MiB, the rest is left.
pub(crate) fn run_on_text(
    mut command: Command,
    path: &Path,
    paragraphs: &[&str],
    cancel: &Cancel,
) -> Result<Vec<u8>> {
    let no_file = |e| failed(path, "has no temporary file").with_source(e);
    // A file as standard input: a pipe could block on a program that doesn't read.
    let mut input = tempfile::tempfile().map_err(no_file)?;
    let plain = |text: &&str| text.replace(char::is_control, " ");
    let plain = paragraphs
        .iter()
        .map(plain)
        .collect::<Vec<_>>()
        .join("\n\n");
    writeln!(input, "{plain}")
        .and_then(|()| input.seek(SeekFrom::Start(0)))
        .map_err(no_file)?;
    let mut child = command
        .stdin(input)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(path, "can't be started").with_source(e))?;
    let output = child.stdout.take();
    // Read beside: a full pipe would keep the program from ending.
    let reading = output.map(|output| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = output.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes);
            bytes
        })
    });
    wait(&mut child, path, cancel)?;
    Ok(reading
        .and_then(|reading| reading.join().ok())
        .unwrap_or_default())
}

/// Waits for the child, which ends in any case.
fn wait(child: &mut Child, path: &Path, cancel: &Cancel) -> Result<()> {
    let begin = Instant::now();
    let stopped = loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(path, &format!("ended with {status}"))),
            Err(e) => return Err(failed(path, "can't be waited for").with_source(e)),
            Ok(None) if cancel.is_cancelled() => {
                break Error::new(ErrorKind::Cancelled, "stopped");
            }
            Ok(None) if begin.elapsed() > TIME_LIMIT => {
                let seconds = TIME_LIMIT.as_secs();
                break failed(path, &format!("took more than {seconds} s and was stopped"));
            }
            Ok(None) => thread::sleep(POLL),
        }
    };
    let _ = child.kill();
    let _ = child.wait();
    Err(stopped)
}

impl Speak for SpeechProgram {
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        let no_file = |e| self.failed("has no temporary file").with_source(e);
        let folder = tempfile::tempdir().map_err(no_file)?;
        let output = folder.path().join("speech.wav");
        let mut command = Command::new(&self.path);
        for &argument in self.arguments {
            match argument {
                OUTPUT => command.arg(&output),
                _ => command.arg(argument),
            };
        }
        command.stdout(Stdio::null());
        run_on_text(command, &self.path, &[text], cancel)?;
        let file = File::open(&output).map_err(|e| self.failed("left no sound").with_source(e))?;
        let mut reader = AudioReader::from_stream(file.take(MAX_SOUND_BYTES), "speech.wav")?;
        let rate = reader.sample_rate();
        while let Some(block) = reader.next_block()? {
            sound(rate, block);
        }
        Ok(())
    }
}
