//! Green and blue screens: found at the picture's border, and keyed to a matte.

use super::picture::Picture;
use super::raster::{self, Plane};
use super::solid::smooth;

/// Red and blue difference, Cr and Cb of BT.601 in full range, less 128.
type Chroma = [f32; 2];

/// Distance from grey that screen green has at least, and the most that its Cb reaches.
const GREEN: f32 = 85.0;
const GREENEST: f32 = -28.0;
/// Distance from grey that screen blue has at least, and the least that its Cb reaches; a sky has less.
const BLUE: f32 = 70.0;
const BLUEST: f32 = 50.0;
/// How far from what is certainly screen a pixel may be part of it, and a blue screen's light falls on the
/// person, as a share of the picture's height: eyes and jeans are blue, too.
const NEAR: f32 = 1.0 / 40.0;
/// How far the border's colours may lie from their median, and the share of it that has to be near.
const UNIFORM: f32 = 28.0;
const PART: f32 = 0.7;
/// Shares of the screen's distance from grey, from the screen: nothing of the person below the first,
/// all of it from the second on.
const PERSON: [f32; 2] = [0.3, 0.7];
/// Alpha from which on a pixel is the person's own.
const OWN: f32 = 0.98;
/// Width of the edge in which a camera mixes person and screen, as a share of the picture's height.
const RIM: f32 = 1.0 / 240.0;

/// The picture, the screen behind its person transparent, if there is one.
pub(crate) fn keyed(mut picture: Picture) -> Picture {
    let screen = if picture.has_alpha() {
        None
    } else {
        screen(&picture)
    };
    let Some(screen) = screen else {
        return picture;
    };
    let (width, height) = (picture.width, picture.height);
    let pixels = picture.rgba.as_chunks_mut::<4>().0;
    let full = length(screen);
    let away = Plane::new(width, height, |x, y| {
        let [cr, cb] = chroma(pixels[y * width + x]);
        length([cr - screen[0], cb - screen[1]]) / full
    });
    let certain = Plane::new(width, height, |x, y| {
        f32::from(u8::from(away.at([x, y]) < PERSON[0]))
    });
    let near = certain.largest((NEAR * height as f32).ceil() as usize);
    let alpha = Plane::new(width, height, |x, y| match near.at([x, y]) > 0.0 {
        true => smooth(away.at([x, y]), PERSON[0], PERSON[1]),
        false => 1.0,
    });
    let alpha = alpha.smoothed();
    let mixed = Plane::new(width, height, |x, y| {
        f32::from(u8::from(alpha.at([x, y]) < OWN))
    });
    // Pixels at the edge are part screen: they take the colours of the person's nearest ones.
    let mixed = mixed.largest((RIM * height as f32).ceil().max(2.0) as usize);
    let known = Plane::new(width, height, |x, y| 1.0 - mixed.at([x, y]));
    // The screen's light on the person.
    let (own, others) = if screen[1] > 0.0 {
        (2, [0, 1])
    } else {
        (1, [0, 2])
    };
    for (pixel, near) in pixels.iter_mut().zip(&near.values) {
        if own == 1 || *near > 0.0 {
            pixel[own] = pixel[own].min(pixel[others[0]].max(pixel[others[1]]));
        }
    }
    for c in 0..3 {
        let plane = Plane::new(width, height, |x, y| pixels[y * width + x][c].into());
        let whole = raster::filled(&plane, &known, 2);
        for (pixel, value) in pixels.iter_mut().zip(whole.values) {
            pixel[c] = (value + 0.5) as u8;
        }
    }
    for (pixel, alpha) in pixels.iter_mut().zip(alpha.values) {
        pixel[3] = (255.0 * alpha + 0.5) as u8;
    }
    picture
}

/// The colour of the screen that the picture's border shows: above, and at the sides of its upper
/// half.
fn screen(picture: &Picture) -> Option<Chroma> {
    let (width, height) = (picture.width, picture.height);
    let (band, side) = ((height / 12).max(2), (width / 20).max(2));
    let pixels = picture.rgba.as_chunks::<4>().0;
    let border: Vec<Chroma> = (0..height / 2)
        .flat_map(|y| (0..width).map(move |x| [x, y]))
        .filter(|&[x, y]| y < band || x < side || x + side >= width)
        .map(|[x, y]| chroma(pixels[y * width + x]))
        .collect();
    let median = [0, 1].map(|i| {
        let mut values: Vec<f32> = border.iter().map(|chroma| chroma[i]).collect();
        values.sort_by(f32::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    });
    let near: Vec<Chroma> = border
        .iter()
        .copied()
        .filter(|c| length([c[0] - median[0], c[1] - median[1]]) < UNIFORM)
        .collect();
    let mean = [0, 1].map(|i| near.iter().map(|c| c[i]).sum::<f32>() / near.len().max(1) as f32);
    let plain = near.len() as f32 >= PART * border.len() as f32 && mean[0] < 0.0;
    let green = length(mean) > GREEN && mean[1] < GREENEST;
    let blue = length(mean) > BLUE && mean[1] > BLUEST;
    (plain && (green || blue)).then_some(mean)
}

fn chroma([r, g, b, _]: [u8; 4]) -> Chroma {
    let [r, g, b] = [r, g, b].map(f32::from);
    [
        0.5 * r - 0.4187 * g - 0.0813 * b,
        -0.1687 * r - 0.3313 * g + 0.5 * b,
    ]
}

fn length([x, y]: Chroma) -> f32 {
    (x * x + y * y).sqrt()
}
