//! A face's landmarks become a fitted head: its pose, its size, and how each shape moves its points.

use super::contours;
use super::head::{Head, POINTS};
use super::iris;
use super::landmarks::{EYES, Landmarks};
use super::picture::Picture;
use super::points::{LOWER_LIP, STABLE, UPPER_LIP};
use super::solid::{Point, Rotation, add, aligned, apply, scale, sub};
use crate::nearest::atan2;

/// Lips whose middles are nearer than this, in eyes, are shut.
const SHUT: f32 = 0.012;

/// A head fitted to a picture, in its pixels.
#[derive(Debug)]
pub(crate) struct Fit {
    /// The landmarks, x and y in the picture, z away from the camera; the lips meet where the picture
    /// shows it, and irises are as large as there.
    pub(crate) points: Vec<Point>,
    /// Pixels of one eye distance.
    pub(crate) eyes: f32,
    /// From the canonical head to the picture.
    pub(crate) turn: Rotation,
    /// How each of the head's shapes moves each point of the mesh, in pixels.
    pub(crate) moves: Vec<Vec<Point>>,
    /// Width of this mouth against the canonical one's.
    pub(crate) mouth: f32,
    /// Distance of the inner lips in the picture at each of their eleven columns, in pixels.
    pub(crate) gap: [f32; 11],
    /// Distance of the landmarks of lips that the picture shows shut, in eyes: lips that are seen from the
    /// side, or in shade, seem to part to networks.
    pub(crate) seen: f32,
}

impl Fit {
    pub(crate) fn new(head: &Head, picture: &Picture, landmarks: &Landmarks) -> Self {
        let mut fit = Self::of_points(head, landmarks.points.clone());
        let (eyes, down) = (fit.eyes, fit.direction([0.0, 1.0, 0.0]));
        let seen = gap(&fit.points, 5, down) / eyes;
        if seen < SHUT {
            fit.seen = seen;
            contours::meet(picture, &mut fit.points, eyes, down);
        } else {
            contours::part(picture, &mut fit.points, eyes, down);
        }
        iris::find(picture, &mut fit.points);
        fit.gap = gaps(&fit.points, down);
        let lips = lip_weights(head);
        fit.moves = head
            .moves
            .iter()
            .map(|shape| {
                let moved = shape.iter().zip(&lips);
                moved.map(|(&by, &lip)| fit.carried(by, lip)).collect()
            })
            .collect();
        fit
    }

    /// The head that these landmarks show, without what its shapes move.
    pub(crate) fn of_points(head: &Head, points: Vec<Point>) -> Self {
        let from = STABLE.map(|i| head.points[i]);
        let to = STABLE.map(|i| points[i]);
        let (eyes, turn) = aligned(&from, &to);
        let width = |points: &[Point], unit: f32| {
            let [x, y, z] = sub(points[291], points[61]);
            (x * x + y * y + z * z).sqrt() / unit
        };
        let mouth = (width(&points, eyes) / width(&head.points, 1.0)).clamp(0.75, 1.35);
        Self {
            gap: gaps(&points, apply(&turn, [0.0, 1.0, 0.0])),
            points,
            eyes,
            turn,
            moves: Vec::new(),
            mouth,
            seen: 0.0,
        }
    }

    /// A move of the canonical head's, `by`, as it is in the picture, of a point that belongs to the mouth
    /// by `lip`.
    pub(crate) fn carried(&self, by: Point, lip: f32) -> Point {
        let size = self.eyes * (1.0 + (self.mouth - 1.0) * lip);
        apply(&self.turn, scale(by, size))
    }

    /// Whether the head is one that a picture with this longer side can show, and flat enough to be
    /// one.
    pub(crate) fn is_plausible(&self, longer: usize) -> bool {
        let [_, _, eyes] = self.middle();
        let flat = self
            .points
            .iter()
            .all(|p| (p[2] - eyes).abs() < 4.0 * self.eyes);
        flat && self.eyes > 4.0 && self.eyes < 2.0 * longer as f32
    }

    /// The middle between the eyes' outer corners.
    pub(crate) fn middle(&self) -> Point {
        let [a, b] = EYES.map(|i| self.points[i]);
        scale(add(a, b), 0.5)
    }

    /// The head's own direction in the picture.
    pub(crate) fn direction(&self, along: Point) -> Point {
        apply(&self.turn, along)
    }

    /// Yaw, pitch and roll in degrees.
    pub(crate) fn angles(&self) -> [f32; 3] {
        let m = &self.turn;
        let degrees = 180.0 / std::f32::consts::PI;
        [
            atan2(-m[0][2], (m[1][2] * m[1][2] + m[2][2] * m[2][2]).sqrt()) * degrees,
            atan2(-m[1][2], m[2][2]) * degrees,
            atan2(m[1][0], m[0][0]) * degrees,
        ]
    }
}

fn gaps(points: &[Point], down: Point) -> [f32; 11] {
    std::array::from_fn(|column| gap(points, column, down).max(0.0))
}

/// Distance of the inner lips in a column, along `down`.
fn gap(points: &[Point], column: usize, down: Point) -> f32 {
    let by = sub(points[LOWER_LIP[3][column]], points[UPPER_LIP[3][column]]);
    by[0] * down[0] + by[1] * down[1]
}

/// How much a point belongs to the mouth, whose size is the person's own: 1 on the lips, 0 at the
/// eyes.
pub(crate) fn lip_weights(head: &Head) -> Vec<f32> {
    let middle = scale(add(head.points[13], head.points[14]), 0.5);
    (0..POINTS)
        .map(|i| {
            let [x, y, _] = sub(head.points[i], middle);
            1.0 - super::solid::smooth((x * x + y * y).sqrt(), 0.35, 0.75)
        })
        .collect()
}
