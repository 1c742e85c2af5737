//! The person in a picture, told from the ground by `MediaPipe`'s segmentation network (Apache-2.0).

use super::network::{Network, Tensor};
use super::picture::Picture;
use crate::imx::PERSON_PX;
use crate::{Result, nearest};

/// How much of each place is the person, `[PERSON_PX, PERSON_PX]` over the whole picture; nothing for a
/// picture that is transparent, which says so itself.
pub(crate) fn found(picture: &Picture) -> Result<Option<Vec<u8>>> {
    if picture.has_alpha() {
        return Ok(None);
    }
    let network = Network::read(include_bytes!("data/person.net"))?;
    let small = picture.resized(PERSON_PX, PERSON_PX);
    let levels = small.rgba.as_chunks::<4>().0.iter();
    let input = Tensor {
        shape: [PERSON_PX, PERSON_PX, 3],
        data: levels
            .flat_map(|&[r, g, b, _]| [r, g, b].map(|level| f32::from(level) / 255.0))
            .collect(),
    };
    let outputs = network.run(input)?;
    let logits = &outputs[0].data;
    let share = |logit: &f32| (255.0 / (1.0 + nearest::exp(-logit)) + 0.5) as u8;
    Ok(Some(logits.iter().map(share).collect()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_person_is_told_from_the_ground() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/data/juno.png");
        let picture = Picture::decode(&std::fs::read(path).unwrap()).unwrap();
        let person = found(&picture).unwrap().unwrap();
        let at = |x: usize, y: usize| person[y * PERSON_PX + x];
        for (x, y) in [(128, 120), (128, 60), (128, 240), (60, 90)] {
            assert!(at(x, y) > 200, "{x}, {y}: {}", at(x, y));
        }
        for (x, y) in [(10, 10), (245, 10), (20, 130), (236, 160)] {
            assert!(at(x, y) < 50, "{x}, {y}: {}", at(x, y));
        }
    }
}
