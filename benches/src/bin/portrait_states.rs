//! Draws a portrait in states of its rig, for the studio: `python -m essence_studio.portrait`, `create --distill`.
//!
//!     portrait_states PICTURE < states > pictures
//!
//! A state is 36 little-endian f32; their order is that of `essence::internals::STATE`. First comes the
//! header, three little-endian u32 and an f32: width and height in pixels, number of landmarks, distance
//! of the eyes in pixels. Then, as soon as each state is read, an f32, the distance of the lips in pixels;
//! three u32, pixels of holes and folds and corners gone astray; the landmarks, x and y as f32 in pixels;
//! and the picture, packed RGBA. At the end the time of a frame is printed.

#![expect(
    clippy::print_stderr,
    reason = "a program that says how long a frame took"
)]

use std::io::{Read, Write};
use std::time::Instant;

use essence::internals::{PortraitStates, STATE};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: portrait_states PICTURE < states > pictures")?;
    let mut states = PortraitStates::new(&std::fs::read(path)?)?;
    let (width, height) = states.size();
    let mut out = std::io::stdout().lock();
    let landmarks = states.landmarks(&[0.0; STATE]).len();
    for number in [width, height, landmarks] {
        out.write_all(&u32::try_from(number)?.to_le_bytes())?;
    }
    out.write_all(&states.eyes_px().to_le_bytes())?;
    out.flush()?;
    let mut times = Vec::new();
    let mut bytes = [0; 4 * STATE];
    let mut input = std::io::stdin().lock();
    while input.read_exact(&mut bytes).is_ok() {
        let mut state = [0.0; STATE];
        for (value, bytes) in state.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        let began = Instant::now();
        let (pixels, lips) = states.draw(&state);
        times.push(began.elapsed());
        out.write_all(&lips.to_le_bytes())?;
        let pixels = pixels.to_vec();
        let faults = states.faults(&state);
        for count in [faults.holes, faults.folds, faults.strays] {
            out.write_all(&u32::try_from(count)?.to_le_bytes())?;
        }
        for coordinate in states.landmarks(&state).as_flattened() {
            out.write_all(&coordinate.to_le_bytes())?;
        }
        out.write_all(pixels.as_flattened())?;
        out.flush()?;
    }
    times.sort_unstable();
    if let Some(median) = times.get(times.len() / 2) {
        eprintln!("{} states, median {median:.2?} a frame", times.len());
    }
    Ok(())
}
