//! Kinds of pictures: fit, color standard, transparency, background.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{buzz, engine, speak, testdata, toy};
use essence::{
    Avatar, Background, BackgroundImage, ErrorKind, Fit, Frame, FrameRequest, OutputSize, Pacing,
    PictureMut, PixelFormat, SessionOptions, YuvColor, YuvMatrix, YuvRange,
};

/// The toy as if keyed from a green screen.
fn keyed() -> Avatar {
    engine()
        .open(testdata("avatars/toy_keyed.imx"))
        .expect("the keyed avatar opens")
}

fn rgb() -> SessionOptions {
    SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::Rgb8)
}

fn rgba() -> SessionOptions {
    rgb().pixel_format(PixelFormat::Rgba8)
}

const fn size(width: usize, height: usize) -> OutputSize {
    OutputSize { width, height }
}

/// A second of speech.
fn frames(avatar: &Avatar, options: SessionOptions) -> Vec<Frame> {
    let session = avatar.session(options).unwrap();
    let frames = speak(&session, &buzz(16_000, 16_000), 16_000);
    assert_eq!(frames.len(), 25, "all of it");
    frames
}

/// Rows of `frame`'s picture, of pixels of `N` bytes.
fn rows<const N: usize>(frame: &Frame) -> Vec<&[[u8; N]]> {
    let rows = frame.pixels().chunks_exact(N * frame.width());
    rows.map(|row| row.as_chunks::<N>().0).collect()
}

#[test]
fn a_crop_is_a_part_of_the_picture() {
    for avatar in [toy(), keyed()] {
        let whole = frames(&avatar, rgba());
        for (left, top, width, height) in [(0, 0, 64, 48), (13, 7, 31, 17), (48, 32, 16, 16)] {
            let options = rgba()
                .output_size(size(width, height))
                .fit(Fit::Crop { left, top });
            for (whole, part) in whole.iter().zip(frames(&avatar, options)) {
                assert_eq!((part.width(), part.height()), (width, height));
                for (row, whole) in rows::<4>(&part).iter().zip(&rows::<4>(whole)[top..]) {
                    assert!(*row == &whole[left..left + width], "from {left}, {top}");
                }
            }
        }
    }
}

#[test]
fn a_crop_outside_of_the_picture_is_refused() {
    let avatar = toy();
    for (left, top, output) in [
        (1, 0, None),
        (33, 0, Some(size(32, 32))),
        (0, 17, Some(size(32, 32))),
        (usize::MAX, 0, Some(size(32, 32))),
        (0, 0, Some(size(65, 32))),
    ] {
        let options = rgb().output_size(output).fit(Fit::Crop { left, top });
        let error = avatar.session(options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let message = error.message();
        assert!(
            message.contains("not inside of the avatar's picture, 64×48"),
            "{message}"
        );
    }
}

/// Contain leaves bars, cover none; both show the middle of the picture in the middle.
#[test]
fn cover_leaves_no_bars() {
    let (avatar, wide, marker) = (toy(), size(96, 32), [255, 0, 255]);
    let options = || rgb().output_size(wide).letterbox(marker);
    let contained = frames(&avatar, options());
    let covered = frames(&avatar, options().fit(Fit::Cover));
    for (contained, covered) in contained.iter().zip(&covered) {
        let is_bar = |pixel: &[u8; 3]| *pixel == marker;
        // 64×48 becomes 43×32.
        for row in rows::<3>(contained) {
            assert!(row[..26].iter().all(is_bar) && row[69..].iter().all(is_bar));
            assert!(!row[26..69].iter().any(is_bar));
        }
        assert!(!rows::<3>(covered).concat().iter().any(is_bar));
    }
}

/// Y, U and V of levels, by the words of the standards.
fn exact(color: YuvColor, [r, g, b]: [f64; 3]) -> [f64; 3] {
    let (kr, kb) = match color.matrix {
        YuvMatrix::Bt709 => (0.2126, 0.0722),
        _ => (0.299, 0.114),
    };
    let (black, luma, chroma) = match color.range {
        YuvRange::Full => (0.0, 1.0, 1.0),
        _ => (16.0, 219.0 / 255.0, 224.0 / 255.0),
    };
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let (u, v) = ((b - y) / (2.0 - 2.0 * kb), (r - y) / (2.0 - 2.0 * kr));
    [black + luma * y, 128.0 + chroma * u, 128.0 + chroma * v]
}

#[test]
fn yuv_has_the_standard_that_was_asked_for() {
    let avatar = toy();
    let expected = frames(&avatar, rgb());
    assert_eq!(expected[0].yuv(), None, "RGB has none");
    for matrix in [YuvMatrix::Bt601, YuvMatrix::Bt709] {
        for range in [YuvRange::Limited, YuvRange::Full] {
            let color = YuvColor { matrix, range };
            for format in [PixelFormat::I420, PixelFormat::Nv12] {
                let frames = frames(&avatar, rgb().pixel_format(format).yuv(color));
                for (frame, rgb) in frames.iter().zip(&expected) {
                    assert_eq!(frame.yuv(), Some(color));
                    compare(frame, rgb, color);
                }
            }
        }
    }
    let default = frames(&avatar, rgb().pixel_format(PixelFormat::I420));
    let limited = YuvColor {
        matrix: YuvMatrix::Bt601,
        range: YuvRange::Limited,
    };
    assert_eq!(default[0].yuv(), Some(limited), "the default");
}

/// A YUV picture against the same picture in RGB.
fn compare(frame: &Frame, rgb: &Frame, color: YuvColor) {
    let (width, height) = (rgb.width(), rgb.height());
    let (luma, chroma) = frame.pixels().split_at(width * height);
    let rows = rows::<3>(rgb);
    for (row, luma) in rows.iter().zip(luma.chunks_exact(width)) {
        for (pixel, &level) in row.iter().zip(luma) {
            let [y, ..] = exact(color, pixel.map(f64::from));
            assert!((f64::from(level) - y).abs() < 0.6, "{color:?}: Y");
        }
    }
    let area = chroma.len() / 2;
    for (i, (y, x)) in (0..height / 2)
        .flat_map(|y| (0..width / 2).map(move |x| (y, x)))
        .enumerate()
    {
        let square = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(b, a)| rows[2 * y + b][2 * x + a]);
        let mean = [0, 1, 2].map(|c| square.iter().map(|p| f64::from(p[c])).sum::<f64>() / 4.0);
        let [_, u, v] = exact(color, mean);
        let made = match frame.format() {
            PixelFormat::I420 => [chroma[i], chroma[area + i]],
            _ => [chroma[2 * i], chroma[2 * i + 1]],
        };
        for (level, exact) in made.into_iter().zip([u, v]) {
            let off = (f64::from(level) - exact.min(255.0)).abs();
            assert!(off < 0.6, "{color:?}, {}: chroma", frame.format());
        }
    }
}

/// The largest difference from `over` composited over a background.
fn off_from(made: &Frame, over: &Frame, background: impl Fn(usize, usize) -> [u8; 3]) -> f64 {
    let mut worst: f64 = 0.0;
    for (y, (made, over)) in rows::<3>(made).iter().zip(rows::<4>(over)).enumerate() {
        for (x, (made, &[r, g, b, a])) in made.iter().zip(over).enumerate() {
            let alpha = f64::from(a) / 255.0;
            for ((made, over), under) in made.iter().zip([r, g, b]).zip(background(x, y)) {
                let exact = alpha * f64::from(over) + (1.0 - alpha) * f64::from(under);
                worst = worst.max((f64::from(*made) - exact).abs());
            }
        }
    }
    worst
}

#[test]
fn a_keyed_avatar_is_transparent_around_itself() {
    let avatar = keyed();
    assert!(avatar.info().has_matte && !toy().info().has_matte);
    for frame in frames(&avatar, rgba()) {
        let rows = rows::<4>(&frame);
        assert_eq!(rows[0][0][3], 0, "a corner");
        assert_eq!(rows[25][32][3], 255, "the face");
        let soft = rows
            .concat()
            .iter()
            .filter(|p| !matches!(p[3], 0 | 255))
            .count();
        assert!((20..600).contains(&soft), "an edge of {soft} soft pixels");
        for pixel in rows.concat().iter().filter(|pixel| pixel[3] > 0) {
            let [r, g, b, _] = pixel.map(i32::from);
            assert!(r > g && r > b, "straight colors: {pixel:?} is no skin");
        }
    }
    for frame in frames(&toy(), rgba()) {
        assert!(
            frame
                .pixels()
                .iter()
                .skip(3)
                .step_by(4)
                .all(|&alpha| alpha == 255)
        );
    }
}

#[test]
fn bgra_is_rgba_in_another_order() {
    let pairs = frames(&keyed(), rgba());
    let swapped = frames(&keyed(), rgba().pixel_format(PixelFormat::Bgra8));
    for (rgba, bgra) in pairs.iter().zip(&swapped) {
        for (&[r, g, b, a], bgra) in rows::<4>(rgba)
            .concat()
            .iter()
            .zip(rows::<4>(bgra).concat())
        {
            assert_eq!(bgra, [b, g, r, a]);
        }
    }
}

/// Scaled or not: over a color, over a picture, over the avatar's own background.
#[test]
fn any_background_shows_through() {
    let avatar = keyed();
    let image: Vec<u8> = (0..48u8)
        .flat_map(|y| (0..64u8).flat_map(move |x| [4 * x, 5 * y, 255 - 4 * x]))
        .collect();
    let image = BackgroundImage::from_rgb(image, 64, 48).unwrap();
    for output in [None, Some(size(128, 96)), Some(size(40, 30))] {
        let over = frames(&avatar, rgba().output_size(output));
        let on = |background: Option<Background>| {
            frames(&avatar, rgb().output_size(output).background(background))
        };
        let green = [30, 200, 90];
        for (made, over) in on(Some(Background::Color(green))).iter().zip(&over) {
            assert!(off_from(made, over, |_, _| green) <= 0.51);
        }
        for (made, over) in on(None).iter().zip(&over) {
            assert!(off_from(made, over, |_, _| [20, 40, 90]) <= 0.51, "its own");
        }
        let pictures = on(Some(Background::Image(image.clone())));
        if output.is_none() {
            let at = |x: usize, y: usize| [4 * x as u8, 5 * y as u8, 255 - 4 * x as u8];
            for (made, over) in pictures.iter().zip(&over) {
                assert!(off_from(made, over, at) <= 0.51);
            }
        } else {
            let corner = rows::<3>(&pictures[0])[0][0];
            assert!(
                corner[0] < 8 && corner[1] < 8 && corner[2] > 247,
                "{corner:?}"
            );
        }
    }
}

/// A background is opaque in formats with alpha, too.
#[test]
fn a_background_makes_the_picture_opaque() {
    let options = rgba().background(Background::Color([1, 2, 3]));
    for frame in frames(&keyed(), options) {
        assert_eq!(rows::<4>(&frame)[0][0], [1, 2, 3, 255]);
    }
}

/// Bars are the letterbox's, but a background fills them and a transparent picture has none.
#[test]
fn bars_show_what_lies_behind() {
    let options = |base: SessionOptions| base.output_size(size(96, 48)).letterbox([9, 8, 7]);
    let red = Background::Color([250, 5, 5]);
    let first = |avatar: &Avatar, options| frames(avatar, options).swap_remove(0);
    for avatar in [toy(), keyed()] {
        let frame = first(&avatar, options(rgb()));
        assert_eq!(rows::<3>(&frame)[20][3], [9, 8, 7], "letterbox");
        let frame = first(&avatar, options(rgb()).background(red.clone()));
        assert_eq!(rows::<3>(&frame)[20][3], [250, 5, 5], "background");
        let image = BackgroundImage::from_rgb([10, 200, 30].repeat(6), 3, 2).unwrap();
        let frame = first(&avatar, options(rgb()).background(Background::Image(image)));
        assert_eq!(rows::<3>(&frame)[20][3], [10, 200, 30], "picture");
        let middle = rows::<3>(&frame)[24][48];
        assert!(middle[0] > middle[1], "the face is there: {middle:?}");
    }
    let frame = first(&keyed(), options(rgba()));
    assert_eq!(rows::<4>(&frame)[20][3], [9, 8, 7, 0], "transparent");
    let frame = first(&toy(), options(rgba()));
    assert_eq!(rows::<4>(&frame)[20][3], [9, 8, 7, 255], "opaque");
}

/// The caller's memory may have another format than the session, and gets what that can hold.
#[test]
fn transparency_follows_the_format_of_each_picture() {
    let avatar = keyed();
    let session = avatar.session(rgb()).unwrap();
    session
        .push_audio(&buzz(16_000, 16_000)[..], 16_000, 1)
        .unwrap();
    session.flush();
    let mut frame = Frame::new();
    for format in [PixelFormat::Rgba8, PixelFormat::Rgb8, PixelFormat::Rgba8] {
        let mut bytes = vec![7; format.buffer_len(64, 48)];
        let mut picture = PictureMut::packed(format, (64, 48), &mut bytes).unwrap();
        let request = FrameRequest::into_memory(&mut picture);
        assert!(session.draw(&mut frame, request).unwrap().is_frame());
        match format {
            PixelFormat::Rgba8 => assert_eq!(bytes[3], 0, "transparent"),
            _ => assert_eq!(bytes[..3], [20, 40, 90], "over its own background"),
        }
    }
}

#[test]
fn backgrounds_of_another_length_are_refused() {
    for (bytes, width, height, said) in [
        (11, 2, 2, "has 12 bytes of RGB, not 11"),
        (0, 0, 2, "outside 1 to 8192"),
        (0, 9000, 1, "outside 1 to 8192"),
    ] {
        let error = BackgroundImage::from_rgb(vec![0; bytes], width, height).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(said), "{error}");
    }
}
