//! Every kernel of every instruction set against a scalar oracle, on random rows of random lengths
//! at random places in memory.

use super::{CHUNK, FourTaps, HorizontalTaps, Isa, SamplingPath, Ycbcr};

/// A small generator of pseudo-random numbers, the same on every run.
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

/// Compares the output of a kernel for each instruction set; bytes around it have to stay.
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
        check("rgb_to_bgr", &mut random, &swapped, None, |isa, out| {
            super::rgb_to_bgr(isa, &rgb, out);
        });
        check("rgb_to_rgba", &mut random, &wide, None, |isa, out| {
            super::rgb_to_rgba(isa, &rgb, out);
        });
        check("rgb_to_bgra", &mut random, &both, None, |isa, out| {
            super::rgb_to_bgra(isa, &rgb, out);
        });
    }
}

#[test]
fn formats_with_alpha() {
    let mut random = Random(8);
    for width in (1..70).chain([255, 512, 721]) {
        let (rgb, alpha) = (random.bytes(3 * width), random.bytes(width));
        let pixels = || rgb.as_chunks::<3>().0.iter().zip(&alpha);
        let rgba: Vec<u8> = pixels().flat_map(|(&[r, g, b], &a)| [r, g, b, a]).collect();
        let bgra: Vec<u8> = pixels().flat_map(|(&[r, g, b], &a)| [b, g, r, a]).collect();
        check(
            "rgb_and_alpha_to_rgba",
            &mut random,
            &rgba,
            None,
            |isa, out| {
                super::rgb_and_alpha_to_rgba(isa, &rgb, &alpha, out);
            },
        );
        check(
            "rgb_and_alpha_to_bgra",
            &mut random,
            &bgra,
            None,
            |isa, out| {
                super::rgb_and_alpha_to_bgra(isa, &rgb, &alpha, out);
            },
        );
    }
}

/// Every level of a stored matte.
#[test]
fn mattes_become_alpha() {
    let levels: Vec<u8> = (0..=255).collect();
    let alpha: Vec<u8> = (0..=255)
        .map(|level| {
            (f64::from(level - 24) / 208.0 * 255.0)
                .round()
                .clamp(0.0, 255.0) as u8
        })
        .collect();
    check(
        "matte_to_alpha",
        &mut Random(9),
        &alpha,
        Some(&levels),
        |isa, out| {
            super::matte_to_alpha(isa, out);
        },
    );
}

const STANDARDS: [Ycbcr; 4] = [
    Ycbcr::Bt601Limited,
    Ycbcr::Bt601Full,
    Ycbcr::Bt709Limited,
    Ycbcr::Bt709Full,
];

/// Y, Cb and Cr of mean levels by the standards' own words, in numbers that are not rounded.
fn exact(standard: Ycbcr, [r, g, b]: [f64; 3]) -> [f64; 3] {
    let (kr, kb) = match standard {
        Ycbcr::Bt601Limited | Ycbcr::Bt601Full => (0.299, 0.114),
        Ycbcr::Bt709Limited | Ycbcr::Bt709Full => (0.2126, 0.0722),
    };
    let (black, luma, chroma) = match standard {
        Ycbcr::Bt601Limited | Ycbcr::Bt709Limited => (16.0, 219.0 / 255.0, 224.0 / 255.0),
        Ycbcr::Bt601Full | Ycbcr::Bt709Full => (0.0, 1.0, 1.0),
    };
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let (cb, cr) = ((b - y) / (2.0 - 2.0 * kb), (r - y) / (2.0 - 2.0 * kr));
    [black + luma * y, 128.0 + chroma * cb, 128.0 + chroma * cr]
}

/// Weights of 16 bits keep every level within rounding, and grey is grey.
#[test]
fn weights_are_those_of_the_standards() {
    let mut random = Random(10);
    for standard in STANDARDS {
        for round in 0..2_000 {
            let rgb = match round {
                0..256 => [round as u8; 3],
                _ => [0; 3].map(|_: u8| random.below(256) as u8),
            };
            let [mut y, mut u, mut v] = [[0]; 3];
            super::rgb_to_y(Isa::PORTABLE, standard, &rgb, &mut y);
            let pair = rgb.repeat(2);
            super::rgb_to_uv(Isa::PORTABLE, standard, &pair, &pair, &mut u, &mut v);
            let exact = exact(standard, rgb.map(f64::from));
            for (level, exact) in [y[0], u[0], v[0]].into_iter().zip(exact) {
                let off = (f64::from(level) - exact.min(255.0)).abs();
                assert!(off < 0.51, "{standard:?}, {rgb:?}: {level}, not {exact}");
            }
            assert!(
                round >= 256 || (u[0], v[0]) == (128, 128),
                "{standard:?}: grey {round}"
            );
        }
    }
}

#[test]
fn luma_and_chroma() {
    let mut random = Random(2);
    for width in (1..70).chain([255, 512, 721]) {
        let (top, bottom) = (random.bytes(3 * width), random.bytes(3 * width));
        let at = |row: &[u8], x: usize| [0, 1, 2].map(|c| i64::from(row[3 * x + c]));
        let dot = |weights: [i32; 3], rgb: [i64; 3]| {
            let products = weights.iter().zip(rgb).map(|(&w, x)| i64::from(w) * x);
            products.sum::<i64>()
        };
        for standard in STANDARDS {
            let weights = standard.weights();
            let luma: Vec<u8> = (0..width)
                .map(|x| {
                    let sum = dot(weights.y, at(&top, x)) + i64::from(weights.y_offset);
                    (sum >> 16) as u8
                })
                .collect();
            check("rgb_to_y", &mut random, &luma, None, |isa, out| {
                super::rgb_to_y(isa, standard, &top, out);
            });
            let chroma: Vec<[u8; 2]> = (0..width / 2)
                .map(|x| {
                    let pixels = [&top, &bottom].map(|row| [at(row, 2 * x), at(row, 2 * x + 1)]);
                    let pixels = pixels.as_flattened();
                    let sums = [0, 1, 2].map(|c| pixels.iter().map(|pixel| pixel[c]).sum::<i64>());
                    let middle = i64::from(weights.middle);
                    [weights.cb, weights.cr].map(|w| ((dot(w, sums) + middle) >> 18) as u8)
                })
                .collect();
            let planes: Vec<u8> = [0, 1]
                .into_iter()
                .flat_map(|i| chroma.iter().map(move |uv| uv[i]))
                .collect();
            check("rgb_to_uv", &mut random, &planes, None, |isa, out| {
                let (u, v) = out.split_at_mut(width / 2);
                super::rgb_to_uv(isa, standard, &top, &bottom, u, v);
            });
            let turns = chroma.as_flattened();
            check(
                "rgb_to_uv_interleaved",
                &mut random,
                turns,
                None,
                |isa, out| {
                    super::rgb_to_uv_interleaved(isa, standard, &top, &bottom, out);
                },
            );
        }
    }
}

/// Base frames back to RGB, with chroma of any neighbours.
#[test]
fn stored_colors() {
    let mut random = Random(7);
    for width in (1..70).chain([255, 512, 721]) {
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
                .map(|color| ((16 * y + 8 + color) >> 4).clamp(0, 255) as u8)
            })
            .collect();
        check("ycc_to_rgb", &mut random, &rgb, None, |isa, out| {
            super::ycc_to_rgb(isa, &luma, &blue, &red, out);
        });
    }
}

#[test]
fn resampling() {
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
        let horizontal = HorizontalTaps::new(taps.clone());
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
        check(
            "resample_horizontally",
            &mut random,
            &expected,
            None,
            |isa, out| {
                super::resample_horizontally(isa, &source, &horizontal, out);
            },
        );

        let rows = [(); 4].map(|()| random.bytes(3 * width));
        let weights = [0; 4].map(|_: i16| weight(&mut random));
        let expected: Vec<u8> = (0..3 * width)
            .map(|i| weighted(weights, [0, 1, 2, 3].map(|row| rows[row][i])))
            .collect();
        check(
            "resample_vertically",
            &mut random,
            &expected,
            None,
            |isa, out| {
                super::resample_vertically(isa, rows.each_ref().map(Vec::as_slice), weights, out);
            },
        );
    }
}

#[test]
fn sampling_and_blending() {
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
            let path = SamplingPath { start, step };
            super::sample(isa, (&patch, size), path, count, &mut pixels);
            out.copy_from_slice(&pixels.as_flattened()[..4 * count]);
        });

        let over = random.bytes(4 * CHUNK);
        let mut pixels = [[0; 4]; CHUNK];
        pixels.as_flattened_mut().copy_from_slice(&over);
        let under = {
            let length = 3 * (random.below(CHUNK) + 1);
            random.bytes(length)
        };
        let blended: Vec<u8> = (0..under.len())
            .map(|i| {
                let [over, alpha] = [pixels[i / 3][i % 3], pixels[i / 3][3]].map(u64::from);
                let sum = over * alpha + u64::from(under[i]) * (255 - alpha);
                // Rounded to the nearest; 255 is odd, so there are no halves.
                ((2 * sum + 255) / 510) as u8
            })
            .collect();
        check("blend", &mut random, &blended, Some(&under), |isa, out| {
            super::blend(isa, &pixels, out);
        });
    }
}

/// Division by 255 is exact for every input.
#[test]
fn blending_rounds_to_the_nearest() {
    for alpha in 0..=255u8 {
        for over in (0..=255u8).step_by(3) {
            let under: Vec<u8> = (0..CHUNK).map(|i| (4 * i) as u8).collect();
            let mut rgb: Vec<u8> = under.iter().flat_map(|&x| [x; 3]).collect();
            super::blend(Isa::best(), &[[over, over, over, alpha]; CHUNK], &mut rgb);
            for (under, blended) in under.iter().zip(rgb.as_chunks::<3>().0) {
                let (over, alpha) = (f64::from(over), f64::from(alpha));
                let exact = (over * alpha + f64::from(*under) * (255.0 - alpha)) / 255.0;
                assert!(
                    (f64::from(blended[0]) - exact).abs() <= 0.5,
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
    for opacity in [0.0, 0.333, 1.0] {
        let scales = [255.0, 255.0, 255.0, 255.0 * f64::from(opacity)];
        for isa in Isa::all() {
            let mut out = vec![[0; 4]; 192];
            let [r, g, b, a] = [0, 1, 2, 3].map(|i| planes[i].as_slice());
            super::quantize(isa, [r, g, b, a], opacity, &mut out);
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

/// Each pixel's place in its block, and its alpha scaled; opacity 1 changes no alpha.
#[test]
fn blocks_become_rows() {
    let mut random = Random(6);
    for cells in [1, 2, 5, 48] {
        let width = 4 * cells;
        let blocks = random.bytes(cells * 48);
        let alphas = random.bytes(4 * width);
        for opacity in [0, 1, 85, 256] {
            for isa in Isa::all() {
                let mut out = vec![[7; 4]; 4 * width];
                super::depth_to_space(isa, &blocks, &alphas, opacity, &mut out);
                for (at, pixel) in out.iter().enumerate() {
                    let (y, x) = (at / width, at % width);
                    let color = &blocks[48 * (x / 4) + 12 * y + 3 * (x % 4)..][..3];
                    let exact = f64::from(alphas[at]) * f64::from(opacity) / 256.0;
                    assert_eq!(&pixel[..3], color, "{isa:?}, {x}, {y}");
                    assert!((f64::from(pixel[3]) - exact).abs() <= 0.5, "{isa:?}");
                }
            }
        }
    }
}
