//! Rasterisation: the pixels that a triangle covers, and the texture's place for each of them.

use super::{Canvas, Place, Texture, UNIT};

/// Draws one triangle, from the texture's corners to the canvas's. A pixel belongs to it if its
/// centre does; a centre on an edge belongs to the triangle on its right, so that neighbours neither
/// overlap nor leave a line between them.
pub(super) fn draw(canvas: &mut Canvas, texture: &Texture, from: [Place; 3], to: [Place; 3]) {
    let kernel = canvas.kernel;
    spans(canvas, from, to, |start, step, row| {
        kernel.span(texture, start, step, row);
    });
}

/// Blends one triangle by the texture's alpha times `cover`, in [0, 255]; `span` is a buffer.
pub(super) fn blend(
    canvas: &mut Canvas,
    texture: &Texture,
    (from, to): ([Place; 3], [Place; 3]),
    cover: u32,
    span: &mut Vec<[u8; 4]>,
) {
    let kernel = canvas.kernel;
    spans(canvas, from, to, |start, step, row| {
        span.clear();
        span.resize(row.len(), [0; 4]);
        kernel.span(texture, start, step, span);
        for (pixel, over) in row.iter_mut().zip(&*span) {
            let alpha = (u32::from(over[3]) * cover + 127) / 255;
            for (level, &over) in pixel.iter_mut().zip(&over[..3]) {
                let mixed = u32::from(over) * alpha + u32::from(*level) * (255 - alpha);
                *level = ((mixed + 127) / 255) as u8;
            }
        }
    });
}

/// Calls `fill` for each row that a triangle covers: the texture's place for the first pixel, the step
/// to the next, and the pixels.
fn spans(
    canvas: &mut Canvas,
    from: [Place; 3],
    to: [Place; 3],
    mut fill: impl FnMut([i32; 2], [i32; 2], &mut [[u8; 4]]),
) {
    let [a, b, c] = to;
    let area = cross(a, b, c);
    if area == 0 {
        return;
    }
    let (width, height) = canvas.size();
    let rows = to.map(|p| p[1]);
    // First and last row whose centres lie within.
    let top = first_centre(rows.into_iter().min().unwrap_or(0)).max(0);
    let bottom = first_centre(rows.into_iter().max().unwrap_or(0)).min(height as i32);
    let gradient = Gradient::new(from, to, area);
    for y in top..bottom {
        let centre = y * UNIT + UNIT / 2;
        let mut span = [i32::MAX, i32::MIN];
        for (p, q) in [(a, b), (b, c), (c, a)] {
            let (p, q) = if p[1] <= q[1] { (p, q) } else { (q, p) };
            if (p[1]..q[1]).contains(&centre) {
                let x = crossing(p, q, centre);
                span = [span[0].min(x), span[1].max(x)];
            }
        }
        let (left, right) = (span[0].max(0), span[1].min(width as i32));
        if left < right {
            let start = gradient.at(left, y);
            let row = &mut canvas.row_mut(y as usize)[left as usize..right as usize];
            fill(start, gradient.step, row);
        }
    }
}

/// Whether a triangle shows its back.
pub(super) fn turned_over(from: [Place; 3], to: [Place; 3]) -> bool {
    let [before, now] = [from, to].map(|[a, b, c]| cross(a, b, c));
    before.signum() * now.signum() < 0
}

/// Twice the triangle's area, signed, in square units.
fn cross(a: Place, b: Place, c: Place) -> i64 {
    let (x, y) = (i64::from(b[0] - a[0]), i64::from(b[1] - a[1]));
    let (u, v) = (i64::from(c[0] - a[0]), i64::from(c[1] - a[1]));
    x * v - y * u
}

/// The first pixel whose centre is not before `position`.
fn first_centre(position: i32) -> i32 {
    -(UNIT / 2 - position).div_euclid(UNIT)
}

/// The first pixel whose centre is not left of where the line `p`–`q` crosses `row`.
fn crossing(p: Place, q: Place, row: i32) -> i32 {
    let height = i64::from(q[1] - p[1]);
    let x = i64::from(p[0] - UNIT / 2) * height + i64::from(row - p[1]) * i64::from(q[0] - p[0]);
    -(-x).div_euclid(height * i64::from(UNIT)) as i32
}

/// The affine map from canvas to texture.
struct Gradient {
    /// Change of the texture's place from pixel to pixel, in 65536ths of a pixel.
    step: [i32; 2],
    origin: [f64; 2],
    per_x: [f64; 2],
    per_y: [f64; 2],
    at: Place,
}

impl Gradient {
    fn new(from: [Place; 3], to: [Place; 3], area: i64) -> Self {
        let [a, b, c] = to.map(|p| p.map(f64::from));
        let [s, t, u] = from.map(|p| p.map(f64::from));
        let area = area as f64;
        let (x1, y1) = (b[0] - a[0], b[1] - a[1]);
        let (x2, y2) = (c[0] - a[0], c[1] - a[1]);
        let per_x = [0, 1].map(|i| ((t[i] - s[i]) * y2 - (u[i] - s[i]) * y1) / area);
        let per_y = [0, 1].map(|i| ((u[i] - s[i]) * x1 - (t[i] - s[i]) * x2) / area);
        Self {
            step: per_x.map(|d| (d * 65536.0).round().clamp(-1e8, 1e8) as i32),
            origin: s,
            per_x,
            per_y,
            at: to[0],
        }
    }

    /// The texture's place for the centre of pixel (`x`, `y`), in 65536ths of a pixel.
    fn at(&self, x: i32, y: i32) -> [i32; 2] {
        let dx = f64::from(x * UNIT + UNIT / 2 - self.at[0]);
        let dy = f64::from(y * UNIT + UNIT / 2 - self.at[1]);
        [0, 1].map(|i| {
            let place = self.origin[i] + self.per_x[i] * dx + self.per_y[i] * dy;
            (place * (65536.0 / f64::from(UNIT)))
                .round()
                .clamp(-2e9, 2e9) as i32
        })
    }
}
