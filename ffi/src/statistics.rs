//! Counts of an `essence_session`.

use engine::Statistics;

use crate::boundary::export;
use crate::handle;
use crate::session::essence_session;
use crate::sized::{self, Sized32, sized};
use crate::status::ESSENCE_OK;

/// Counts of what has happened in a session since it was created. Since ABI 1.4.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_session_statistics {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Frames drawn.
    pub frames: u64,
    /// Frames of an utterance.
    pub speech: u64,
    /// Frames that left more than 20 ms after they were due.
    pub late: u64,
    /// Pictures that were dropped because their time had passed.
    pub skipped: u64,
    /// Frames for which the audio of an utterance had not arrived in time.
    pub underruns: u64,
    /// Frames with #ESSENCE_FRAME_CONCEALED.
    pub concealed: u64,
    /// Times the clock started anew because no frame had been asked for during a second.
    pub restarts: u64,
    /// Audio samples handed out, at the rate that they were pushed with.
    pub samples: u64,
    /// Longest time between a frame's due time and its leaving, in nanoseconds.
    pub worst_delay_ns: u64,
}

sized!(essence_session_statistics {
    reserved: 0,
    frames: 0,
    speech: 0,
    late: 0,
    skipped: 0,
    underruns: 0,
    concealed: 0,
    restarts: 0,
    samples: 0,
    worst_delay_ns: 0,
});

export! {
    /// Counts what has happened in a session since it was created. Since ABI 1.4.
    ///
    /// `statistics`: written on success, as far as its `struct_size` reaches.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_read_statistics(
        session: *const essence_session,
        statistics: *mut essence_session_statistics,
    ) -> essence_status {
        let counted = handle::shared(session)?.session.statistics();
        sized::write(statistics, &described(&counted))?;
        Ok(ESSENCE_OK)
    }
}

fn described(counted: &Statistics) -> essence_session_statistics {
    essence_session_statistics {
        frames: counted.frames,
        speech: counted.speech,
        late: counted.late,
        skipped: counted.skipped,
        underruns: counted.underruns,
        concealed: counted.concealed,
        restarts: counted.restarts,
        samples: counted.samples,
        worst_delay_ns: u64::try_from(counted.worst_delay.as_nanos()).unwrap_or(u64::MAX),
        ..essence_session_statistics::defaults()
    }
}
