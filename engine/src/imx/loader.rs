//! Reading a file piece by piece, in the order in which an avatar needs it: over a network, where the
//! first picture should be there before the last.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::container::{Container, check_hash, manifest_too_large, read_manifest};
use super::fault::{MISSING_MANIFEST, invalid, unsupported};
use super::limits::{MAX_ENTRIES, MAX_MANIFEST_BYTES, MAX_NAME_BYTES, MAX_READ_BYTES};
use super::manifest::{MANIFEST, frame_member, matte_member};
use super::members::Members;
use super::signature::{Wrapper, identify};
use super::toc::{ENTRY_BYTES, HEADER_BYTES, Toc};
use crate::{Error, ErrorKind, Result};

/// Bytes of the first piece: a table of some 2,000 members fits in.
const HEAD_BYTES: u64 = 64 << 10;
/// Most bytes of a table.
const MAX_TABLE_BYTES: u64 = (HEADER_BYTES + MAX_ENTRIES * (ENTRY_BYTES + MAX_NAME_BYTES)) as u64;
/// Members that lie side by side are one piece up to this size.
const PIECE_BYTES: usize = 1 << 20;
/// Padding between members that is read along.
const MOST_PADDING: usize = 4096;

/// Reads an avatar's file by ranges: says which bytes are needed next, takes them in, and checks each
/// member against its hash in the manifest as it comes.
///
/// First come the table, the manifest and the first picture, then what
/// [opening](crate::Engine::open_container) needs, then the base frames, in the order in which they
/// are shown. An avatar that was opened shows the nearest frame there is for one that hasn't
/// [arrived](Container::arrive).
///
/// ```
/// # fn main() -> essence::Result<()> {
/// # let file = include_bytes!("../../../testdata/avatars/toy.imx");
/// use essence::{Engine, Provider, imx::Loader};
/// let fetch = |range: std::ops::Range<u64>| &file[range.start as usize..range.end as usize];
/// let mut loader = Loader::new(file.len() as u64)?;
/// while !loader.is_ready() {
///     let range = loader.next_range().expect("something is missing");
///     loader.take(range.start, fetch(range))?;
/// }
/// let engine = Engine::builder().provider(Provider::Builtin).build()?;
/// let avatar = engine.open_container(loader.container()?)?;
/// while let Some(range) = loader.next_range() {
///     for (name, bytes) in loader.take(range.start, fetch(range))? {
///         avatar.container().arrive(&name, bytes)?;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Loader {
    size_bytes: u64,
    head: Vec<u8>,
    /// Members' places; empty until the table is there.
    places: BTreeMap<String, Range<usize>>,
    hashes: BTreeMap<String, String>,
    /// Pieces to be asked for.
    planned: VecDeque<Range<usize>>,
    /// Pieces that are under way.
    asked: Vec<Range<usize>>,
    arrived: BTreeMap<String, Arc<[u8]>>,
    /// Members that opening needs; empty until the manifest is there.
    needed: Vec<String>,
    /// A member that is read only if opening fails without it.
    spare: Option<String>,
    picture: Option<String>,
    portrait: Option<bool>,
}

impl Loader {
    /// A file of `size_bytes`.
    ///
    /// # Errors
    /// `LimitExceeded`: it has more than [`MAX_READ_BYTES`].
    pub fn new(size_bytes: u64) -> Result<Self> {
        if size_bytes > MAX_READ_BYTES {
            let message =
                format!("the avatar has {size_bytes} bytes; at most {MAX_READ_BYTES} are read");
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        let first = 0..HEAD_BYTES.min(size_bytes) as usize;
        Ok(Self {
            size_bytes,
            head: Vec::new(),
            places: BTreeMap::new(),
            hashes: BTreeMap::new(),
            planned: [first].into(),
            asked: Vec::new(),
            arrived: BTreeMap::new(),
            needed: Vec::new(),
            spare: None,
            picture: None,
            portrait: None,
        })
    }

    /// The bytes that are needed next; they count as asked for. None: all are, for now.
    pub fn next_range(&mut self) -> Option<Range<u64>> {
        let piece = self.planned.pop_front()?;
        self.asked.push(piece.clone());
        Some(piece.start as u64..piece.end as u64)
    }

    /// Takes the bytes of a range that was asked for, which begins at `start`; gives the members in it.
    ///
    /// # Errors
    /// - `InvalidArgument`: nothing was asked for there, or another number of bytes.
    /// - `InvalidAvatar`: a member differs from its hash.
    /// - `UnsupportedFormat`: a ZIP archive, which is read whole ([`Container::from_bytes`]).
    /// - The errors of [`Container::open`] about table and manifest.
    pub fn take(&mut self, start: u64, bytes: &[u8]) -> Result<Vec<(String, Arc<[u8]>)>> {
        let asked =
            |piece: &Range<usize>| piece.start as u64 == start && piece.len() == bytes.len();
        let Some(piece) = self.asked.iter().position(asked) else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{} bytes at {start} were not asked for", bytes.len()),
            ));
        };
        let piece = self.asked.swap_remove(piece);
        if self.places.is_empty() {
            self.head.extend_from_slice(bytes);
            self.read_table()?;
            return Ok(Vec::new());
        }
        let inside = |place: &Range<usize>| piece.start <= place.start && place.end <= piece.end;
        let members = self.places.iter().filter(|(_, place)| inside(place));
        let members: Vec<(String, Arc<[u8]>)> = members
            .filter(|(name, _)| !self.arrived.contains_key(*name))
            .map(|(name, place)| {
                let member = &bytes[place.start - piece.start..place.end - piece.start];
                (name.clone(), Arc::from(member))
            })
            .collect();
        let mut new = Vec::with_capacity(members.len());
        for (name, member) in members {
            if name == MANIFEST {
                self.arrived.insert(name, Arc::clone(&member));
                self.plan(&member)?;
                continue;
            }
            // Read along with others, before the manifest.
            let Some(hash) = self.hashes.get(&name) else {
                continue;
            };
            check_hash(&name, &member, hash)?;
            self.arrived.insert(name.clone(), Arc::clone(&member));
            new.push((name, member));
        }
        Ok(new)
    }

    /// The avatar's first picture, as it is in the file (a JPEG; for a portrait PNG or WebP, too), as
    /// soon as it has arrived.
    pub fn picture(&self) -> Option<&[u8]> {
        let name = self.picture.as_ref()?;
        self.arrived.get(name).map(|bytes| &bytes[..])
    }

    /// Whether the avatar is a picture that is moved, as soon as the manifest has arrived.
    pub fn is_portrait(&self) -> Option<bool> {
        self.portrait
    }

    /// Whether everything has arrived that opening needs.
    pub fn is_ready(&self) -> bool {
        !self.needed.is_empty()
            && self
                .needed
                .iter()
                .all(|name| self.arrived.contains_key(name))
    }

    /// Has read what opening does without unless it must, which its error tells by `NotFound`: the
    /// identity network in floats of an avatar that has it in 8 bits. False if there is no such thing.
    pub fn need_all(&mut self) -> bool {
        let Some(spare) = self.spare.take() else {
            return false;
        };
        self.planned.push_front(self.places[&spare].clone());
        self.needed.push(spare);
        true
    }

    /// The container of what has arrived.
    ///
    /// # Errors
    /// `InvalidState` before it [is ready](Self::is_ready); the errors of [`Container::open`].
    pub fn container(&self) -> Result<Container> {
        if !self.is_ready() {
            let message = "the avatar can't be opened before what it needs has arrived";
            return Err(Error::new(ErrorKind::InvalidState, message));
        }
        let members = Members::arriving(&self.head, self.size_bytes)?;
        for (name, bytes) in &self.arrived {
            members.arrive(name, Arc::clone(bytes))?;
        }
        Container::of(members)
    }

    /// Reads the table, or asks for more of it.
    fn read_table(&mut self) -> Result<()> {
        if identify(&self.head)? == Wrapper::Zip {
            return Err(unsupported("a ZIP archive is not read in pieces"));
        }
        let toc = match Toc::parse(&self.head, self.size_bytes) {
            Ok(toc) => toc,
            Err(error) => {
                let read = self.head.len() as u64;
                let end = (2 * read).min(self.size_bytes);
                if end == read || read >= MAX_TABLE_BYTES {
                    return Err(error);
                }
                self.planned.push_front(read as usize..end as usize);
                return Ok(());
            }
        };
        let entries = toc.entries().iter();
        self.places = entries
            .filter_map(|entry| Some((entry.name.clone(), entry.data.range()?)))
            .collect();
        let Some(manifest) = self.places.get(MANIFEST) else {
            return Err(invalid(format!(
                "{MISSING_MANIFEST}: the file is not a complete avatar"
            )));
        };
        if manifest.len() > MAX_MANIFEST_BYTES {
            return Err(manifest_too_large(manifest.len()));
        }
        self.planned.push_front(manifest.clone());
        Ok(())
    }

    /// The order of everything else, by the manifest.
    fn plan(&mut self, manifest: &[u8]) -> Result<()> {
        let manifest = read_manifest(manifest)?;
        self.portrait = Some(manifest.expression.is_some());
        let mut later = Vec::new();
        if let Some(manifest) = &manifest.essence {
            let first = manifest.motions.get("idle").map_or(0, |idle| idle.first);
            let count = manifest.frame.count;
            for index in (0..count).map(|step| (first + step) % count) {
                later.push(frame_member(index));
                if manifest.matte.is_some() {
                    later.push(matte_member(index));
                }
            }
            let shown = if manifest.matte.is_some() { 2 } else { 1 };
            self.picture = later.first().cloned();
            self.needed = later.drain(..shown).collect();
            if manifest.networks.identity.quantized.is_some() {
                self.spare = Some(manifest.networks.identity.file.clone());
            }
            self.hashes.clone_from(&manifest.files);
        } else if let Some(expression) = &manifest.expression {
            self.picture = Some(expression.picture.file.clone());
            self.needed = vec![expression.picture.file.clone()];
            self.hashes.clone_from(&expression.files);
        } else {
            return Err(manifest.unknown());
        }
        for name in self.hashes.keys() {
            let is_later = later.contains(name) || self.spare.as_ref() == Some(name);
            if !is_later && !self.needed.contains(name) {
                self.needed.push(name.clone());
            }
        }
        let all = self.needed.iter().chain(&later);
        if let Some(name) = all.clone().find(|name| !self.places.contains_key(*name)) {
            return Err(invalid(format!("the member {name:?} is missing")));
        }
        // The picture alone, so that it is there at once.
        let shown = usize::from(self.picture.is_some());
        let mut pieces = self.pieces(&self.needed[..shown]);
        pieces.extend(self.pieces(&self.needed[shown..]));
        pieces.extend(self.pieces(&later));
        self.planned.extend(pieces);
        Ok(())
    }

    /// The places of members, neighbours together.
    fn pieces(&self, names: &[String]) -> Vec<Range<usize>> {
        let mut pieces: Vec<Range<usize>> = Vec::new();
        for place in names.iter().map(|name| &self.places[name]) {
            match pieces.last_mut() {
                Some(last)
                    if last.end <= place.start
                        && place.start - last.end <= MOST_PADDING
                        && place.end - last.start <= PIECE_BYTES =>
                {
                    last.end = place.end;
                }
                _ => pieces.push(place.clone()),
            }
        }
        pieces
    }
}
