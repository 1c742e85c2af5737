//! Points and rotations in space, with arithmetic that gives the same bits on every machine: sine
//! and cosine are sums, not the system's.

pub(crate) type Point = [f32; 3];
/// Rows of a rotation.
pub(crate) type Rotation = [[f32; 3]; 3];

pub(crate) const IDENTITY: Rotation = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

pub(crate) fn add(a: Point, b: Point) -> Point {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub(crate) fn sub(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(crate) fn scale(a: Point, by: f32) -> Point {
    a.map(|v| v * by)
}

pub(crate) fn apply(m: &Rotation, p: Point) -> Point {
    m.map(|row| row[0] * p[0] + row[1] * p[1] + row[2] * p[2])
}

pub(crate) fn product(a: &Rotation, b: &Rotation) -> Rotation {
    a.map(|row| [0, 1, 2].map(|j| row[0] * b[0][j] + row[1] * b[1][j] + row[2] * b[2][j]))
}

pub(crate) fn transposed(m: &Rotation) -> Rotation {
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| m[j][i]))
}

/// A head's turn, in degrees: `yaw` towards the picture's right, `pitch` downwards, `roll` clockwise
/// in the picture.
pub(crate) fn turned(yaw: f32, pitch: f32, roll: f32) -> Rotation {
    let (sy, cy) = sin_cos(yaw);
    let (sp, cp) = sin_cos(pitch);
    let (sr, cr) = sin_cos(roll);
    // z points away from the camera, so that what is near has a negative one and goes right with yaw.
    let yaw = [[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]];
    let pitch = [[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]];
    let roll = [[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]];
    product(&roll, &product(&yaw, &pitch))
}

/// Sine and cosine of an angle in degrees, to 1e-6 within ±90°.
pub(crate) fn sin_cos(degrees: f32) -> (f32, f32) {
    let x = degrees.clamp(-90.0, 90.0) * (std::f32::consts::PI / 180.0);
    let s = x * x;
    let sin = x * (1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0))));
    let cos =
        1.0 - s / 2.0 * (1.0 - s / 12.0 * (1.0 - s / 30.0 * (1.0 - s / 56.0 * (1.0 - s / 90.0))));
    (sin, cos)
}

/// Sine and cosine of the way to point `i` of `count` around a circle, a multiple of four.
pub(crate) fn around(i: usize, count: usize) -> (f32, f32) {
    let quarter = count / 4;
    let (s, c) = sin_cos(90.0 * (i % quarter) as f32 / quarter as f32);
    match i / quarter {
        0 => (s, c),
        1 => (c, -s),
        2 => (-s, -c),
        _ => (-c, s),
    }
}

/// 0 below `from`, 1 above `to`, smooth between.
pub(crate) fn smooth(value: f32, from: f32, to: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The similarity that takes points `from` nearest to `to` in the least squares: scale and rotation
/// (Horn's closed form with unit quaternions, 1987).
pub(crate) fn aligned(from: &[Point], to: &[Point]) -> (f32, Rotation) {
    let mean = |points: &[Point]| {
        let sum = points.iter().fold([0.0; 3], |sum, &p| add(sum, p));
        scale(sum, 1.0 / points.len() as f32)
    };
    let (a0, b0) = (mean(from), mean(to));
    let mut m = [[0.0f64; 3]; 3];
    let (mut size_a, mut size_b) = (0.0f64, 0.0f64);
    for (&a, &b) in from.iter().zip(to) {
        let (a, b) = (sub(a, a0).map(f64::from), sub(b, b0).map(f64::from));
        for i in 0..3 {
            for j in 0..3 {
                m[i][j] += a[i] * b[j];
            }
            size_a += a[i] * a[i];
            size_b += b[i] * b[i];
        }
    }
    let n = [
        [
            m[0][0] + m[1][1] + m[2][2],
            m[1][2] - m[2][1],
            m[2][0] - m[0][2],
            m[0][1] - m[1][0],
        ],
        [
            m[1][2] - m[2][1],
            m[0][0] - m[1][1] - m[2][2],
            m[0][1] + m[1][0],
            m[2][0] + m[0][2],
        ],
        [
            m[2][0] - m[0][2],
            m[0][1] + m[1][0],
            m[1][1] - m[0][0] - m[2][2],
            m[1][2] + m[2][1],
        ],
        [
            m[0][1] - m[1][0],
            m[2][0] + m[0][2],
            m[1][2] + m[2][1],
            m[2][2] - m[0][0] - m[1][1],
        ],
    ];
    // Power iteration, shifted so that the largest eigenvalue is the largest in size.
    let shift: f64 = n.iter().flatten().map(|v| v.abs()).sum();
    let mut q = [1.0, 0.1, 0.1, 0.1f64];
    for _ in 0..2000 {
        let next = [0, 1, 2, 3]
            .map(|i| shift * q[i] + n[i].iter().zip(&q).map(|(a, b)| a * b).sum::<f64>());
        let length = next.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-30);
        q = next.map(|v| v / length);
    }
    let [w, x, y, z] = q;
    let rotation = [
        [
            w * w + x * x - y * y - z * z,
            2.0 * (x * y - w * z),
            2.0 * (x * z + w * y),
        ],
        [
            2.0 * (x * y + w * z),
            w * w - x * x + y * y - z * z,
            2.0 * (y * z - w * x),
        ],
        [
            2.0 * (x * z - w * y),
            2.0 * (y * z + w * x),
            w * w - x * x - y * y + z * z,
        ],
    ];
    let scale = (size_b / size_a.max(1e-30)).sqrt();
    (scale as f32, rotation.map(|row| row.map(|v| v as f32)))
}
