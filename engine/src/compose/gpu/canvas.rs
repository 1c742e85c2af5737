//! The texture of one session, and its inputs on the device.

use std::sync::{Arc, mpsc};

use super::{Gpu, checked, unavailable};
use crate::Result;
use crate::compose::arch::Isa;
use crate::compose::base::{BaseFrame, ChromaRows};
use crate::compose::blend::Patch;
use crate::geometry::Affine;

/// Bytes of `Picture` in the shader, and of a `Scanline`.
const PICTURE_BYTES: usize = 32;
const SCANLINE_BYTES: usize = 16;
/// Pixels that a work group of the shader covers in either direction.
const GROUP: u32 = 8;
/// Rows of a texture that is read back begin at multiples of this.
const ROW_ALIGNMENT: usize = wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize;

/// A texture that the pictures of one session are composed into, one after the other.
///
/// It has the avatar's own size, whatever
/// [`output_size`](crate::SessionOptions::output_size) says: the app scales the texture when it draws
/// it. A canvas shows no transparency: sessions of avatars that were keyed refuse it.
#[derive(Debug)]
pub struct Canvas {
    gpu: Gpu,
    size: (usize, usize),
    texture: wgpu::Texture,
    bindings: wgpu::BindGroup,
    picture: wgpu::Buffer,
    base: wgpu::Buffer,
    patch: wgpu::Buffer,
    scanlines: wgpu::Buffer,
    /// The base frame on the device.
    shown: Option<Arc<BaseFrame>>,
    /// The same as RGB.
    rgb: Vec<u8>,
    chroma: ChromaRows,
    /// Scanlines through the patch, as the shader reads them.
    scratch: Vec<u8>,
    /// For reading back; made when it is needed.
    staging: Option<wgpu::Buffer>,
}

impl Canvas {
    pub(super) fn new(gpu: Gpu, size: (usize, usize), patch_size: usize) -> Result<Self> {
        use wgpu::BufferUsages;

        let extent = extent(size);
        let (texture, bindings, buffers) = checked(gpu.device(), |device| {
            let texture = device.create_texture(&wgpu::TextureDescriptor {
                label: Some("essence picture"),
                size: extent,
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::Rgba8Unorm,
                usage: wgpu::TextureUsages::STORAGE_BINDING
                    | wgpu::TextureUsages::TEXTURE_BINDING
                    | wgpu::TextureUsages::COPY_SRC,
                view_formats: &[wgpu::TextureFormat::Rgba8UnormSrgb],
            });
            let buffer = |label, bytes: usize, usage| {
                device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some(label),
                    // Devices write and read whole words.
                    size: bytes.next_multiple_of(4) as u64,
                    usage: usage | BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                })
            };
            let buffers = [
                buffer("essence layout", PICTURE_BYTES, BufferUsages::UNIFORM),
                buffer("essence base", 3 * size.0 * size.1, BufferUsages::STORAGE),
                buffer(
                    "essence patch",
                    4 * patch_size * patch_size,
                    BufferUsages::STORAGE,
                ),
                buffer(
                    "essence scanlines",
                    SCANLINE_BYTES * size.1,
                    BufferUsages::STORAGE,
                ),
            ];
            let view = texture.create_view(&wgpu::TextureViewDescriptor {
                usage: Some(wgpu::TextureUsages::STORAGE_BINDING),
                ..wgpu::TextureViewDescriptor::default()
            });
            let [picture, base, patch, scanlines] = &buffers;
            let resources = [
                picture.as_entire_binding(),
                base.as_entire_binding(),
                patch.as_entire_binding(),
                scanlines.as_entire_binding(),
                wgpu::BindingResource::TextureView(&view),
            ];
            let mut binding = 0..;
            let entries = resources.map(|resource| wgpu::BindGroupEntry {
                binding: binding.next().unwrap_or_default(),
                resource,
            });
            let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("essence compose"),
                layout: &gpu.0.pipeline.get_bind_group_layout(0),
                entries: &entries,
            });
            (texture, bindings, buffers)
        })?;
        let [picture, base, patch, scanlines] = buffers;
        Ok(Self {
            size,
            texture,
            bindings,
            picture,
            base,
            patch,
            scanlines,
            shown: None,
            rgb: vec![0; 3 * size.0 * size.1],
            chroma: ChromaRows::default(),
            scratch: Vec::with_capacity(SCANLINE_BYTES * size.1),
            staging: None,
            gpu,
        })
    }

    /// The picture: `Rgba8Unorm` with levels as they are in the avatar's pictures, which is sRGB; to
    /// be drawn into a linear target through a view as `Rgba8UnormSrgb`. Alpha is 1.
    ///
    /// The work that fills it is submitted to the device's queue by
    /// [`draw`](crate::Session::draw), before whatever the app submits afterwards.
    pub fn texture(&self) -> &wgpu::Texture {
        &self.texture
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Waits for the picture and copies it into `rgba`: rows of R, G, B, 255 without padding.
    ///
    /// # Errors
    /// `ProviderUnavailable`: the device is lost.
    pub fn read_back(&mut self, rgba: &mut Vec<u8>) -> Result<()> {
        let (width, height) = self.size;
        let row = 4 * width;
        let stride = row.next_multiple_of(ROW_ALIGNMENT);
        let (device, queue) = (self.gpu.device(), self.gpu.queue());
        let staging = self.staging.get_or_insert_with(|| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("essence read back"),
                size: (stride * height) as u64,
                usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                mapped_at_creation: false,
            })
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: u32::try_from(stride).ok(),
            rows_per_image: None,
        };
        encoder.copy_texture_to_buffer(
            self.texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: staging,
                layout,
            },
            extent(self.size),
        );
        queue.submit([encoder.finish()]);
        let (sender, mapped) = mpsc::sync_channel(1);
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            // Nobody waits any more if polling failed.
            let _ = sender.send(result);
        });
        let lost = "the graphics device doesn't give its picture; make it anew";
        device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|error| unavailable(lost).with_source(error))?;
        mapped
            .recv()
            .map_err(|error| unavailable(lost).with_source(error))?
            .map_err(|error| unavailable(lost).with_source(error))?;
        let view = staging
            .get_mapped_range(..)
            .map_err(|error| unavailable(lost).with_source(error))?;
        rgba.clear();
        for line in view.chunks_exact(stride) {
            rgba.extend_from_slice(&line[..row]);
        }
        drop(view);
        staging.unmap();
        Ok(())
    }

    /// Composes one picture. Without a patch the base frame stands alone.
    pub(crate) fn compose(&mut self, base: &Arc<BaseFrame>, patch: Option<(&Patch, &Affine)>) {
        let queue = self.gpu.queue();
        let same = |shown: &Arc<BaseFrame>| Arc::ptr_eq(shown, base);
        if !self.shown.as_ref().is_some_and(same) {
            let rows = 0..self.size().1;
            base.write_rgb(Isa::best(), &mut self.chroma, rows, &mut self.rgb);
            write(queue, &self.base, &self.rgb);
            self.shown = Some(Arc::clone(base));
        }
        self.run(patch);
    }

    /// Shows a whole picture that is composed already: packed RGB.
    pub(crate) fn show(&mut self, rgb: &[u8]) {
        write(self.gpu.queue(), &self.base, rgb);
        self.shown = None;
        self.run(None);
    }

    /// Blends a patch over the base frame on the device.
    fn run(&mut self, patch: Option<(&Patch, &Affine)>) {
        let queue = self.gpu.queue();
        let (width, height) = self.size;
        let (mut first_row, mut step, mut patch_size) = (0, [0; 2], 0);
        self.scratch.clear();
        if let Some((patch, affine)) = patch {
            let rows = patch.rows(width, height, affine);
            first_row = rows.start;
            patch_size = patch.size();
            for (pixels, scanline) in patch.scanlines(rows, self.size, affine) {
                // Within the patch 16.16 bits are enough; a step that leaves it at once isn't taken.
                step = scanline.step.map(|x| i32::try_from(x).unwrap_or(0));
                let start = scanline.start.map(|x| i32::try_from(x).unwrap_or(0));
                let words = [word(pixels.start), word(pixels.len())];
                let words = words.into_iter().chain(start.map(i32::cast_unsigned));
                self.scratch.extend(words.flat_map(u32::to_le_bytes));
            }
            write(queue, &self.patch, patch.pixels().as_flattened());
            write(queue, &self.scanlines, &self.scratch);
        }
        let words = [
            word(width),
            word(height),
            word(first_row),
            word(self.scratch.len() / SCANLINE_BYTES),
            step[0].cast_unsigned(),
            step[1].cast_unsigned(),
            word(patch_size),
            0,
        ];
        write(
            queue,
            &self.picture,
            words.map(u32::to_le_bytes).as_flattened(),
        );

        let device = self.gpu.device();
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&self.gpu.0.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        pass.dispatch_workgroups(word(width).div_ceil(GROUP), word(height).div_ceil(GROUP), 1);
        drop(pass);
        queue.submit([encoder.finish()]);
    }
}

/// Writes `bytes` to the beginning of a buffer, which takes whole words.
fn write(queue: &wgpu::Queue, buffer: &wgpu::Buffer, bytes: &[u8]) {
    let (words, rest) = bytes.as_chunks::<4>();
    queue.write_buffer(buffer, 0, words.as_flattened());
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        queue.write_buffer(buffer, 4 * words.len() as u64, &last);
    }
}

fn extent((width, height): (usize, usize)) -> wgpu::Extent3d {
    wgpu::Extent3d {
        width: word(width),
        height: word(height),
        depth_or_array_layers: 1,
    }
}

/// Sizes of pictures and of their parts fit: a file's are limited to far less.
fn word(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
