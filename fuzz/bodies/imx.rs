//! Containers: raw bytes, sound files with edits, and files built member by member whose hashes are
//! right, so that what lies behind the hashes is reached too.
//!
//! Nothing may panic, overread, or allocate by a field that was not checked.

use std::fmt::Write as _;

use arbitrary::{Arbitrary, Unstructured};
use engine::imx::Container;
use sha2::{Digest as _, Sha256};

const SOUND: [&[u8]; 5] = [
    include_bytes!("../../testdata/good/unaligned.imx"),
    include_bytes!("../../testdata/good/manifest_first.imx"),
    include_bytes!("../../testdata/good/newer_minor.imx"),
    include_bytes!("../../testdata/good/deflated_manifest.zip"),
    include_bytes!("../../testdata/good/with_folder.zip"),
];

#[derive(Arbitrary, Debug)]
enum Input {
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// A sound file, with bytes changed and perhaps cut off.
    Edited {
        file: u8,
        edits: Vec<(u16, u8)>,
        cut: Option<u16>,
    },
    /// A file of its own.
    Built(Box<Plan>),
}

#[derive(Arbitrary, Debug)]
struct Plan {
    version: Version,
    engine: bool,
    abi: u8,
    width: u16,
    height: u16,
    frames: u8,
    rate: bool,
    patch: u16,
    pose: u8,
    coefficients: u8,
    window: u16,
    motions: Vec<Motion>,
    selftest: u8,
    selftest_bytes: u8,
    geometry: Vec<f32>,
    geometry_fits: bool,
    jpeg: Vec<u8>,
    jpeg_sound: bool,
    extra: Vec<(Name, Vec<u8>)>,
    extra_json: Vec<u8>,
    wrong_hash: Option<u8>,
    table: Vec<(u8, u64)>,
    order: u8,
}

#[derive(Arbitrary, Debug)]
enum Version {
    Sound,
    Minor(u32),
    Text(String),
}

#[derive(Arbitrary, Debug)]
struct Motion {
    name: Name,
    first: u32,
    count: u32,
    cycle: bool,
    entries: Vec<u32>,
    exits: Vec<u32>,
}

#[derive(Arbitrary, Debug)]
enum Name {
    Idle,
    Talking,
    Wave,
    Parent,
    Text(String),
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Self::Idle => "idle",
            Self::Talking => "talking",
            Self::Wave => "wave",
            Self::Parent => "a/../b",
            Self::Text(text) => text,
        }
    }
}

pub(crate) fn run(data: &[u8]) {
    // The first byte chooses between plain bytes, so that files can be seeds, and structure.
    let Some((&kind, rest)) = data.split_first() else {
        return;
    };
    if kind & 1 == 0 {
        return open(rest.to_vec());
    }
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(rest)) else {
        return;
    };
    match input {
        Input::Raw(bytes) => open(bytes),
        Input::Edited { file, edits, cut } => {
            let mut bytes = SOUND[usize::from(file) % SOUND.len()].to_vec();
            for (at, byte) in edits {
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
            }
            bytes.truncate(cut.map_or(usize::MAX, usize::from));
            open(bytes);
        }
        Input::Built(plan) => open(plan.build()),
    }
}

/// Everything that reading a container does.
fn open(bytes: Vec<u8>) {
    let size = bytes.len() as u64;
    let Ok(container) = Container::from_bytes(bytes) else {
        return;
    };
    assert_eq!(container.size_bytes(), size, "the size is the file's");
    let _ = (
        container.engine(),
        container.format_version(),
        container.wrapper(),
    );
    let _ = serde_free(container.manifest_json());
    for member in container.members() {
        let data = container
            .member(member.name)
            .expect("a member that is listed");
        assert_eq!(
            data.len() as u64,
            member.size_bytes,
            "its size is as listed"
        );
    }
    let Ok(manifest) = container.manifest() else {
        return;
    };
    // What a sound manifest promises.
    assert!(
        manifest.frame.count >= 1 && manifest.window() >= 1,
        "something is there"
    );
    assert!(
        manifest.motions.contains_key("idle"),
        "there is an idle motion"
    );
    for motion in manifest.motions.values() {
        let end = u64::from(motion.first) + u64::from(motion.count);
        assert!(
            end <= u64::from(manifest.frame.count),
            "motions lie within the frames"
        );
    }
    let geometry = container.floats("geometry.f32").expect("it was checked");
    assert_eq!(
        geometry.len(),
        manifest.geometry_stride() * manifest.frame.count as usize,
        "a row a frame"
    );
    let _ = container.verify();
}

fn serde_free(json: &str) -> usize {
    json.chars().count()
}

impl Plan {
    fn build(&self) -> Vec<u8> {
        let frames = u32::from(self.frames % 9);
        let (coefficients, pose) = (
            usize::from(self.coefficients % 20),
            usize::from(self.pose % 5),
        );
        let patch = self.patch();
        let mut members: Vec<(String, Vec<u8>)> = vec![
            ("speech.onnx".into(), vec![1; 9]),
            ("identity.onnx".into(), vec![2; 9]),
        ];
        for frame in 0..frames {
            let bytes = if self.jpeg_sound {
                jpeg_head(self.width, self.height)
            } else {
                self.jpeg.clone()
            };
            members.push((format!("frames/{frame:05}.jpg"), bytes));
        }
        let geometry: Vec<f32> = if self.geometry_fits {
            let sound = [0.0; 8]
                .into_iter()
                .take(pose)
                .chain([1.0, 0.0, 8.0, 0.0, 1.0, 8.0]);
            sound.cycle().take((pose + 6) * frames as usize).collect()
        } else {
            self.geometry.clone()
        };
        members.push((
            "geometry.f32".into(),
            geometry.iter().flat_map(|x| x.to_le_bytes()).collect(),
        ));
        let count = usize::from(self.selftest % 10);
        members.push((
            "selftest/inputs.f32".into(),
            vec![0; 4 * count * (coefficients + pose)],
        ));
        // As many bytes as a sound file has, unless that takes long to hash.
        let patches =
            (count * 4 * patch * patch).min(1 << 11) + usize::from(self.selftest_bytes % 2);
        members.push(("selftest/patches.u8".into(), vec![0; patches]));
        members.extend(
            self.extra
                .iter()
                .map(|(name, data)| (name.text().to_owned(), data.clone())),
        );
        if self.order & 1 == 1 {
            members.rotate_left(1);
        }
        let manifest = self.manifest(&members, frames, coefficients, pose);
        members.push(("manifest.json".into(), manifest.into_bytes()));
        self.container(&members)
    }

    /// Mostly the smallest that there is.
    fn patch(&self) -> usize {
        if self.patch % 4 > 0 {
            8
        } else {
            usize::from(self.patch)
        }
    }

    fn manifest(
        &self,
        members: &[(String, Vec<u8>)],
        frames: u32,
        coefficients: usize,
        pose: usize,
    ) -> String {
        let version = match &self.version {
            Version::Sound => "2.0".to_owned(),
            Version::Minor(minor) => format!("2.{minor}"),
            Version::Text(text) => text.clone(),
        };
        let engine = if self.engine { "essence" } else { "another" };
        let list = |prefix: &str, count: usize| {
            (0..count)
                .map(|i| format!("\"{prefix}{i}\""))
                .collect::<Vec<_>>()
                .join(",")
        };
        let mut motions = String::new();
        for motion in &self.motions {
            let _ = write!(
                motions,
                "{}{:?}:{{\"first\":{},\"count\":{},\"loop\":\"{}\",\"entries\":{:?},\"exits\":{:?}}}",
                if motions.is_empty() { "" } else { "," },
                motion.name.text(),
                motion.first,
                motion.count,
                if motion.cycle { "cycle" } else { "once" },
                motion.entries,
                motion.exits,
            );
        }
        let mut files = String::new();
        for (index, (name, data)) in members.iter().enumerate() {
            let mut digest = Sha256::digest(data);
            if self.wrong_hash.map(usize::from) == Some(index) {
                digest[0] ^= 1;
            }
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(files, "{comma}{name:?}:\"{hex}\"");
        }
        let extra = String::from_utf8_lossy(&self.extra_json);
        format!(
            "{{\"format_version\":{version:?},\"engine\":\"{engine}\",\"engine_abi\":{},\"name\":\"n\",\"created\":\"c\",\
             \"license\":\"l\",\"frame\":{{\"width\":{},\"height\":{},\"count\":{frames},\"rate\":{}}},\
             \"crop\":{{\"size\":{},\"pose\":[{}]}},\"coefficients\":[{}],\"arkit\":{{\"jawOpen\":{{\"c0\":1.0}}}},\
             \"networks\":{{\"speech\":{{\"file\":\"speech.onnx\",\"inputs\":{{\"mel\":[\"N\",{},80]}},\
             \"outputs\":{{\"coefficients\":[\"N\",{coefficients}]}}}},\"identity\":{{\"file\":\"identity.onnx\",\
             \"inputs\":{{\"coefficients\":[\"N\",{coefficients}],\"pose\":[\"N\",{pose}]}},\
             \"outputs\":{{\"patch\":[\"N\",4,{},{}]}}}}}},\"motions\":{{{motions}}},\
             \"selftest\":{{\"inputs\":\"selftest/inputs.f32\",\"patches\":\"selftest/patches.u8\",\"count\":{}}},\
             \"training\":{{}},\"files\":{{{files}}}{extra}}}",
            self.abi % 3,
            self.width,
            self.height,
            if self.rate { 25 } else { 30 },
            self.patch(),
            list("p", pose),
            list("c", coefficients),
            self.window,
            self.patch(),
            self.patch(),
            self.selftest % 10,
        )
    }

    /// The container's bytes, with some of its table's fields replaced.
    fn container(&self, members: &[(String, Vec<u8>)]) -> Vec<u8> {
        let table: usize = members.iter().map(|(name, _)| 2 + name.len() + 16).sum();
        let mut offset = (8 + table) as u64;
        let mut head = b"IMX\0\x02\0".to_vec();
        head.extend((members.len() as u16).to_le_bytes());
        let mut body = Vec::new();
        for (index, (name, data)) in members.iter().enumerate() {
            let pad = if self.order & 2 == 2 {
                offset.next_multiple_of(64) - offset
            } else {
                0
            };
            body.resize(body.len() + pad as usize, 0);
            offset += pad;
            let (mut at, mut size) = (offset, data.len() as u64);
            for (which, value) in &self.table {
                match usize::from(*which) {
                    w if w == 2 * index => at = *value,
                    w if w == 2 * index + 1 => size = *value,
                    _ => {}
                }
            }
            head.extend((name.len() as u16).to_le_bytes());
            head.extend(name.as_bytes());
            head.extend(at.to_le_bytes());
            head.extend(size.to_le_bytes());
            body.extend(data);
            offset += data.len() as u64;
        }
        head.extend(body);
        head
    }
}

/// As much of a baseline JPEG as is looked at before it is decoded.
fn jpeg_head(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8];
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.extend([3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1]);
    bytes.extend([
        0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0, 0, 0xFF, 0xD9,
    ]);
    bytes
}
