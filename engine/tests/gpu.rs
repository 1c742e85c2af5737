//! Pictures composed by a graphics processor, against those of the processor. Needs a driver: Debian's
//! software one is `mesa-vulkan-drivers`. Where there is none, the tests say so and pass.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::print_stderr, reason = "says what is skipped")]

mod common;

use common::{buzz, engine, mika, testdata, toy};
use essence::gpu::Gpu;
use essence::imx::{Container, GEOMETRY_MEMBER, MANIFEST, Writer};
use essence::{
    Avatar, ErrorKind, Frame, FrameRequest, Pacing, PixelFormat, Session, SessionOptions,
};

/// A device, if the system has a driver for one.
fn gpu() -> Option<Gpu> {
    match Gpu::new() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ProviderUnavailable, "{error}");
            assert!(error.message().contains("driver"), "what to do: {error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// The same speech on both, frame by frame: not one level differs.
fn compare(avatar: &Avatar, gpu: &Gpu, seconds: usize) {
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::Rgba8);
    let voice = buzz(seconds * 16_000, 16_000);
    let sessions = [(); 2].map(|()| {
        let session = avatar.session(options.clone()).unwrap();
        session.push_audio(&voice[..], 16_000, 1).unwrap();
        session.flush();
        session
    });
    let [on_cpu, on_gpu] = &sessions;
    let mut canvas = gpu.canvas(avatar).unwrap();
    assert_eq!(canvas.size(), on_cpu.frame_size(), "the avatar's size");
    let (mut expected, mut frame, mut pixels) = (Frame::new(), Frame::new(), Vec::new());
    let mut frames = 0;
    while draw(on_cpu, &mut expected, FrameRequest::new()) {
        assert!(draw(
            on_gpu,
            &mut frame,
            FrameRequest::into_canvas(&mut canvas)
        ));
        canvas.read_back(&mut pixels).unwrap();
        assert_eq!(frame.audio(), expected.audio(), "frame {frames}: sound");
        assert!(frame.pixels().is_empty(), "they are in the texture");
        assert_eq!(pixels.len(), expected.pixels().len(), "frame {frames}");
        let differ = pixels.iter().zip(expected.pixels()).filter(|(a, b)| a != b);
        assert_eq!(differ.count(), 0, "bytes of frame {frames}");
        frames += 1;
    }
    assert_eq!(frames, 25 * seconds, "all of it");
    assert!(!draw(
        on_gpu,
        &mut frame,
        FrameRequest::into_canvas(&mut canvas)
    ));
}

fn draw(session: &Session, frame: &mut Frame, request: FrameRequest<'_, '_>) -> bool {
    session.draw(frame, request).unwrap().is_frame()
}

#[test]
fn a_graphics_processor_gives_the_same_levels() {
    let Some(gpu) = gpu() else { return };
    let name = gpu.device().adapter_info().name;
    eprintln!("composed by {name}");
    // Pictures of 3 × width bytes that are no whole words, too: the toy's are small.
    compare(&toy(), &gpu, 3);
    compare(&turned(), &gpu, 3);
    compare(&mika(), &gpu, 1);
}

/// An app's own device serves, with what it was made with: here nothing but the least.
#[test]
fn a_device_of_the_apps_own_serves() {
    use essence::gpu::wgpu;

    let Some(found) = gpu() else { return };
    let theirs = (found.device().clone(), found.queue().clone());
    let gpu = Gpu::with_device(theirs.0, theirs.1).unwrap();
    let canvas = gpu.canvas(&toy()).unwrap();
    // What a renderer does with it: a view in sRGB.
    let _view = canvas.texture().create_view(&wgpu::TextureViewDescriptor {
        format: Some(wgpu::TextureFormat::Rgba8UnormSrgb),
        usage: Some(wgpu::TextureUsages::TEXTURE_BINDING),
        ..wgpu::TextureViewDescriptor::default()
    });
    drop(gpu);
    drop(found);
    assert_eq!(
        canvas.size(),
        (
            canvas.texture().width() as usize,
            canvas.texture().height() as usize
        )
    );
}

#[test]
fn a_keyed_avatar_is_refused_by_name() {
    let Some(gpu) = gpu() else { return };
    let avatar = engine()
        .open(testdata("avatars/toy_keyed.imx"))
        .expect("the keyed avatar opens");
    let session = avatar
        .session(SessionOptions::default().pacing(Pacing::Unpaced))
        .unwrap();
    session
        .push_audio(&buzz(16_000, 16_000)[..], 16_000, 1)
        .unwrap();
    let (mut frame, mut canvas) = (Frame::new(), gpu.canvas(&avatar).unwrap());
    let request = FrameRequest::into_canvas(&mut canvas);
    let error = session.draw(&mut frame, request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
    assert!(error.message().contains("transparency"), "{error}");
    assert!(
        draw(&session, &mut frame, FrameRequest::new()),
        "goes on in memory"
    );
    assert_eq!(frame.index(), 0, "no frame was used up");
}

/// The toy avatar with its patches turned, scaled and reaching over the picture's edge.
fn turned() -> Avatar {
    let toy = toy();
    let members = Container::open(testdata("avatars/toy.imx")).unwrap();
    let manifest = std::str::from_utf8(members.member(MANIFEST).unwrap()).unwrap();
    let mut writer = Writer::new();
    let names = members.members().map(|member| member.name);
    for name in names.filter(|name| *name != MANIFEST) {
        let mut bytes = members.member(name).unwrap().to_vec();
        if name == GEOMETRY_MEMBER {
            let info = toy.info();
            let row = bytes.len() / info.frame_count;
            for (frame, row) in bytes.chunks_exact_mut(row).enumerate() {
                let (sin, cos) = (0.7 * frame as f32).sin_cos();
                let scale = 0.5 + 0.4 * frame as f32;
                let place = [info.frame_width, info.frame_height].map(|x| 0.4 * x as f32);
                let affine = [
                    scale * cos,
                    -scale * sin,
                    place[0],
                    scale * sin,
                    scale * cos,
                    place[1],
                ];
                let start = row.len() - 4 * affine.len();
                let bytes = affine.map(f32::to_le_bytes);
                row[start..].copy_from_slice(bytes.as_flattened());
            }
        }
        writer.add(name, bytes).unwrap();
    }
    let file = std::env::temp_dir().join(format!("essence-gpu-{}.imx", std::process::id()));
    std::fs::write(&file, writer.finish(manifest).unwrap()).unwrap();
    let avatar = engine().open(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    avatar
}
