//! From pushed audio to finished picture, per frame, and from a file to the first frame.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use essence::{Engine, Frame, FrameRequest, OutputSize, Pacing, PixelFormat, SessionOptions};

/// One frame of speech: 40 ms pushed, one picture drawn.
fn speaking(c: &mut Criterion) {
    let avatar = benches::avatar();
    let mut group = c.benchmark_group("speaking");
    group.throughput(Throughput::Elements(1));
    let wide = Some(OutputSize {
        width: 1280,
        height: 720,
    });
    for (name, format, size, rate) in [
        ("bgr_16000", PixelFormat::Bgr8, None, 16_000),
        ("bgr_48000", PixelFormat::Bgr8, None, 48_000),
        ("i420_16000", PixelFormat::I420, None, 16_000),
        ("bgr_16000_1280x720", PixelFormat::Bgr8, wide, 16_000),
    ] {
        let options = SessionOptions::default()
            .pacing(Pacing::Unpaced)
            .pixel_format(format)
            .output_size(size);
        let session = avatar.session(options).expect("the options are valid");
        let tick = rate as usize / 25;
        let voice = benches::voice(10 * tick, rate);
        let mut pieces = voice.chunks(tick).cycle();
        let mut frame = Frame::new();
        // Fill the look-ahead, then decode every base frame once: the steady state.
        for _ in 0..4 + avatar.info().frame_count {
            session
                .push_audio(pieces.next().unwrap_or_default(), rate, 1)
                .expect("the audio is valid");
            session
                .draw(&mut frame, FrameRequest::new())
                .expect("rendering works");
        }
        group.bench_function(name, |b| {
            b.iter(|| {
                session
                    .push_audio(pieces.next().unwrap_or_default(), rate, 1)
                    .expect("the audio is valid");
                assert!(
                    session
                        .draw(&mut frame, FrameRequest::new())
                        .expect("rendering works")
                        .is_frame(),
                    "a frame is ready"
                );
            });
        });
    }
    group.finish();
}

/// Open an avatar, start a session, draw the first frame of speech. ONNX Runtime is loaded already.
fn opening(c: &mut Criterion) {
    let engine = Engine::builder()
        .provider(benches::provider())
        .build()
        .expect("run `cargo xtask runtime` first");
    let voice = benches::voice(16_000, 16_000);
    let mut group = c.benchmark_group("opening");
    group.sample_size(20);
    group.bench_function("to_first_frame", |b| {
        b.iter(|| {
            let avatar = engine
                .open(benches::avatar_path())
                .expect("the shipped avatar opens");
            let session = avatar
                .session(SessionOptions::default().pacing(Pacing::Unpaced))
                .expect("valid");
            session
                .push_audio(&voice[..], 16_000, 1)
                .expect("the audio is valid");
            session
                .next_frame()
                .expect("rendering works")
                .expect("a frame is ready")
        });
    });
    group.finish();
}

criterion_group!(end_to_end, speaking, opening);
criterion_main!(end_to_end);
