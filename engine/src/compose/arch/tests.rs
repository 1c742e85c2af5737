//! Every kernel of every instruction set against a scalar oracle, on random rows of random lengths
//! at random places in memory.

use super::{CHUNK, FourTaps, Isa, Line, Way};

/// A small generator of numbers, the same on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    /// A number in `0..end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    /// A number in [0, 1).
    pub(crate) fn float(&mut self) -> f32 {
        (self.next() >> 7) as f32 / (1 << 24) as f32
    }

    /// Levels, of which many are 0 or 255.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let byte = |random: u32| match random % 5 {
            0 => 0,
            1 => 255,
            _ => (random >> 8) as u8,
        };
        (0..length).map(|_| byte(self.next())).collect()
    }
}

const GUARD: u8 = 0xA5;

/// What a kernel writes for each instruction set, with bytes around it that must stay.
fn check(
    what: &str,
    random: &mut Random,
    expected: &[u8],
    before: Option<&[u8]>,
    run: impl Fn(Isa, &mut [u8]),
) {
    for isa in Isa::all() {
        let start = random.below(33);
        let mut memory = vec![GUARD; start + expected.len() + 40];
        let out = &mut memory[start..start + expected.len()];
        if let Some(before) = before {
            out.copy_from_slice(before);
        }
        run(isa, out);
        assert!(out == expected, "{what}, {isa:?}, {} bytes", expected.len());
        let (front, rest) = memory.split_at(start);
        let around = front.iter().chain(&rest[expected.len()..]);
        assert!(
            around.copied().all(|byte| byte == GUARD),
            "{what}, {isa:?}: wrote outside of its row"
        );
    }
}

#[test]
fn packed_formats() {
    let mut random = Random(1);
    for width in (1..70).chain([255, 512, 721]) {
        let rgb = random.bytes(3 * width);
        let pixels = rgb.as_chunks::<3>().0;
        let swapped: Vec<u8> = pixels.iter().flat_map(|&[r, g, b]| [b, g, r]).collect();
        let wide: Vec<u8> = pixels
            .iter()
            .flat_map(|&[r, g, b]| [r, g, b, 255])
            .collect();
        let both: Vec<u8> = pixels
            .iter()
            .flat_map(|&[r, g, b]| [b, g, r, 255])
            .collect();
        check("swap_rb", &mut random, &swapped, None, |isa, out| {
            super::swap_rb(isa, &rgb, out);
        });
        check("widen", &mut random, &wide, None, |isa, out| {
            super::widen(isa, &rgb, out);
        });
        check("widen_swapped", &mut random, &both, None, |isa, out| {
            super::widen_swapped(isa, &rgb, out);
        });
    }
}

#[test]
fn luma_and_chroma() {
    let mut random = Random(2);
    for width in (1..70).chain([255, 512, 721]) {
        let (top, bottom) = (random.bytes(3 * width), random.bytes(3 * width));
        let at = |row: &[u8], x: usize| [0, 1, 2].map(|c| i64::from(row[3 * x + c]));
        let luma: Vec<u8> = (0..width)
            .map(|x| {
                let [r, g, b] = at(&top, x);
                ((16_829 * r + 33_039 * g + 6_416 * b + (16 << 16) + 0x8000) >> 16) as u8
            })
            .collect();
        check("luma", &mut random, &luma, None, |isa, out| {
            super::luma(isa, &top, out);
        });
        let chroma: Vec<[u8; 2]> = (0..width / 2)
            .map(|x| {
                let pixels = [&top, &bottom].map(|row| [at(row, 2 * x), at(row, 2 * x + 1)]);
                let [r, g, b] =
                    [0, 1, 2].map(|c| pixels.as_flattened().iter().map(|p| p[c]).sum::<i64>());
                let middle = (128 << 18) + (1 << 17);
                [
                    ((-9_714 * r - 19_071 * g + 28_785 * b + middle) >> 18) as u8,
                    ((28_785 * r - 24_103 * g - 4_682 * b + middle) >> 18) as u8,
                ]
            })
            .collect();
        let planes: Vec<u8> = [0, 1]
            .into_iter()
            .flat_map(|i| chroma.iter().map(move |uv| uv[i]))
            .collect();
        check("chroma", &mut random, &planes, None, |isa, out| {
            let (u, v) = out.split_at_mut(width / 2);
            super::chroma(isa, &top, &bottom, u, v);
        });
        let turns = chroma.as_flattened();
        check("chroma_in_turn", &mut random, turns, None, |isa, out| {
            super::chroma_in_turn(isa, &top, &bottom, out);
        });
    }
}

/// Base frames: from RGB, and back with chroma of whatever neighbours.
#[test]
fn stored_colours() {
    let mut random = Random(7);
    for width in (1..70).chain([255, 512, 721]) {
        let rows = [(); 2].map(|()| random.bytes(3 * width));
        let at = |row: usize, x: usize, c: usize| i64::from(rows[row][3 * x + c]);
        let luma: Vec<u8> = (0..width)
            .map(|x| {
                let [r, g, b] = [0, 1, 2].map(|c| at(0, x, c));
                ((19_595 * r + 38_470 * g + 7_471 * b + 0x8000) >> 16) as u8
            })
            .collect();
        check("full_luma", &mut random, &luma, None, |isa, out| {
            super::full_luma(isa, &rows[0], out);
        });
        let chroma = |weights: [i64; 3]| {
            (0..width / 2).map(move |pair| {
                let of = |c: usize| -> i64 {
                    [0, 1]
                        .map(|row| at(row, 2 * pair, c) + at(row, 2 * pair + 1, c))
                        .iter()
                        .sum()
                };
                let sum: i64 = (0..3).map(|c| weights[c] * of(c)).sum();
                ((sum + (128 << 18) + (1 << 17) - 1) >> 18) as u8
            })
        };
        let planes: Vec<u8> = chroma([-11_059, -21_709, 32_768])
            .chain(chroma([32_768, -27_439, -5_329]))
            .collect();
        check("full_chroma", &mut random, &planes, None, |isa, out| {
            let (blue, red) = out.split_at_mut(width / 2);
            super::full_chroma(isa, &rows[0], &rows[1], blue, red);
        });

        let luma = random.bytes(width);
        let [blue, red] = [(); 2].map(|()| -> Vec<i16> {
            (0..width)
                .map(|_| random.below(255 * 16 + 1) as i16)
                .collect()
        });
        let rgb: Vec<u8> = (0..width)
            .flat_map(|x| {
                let [y, blue, red] = [luma[x].into(), blue[x], red[x]].map(i64::from);
                let part = |chroma: i64, weight: i64| (4 * (chroma - 2048) * weight) >> 16;
                [
                    part(red, 22_970),
                    -part(blue, 5_638) - part(red, 11_700),
                    part(blue, 29_032),
                ]
                .map(|colour| ((16 * y + 8 + colour) >> 4).clamp(0, 255) as u8)
            })
            .collect();
        check("colours", &mut random, &rgb, None, |isa, out| {
            super::colours(isa, &luma, &blue, &red, out);
        });
    }
}

#[test]
fn scaling() {
    let mut random = Random(3);
    let weight = |random: &mut Random| random.below(1 << 15) as i16 - (1 << 14);
    for width in (1..140).chain([255, 719, 720, 721]) {
        // Grown, shrunk a little, shrunk a lot.
        let source_width = match width % 3 {
            0 => random.below(width) + 4,
            1 => width + 4,
            _ => random.below(200) + 4,
        };
        let source = random.bytes(3 * source_width);
        let mut firsts: Vec<usize> = (0..width).map(|_| random.below(source_width - 3)).collect();
        firsts.sort_unstable();
        let taps: Vec<FourTaps> = firsts
            .iter()
            .map(|&first| FourTaps {
                first: u32::try_from(first).unwrap_or(0),
                weights: [0; 4].map(|_: i16| weight(&mut random)),
            })
            .collect();
        let line = Line::new(taps.clone());
        let half = 1i64 << 13;
        let level = |sum: i64| ((sum + half) >> 14).clamp(0, 255) as u8;
        let weighted = |weights: [i16; 4], x: [u8; 4]| {
            let products = weights
                .iter()
                .zip(x)
                .map(|(&w, x)| i64::from(w) * i64::from(x));
            level(products.sum())
        };
        let expected: Vec<u8> = taps
            .iter()
            .flat_map(|taps| {
                let at = |i: usize, c: usize| source[3 * (taps.first as usize + i) + c];
                [0, 1, 2].map(|c| weighted(taps.weights, [0, 1, 2, 3].map(|i| at(i, c))))
            })
            .collect();
        check("columns", &mut random, &expected, None, |isa, out| {
            super::columns(isa, &source, &line, out);
        });

        let lines = [(); 4].map(|()| random.bytes(3 * width));
        let weights = [0; 4].map(|_: i16| weight(&mut random));
        let expected: Vec<u8> = (0..3 * width)
            .map(|i| weighted(weights, [0, 1, 2, 3].map(|line| lines[line][i])))
            .collect();
        check("rows", &mut random, &expected, None, |isa, out| {
            super::rows(isa, lines.each_ref().map(Vec::as_slice), weights, out);
        });
    }
}

#[test]
fn sampling_and_mixing() {
    let mut random = Random(4);
    for _ in 0..200 {
        let size = random.below(60) + 4;
        let mut patch = vec![[0; 4]; size * size];
        let bytes = random.bytes(4 * size * size);
        patch.as_flattened_mut().copy_from_slice(&bytes);
        // From one place inside of the patch to another, in up to a chunk's steps.
        let count = random.below(CHUNK) + 1;
        let inside = |random: &mut Random| random.below((size - 1) << 16) as i32;
        let start = [inside(&mut random), inside(&mut random)];
        let step = start.map(|from| (inside(&mut random) - from) / count as i32);
        let over: Vec<u8> = (0..4 * count)
            .map(|i| {
                let (pixel, c) = ((i / 4) as i32, i % 4);
                let place = [0, 1].map(|axis| start[axis] + pixel * step[axis]);
                let at = (place[1] >> 16) as usize * size + (place[0] >> 16) as usize;
                let corners = [at, at + 1, at + size, at + size + 1];
                let [a, b, d, e] = corners.map(|at| u64::from(patch[at][c]));
                let [x, y] = place.map(|place| (place >> 8 & 255) as u64);
                let above = (256 - y) * ((256 - x) * a + x * b);
                let below = y * ((256 - x) * d + x * e);
                ((above + below + 0x8000) >> 16) as u8
            })
            .collect();
        check("sample", &mut random, &over, None, |isa, out| {
            let mut pixels = [[0; 4]; CHUNK];
            let way = Way { start, step };
            super::sample(isa, (&patch, size), way, count, &mut pixels);
            out.copy_from_slice(&pixels.as_flattened()[..4 * count]);
        });

        let over = random.bytes(4 * CHUNK);
        let mut pixels = [[0; 4]; CHUNK];
        pixels.as_flattened_mut().copy_from_slice(&over);
        let under = {
            let length = 3 * (random.below(CHUNK) + 1);
            random.bytes(length)
        };
        let mixed: Vec<u8> = (0..under.len())
            .map(|i| {
                let [over, alpha] = [pixels[i / 3][i % 3], pixels[i / 3][3]].map(u64::from);
                let sum = over * alpha + u64::from(under[i]) * (255 - alpha);
                // Rounded to the nearest; 255 is odd, so there are no halves.
                ((2 * sum + 255) / 510) as u8
            })
            .collect();
        check("mix", &mut random, &mixed, Some(&under), |isa, out| {
            super::mix(isa, &pixels, out);
        });
    }
}

/// Division by 255 is exact for every input.
#[test]
fn mixing_rounds_to_the_nearest() {
    for alpha in 0..=255u8 {
        for over in (0..=255u8).step_by(3) {
            let under: Vec<u8> = (0..CHUNK).map(|i| (4 * i) as u8).collect();
            let mut rgb: Vec<u8> = under.iter().flat_map(|&x| [x; 3]).collect();
            super::mix(Isa::best(), &[[over, over, over, alpha]; CHUNK], &mut rgb);
            for (under, mixed) in under.iter().zip(rgb.as_chunks::<3>().0) {
                let (over, alpha) = (f64::from(over), f64::from(alpha));
                let exact = (over * alpha + f64::from(*under) * (255.0 - alpha)) / 255.0;
                assert!(
                    (f64::from(mixed[0]) - exact).abs() <= 0.5,
                    "{under} {over} {alpha}"
                );
            }
        }
    }
}

#[test]
fn levels_are_rounded_and_clamped() {
    let mut random = Random(5);
    let odd = [
        f32::NAN,
        f32::INFINITY,
        -f32::INFINITY,
        -0.0,
        1.0,
        0.5,
        -3.0,
        1.0 + f32::EPSILON,
    ];
    let planes: Vec<Vec<f32>> = (0..4)
        .map(|_| {
            let value = |random: &mut Random| match random.below(4) {
                0 => odd[random.below(odd.len())],
                _ => random.float() * 1.2 - 0.1,
            };
            (0..192).map(|_| value(&mut random)).collect()
        })
        .collect();
    for presence in [0.0, 0.333, 1.0] {
        let scales = [255.0, 255.0, 255.0, 255.0 * f64::from(presence)];
        for isa in Isa::all() {
            let mut out = vec![[0; 4]; 192];
            let [r, g, b, a] = [0, 1, 2, 3].map(|i| planes[i].as_slice());
            super::levels(isa, [r, g, b, a], presence, &mut out);
            for (i, pixel) in out.iter().enumerate() {
                for (c, scale) in scales.into_iter().enumerate() {
                    let value = f64::from(planes[c][i]);
                    let exact = if value.is_nan() {
                        0.0
                    } else {
                        value.clamp(0.0, 1.0)
                    } * scale;
                    let level = f64::from(pixel[c]);
                    assert!(
                        (level - exact).abs() <= 0.5 + 1e-4,
                        "{isa:?}: {value} became {level}"
                    );
                }
            }
        }
    }
}

/// Each pixel's place in its block, and its alpha scaled; presence 1 changes no alpha.
#[test]
fn blocks_become_rows() {
    let mut random = Random(6);
    for cells in [1, 2, 5, 48] {
        let width = 4 * cells;
        let blocks = random.bytes(cells * 48);
        let alphas = random.bytes(4 * width);
        for presence in [0, 1, 85, 256] {
            for isa in Isa::all() {
                let mut out = vec![[7; 4]; 4 * width];
                super::unblock(isa, &blocks, &alphas, presence, &mut out);
                for (at, pixel) in out.iter().enumerate() {
                    let (y, x) = (at / width, at % width);
                    let colour = &blocks[48 * (x / 4) + 12 * y + 3 * (x % 4)..][..3];
                    let exact = f64::from(alphas[at]) * f64::from(presence) / 256.0;
                    assert_eq!(&pixel[..3], colour, "{isa:?}, {x}, {y}");
                    assert!((f64::from(pixel[3]) - exact).abs() <= 0.5, "{isa:?}");
                }
            }
        }
    }
}
