//! Numbers of the points of `MediaPipe`'s mesh. Rows run from the person's right to the left, as in the
//! picture.

/// The upper lip, from its outline to where the lips meet.
pub(crate) const UPPER_LIP: [[usize; 11]; 4] = [
    [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291],
    [76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306],
    [62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292],
    [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308],
];
/// The lower lip, from its outline to where the lips meet.
pub(crate) const LOWER_LIP: [[usize; 11]; 4] = [
    [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291],
    [76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306],
    [62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292],
    [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308],
];
/// The face's outline, clockwise in the picture from the forehead's middle.
pub(crate) const OVAL: [usize; 36] = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
];
/// Points that no expression moves: eye corners, nose, forehead, temples.
pub(crate) const STABLE: [usize; 24] = [
    33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 48, 278, 98, 327, 10, 151, 9, 8, 107, 336, 127, 356,
    234, 454,
];
/// The points of an eye.
pub(crate) struct Eye {
    /// Corners, from the person's right to the left.
    pub(crate) corners: [usize; 2],
    /// The lids' edges, point above point.
    pub(crate) upper: [usize; 7],
    pub(crate) lower: [usize; 7],
    /// The crease above the upper lid, and the row above that.
    pub(crate) crease: [usize; 7],
    /// Between crease and brow.
    pub(crate) above: [usize; 7],
    /// Below the lower lid.
    pub(crate) bag: [usize; 7],
    /// Middle of the iris and four points of its edge.
    pub(crate) iris: [usize; 5],
}

/// The person's right eye, then the left one.
pub(crate) const EYES: [Eye; 2] = [
    Eye {
        corners: [33, 133],
        upper: [246, 161, 160, 159, 158, 157, 173],
        lower: [7, 163, 144, 145, 153, 154, 155],
        crease: [247, 30, 29, 27, 28, 56, 190],
        above: [113, 225, 224, 223, 222, 221, 189],
        bag: [25, 110, 24, 23, 22, 26, 112],
        iris: [468, 469, 470, 471, 472],
    },
    Eye {
        corners: [362, 263],
        upper: [398, 384, 385, 386, 387, 388, 466],
        lower: [382, 381, 380, 374, 373, 390, 249],
        crease: [414, 286, 258, 257, 259, 260, 467],
        above: [413, 441, 442, 443, 444, 445, 342],
        bag: [341, 256, 252, 253, 254, 339, 255],
        iris: [473, 474, 475, 476, 477],
    },
];
