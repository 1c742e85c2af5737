use super::*;
use crate::portrait::head::Head;

/// The canonical face, 120 pixels from eye to eye, in which the rows above the eyes reach beyond their
/// inner corners by a share of that, as in a face that squints.
fn squinting(share: f32) -> Fit {
    let head = Head::read(crate::portrait::HEAD).expect("the library's own");
    let place = |&p: &Point| add(scale(p, 120.0), [256.0, 220.0, 0.0]);
    let mut points: Vec<Point> = head.points.iter().map(place).collect();
    points.resize(478, points[168]);
    for (eye, column, sign) in [(&EYES[0], 6, 1.0), (&EYES[1], 0, -1.0)] {
        for row in [eye.crease, eye.above] {
            points[row[column]][0] += sign * share * 120.0;
        }
    }
    Fit::of_points(&head, points)
}

#[test]
fn a_lid_reaches_no_farther_than_the_column_at_its_corner() {
    for share in [0.0, 0.04, 0.08] {
        let fit = squinting(share);
        for (number, side) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let columns = columns(&fit, number);
            let [lid, corner] = if side == 0 { [2, 1] } else { [8, 9] }.map(|k| columns[k].rest[0]);
            let ([x, y, _], out) = (sub(corner, lid), outward(&fit, number, side));
            let room = x * out[0] + y * out[1];
            assert!(room > 0.0, "eye {number}, corner {side}, {share}: {room}");
        }
    }
}
