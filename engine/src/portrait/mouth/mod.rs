//! The inside of a mouth: teeth, gums and tongue between parted lips, in the picture's own light.
//!
//! Teeth and tongue are the ICT head's, drawn by the studio (`data/*.png`: red is the light on teeth,
//! green that on gums and tongue). The upper ones lie on the skull, the lower ones and the tongue on
//! the jaw. Where the picture shows teeth itself, its own pixels are the upper ones.

mod colours;
mod layer;
pub(super) mod opening;
mod own;
mod seam;

use super::fit::Fit;
use super::picture::Picture;
use super::rig::Posed;
use super::solid::{Point, add, apply, scale, smooth};
use crate::Result;
use crate::warp::Canvas;
use colours::Colours;
use layer::{Frame, Layer};
use opening::Lips;
use own::Own;
pub(crate) use seam::Seam;

/// Width of the studio's pictures in distances between the eyes.
const SPAN: f32 = 0.8;
/// How far behind the lips the front teeth lie, in eyes.
const BEHIND: f32 = 0.06;
/// How much lower the upper teeth and how much higher the lower ones lie than the ICT head's, which
/// shows hardly any of them in speech; in eyes.
const UPPER_LOW: f32 = 0.04;
const LOWER_HIGH: f32 = 0.005;
/// Sum of funnel and pucker at which lips begin to be rounded, and where they wholly are. Then they stand
/// out before the teeth: the upper lip hides its teeth, the jaw is lower than the jaw's coefficient, which is
/// small for them, says, and less light falls in. How much higher and lower the teeth lie, in eyes, and the
/// share of light that is lost: on drawn ones, and on the picture's own, which lie in the picture's light.
const ROUNDED: [f32; 2] = [0.2, 0.8];
const ROUNDED_UPPER: f32 = 0.03;
const ROUNDED_LOWER: f32 = 0.07;
const ROUNDED_DARK: [f32; 2] = [0.45, 0.2];
/// Light on the lower teeth, of that on the upper ones.
const LOWER_LIGHT: f32 = 0.88;
/// Gap of the picture's own lips, in eyes, from which its own mouth is shown.
const OWN: f32 = 0.03;
/// How far below the upper lip the picture's own teeth are free of it, and how far above that gums begin
/// and end to take their place, in eyes.
const UNDER_LIP: f32 = 0.012;
const GUMS: [f32; 2] = [0.045, 0.08];

/// The inside of one portrait's mouth.
#[derive(Debug)]
pub(crate) struct Mouth {
    upper: Layer,
    lower: Layer,
    tongue: Layer,
    colours: Colours,
    pub(crate) seam: Seam,
    /// The picture's own open mouth.
    own: Option<Own>,
}

impl Mouth {
    /// # Errors
    /// `Internal` if the pictures inside the library are damaged.
    pub(crate) fn new(fit: &Fit, picture: &Picture) -> Result<Self> {
        let mut mouth = Self::painted(fit, picture)?;
        mouth.own = (fit.gap[5] > OWN * fit.eyes).then(|| Own::of(fit, picture));
        if let Some(own) = mouth.own.as_ref().filter(|own| own.teeth) {
            mouth.colours.teeth = own.colour();
        }
        Ok(mouth)
    }

    /// The inside as it is painted, whatever the picture's own mouth shows.
    ///
    /// # Errors
    /// `Internal` if the pictures inside the library are damaged.
    pub(crate) fn painted(fit: &Fit, picture: &Picture) -> Result<Self> {
        let pixels = SPAN * fit.eyes * fit.mouth;
        let layer = |bytes| Layer::read(bytes, pixels);
        Ok(Self {
            upper: layer(include_bytes!("../data/upper.png").as_slice())?,
            lower: layer(include_bytes!("../data/lower.png").as_slice())?,
            tongue: layer(include_bytes!("../data/tongue.png").as_slice())?,
            colours: Colours::of(fit, picture),
            seam: Seam::of(fit, picture),
            own: None,
        })
    }

    /// Whether the picture's own mouth is open.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Draws the inside between the lips as they are posed.
    pub(crate) fn draw(&self, fit: &Fit, posed: &Posed, tongue_tip: f32, canvas: &mut Canvas) {
        let Some(lips) = Lips::new(fit, posed) else {
            return;
        };
        let turn = |along: Point| apply(&posed.head.turn, fit.direction(along));
        let behind = fit.direction([0.0, 0.0, BEHIND * fit.eyes]);
        // The middle of the line between the lips, at rest.
        let seam = scale(add(fit.points[13], fit.points[14]), 0.5);
        let origin = posed.head.apply(add(seam, behind));
        let jaw = scale(turn([0.0, 1.0, 0.0]), posed.jaw * fit.eyes);
        let lift = (0.03 + tongue_tip.min(0.5) * 0.16) * fit.eyes;
        let up = scale(turn([0.0, -1.0, 0.0]), lift);
        let frame =
            |origin: Point| Frame::new(origin, turn([1.0, 0.0, 0.0]), turn([0.0, 1.0, 0.0]));
        let rounded = smooth(posed.rounded, ROUNDED[0], ROUNDED[1]);
        let low = UPPER_LOW - ROUNDED_UPPER * rounded;
        let low = scale(turn([0.0, 1.0, 0.0]), low * fit.eyes * fit.mouth);
        let high = LOWER_HIGH - ROUNDED_LOWER * rounded;
        let high = scale(turn([0.0, -1.0, 0.0]), high * fit.eyes * fit.mouth);
        let (upper, lower) = (frame(add(origin, low)), frame(add(add(origin, jaw), high)));
        let tongue = frame(add(add(origin, jaw), up));
        // Little light falls through a narrow gap.
        let [drawn, own_light] = ROUNDED_DARK.map(|lost| 1.0 - lost * rounded);
        let light = drawn * (0.86 + 0.14 * smooth(lips.widest / fit.eyes, 0.02, 0.15));
        let (width, height) = canvas.size();
        let [left, top, right, bottom] = lips.bounds(width, height);
        let farther = smooth((lips.widest - fit.gap[5]) / fit.eyes, 0.0, 0.03);
        let shows_teeth = self.own.as_ref().is_some_and(|own| own.teeth);
        // A pixel's place in the picture, for the picture's own teeth.
        let back = super::solid::transposed(&posed.head.turn);
        let anchor = seam;
        let anchor_now = posed.head.apply(anchor);
        for y in top..bottom {
            let row = canvas.row_mut(y);
            for (x, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
                let at = [x as f32 + 0.5, y as f32 + 0.5];
                let (mask, below_upper, above_lower) = lips.inside(at);
                if mask <= 0.0 {
                    continue;
                }
                let colours = &self.colours;
                let mut colour = colours.dark;
                let mut lay = |layer: &Layer, frame: &Frame, light: f32| {
                    let [tooth, flesh, cover] = layer.at(frame.coordinates(at));
                    let shade = 1.0 - light * tooth;
                    for (c, value) in colour.iter_mut().enumerate() {
                        let tooth = tooth * colours.teeth[c] * (1.0 + shade * colours.shade[c]);
                        *value =
                            *value * (1.0 - cover) + light * (tooth + flesh * colours.flesh[c]);
                    }
                };
                lay(&self.tongue, &tongue, 0.9 * light);
                lay(&self.lower, &lower, LOWER_LIGHT * light);
                if !shows_teeth {
                    lay(&self.upper, &upper, light);
                }
                // The lips' shadow, above all the upper one's.
                let shadow = |distance: f32, reach: f32| {
                    let t = (distance / (reach * fit.eyes)).max(0.0);
                    1.0 / (1.0 + t * t)
                };
                let shade =
                    1.0 - 0.36 * shadow(below_upper, 0.022) - 0.18 * shadow(above_lower, 0.015);
                colour = colour.map(|v| v * shade.max(0.2));
                if let Some(own) = &self.own {
                    let by = [at[0] - anchor_now[0], at[1] - anchor_now[1], 0.0];
                    let was = add(anchor, apply(&back, by));
                    let (was, lifted) = own.below_lip([was[0], was[1]], UNDER_LIP * fit.eyes);
                    let gum = smooth(lifted / fit.eyes, GUMS[0], GUMS[1]);
                    if let Some((own, share)) = own.at(was, farther) {
                        for (c, value) in colour.iter_mut().enumerate() {
                            let own = own[c] + gum * (0.9 * colours.flesh[c] - own[c]);
                            let own = own_light * own;
                            *value += share * (own - *value);
                        }
                    }
                }
                for (level, value) in pixel.iter_mut().zip(colour) {
                    let under = f32::from(*level);
                    *level = (under + mask * (value - under) + 0.5).clamp(0.0, 255.0) as u8;
                }
            }
        }
    }
}
