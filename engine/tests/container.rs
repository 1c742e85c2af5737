//! The container: what opens, what is refused and how, and that nothing in a file can panic.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/members.rs"]
mod members;

use std::collections::BTreeSet;
use std::fs;

use common::testdata;
use essence::ErrorKind;
use essence::imx::{
    Container, Dim, HASH_DIFFERS, Loop, MISSING_MANIFEST, Manifest, NOT_IMX, OTHER_FAMILY, Wrapper,
    Writer, limits,
};
use members::{contents, open_for_rendering};

use ErrorKind::{InvalidAvatar, LimitExceeded, UnsupportedFormat, UnsupportedVersion};

/// Every file of `testdata/bad`: the error's kind, and what its message says of the fault.
#[rustfmt::skip]
const BAD: &[(&str, ErrorKind, &str)] = &[
    // Not a container.
    ("empty.imx", InvalidAvatar, "not an .imx avatar: the file is empty"),
    ("not_an_avatar.png", InvalidAvatar, "not an .imx avatar: it is a PNG image"),
    ("text.imx", InvalidAvatar, "not an .imx avatar"),
    ("bad_magic.imx", InvalidAvatar, "not an .imx avatar: its first bytes are unknown"),
    ("legacy_bimx.imx", UnsupportedVersion, "version 1 (BIMX)"),
    ("tar.imx", UnsupportedFormat, "a TAR archive"),
    // Its header and table.
    ("cut_in_magic.imx", InvalidAvatar, "not an .imx avatar: its first bytes are damaged"),
    ("cut_in_header.imx", InvalidAvatar, "cut short in header: 2 bytes wanted at 6, 0 left"),
    ("container_version_1.imx", UnsupportedVersion, ".imx version 1; this library reads version 2"),
    ("container_version_3.imx", UnsupportedVersion, "update the library"),
    ("truncated_table.imx", InvalidAvatar, "cut short in entry 6 of 7 in the table"),
    ("truncated.imx", InvalidAvatar, "outside the file"),
    ("count_too_large.imx", InvalidAvatar, "cut short in entry 8 of 60 in the table"),
    ("too_many_entries.imx", LimitExceeded, "65535 entries in the table"),
    ("no_entries.imx", InvalidAvatar, MISSING_MANIFEST),
    ("range_outside_file.imx", InvalidAvatar, "\"frames/00000.jpg\" lies outside the file"),
    ("range_overflows.imx", InvalidAvatar, "\"frames/00000.jpg\" lies outside the file"),
    ("huge_member.imx", LimitExceeded, "9223372036854775808 bytes; at most"),
    ("overlapping_members.imx", InvalidAvatar, "overlap"),
    ("overlapping_table.imx", InvalidAvatar, "\"the table\" and \"identity.onnx\" overlap"),
    ("duplicate_name.imx", InvalidAvatar, "\"speech.onnx\" occurs twice"),
    ("name_empty.imx", InvalidAvatar, "\"\" is empty"),
    ("name_absolute.imx", InvalidAvatar, "\"/etc/passwd\" is absolute"),
    ("name_with_drive.imx", InvalidAvatar, "\"C:file\" is absolute"),
    ("name_with_dotdot.imx", InvalidAvatar, "contains `..`"),
    ("name_with_dot.imx", InvalidAvatar, "not a plain relative path"),
    ("name_with_backslash.imx", InvalidAvatar, "contains a backslash"),
    ("name_with_nul.imx", InvalidAvatar, "contains a NUL"),
    ("name_with_newline.imx", InvalidAvatar, "\"a\\nb\" contains a control character"),
    ("name_not_utf8.imx", InvalidAvatar, "the name in entry 0 of 7 in the table is not UTF-8"),
    ("name_too_long.imx", LimitExceeded, "has 300 bytes; at most 255"),
    // The manifest.
    ("missing_manifest.imx", InvalidAvatar, MISSING_MANIFEST),
    ("manifest_not_json.imx", InvalidAvatar, "manifest.json does not describe an avatar"),
    ("manifest_not_utf8.imx", InvalidAvatar, "manifest.json is not UTF-8"),
    ("manifest_cut.imx", InvalidAvatar, "EOF while parsing"),
    ("manifest_a_list.imx", InvalidAvatar, "manifest.json does not describe an avatar"),
    ("manifest_endless_nesting.imx", InvalidAvatar, "EOF while parsing"),
    ("missing_key.imx", InvalidAvatar, "missing field `frame`"),
    ("missing_engine.imx", InvalidAvatar, "missing field `engine`"),
    ("wrong_type.imx", InvalidAvatar, "string \"sixteen\", expected u32"),
    ("negative_number.imx", InvalidAvatar, "integer `-16`, expected u32"),
    ("newer_major.imx", UnsupportedVersion, "\"3.0\"; this library reads 2.x: update the library"),
    ("older_major.imx", UnsupportedVersion, "\"1.4\"; this library reads 2.x: make the avatar"),
    ("version_not_a_number.imx", InvalidAvatar, "format_version is \"two\""),
    ("newer_abi.imx", UnsupportedVersion, "engine_abi is 2; this library fulfils 1: update"),
    ("other_family.imx", UnsupportedFormat, "model family \"another\""),
    ("control_character.imx", InvalidAvatar, "name contains a control character"),
    ("huge_frame.imx", LimitExceeded, "frame.width is 100000; at most 4096"),
    ("tiny_frame.imx", InvalidAvatar, "frame.height is 0; at least 16"),
    ("no_frames.imx", InvalidAvatar, "frame.count is 0; at least 1"),
    ("too_many_frames.imx", LimitExceeded, "frame.count is 4000000000; at most"),
    ("other_rate.imx", InvalidAvatar, "frame.rate is 30"),
    ("huge_patch.imx", LimitExceeded, "crop.size is 1024; at most 512"),
    ("odd_patch.imx", InvalidAvatar, "crop.size is 12, not a multiple of 8"),
    ("no_pose.imx", InvalidAvatar, "crop.pose (names) is 0; at least 1"),
    ("no_coefficients.imx", InvalidAvatar, "coefficients (names) is 0; at least 1"),
    ("duplicate_coefficient.imx", InvalidAvatar, "coefficients has \"jawOpen\" twice"),
    ("unknown_coefficient.imx", InvalidAvatar, "refers to \"lips\", which is not a coefficient"),
    ("infinite_weight.imx", InvalidAvatar, "arkit[\"jawOpen\"][\"jawOpen\"] is inf"),
    ("wrong_tensor_shape.imx", InvalidAvatar, "\"patch\" is [N, 3, 8, 8], expected [N, 4, 8, 8]"),
    ("wrong_mel_bands.imx", InvalidAvatar, "\"mel\" is [N, 20, 40], expected [N, T, 80]"),
    ("wrong_coefficient_count.imx", InvalidAvatar, "\"coefficients\" is [N, 2], expected [N, 1]"),
    ("fixed_batch.imx", InvalidAvatar, "\"coefficients\" is [1, 1], expected [N, 1]"),
    ("zero_dimension.imx", InvalidAvatar, "integer `0`, expected a dimension"),
    ("huge_window.imx", LimitExceeded, "mel window is 1000; at most 128"),
    ("unexpected_input.imx", InvalidAvatar, "networks.speech.inputs has \"image\""),
    ("missing_input.imx", InvalidAvatar, "networks.identity.inputs lacks \"pose\""),
    ("no_idle.imx", InvalidAvatar, "motions lacks \"idle\""),
    ("motion_outside_frames.imx", InvalidAvatar, "motions[\"idle\"] is 1 frames from 1"),
    ("motion_overflows.imx", InvalidAvatar, "motions[\"idle\"] is 4294967295 frames from"),
    ("motion_without_frames.imx", InvalidAvatar, "motions[\"idle\"] is 0 frames from 0"),
    ("entry_outside_motion.imx", InvalidAvatar, "motions[\"idle\"].entries has 1; the motion has 1"),
    ("exit_outside_motion.imx", InvalidAvatar, "motions[\"idle\"].exits has 7; the motion has 1"),
    ("too_many_entries_of_motion.imx", InvalidAvatar, "entries has 2 offsets for 1 frames"),
    ("unknown_loop.imx", InvalidAvatar, "unknown variant `sideways`"),
    ("too_many_selftests.imx", LimitExceeded, "selftest.count is 9; at most 8"),
    ("no_selftest.imx", InvalidAvatar, "selftest.count is 0; at least 1"),
    // The members against the manifest.
    ("hash_differs.imx", InvalidAvatar, "\"speech.onnx\" differs from its sha256"),
    ("hash_not_hex.imx", InvalidAvatar, "files[\"speech.onnx\"] is not a sha256 in hex"),
    ("hash_too_short.imx", InvalidAvatar, "files[\"speech.onnx\"] is not a sha256 in hex"),
    ("manifest_in_files.imx", InvalidAvatar, "files names manifest.json"),
    ("missing_member.imx", InvalidAvatar, "the member \"voice.json\" is missing"),
    ("member_without_hash.imx", InvalidAvatar, "\"speech.onnx\" has no sha256 in the manifest"),
    ("missing_network.imx", InvalidAvatar, "the member \"identity.onnx\" is missing"),
    ("missing_8bit_network.imx", InvalidAvatar, "the member \"identity.int8.onnx\" is missing"),
    ("alpha_of_other_size.imx", InvalidAvatar, "geometry.f32 has 28 bytes; 64 follow"),
    ("missing_frame.imx", InvalidAvatar, "the member \"frames/00000.jpg\" is missing"),
    ("missing_geometry.imx", InvalidAvatar, "the member \"geometry.f32\" is missing"),
    ("geometry_too_short.imx", InvalidAvatar, "geometry.f32 has 24 bytes; 28 follow"),
    ("geometry_not_a_number.imx", InvalidAvatar, "geometry.f32: number 3 is NaN"),
    ("geometry_too_large.imx", InvalidAvatar, "geometry.f32 has 1000000"),
    ("geometry_flat.imx", InvalidAvatar, "the affine of frame 0 flattens the patch"),
    ("selftest_too_short.imx", InvalidAvatar, "selftest/inputs.f32 has 4 bytes; 8 follow"),
    ("selftest_of_other_size.imx", InvalidAvatar, "selftest/patches.u8 has 255 bytes; 256 follow"),
    ("frame_not_jpeg.imx", InvalidAvatar, "frames/00000.jpg is not a JPEG image"),
    ("frame_cut.imx", InvalidAvatar, "frames/00000.jpg is not a JPEG image, or a damaged one"),
    ("frame_of_other_size.imx", InvalidAvatar, "frames/00000.jpg is 24 x 16 pixels"),
    ("frame_progressive.imx", InvalidAvatar, "JPEG of another kind than baseline"),
    ("frame_cmyk.imx", InvalidAvatar, "frames/00000.jpg has 4 components"),
    ("missing_matte.imx", InvalidAvatar, "the member \"matte/00000.jpg\" is missing"),
    ("matte_not_jpeg.imx", InvalidAvatar, "matte/00000.jpg is not a JPEG image"),
    ("matte_of_other_size.imx", InvalidAvatar, "matte/00000.jpg is 24 x 16 pixels"),
    ("matte_in_color.imx", InvalidAvatar, "matte/00000.jpg has 3 components of 8 bits; 1 of 8 bits"),
    ("matte_background_of_two.imx", InvalidAvatar, "invalid length 2, expected an array of length 3"),
    ("matte_background_too_bright.imx", InvalidAvatar, "integer `256`, expected u8"),
    // The ZIP wrapper.
    ("deflated_network.zip", UnsupportedFormat, "\"speech.onnx\" is deflated"),
    ("bzip2_manifest.zip", UnsupportedFormat, "\"manifest.json\" is compressed by method 12"),
    ("zip_cut.zip", InvalidAvatar, "no directory at its end"),
    ("zip_empty.zip", InvalidAvatar, MISSING_MANIFEST),
    ("zip_without_manifest.zip", InvalidAvatar, MISSING_MANIFEST),
    ("zip_bomb.zip", LimitExceeded, "inflate to more than 4194304 bytes (at \"zeros.txt\")"),
    ("zip_size_differs.zip", InvalidAvatar, "\"manifest.json\" does not inflate to"),
    ("zip_encrypted.zip", UnsupportedFormat, "\"speech.onnx\" is encrypted"),
    ("zip_name_with_dotdot.zip", InvalidAvatar, "\"../up\" contains `..`"),
    ("zip_duplicate_name.zip", InvalidAvatar, "\"speech.onnx\" occurs twice"),
    ("zip_names_differ.zip", InvalidAvatar, "gives it another name"),
    ("zip_overlapping.zip", InvalidAvatar, "overlap"),
    ("zip_hash_differs.zip", InvalidAvatar, "\"speech.onnx\" differs from its sha256"),
];

#[test]
fn bad_files_are_refused_by_name() {
    let mut wrong = Vec::new();
    for (name, kind, part) in BAD {
        let path = testdata("bad").join(name);
        match open_for_rendering(&path) {
            Ok(_) => wrong.push(format!("{name}: opened")),
            Err(e) if e.kind() != *kind || !e.message().contains(part) => {
                wrong.push(format!("{name}: expected {kind:?} {part:?}, got {e:?}"));
            }
            Err(e) if !e.message().starts_with(&path.display().to_string()) && !is_late(name) => {
                wrong.push(format!("{name}: the message does not name the file: {e:?}"));
            }
            Err(_) => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        BAD.len(),
        wrong.join("\n")
    );
}

/// Faults found after the file was opened; whoever opened it knows its path.
fn is_late(name: &str) -> bool {
    name.contains("hash_differs") || name == "other_family.imx"
}

#[test]
fn the_table_of_bad_files_is_complete() {
    let on_disk: BTreeSet<_> = fs::read_dir(testdata("bad"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let in_table: BTreeSet<_> = BAD.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(on_disk, in_table);
}

#[test]
fn faults_with_names_of_their_own_say_them() {
    let message = |name: &str| {
        let path = testdata("bad").join(name);
        open_for_rendering(&path).unwrap_err().message().to_owned()
    };
    assert!(message("empty.imx").contains(NOT_IMX));
    assert!(message("missing_manifest.imx").contains(MISSING_MANIFEST));
    assert!(message("hash_differs.imx").contains(HASH_DIFFERS));
    assert!(message("other_family.imx").contains(OTHER_FAMILY));
}

#[test]
fn paths_that_are_no_files_are_refused() {
    let error = Container::open(testdata("bad/there_is_no_such_file.imx")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .message()
            .contains("there_is_no_such_file.imx: there is no such file")
    );
    let error = Container::open(testdata("bad")).unwrap_err();
    assert_eq!(error.kind(), InvalidAvatar);
    assert!(error.message().contains("not a regular file"), "{error}");
}

#[test]
fn other_families_open_for_their_description() {
    let container = Container::open(testdata("bad/other_family.imx")).unwrap();
    assert_eq!(container.engine(), "another");
    assert_eq!(container.format_version(), "2.0");
    assert!(container.manifest_json().contains("\"another\""));
    assert_eq!(container.members().len(), 7);
}

#[test]
fn good_files_open() {
    let mut count = 0;
    for entry in fs::read_dir(testdata("good")).unwrap() {
        let path = entry.unwrap().path();
        let container = open_for_rendering(&path).unwrap();
        assert_eq!(
            container.member("speech.onnx").unwrap(),
            b"speech network",
            "{path:?}"
        );
        assert_eq!(container.manifest().unwrap().name, "small", "{path:?}");
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn a_newer_minor_version_opens() {
    let container = Container::open(testdata("good/newer_minor.imx")).unwrap();
    assert_eq!(container.format_version(), "2.9");
    assert_eq!(container.manifest().unwrap().frame.count, 1);
}

#[test]
fn the_toy_avatar_is_read() {
    let path = testdata("avatars/toy.imx");
    let container = open_for_rendering(&path).unwrap();
    assert_eq!(container.wrapper(), Wrapper::Imx);
    assert_eq!(container.size_bytes(), fs::metadata(&path).unwrap().len());
    assert_eq!(container.members().last().unwrap().name, "manifest.json");
    let manifest = container.manifest().unwrap();
    assert_eq!(
        (
            manifest.frame.width,
            manifest.frame.height,
            manifest.frame.count
        ),
        (64, 48, 10)
    );
    assert_eq!(
        (
            manifest.crop.size,
            manifest.coefficients.len(),
            manifest.window()
        ),
        (16, 16, 36)
    );
    let identity = &manifest.networks.identity;
    assert_eq!(identity.inputs["pose"], [Dim::Batch, Dim::Fixed(3)]);
    assert_eq!(manifest.arkit["mouthSmileLeft"]["mouthSmile"], 1.0);
    let wave = &manifest.motions["wave"];
    assert_eq!((wave.first, wave.count, wave.looping), (2, 5, Loop::Once));
    // Defaults.
    assert_eq!((&*wave.entries, &*wave.exits), (&[0][..], &[4][..]));
    assert!(manifest.training_json().contains("testdata/generate.py"));
    let geometry = container.floats("geometry.f32").unwrap();
    assert_eq!(geometry.len(), 10 * manifest.geometry_stride());
    assert_eq!(
        container.member("voice").unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        container.floats("speech.onnx").unwrap_err().kind(),
        InvalidAvatar
    );
}

#[test]
fn a_zip_archive_gives_the_same_members() {
    let imx = open_for_rendering(&testdata("avatars/toy.imx")).unwrap();
    let zip = open_for_rendering(&testdata("avatars/toy.zip.imx")).unwrap();
    assert_eq!(zip.wrapper(), Wrapper::Zip);
    assert_eq!(contents(&imx), contents(&zip));
}

#[test]
fn a_manifest_beyond_the_limit_is_refused() {
    let mut json = r#"{"format_version": "2.0", "engine": "another", "x": ""#.to_owned();
    json.extend(std::iter::repeat_n('x', limits::MAX_MANIFEST_BYTES));
    json.push_str("\"}");
    let error = Container::from_bytes(Writer::new().finish(&json).unwrap()).unwrap_err();
    assert_eq!(error.kind(), LimitExceeded);
    assert!(error.message().contains("manifest.json has"), "{error}");
}

#[test]
fn deep_nesting_of_unknown_keys_is_harmless() {
    let toy = Container::open(testdata("avatars/toy.imx")).unwrap();
    let nested = "[".repeat(100_000) + &"]".repeat(100_000);
    for key in ["unknown", "training"] {
        let json = format!(
            "{{\"{key}\":{nested},{}",
            &toy.manifest_json().trim_start()[1..]
        );
        // `training` occurs twice then, which is refused; both have to return.
        let _ = Manifest::from_json(&json);
        let json = json.replacen("\"arkit\"", &format!("\"arkit\":{nested},\"x\""), 1);
        assert!(Manifest::from_json(&json).is_err());
    }
}

#[test]
fn a_container_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Container>();
    shared::<Manifest>();
}
