// Composes a base frame and a mouth patch: the same integer arithmetic as on the processor (blend.rs,
// arch/portable/patch.rs), one invocation for each pixel.

struct Picture {
    size: vec2<u32>,
    // The rows that the patch covers.
    first_row: u32,
    row_count: u32,
    // From pixel to pixel of a row, in patch coordinates, 16.16 fixed point.
    step: vec2<i32>,
    // Pixels in a row of the patch.
    patch_size: u32,
}

// The pixels of a row that the patch covers.
struct Scanline {
    first: u32,
    count: u32,
    // Position of the first of them in the patch, 16.16 fixed point.
    start: vec2<i32>,
}

@group(0) @binding(0) var<uniform> picture: Picture;
// Packed bytes R, G, B.
@group(0) @binding(1) var<storage, read> base: array<u32>;
// R, G, B, alpha.
@group(0) @binding(2) var<storage, read> mouth: array<u32>;
@group(0) @binding(3) var<storage, read> scanlines: array<Scanline>;
@group(0) @binding(4) var out: texture_storage_2d<rgba8unorm, write>;

fn base_level(at: u32) -> u32 {
    return extractBits(base[at / 4u], 8u * (at % 4u), 8u);
}

fn mouth_levels(at: u32) -> vec4<u32> {
    return (vec4(mouth[at]) >> vec4(0u, 8u, 16u, 24u)) & vec4(255u);
}

// The patch between four of its pixels: weights of 1/256, rounded to the nearest once.
fn sample(place: vec2<i32>) -> vec4<u32> {
    let cell = vec2<u32>(place >> vec2(16u));
    let far = vec2<u32>((place >> vec2(8u)) & vec2(255));
    let near = vec2(256u) - far;
    let at = cell.y * picture.patch_size + cell.x;
    let below = at + picture.patch_size;
    let top = mouth_levels(at) * near.x + mouth_levels(at + 1u) * far.x;
    let bottom = mouth_levels(below) * near.x + mouth_levels(below + 1u) * far.x;
    return (top * near.y + bottom * far.y + 0x8000u) >> vec4(16u);
}

@compute @workgroup_size(8, 8)
fn compose(@builtin(global_invocation_id) pixel: vec3<u32>) {
    if any(pixel.xy >= picture.size) {
        return;
    }
    let at = 3u * (pixel.y * picture.size.x + pixel.x);
    var rgb = vec3(base_level(at), base_level(at + 1u), base_level(at + 2u));
    // Before the first row, and before the first pixel of a row, the differences are huge.
    let row = pixel.y - picture.first_row;
    if row < picture.row_count {
        let scanline = scanlines[row];
        let along = pixel.x - scanline.first;
        if along < scanline.count {
            let over = sample(scanline.start + i32(along) * picture.step);
            let sum = over.rgb * over.a + rgb * (255u - over.a);
            rgb = (2u * sum + 255u) / 510u;
        }
    }
    textureStore(out, pixel.xy, vec4(vec3<f32>(rgb) / 255.0, 1.0));
}
