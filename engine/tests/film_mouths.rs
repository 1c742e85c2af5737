//! A film's own open mouths, which show between the lips.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/films.rs"]
mod films;
#[path = "common/portraits.rs"]
mod portraits;

use essence::{ErrorKind, Frame};
use films::{Warp, count, refused, spoken};
use serde_json::{Value, json};

#[test]
fn the_film_s_own_mouths_show_by_their_gaps() {
    let (blue, green) = ([20, 20, 230], [20, 230, 20]);
    let count = |frames: &[Frame], colour: [u8; 3]| -> usize {
        frames.iter().map(|frame| count(frame, colour)).sum()
    };
    let only = spoken(&Warp::of_film(&[(blue, 0.1)]).open().unwrap());
    assert!(count(&only, blue) > 1000, "one mouth serves every gap");
    assert_eq!(
        count(&only[..1], blue),
        0,
        "and none where the lips are shut"
    );
    let both = spoken(
        &Warp::of_film(&[(blue, 0.02), (green, 0.08)])
            .open()
            .unwrap(),
    );
    assert!(
        count(&both, blue) > 50 && count(&both, green) > 500,
        "nearly shut, and wide"
    );
    assert!(count(&both, green) < count(&only, blue), "not all of them");
}

#[test]
fn mouths_show_by_their_width_and_by_the_chin_s_distance() {
    let (blue, green) = ([20, 20, 230], [20, 230, 20]);
    let shown = |widths: Value, chins: Value, colours: [[u8; 3]; 2]| {
        let mut warp = Warp::of_film(&[([230, 230, 20], 0.1)]);
        let said = json!({"file": "warp/shapes.jpg", "widths": widths, "chins": chins});
        warp.shapes = Some((colours.to_vec(), said));
        let frames = spoken(&warp.open().unwrap());
        [[230, 230, 20], colours[0], colours[1]]
            .map(|colour| -> usize { frames.iter().map(|frame| count(frame, colour)).sum() })
    };
    // Mouths are between 0.1 and 1 eyes wide, and chins lie as far below.
    let narrow = shown(json!([[0.05, 0.06]]), json!([[0.0]]), [blue, green]);
    let wide = shown(json!([[2.0, 3.0]]), json!([[0.0]]), [blue, green]);
    assert_eq!([narrow[0], narrow[1], wide[0], wide[2]], [0; 4]);
    assert!(narrow[2] > 1000 && wide[1] > 1000, "{narrow:?}, {wide:?}");
    let near = shown(json!([[0.0]]), json!([[2.0, 3.0]]), [blue, green]);
    let far = shown(json!([[0.0]]), json!([[0.01, 0.02]]), [blue, green]);
    assert_eq!([near[1], near[2]], [wide[1], 0]);
    assert_eq!([far[1], far[2]], [0, narrow[2]]);
}

#[test]
fn mouths_are_the_same_however_the_sound_is_cut() {
    let avatar = Warp::of_shapes().open().unwrap();
    assert!(films::is_the_same_however_cut(&avatar));
}

#[test]
fn mouths_that_don_t_fit_are_refused() {
    let mouths = |gaps: &[f32]| Some((vec![[90, 20, 20]; 2], gaps.to_vec()));
    refused(
        &|warp| warp.mouths = mouths(&[0.1, 0.1]),
        "warp.mouths.gaps",
    );
    refused(&|warp| warp.mouths = mouths(&[0.1]), "warp/mouths.jpg");
    let shapes = |key: &str, value: Value, says: &str| {
        let change = |warp: &mut Warp| {
            *warp = Warp::of_shapes();
            let (_, said) = warp.shapes.as_mut().unwrap();
            said[key] = value.clone();
        };
        refused(&change, says);
    };
    shapes("widths", json!([[0.4, 0.6]]), "1 lists for 2 gaps");
    shapes("widths", json!([[0.4, 0.6], [0.4]]), "2 numbers for each");
    shapes("chins", json!([[0.4, 0.3], [0.4, 0.5]]), "smaller than");
    shapes(
        "chins",
        json!([[0.4, 1e30], [0.4, 0.5]]),
        "2 numbers for each",
    );
    shapes("chins", json!([[], []]), "at least 1");
    shapes("widths", json!([[0.4], [0.4]]), "warp/shapes.jpg");
    shapes("file", json!("warp/none.jpg"), "warp/none.jpg");
    let mut many = Warp::of_shapes();
    many.shapes.as_mut().unwrap().1["widths"] = json!([vec![0.4; 9], vec![0.4; 9]]);
    assert_eq!(many.open().unwrap_err().kind(), ErrorKind::LimitExceeded);
}
