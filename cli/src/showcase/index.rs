//! The index: slugs, names, and where the files are.

use std::io::Read as _;

use serde::Deserialize;

use super::client::Client;
use crate::failure::Failure;

/// The index that ships.
const BUILT_IN: &str = include_str!("built_in.json");

/// Most bytes of an index, most models in it, and most characters of a slug.
const MAX_BYTES: u64 = 1 << 20;
const MAX_MODELS: usize = 2_000;
const MAX_SLUG_CHARS: usize = 64;

/// A list of avatars. Fields that are not known here are left out.
#[derive(Debug, Deserialize)]
pub(crate) struct Index {
    /// The version of this shape: 2.
    pub(crate) version: u32,
    /// The day of its last change.
    #[serde(default)]
    pub(crate) updated: String,
    /// Its source.
    #[serde(default)]
    pub(crate) source: String,
    pub(crate) models: Vec<Model>,
}

/// An avatar of an index.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Model {
    /// Lower-case letters, digits and hyphens.
    pub(crate) slug: String,
    #[serde(default)]
    pub(crate) agent_code: Option<String>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    /// The kind of the avatar: `essence` or `expression`.
    #[serde(default)]
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) license: String,
    /// The file's address, as seen from the index's; none for an avatar inside the program.
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// The file's SHA-256 in hexadecimal digits.
    #[serde(default)]
    pub(crate) sha256: Option<String>,
    /// Bytes of the file.
    #[serde(default)]
    pub(crate) size: Option<u64>,
}

impl Index {
    /// The index at `url`, or the one inside the program.
    ///
    /// # Errors
    /// The request's errors; `INDEX_INVALID` for one that can't be read.
    pub(crate) fn load(client: Option<&Client>) -> Result<Self, Failure> {
        let Some(client) = client else {
            let mut index = Self::parse(BUILT_IN.as_bytes())?;
            if cfg!(not(feature = "portrait")) {
                index.models.retain(|model| model.url.is_some());
            }
            return Ok(index);
        };
        let mut text = Vec::new();
        let body = client.get(client.index(), 0)?.body;
        body.take(MAX_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(|e| Failure::download(format!("{} broke off: {e}", client.index())))?;
        if text.len() as u64 > MAX_BYTES {
            return Err(Failure::index(format!(
                "it has more than {MAX_BYTES} bytes"
            )));
        }
        let mut index = Self::parse(&text)?;
        index.source = client.index().to_owned();
        Ok(index)
    }

    fn parse(text: &[u8]) -> Result<Self, Failure> {
        let index: Self =
            serde_json::from_slice(text).map_err(|e| Failure::index(e.to_string()))?;
        if index.version != 2 {
            return Err(Failure::index(format!(
                "its version is {}, and this program reads 2",
                index.version
            )));
        }
        if index.models.len() > MAX_MODELS {
            return Err(Failure::index(format!(
                "it has more than {MAX_MODELS} models"
            )));
        }
        // A slug becomes a file's name.
        if let Some(wrong) = index.models.iter().find(|model| !is_slug(&model.slug)) {
            return Err(Failure::index(format!(
                "{:?} is no slug; it takes lower-case letters, digits and hyphens",
                wrong.slug
            )));
        }
        Ok(index)
    }

    /// A model by its slug or code, in any case and with any hyphens.
    ///
    /// # Errors
    /// `SLUG_NOT_FOUND`, with those that there are.
    pub(crate) fn find(&self, wanted: &str) -> Result<&Model, Failure> {
        let plain = |text: &str| text.replace('-', "").to_ascii_lowercase();
        let wanted = plain(wanted);
        let fits = |model: &&Model| {
            plain(&model.slug) == wanted
                || model
                    .agent_code
                    .as_deref()
                    .is_some_and(|code| plain(code) == wanted)
        };
        self.models.iter().find(fits).ok_or_else(|| {
            let slugs: Vec<_> = self
                .models
                .iter()
                .take(10)
                .map(|m| m.slug.as_str())
                .collect();
            Failure::slug(format!(
                "the index {} has no {wanted:?}; it has: {}",
                self.source,
                slugs.join(", ")
            ))
        })
    }
}

/// Whether a text may be a slug of an index.
pub(crate) fn is_slug(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_SLUG_CHARS).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_inside_the_program_is_whole() {
        let index = Index::load(None).expect("it is read");
        assert_eq!(index.models.is_empty(), cfg!(not(feature = "portrait")));
    }

    #[test]
    fn a_slug_is_no_path() {
        for wrong in [
            "",
            "..",
            "a/b",
            "a\\b",
            "a.imx",
            "-a",
            "Ä",
            "A",
            &"a".repeat(65),
        ] {
            assert!(!is_slug(wrong), "{wrong}");
        }
        assert!(is_slug("wise-pup-2"));
    }
}
