//! Pictures composed by a graphics processor, into a texture (feature `gpu-compose`).
//!
//! A [`Gpu`] holds a device of `wgpu`: the app's own, whose textures the app draws without a copy, or
//! the system's. A [`Canvas`] is the texture of one session, for
//! [`FrameRequest::into_canvas`](crate::FrameRequest::into_canvas). Each frame uploads the mouth patch, and
//! the base frame where it differs from the last one.
//!
//! ```no_run
//! # fn main() -> essence::Result<()> {
//! # use essence::FrameRequest;
//! # let avatar = essence::Engine::builder().build()?.open("mika.imx")?;
//! let session = avatar.session(essence::SessionOptions::default())?;
//! let gpu = essence::gpu::Gpu::new()?; // or Gpu::with_device(device, queue)
//! let mut canvas = gpu.canvas(&avatar)?;
//! let mut frame = essence::Frame::new();
//! while session.draw(&mut frame, FrameRequest::into_canvas(&mut canvas))?.is_frame() {
//!     // draw canvas.texture(), play frame.audio()
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The shader's arithmetic is the processor's, on integers: the same levels on every device. `wgpu`
//! chooses the graphics interface: Vulkan, Metal or Direct3D 12. A canvas shows no transparency:
//! avatars that were keyed are refused.

mod canvas;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::{Avatar, Error, ErrorKind, Result};
pub use canvas::Canvas;
/// The crate whose devices and textures these are.
pub use wgpu;

/// A device that composes pictures.
///
/// Cheap to clone; `Send` and `Sync`. One serves all sessions.
#[derive(Clone, Debug)]
pub struct Gpu(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::ComputePipeline,
}

impl Gpu {
    /// The system's preferred device; a software driver where there is no other.
    ///
    /// # Errors
    /// `ProviderUnavailable`: the system has no adapter with a driver, or none that computes.
    pub fn new() -> Result<Self> {
        let options = wgpu::InstanceDescriptor::new_without_display_handle();
        let instance = wgpu::Instance::new(options);
        let adapter = wait(instance.request_adapter(&wgpu::RequestAdapterOptions::default()));
        let adapter = adapter.map_err(|error| {
            unavailable(
                "no graphics adapter was found; install a driver for Vulkan, Metal or Direct3D 12 \
                 (Debian's software driver is mesa-vulkan-drivers), or compose on the CPU",
            )
            .with_source(error)
        })?;
        let limits = wgpu::Limits::downlevel_defaults().using_resolution(adapter.limits());
        let description = wgpu::DeviceDescriptor {
            label: Some("essence"),
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = wait(adapter.request_device(&description)).map_err(|error| {
            let name = adapter.get_info().name;
            unavailable(format!("the graphics adapter \"{name}\" gives no device"))
                .with_source(error)
        })?;
        Self::with_device(device, queue)
    }

    /// A device of the app's own. The app draws its textures without a copy.
    ///
    /// # Errors
    /// `ProviderUnavailable`: the device can't run the shader, for example because it was made
    /// without compute shaders.
    pub fn with_device(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self> {
        let pipeline = checked(&device, |device| {
            let module = device.create_shader_module(wgpu::include_wgsl!("compose.wgsl"));
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("essence compose"),
                layout: None,
                module: &module,
                entry_point: Some("compose"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        })?;
        Ok(Self(Arc::new(Inner {
            device,
            queue,
            pipeline,
        })))
    }

    /// A texture for the pictures of one session of `avatar`, of the avatar's own size.
    ///
    /// # Errors
    /// `ProviderUnavailable`: the device has no room for it.
    pub fn canvas(&self, avatar: &Avatar) -> Result<Canvas> {
        let info = avatar.info();
        let size = (info.frame_width, info.frame_height);
        Canvas::new(self.clone(), size, info.patch_size)
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.0.device
    }

    /// The device's queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.0.queue
    }
}

/// Makes something on a device. A complaint of the device is the error.
fn checked<T>(device: &wgpu::Device, make: impl FnOnce(&wgpu::Device) -> T) -> Result<T> {
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let made = make(device);
    let problems = [wait(validation.pop()), wait(memory.pop())];
    match problems.into_iter().flatten().next() {
        Some(problem) => {
            let name = device.adapter_info().name;
            let message = format!("the graphics device \"{name}\" can't compose pictures");
            Err(unavailable(message).with_source(problem))
        }
        None => Ok(made),
    }
}

#[cold]
fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::ProviderUnavailable, message)
}

/// The output of `future`. Outside of browsers, `wgpu`'s futures are ready at once.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}
