//! Speech by a program that is installed: flite or espeak-ng, started as a child, never linked.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use essence::{Error, ErrorKind, Result};
use essence_media::AudioReader;

use crate::responder::{Cancel, Speak};

/// How long a program may take for a piece of text.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// How often the child is looked at.
const POLL: Duration = Duration::from_millis(2);

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
        let folders: Vec<_> = std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .collect();
        PROGRAMS.iter().find_map(|&(name, arguments)| {
            let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            let path = folders
                .iter()
                .map(|f| f.join(&file))
                .find(|p| p.is_file())?;
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
        Error::new(ErrorKind::Io, format!("{}: {what}", self.path.display()))
    }

    /// Waits for the child, which ends in any case.
    fn wait(&self, child: &mut Child, cancel: &Cancel) -> Result<()> {
        let begin = Instant::now();
        let stopped = loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.failed(&format!("ended with {status}"))),
                Err(e) => return Err(self.failed("can't be waited for").with_source(e)),
                Ok(None) if cancel.is_cancelled() => {
                    break Error::new(ErrorKind::Cancelled, "stopped");
                }
                Ok(None) if begin.elapsed() > TIME_LIMIT => {
                    let seconds = TIME_LIMIT.as_secs();
                    break self.failed(&format!("took more than {seconds} s and was stopped"));
                }
                Ok(None) => thread::sleep(POLL),
            }
        };
        let _ = child.kill();
        let _ = child.wait();
        Err(stopped)
    }
}

impl Speak for SpeechProgram {
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        let no_file = |e| self.failed("has no temporary file").with_source(e);
        let folder = tempfile::tempdir().map_err(no_file)?;
        let output = folder.path().join("speech.wav");
        // A file as standard input: a pipe could block on a program that doesn't read.
        let mut input = tempfile::tempfile().map_err(no_file)?;
        let plain: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        writeln!(input, "{plain}")
            .and_then(|()| input.seek(SeekFrom::Start(0)))
            .map_err(no_file)?;
        let mut command = Command::new(&self.path);
        for &argument in self.arguments {
            match argument {
                OUTPUT => command.arg(&output),
                _ => command.arg(argument),
            };
        }
        let mut child = command
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| self.failed("can't be started").with_source(e))?;
        self.wait(&mut child, cancel)?;
        let file = File::open(&output).map_err(|e| self.failed("left no sound").with_source(e))?;
        let mut reader = AudioReader::from_stream(file.take(MAX_SOUND_BYTES), "speech.wav")?;
        let rate = reader.sample_rate();
        while let Some(block) = reader.next_block()? {
            sound(rate, block);
        }
        Ok(())
    }
}
