//! Pictures, films and sound that requests name: by an address, in base64, or as a file of this server's.

use essence::{Error, ErrorKind, Result};

use crate::encoded::base64_decoded;
use crate::files::Category;
use crate::platform::Platform;

/// The name of a file that came without one, less its ending.
const UNNAMED: &str = "file";

/// A file that a request names.
#[derive(Debug)]
pub(crate) struct Media {
    pub(crate) content: Vec<u8>,
    pub(crate) name: String,
}

/// The kind of a file by its first bytes, and its MIME type. A document may be text.
pub(crate) fn kind_of(content: &[u8], name: &str) -> Option<(Category, &'static str)> {
    if let Some(kind) = infer::get(content) {
        let mime = kind.mime_type();
        return match kind.matcher_type() {
            infer::MatcherType::Image => Some((Category::Image, mime)),
            infer::MatcherType::Video => Some((Category::Video, mime)),
            infer::MatcherType::Audio => Some((Category::Audio, mime)),
            infer::MatcherType::Doc | infer::MatcherType::Book => Some((Category::Document, mime)),
            _ if mime == "application/pdf" => Some((Category::Document, mime)),
            _ => None,
        };
    }
    let end = name
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mime = match end.as_str() {
        "txt" | "text" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "json" => "application/json",
        _ => return None,
    };
    (std::str::from_utf8(content).is_ok() && !content.contains(&0))
        .then_some((Category::Document, mime))
}

impl Platform {
    /// The file that a request names: an address of http or https, one of this server's files, a `data:`
    /// address, or base64. Blocks.
    ///
    /// # Errors
    /// `InvalidArgument`, `LimitExceeded` and `Io`, in words for the caller.
    pub(crate) fn media(&self, named: &str, max_bytes: usize) -> Result<Media> {
        if let Some(own) = self.own_file(named)? {
            let path = self.files.find(&own)?.ok_or_else(|| {
                let message = format!("{named} is no file of this server's");
                Error::new(ErrorKind::InvalidArgument, message)
            })?;
            let unreadable =
                |e| Error::new(ErrorKind::Io, format!("{named} can't be read")).with_source(e);
            let bytes = std::fs::metadata(&path).map_err(unreadable)?.len();
            check_size(bytes, max_bytes)?;
            return Ok(Media {
                content: std::fs::read(&path).map_err(unreadable)?,
                name: own.rsplit('/').next().unwrap_or_default().to_owned(),
            });
        }
        if named.starts_with("http://") || named.starts_with("https://") {
            let path = named.split(['?', '#']).next().unwrap_or_default();
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            let content = self.fetcher.download(named, max_bytes)?;
            return Ok(Media { content, name });
        }
        let text = match named.strip_prefix("data:") {
            Some(data) => data.split_once(";base64,").map_or("", |(_, text)| text),
            None => named,
        };
        check_size((text.len() as u64) / 4 * 3, max_bytes + 3)?;
        match base64_decoded(text) {
            Some(content) if !content.is_empty() => Ok(Media {
                name: match infer::get(&content) {
                    Some(kind) => format!("{UNNAMED}.{}", kind.extension()),
                    None => UNNAMED.to_owned(),
                },
                content,
            }),
            _ => Err(Error::new(
                ErrorKind::InvalidArgument,
                "that is neither an address of http or https nor base64",
            )),
        }
    }

    /// A file's name from its address at this server. Whatever host it names, the file is this server's: the
    /// random part of a name isn't guessed.
    fn own_file(&self, named: &str) -> Result<Option<String>> {
        let rest = named
            .strip_prefix("https://")
            .or(named.strip_prefix("http://"));
        let path = match rest {
            Some(rest) => rest.split_once('/').map(|(_, path)| path),
            None => named.strip_prefix('/'),
        };
        let name = path.and_then(|path| path.split(['?', '#']).next()?.strip_prefix("files/"));
        Ok(match name {
            Some(name) if rest.is_none() || self.files.find(name)?.is_some() => {
                Some(name.to_owned())
            }
            _ => None,
        })
    }
}

fn check_size(bytes: u64, max_bytes: usize) -> Result<()> {
    match bytes > max_bytes as u64 {
        true => Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("the file is larger than {} MB", max_bytes >> 20),
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_content() {
        let png = b"\x89PNG\r\n\x1a\n0000";
        let (kind, mime) = kind_of(png, "face.txt").unwrap_or((Category::Audio, ""));
        assert_eq!((kind, mime), (Category::Image, "image/png"));
        assert!(kind_of(b"\x7fELF\x02\x01\x01aaaaaaaaaaa", "face.png").is_none());
        assert!(kind_of(b"<script>", "a.html").is_none());
        assert!(kind_of(b"words", "a.txt").is_some());
        assert!(kind_of(b"wor\0ds", "a.txt").is_none());
    }
}
