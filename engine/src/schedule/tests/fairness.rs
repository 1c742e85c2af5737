//! Avatars that compete for the threads, simulated: runs take a time that the test gives, and nothing
//! sleeps.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::Deadline;
use super::super::entry::{Batch, TaskId};
use super::super::queue::Queue;
use super::super::share::Share;
use super::MS;

const FRAME: Duration = Duration::from_millis(40);
/// A session prepares frames up to this long before they are due.
const AHEAD: Duration = Duration::from_millis(240);
const LENGTH: Duration = Duration::from_secs(20);

struct Plain;

/// A session that speaks all the time.
struct Speaker {
    avatar: usize,
    id: TaskId,
    /// When its next frame is due.
    due: Instant,
    /// How late its frames were ready, but for the first ones.
    delays: Vec<Duration>,
}

enum Event {
    Announce(usize),
    Finish(Box<Batch<Plain>>),
    Look,
}

struct Simulation {
    queue: Queue<Plain>,
    shares: Vec<Arc<Share>>,
    /// How long a frame takes, by avatar.
    costs: Vec<Duration>,
    speakers: Vec<Speaker>,
    events: BTreeMap<(Instant, u64), Event>,
    scheduled: u64,
    idle: usize,
    begin: Instant,
    // Keeps the tasks.
    _tasks: Vec<Arc<Plain>>,
}

impl Simulation {
    /// Avatars with the cost of a frame and a number of sessions.
    fn new(threads: usize, avatars: &[(Duration, usize)]) -> Self {
        let begin = Instant::now();
        let mut simulation = Self {
            queue: Queue::new(threads, None),
            shares: avatars.iter().map(|_| Arc::new(Share::new())).collect(),
            costs: avatars.iter().map(|avatar| avatar.0).collect(),
            speakers: Vec::new(),
            events: BTreeMap::new(),
            scheduled: 0,
            idle: threads + 1,
            begin,
            _tasks: Vec::new(),
        };
        for (avatar, &(_, sessions)) in avatars.iter().enumerate() {
            for _ in 0..sessions {
                let task = Arc::new(Plain);
                let share = &simulation.shares[avatar];
                let id = simulation.queue.register(Arc::downgrade(&task), share);
                simulation._tasks.push(task);
                let number = simulation.speakers.len();
                let offset = FRAME * u32::try_from(number).unwrap() / 7;
                simulation.speakers.push(Speaker {
                    avatar,
                    id: id.unwrap(),
                    due: begin + offset,
                    delays: Vec::new(),
                });
                simulation.schedule(begin + offset, Event::Announce(number));
            }
        }
        simulation
    }

    fn schedule(&mut self, time: Instant, event: Event) {
        self.scheduled += 1;
        self.events.insert((time, self.scheduled), event);
    }

    /// Runs to the end; gives the frames drawn by each avatar's sessions, and their longest delay.
    fn run(mut self) -> Vec<(usize, Duration)> {
        while let Some(((now, _), event)) = self.events.pop_first()
            && now < self.begin + LENGTH
        {
            match event {
                Event::Announce(speaker) => {
                    let Speaker { id, due, .. } = self.speakers[speaker];
                    self.queue.announce(id, Deadline::At(due), now);
                }
                Event::Finish(batch) => self.finish(&batch, now),
                Event::Look => {}
            }
            while self.idle > 0 {
                match self.queue.take(now) {
                    Ok(batch) => {
                        self.idle -= 1;
                        let avatar = self.avatar(batch.items[0].id);
                        let run = self.costs[avatar] * u32::try_from(batch.items.len()).unwrap();
                        self.schedule(now + run, Event::Finish(Box::new(batch)));
                    }
                    Err(next) => {
                        if let Some(next) = next {
                            self.schedule(next.max(now + MS / 1000), Event::Look);
                        }
                        break;
                    }
                }
            }
        }
        let avatars = 0..self.costs.len();
        let result = avatars.map(|avatar| {
            let speakers = self.speakers.iter();
            let delays = speakers.filter(|speaker| speaker.avatar == avatar);
            let delays = delays.flat_map(|speaker| &speaker.delays);
            (
                delays.clone().count(),
                delays.max().copied().unwrap_or_default(),
            )
        });
        result.collect()
    }

    fn finish(&mut self, batch: &Batch<Plain>, now: Instant) {
        self.idle += 1;
        let avatar = self.avatar(batch.items[0].id);
        self.shares[avatar].count(now - batch.taken, true, now);
        let mut next = Vec::new();
        for item in &batch.items {
            let number = self.number(item.id);
            let speaker = &mut self.speakers[number];
            // Nothing is ahead at first.
            if now > self.begin + LENGTH / 10 {
                speaker
                    .delays
                    .push(now.saturating_duration_since(speaker.due));
            }
            // What is overdue is dropped.
            speaker.due = (speaker.due + FRAME).max(now);
            let due = speaker.due;
            if due <= now + AHEAD {
                next.push(Some(Deadline::At(due)));
            } else {
                next.push(None);
                self.schedule(due - AHEAD, Event::Announce(number));
            }
        }
        self.queue.put_back(batch, &next, now);
    }

    fn number(&self, id: TaskId) -> usize {
        let has = |speaker: &Speaker| speaker.id == id;
        self.speakers.iter().position(has).unwrap()
    }

    fn avatar(&self, id: TaskId) -> usize {
        self.speakers[self.number(id)].avatar
    }
}

/// Frames of a session that loses none, after the first tenth of the time.
const ALL: usize = 25 * 18 - 8;

#[test]
fn sessions_that_fit_lose_nothing() {
    let result = Simulation::new(2, &[(3 * MS, 10), (2 * MS, 20)]).run();
    for ((frames, delay), sessions) in result.into_iter().zip([10, 20]) {
        assert!(frames >= ALL * sessions, "{frames} frames of {sessions}");
        assert_eq!(delay, Duration::ZERO, "always in time");
    }
}

/// An avatar that takes longer than a frame for a frame, with few sessions and many, where there is one
/// thread and where there are several.
#[test]
fn sessions_of_a_slow_avatar_delay_no_other_avatars() {
    for threads in [1, 2, 4] {
        for (cost, sessions) in [(45, 1), (60, 8), (300, 2), (300, 9), (2_000, 20)] {
            let what = format!("{threads} threads, {sessions} sessions of {cost} ms");
            let bad = (MS * cost, sessions);
            let result = Simulation::new(threads, &[bad, (MS, 4)]).run();
            let (frames, delay) = result[1];
            assert!(frames >= ALL * 4, "{what}: {frames} frames");
            assert_eq!(delay, Duration::ZERO, "{what}");
            assert!(result[0].0 > 0, "{what}: it has what is left");
        }
    }
}

/// An avatar that could keep up, but not with as many sessions.
#[test]
fn too_many_sessions_of_a_heavy_avatar_delay_no_light_ones() {
    for threads in [1, 2, 4] {
        for (cost, sessions) in [(9, 40), (20, 10), (35, 10)] {
            let what = format!("{threads} threads, {sessions} sessions of {cost} ms");
            let heavy = (MS * cost, sessions);
            let result = Simulation::new(threads, &[heavy, (MS / 2, 2)]).run();
            let (frames, delay) = result[1];
            assert!(frames >= ALL * 2, "{what}: {frames} frames");
            assert!(delay <= 40 * MS, "{what}: {delay:?}");
            let heavy = result[0].0 * usize::try_from(cost).unwrap();
            let busy = heavy as f64 / (18_000.0 * threads as f64);
            assert!(busy > 0.85, "{what}: {busy} of the threads' time");
        }
    }
}

#[test]
fn slow_avatars_alone_use_all_threads() {
    let result = Simulation::new(4, &[(100 * MS, 3), (200 * MS, 3)]).run();
    let busy = (result[0].0 * 100 + result[1].0 * 200) as f64 / 18_000.0;
    assert!(busy > 3.6, "{busy} threads are busy");
    assert!(result[0].0 > 100 && result[1].0 > 50, "{result:?}");
}
