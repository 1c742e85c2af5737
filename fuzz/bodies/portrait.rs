//! A picture file becomes an avatar that is drawn, or is refused with a message, whatever is in it.
//!
//! Its last byte says how: bit 0 insists on faces that are refused otherwise. Drawing takes as long as
//! finding the face, so one of four that are accepted is opened and drawn.

use std::sync::OnceLock;

use engine::portrait::{PortraitOptions, create};
use engine::{
    Engine, ErrorKind, Frame, FrameRequest, OutputSize, Pacing, PixelFormat, SessionOptions,
};

/// One of so many accepted pictures is drawn.
const DRAW_ONE_OF: u64 = 4;
/// Frames that are drawn: life has begun, and the mouth is open.
const FRAMES: usize = 4;

pub(crate) fn run(data: &[u8]) {
    let Some((&options, picture)) = data.split_last() else {
        return;
    };
    let mut making = PortraitOptions::default();
    making.force = options & 1 != 0;
    let made = match create(picture, &making) {
        Ok((made, report)) => {
            assert!(report.eyes_px.is_finite() && report.opening.is_finite());
            made
        }
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
            assert!(!error.message().is_empty(), "it says why");
            return;
        }
    };
    if super::hash(data) % DRAW_ONE_OF > 0 {
        return;
    }
    let avatar = engine().open_bytes(made).expect("what was made opens");
    let size = OutputSize {
        width: 160,
        height: 160,
    };
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::I420)
        .output_size(size);
    let session = avatar.session(options).expect("a session");
    let voice: Vec<f32> = (0..16_000)
        .map(|i| if i / 40 % 2 == 0 { 0.2 } else { -0.2 })
        .collect();
    session.push_audio(&voice[..], 16_000, 1).expect("sound");
    let mut frame = Frame::new();
    for _ in 0..FRAMES {
        let next = session.draw(&mut frame, FrameRequest::new());
        assert!(next.expect("a frame").is_frame());
    }
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let engine = Engine::builder().threads(1).build();
        engine.expect("ONNX Runtime is there")
    })
}
