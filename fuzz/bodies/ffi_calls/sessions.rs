//! Sessions, what they are told, and their clocks.

use std::ptr;

use arbitrary::Arbitrary;
use essence_c::*;

use super::input::{Number, Room, Size, Text};
use super::world::{World, pick, take};

#[derive(Arbitrary, Debug)]
pub(super) enum Call {
    Create(Options),
    // The usual one.
    CreateUsual {
        realtime: bool,
        clock: u8,
    },
    Destroy(u8),
    Describe(u8, Size),
    Push {
        session: u8,
        samples: Vec<i16>,
        times: u8,
        rate_hz: Number,
        channels: Number,
        float: bool,
    },
    // The usual one.
    Buzz {
        session: u8,
        samples: u16,
    },
    Flush(u8),
    Interrupt(u8),
    RestartClock(u8),
    Cancel(u8),
    Perform(u8, Text),
    PerformAgain(u8, Text),
    SetLoop(u8, Text),
    SetPaused(u8, u32),
    SetMuted(u8, u32),
    ReadStatistics(u8, Size),
    CreateClock,
    AdvanceClock(u8, u64),
    // By a few frames.
    Tick(u8, u8),
    DestroyClock(u8),
}

#[derive(Arbitrary, Debug)]
pub(super) struct Options {
    avatar: bool,
    null: bool,
    size: Size,
    tail: bool,
    paced: Number,
    format: Number,
    dimensions: (Number, Number),
    letterbox: u32,
    limit: u8,
    clock: u8,
    without_pictures: u8,
}

impl World {
    pub(super) fn session(&mut self, call: Call) {
        let err = self.err();
        // SAFETY: handles are null or live, memory has the size that is announced.
        unsafe {
            let status = match call {
                Call::Create(options) => return self.create_session(&options),
                Call::CreateUsual { realtime, clock } => {
                    return self.create_session(&Options {
                        avatar: true,
                        null: false,
                        size: Size::Right,
                        tail: false,
                        paced: Number::Small(u8::from(!realtime)),
                        format: Number::Small(0),
                        dimensions: (Number::Small(0), Number::Small(0)),
                        letterbox: 0,
                        limit: 4,
                        clock,
                        without_pictures: 0,
                    });
                }
                Call::Destroy(index) => {
                    let gone = take(&mut self.sessions, index);
                    essence_session_destroy(gone);
                    self.waiting.retain(|&session| session != gone);
                    return;
                }
                Call::Describe(session, size) => {
                    let mut info = Room::<essence_session_info>::zeroed(size);
                    let session = pick(&self.sessions, session);
                    let status = essence_session_describe(session, info.pointer(), err);
                    assert!(status != ESSENCE_OK || info.value.frame_width >= 16, "size");
                    status
                }
                Call::Push {
                    session,
                    samples,
                    times,
                    rate_hz,
                    channels,
                    float,
                } => {
                    let samples = samples.repeat(usize::from(times % 32));
                    let (rate_hz, channels) = (rate_hz.value(), channels.value());
                    return self.push(session, &samples, rate_hz, channels, float);
                }
                Call::Buzz { session, samples } => {
                    let step = samples | 1;
                    let samples: Vec<i16> = (0..samples % 4_096)
                        .map(|i| i.wrapping_mul(step) as i16)
                        .collect();
                    return self.push(session, &samples, 16_000, 1, false);
                }
                Call::Flush(session) => essence_session_flush(pick(&self.sessions, session), err),
                Call::Interrupt(session) => {
                    essence_session_interrupt(pick(&self.sessions, session), err)
                }
                Call::RestartClock(session) => {
                    essence_session_restart_clock(pick(&self.sessions, session), err)
                }
                Call::Cancel(session) => essence_session_cancel(pick(&self.sessions, session), err),
                Call::Perform(session, name) => {
                    let session = pick(&self.sessions, session);
                    name.with(|name| essence_session_perform(session, name, err))
                }
                Call::PerformAgain(session, name) => {
                    let session = pick(&self.sessions, session);
                    name.with(|name| essence_session_perform_again(session, name, err))
                }
                Call::SetLoop(session, name) => {
                    let session = pick(&self.sessions, session);
                    name.with(|name| essence_session_set_loop(session, name, err))
                }
                Call::SetPaused(session, paused) => {
                    essence_session_set_paused(pick(&self.sessions, session), paused, err)
                }
                Call::SetMuted(session, muted) => {
                    essence_session_set_muted(pick(&self.sessions, session), muted, err)
                }
                Call::ReadStatistics(session, size) => {
                    let mut counted = Room::<essence_session_statistics>::zeroed(size);
                    let session = pick(&self.sessions, session);
                    essence_session_read_statistics(session, counted.pointer(), err)
                }
                Call::CreateClock => {
                    if self.clocks.len() >= 3 {
                        return;
                    }
                    let mut out = ptr::null_mut();
                    let status = essence_clock_create(&raw mut out, err);
                    assert_eq!(status, ESSENCE_OK, "a clock can be made");
                    self.clocks.push(out);
                    status
                }
                Call::AdvanceClock(clock, by) => {
                    essence_clock_advance(pick(&self.clocks, clock), by, err)
                }
                Call::Tick(clock, frames) => {
                    let by = u64::from(frames % 32) * 40_000_000;
                    essence_clock_advance(pick(&self.clocks, clock), by, err)
                }
                Call::DestroyClock(index) => {
                    essence_clock_destroy(take(&mut self.clocks, index));
                    return;
                }
            };
            self.check(status);
        }
    }

    fn push(&mut self, session: u8, samples: &[i16], rate_hz: u32, channels: u32, float: bool) {
        let session = pick(&self.sessions, session);
        let err = self.err();
        let count = samples.len().min(4_096);
        // SAFETY: handles are null or live, memory has the size that is announced.
        let status = unsafe {
            if float {
                // The upper halves of floats: any value, NaN and infinities among them.
                let floats: Vec<f32> = samples
                    .iter()
                    .map(|&x| f32::from_bits(u32::from(x as u16) << 16))
                    .collect();
                essence_session_push_audio_f32(
                    session,
                    floats.as_ptr(),
                    count,
                    rate_hz,
                    channels,
                    err,
                )
            } else {
                essence_session_push_audio_i16(
                    session,
                    samples.as_ptr(),
                    count,
                    rate_hz,
                    channels,
                    err,
                )
            }
        };
        self.check(status);
    }

    fn create_session(&mut self, options: &Options) {
        if self.sessions.len() >= 3 {
            return;
        }
        let err = self.err();
        let clock = pick(&self.clocks, options.clock);
        let given = essence_session_options {
            struct_size: 0,
            // Without a clock of ours, real time would wait.
            pacing: if clock.is_null() && options.paced.value() == ESSENCE_PACING_REALTIME {
                ESSENCE_PACING_UNPACED
            } else {
                options.paced.value()
            },
            pixel_format: options.format.value(),
            width: options.dimensions.0.side(),
            height: options.dimensions.1.side(),
            letterbox_rgb: options.letterbox,
            queue_limit_s: u32::from(options.limit),
            reserved: 0,
            clock,
            without_pictures: u32::from(options.without_pictures % 3),
            queue_limit_utterances: u32::from(options.limit) % 3,
            queue_limit_bytes: u64::from(options.letterbox),
            fit: u32::from(options.limit) % 4,
            crop_left: u32::from(options.without_pictures),
            crop_top: 0,
            yuv_matrix: options.letterbox % 3,
            yuv_range: options.letterbox % 3,
            background: u32::from(options.clock) % 3,
            background_rgb: options.letterbox,
            report_done: u32::from(options.tail),
            background_picture: ptr::null(),
        };
        let size = options.size.of(size_of_val(&given));
        let mut room = Room::new(given, size, u8::from(options.tail));
        let given = if options.null {
            ptr::null()
        } else {
            room.pointer().cast_const()
        };
        let avatar = if options.avatar {
            self.avatar
        } else {
            ptr::null_mut()
        };
        let mut out = ptr::null_mut();
        // SAFETY: `given` and what it points to live during the call.
        let status = unsafe { essence_session_create(avatar, given, &raw mut out, err) };
        if self.check(status) {
            self.sessions.push(out);
            if options.null {
                self.waiting.push(out);
            }
        }
    }
}
