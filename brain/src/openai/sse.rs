//! Server-sent events: lines `data: …` with a blank line after each event.

use std::io::{BufRead, Read as _};

use essence::{Error, ErrorKind, Result};

use super::unexpected;
use crate::cancel::Cancel;

/// Most bytes of a line.
const MAX_LINE: u64 = 1 << 20;

/// Gives the data of every event to `event` until that returns false, the stream ends or `cancel` is
/// set. Comments and other fields are passed over.
pub(super) fn events(
    mut stream: impl BufRead,
    cancel: &Cancel,
    mut event: impl FnMut(&str) -> Result<bool>,
) -> Result<()> {
    let mut data = String::new();
    loop {
        if cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "stopped"));
        }
        let mut line = Vec::new();
        stream
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|e| Error::new(ErrorKind::Io, "the answer broke off").with_source(e))?;
        if line.len() as u64 >= MAX_LINE || data.len() as u64 >= MAX_LINE {
            return Err(unexpected("a line without an end"));
        }
        let ended = line.is_empty();
        let text = std::str::from_utf8(&line).map_err(|_| unexpected("it is not UTF-8"))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if let Some(value) = text.strip_prefix("data:") {
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(value.strip_prefix(' ').unwrap_or(value));
        } else if (text.is_empty() || ended)
            && !data.is_empty()
            && !event(&std::mem::take(&mut data))?
        {
            return Ok(());
        }
        if ended {
            return Ok(());
        }
    }
}
