//! Files of an [`Mp4Writer`], read back with decoders of its own.

use std::path::{Path, PathBuf};

use essence::ErrorKind;
use essence_media::{AudioReader, FRAME_RATE, Mp4Options, Mp4Writer, Quality, SYNTHETIC_COMMENT};
use openh264::decoder::Decoder;
use openh264::formats::YUVSource;
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};

/// A folder of this test's own, removed with its files at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("essence-mp4-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the test's folder");
        entries
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn options(width: u32, height: u32, sample_rate_hz: u32) -> Mp4Options {
    Mp4Options {
        width,
        height,
        sample_rate_hz,
        quality: Quality::Medium,
    }
}

fn grey(width: usize, height: usize, luma: u8) -> Vec<u8> {
    let chroma = width.div_ceil(2) * height.div_ceil(2);
    let mut picture = vec![luma; width * height];
    picture.resize(width * height + 2 * chroma, 128);
    picture
}

/// A video of `frames` dark pictures with one bright, and as much silence with a click that begins
/// with it.
fn write_flash_and_click(path: &Path, rate: u32, frames: usize, flash: usize) {
    let mut writer = Mp4Writer::create(path, &options(64, 48, rate)).expect("create");
    let slice = rate as usize / FRAME_RATE as usize;
    let mut samples = vec![0.0f32; frames * slice];
    for (i, x) in samples[flash * slice..]
        .iter_mut()
        .take(rate as usize / 1000)
        .enumerate()
    {
        *x = if i % 2 == 0 { 0.9 } else { -0.9 };
    }
    for (k, slice) in samples.chunks(slice).enumerate() {
        writer
            .write_frame(&grey(64, 48, if k == flash { 235 } else { 16 }))
            .expect("frame");
        writer.write_audio(slice).expect("audio");
    }
    let summary = writer.finish().expect("finish");
    assert_eq!(summary.frames, frames as u64);
    assert_eq!(
        summary.bytes,
        std::fs::metadata(path).expect("the file").len()
    );
}

fn decode_audio(path: &Path) -> (u32, Vec<f32>) {
    let mut reader = AudioReader::open(path).expect("open the sound");
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().expect("a block") {
        samples.extend_from_slice(block);
    }
    (reader.sample_rate(), samples)
}

/// Every picture: its time in seconds, and its width, height and planes.
fn decode_video(path: &Path) -> Vec<(f64, usize, usize, Vec<u8>)> {
    let bytes = std::fs::read(path).expect("the file");
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input {
        position: 0,
        data: &bytes,
    });
    let mut decoder = Decoder::new().expect("a decoder");
    let mut pictures = Vec::new();
    while let Some(sample) = demuxer.next_sample().expect("a sample") {
        if sample.track.kind != TrackKind::Video {
            continue;
        }
        let mut annex_b = Vec::new();
        if let Some(SampleEntry::Avc1(entry)) = sample.sample_entry {
            for set in entry
                .avcc_box
                .sps_list
                .iter()
                .chain(&entry.avcc_box.pps_list)
            {
                annex_b.extend_from_slice(&[0, 0, 0, 1]);
                annex_b.extend_from_slice(set);
            }
        }
        let mut data = &bytes[sample.data_offset as usize..][..sample.data_size];
        while let Some((size, rest)) = data.split_first_chunk::<4>() {
            let (unit, rest) = rest.split_at(u32::from_be_bytes(*size) as usize);
            annex_b.extend_from_slice(&[0, 0, 0, 1]);
            annex_b.extend_from_slice(unit);
            data = rest;
        }
        let seconds = sample.timestamp as f64 / f64::from(sample.track.timescale.get());
        let picture = decoder
            .decode(&annex_b)
            .expect("a picture")
            .expect("a picture at once");
        let (width, height) = picture.dimensions();
        let mut planes = Vec::new();
        let (stride, chroma_stride, _) = picture.strides();
        for row in 0..height {
            planes.extend_from_slice(&picture.y()[row * stride..][..width]);
        }
        for plane in [picture.u(), picture.v()] {
            for row in 0..height / 2 {
                planes.extend_from_slice(&plane[row * chroma_stride..][..width / 2]);
            }
        }
        pictures.push((seconds, width, height, planes));
    }
    pictures
}

#[test]
fn sound_and_pictures_are_in_step_at_every_rate() {
    let folder = Folder::new("sync");
    let aac_rates = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000];
    for rate in aac_rates.into_iter().chain([10000, 37800, 96000, 192_000]) {
        let path = folder.path(&format!("{rate}.mp4"));
        // 1.52 s in, not on an AAC frame's border; 2.24 s in all, not on a chunk's.
        write_flash_and_click(&path, rate, 56, 38);

        let pictures = decode_video(&path);
        assert_eq!(pictures.len(), 56);
        for (k, (seconds, ..)) in pictures.iter().enumerate() {
            assert!(
                (seconds - k as f64 / 25.0).abs() < 1e-9,
                "picture {k} is at {seconds} s"
            );
        }
        let bright: Vec<_> = (0..56).filter(|&k| pictures[k].3[0] > 128).collect();
        assert_eq!(bright, [38], "the flash at {rate} Hz");

        let (file_rate, samples) = decode_audio(&path);
        assert_eq!(
            file_rate,
            if aac_rates.contains(&rate) {
                rate
            } else {
                48000
            }
        );
        assert_eq!(
            samples.len(),
            56 * file_rate as usize / 25,
            "samples at {rate} Hz"
        );
        // The middle of the click's energy is half a millisecond after its begin.
        let energy: f64 = samples.iter().map(|&x| f64::from(x * x)).sum();
        let moment: f64 = samples
            .iter()
            .enumerate()
            .map(|(i, &x)| i as f64 * f64::from(x * x))
            .sum();
        let seconds = moment / energy / f64::from(file_rate);
        assert!(
            (seconds - 1.5205).abs() < 1e-3,
            "the click at {rate} Hz is at {seconds} s"
        );
    }
}

#[test]
fn sound_that_is_too_short_or_too_long_ends_with_the_pictures() {
    let folder = Folder::new("length");
    for samples in [0, 1, 15_999, 16_000, 40_000] {
        let path = folder.path(&format!("{samples}.mp4"));
        let mut writer = Mp4Writer::create(&path, &options(32, 32, 16000)).expect("create");
        writer.write_audio(&vec![0.25; samples]).expect("audio");
        for _ in 0..25 {
            writer.write_frame(&grey(32, 32, 90)).expect("frame");
        }
        writer.finish().expect("finish");
        let (_, decoded) = decode_audio(&path);
        assert_eq!(decoded.len(), 16_000, "of {samples}");
    }
}

#[test]
fn odd_sizes_are_filled_up_by_repeating_the_edge() {
    let folder = Folder::new("odd");
    for (width, height) in [(65, 48), (64, 47), (33, 17), (18, 64)] {
        let path = folder.path(&format!("{width}x{height}.mp4"));
        let mut writer = Mp4Writer::create(&path, &options(width, height, 16000)).expect("create");
        let (w, h) = (width as usize, height as usize);
        let mut picture = grey(w, h, 0);
        for y in 0..h {
            for x in 0..w {
                picture[y * w + x] = (40 + 100 * x / w + 80 * y / h) as u8;
            }
        }
        writer.write_frame(&picture).expect("frame");
        let summary = writer.finish().expect("finish");
        assert_eq!(
            (summary.width, summary.height),
            (width + width % 2, height + height % 2)
        );

        let decoded = decode_video(&path);
        let (_, dw, dh, planes) = &decoded[0];
        assert_eq!((*dw as u32, *dh as u32), (summary.width, summary.height));
        for y in 0..*dh {
            for x in 0..*dw {
                let original = picture[y.min(h - 1) * w + x.min(w - 1)];
                let difference = planes[y * dw + x].abs_diff(original);
                assert!(
                    difference < 12,
                    "{width}x{height} at {x},{y}: off by {difference}"
                );
            }
        }
    }
}

#[test]
fn a_file_appears_only_when_it_is_complete() {
    let folder = Folder::new("part");
    let path = folder.path("a.mp4");
    std::fs::write(&path, "what was there before").expect("write");

    let mut writer = Mp4Writer::create(&path, &options(32, 32, 16000)).expect("create");
    for _ in 0..60 {
        writer.write_frame(&grey(32, 32, 90)).expect("frame");
    }
    drop(writer);
    assert_eq!(folder.names(), ["a.mp4"]);
    assert_eq!(
        std::fs::read(&path).expect("read"),
        b"what was there before"
    );

    let writer = Mp4Writer::create(&path, &options(32, 32, 16000)).expect("create");
    let error = writer.finish().expect_err("no frames");
    assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}");
    assert_eq!(folder.names(), ["a.mp4"]);

    let mut writer = Mp4Writer::create(&path, &options(32, 32, 16000)).expect("create");
    writer.write_frame(&grey(32, 32, 90)).expect("frame");
    writer.finish().expect("finish");
    assert_eq!(folder.names(), ["a.mp4"]);
    assert_eq!(decode_video(&path).len(), 1);
}

#[test]
fn the_index_is_in_front_and_names_the_video_synthetic() {
    let folder = Folder::new("head");
    let path = folder.path("a.mp4");
    write_flash_and_click(&path, 16000, 5, 2);
    let bytes = std::fs::read(&path).expect("read");
    let position = |needle: &[u8]| bytes.windows(needle.len()).position(|w| w == needle);
    assert!(position(b"moov") < position(b"mdat"));
    assert!(position(SYNTHETIC_COMMENT.as_bytes()).is_some_and(|at| Some(at) < position(b"mdat")));
}

#[test]
fn arguments_out_of_their_domain_are_refused_before_any_file_is_made() {
    let folder = Folder::new("arguments");
    let path = folder.path("a.mp4");
    for options in [
        options(0, 0, 16000),
        options(15, 100, 16000),
        options(3842, 100, 16000),
        options(3000, 3000, 16000),
        options(u32::MAX, u32::MAX, 16000),
        options(64, 64, 0),
        options(64, 64, 7999),
        options(64, 64, 192_001),
    ] {
        let error = Mp4Writer::create(&path, &options).expect_err("out of domain");
        assert_eq!(
            error.kind(),
            ErrorKind::InvalidArgument,
            "{options:?}: {error}"
        );
    }
    assert!(folder.names().is_empty());

    let mut writer = Mp4Writer::create(&path, &options(64, 64, 16000)).expect("create");
    let error = writer.write_frame(&[0; 100]).expect_err("not a picture");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    let error = writer
        .write_audio(&[0.0, f32::NAN])
        .expect_err("not a number");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    writer.write_audio(&[2.0, -7.0]).expect("clipped");

    let missing = folder.path("missing/a.mp4");
    let error = Mp4Writer::create(&missing, &options(64, 64, 16000)).expect_err("no folder");
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
}
