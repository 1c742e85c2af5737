#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::Deadline;
use super::super::entry::{Batch, TaskId};
use super::super::queue::Queue;
use super::super::share::Share;
use super::{MS, short};

struct Plain;

/// A queue of tasks that are due at times after a moment.
struct Fixture {
    queue: Queue<Plain>,
    now: Instant,
    shares: [Arc<Share>; 2],
    tasks: Vec<Arc<Plain>>,
    ids: Vec<TaskId>,
}

impl Fixture {
    /// Tasks with their group, and so many milliseconds until they are due.
    fn new(threads: usize, tasks: &[(usize, u64)]) -> Self {
        let now = Instant::now();
        let mut fixture = Self {
            queue: Queue::new(threads, None),
            now,
            shares: [(); 2].map(|()| Arc::new(short())),
            tasks: Vec::new(),
            ids: Vec::new(),
        };
        for &(group, due) in tasks {
            fixture.add(group, due);
        }
        fixture
    }

    /// Adds a task of a group, due in `due` milliseconds.
    fn add(&mut self, group: usize, due: u64) {
        let task = Arc::new(Plain);
        let share = &self.shares[group];
        let id = self.queue.register(Arc::downgrade(&task), share);
        self.ids.push(id.unwrap());
        self.tasks.push(task);
        self.announce(self.ids.len() - 1, due, 0);
    }

    fn at(&self, ms: u64) -> Instant {
        self.now + Duration::from_millis(ms)
    }

    /// Announces a task, due in `due` milliseconds, at the time `now`.
    fn announce(&mut self, task: usize, due: u64, now: u64) {
        let (due, now) = (self.at(due), self.at(now));
        self.queue.announce(self.ids[task], Deadline::At(due), now);
    }

    fn take(&mut self, ms: u64) -> Option<Batch<Plain>> {
        self.queue.take(self.at(ms)).ok()
    }

    /// The tasks that are taken.
    fn taken(&mut self, ms: u64) -> Vec<usize> {
        let batch = self.take(ms);
        batch.map_or(Vec::new(), |batch| self.positions(&batch))
    }

    fn positions(&self, batch: &Batch<Plain>) -> Vec<usize> {
        let position = |id| self.ids.iter().position(|&other| other == id);
        let items = batch.items.iter();
        items.map(|item| position(item.id).unwrap()).collect()
    }

    /// In how many milliseconds there is a batch, where there is none now.
    fn next(&mut self, ms: u64) -> Option<u64> {
        let next = self.queue.take(self.at(ms)).err().unwrap();
        next.map(|next| u64::try_from((next - self.at(ms)).as_millis()).unwrap())
    }
}

#[test]
fn a_task_waits_for_others_until_the_batching_window() {
    let mut fixture = Fixture::new(4, &[(0, 240), (0, 200), (1, 180)]);
    assert_eq!(fixture.next(0), Some(80), "100 ms before it is due");
    assert_eq!(fixture.taken(80), [2], "the other group is due later");
    assert_eq!(fixture.next(80), Some(20));
    assert_eq!(fixture.taken(100), [1], "one for each of four threads");
    assert_eq!(fixture.next(100), Some(40));
    assert_eq!(fixture.taken(140), [0]);
    assert_eq!(fixture.next(140), None, "nothing is left");
}

#[test]
fn a_batch_is_made_of_the_tasks_that_are_due_first() {
    let due = [290, 210, 250, 270, 230, 205].map(|due| (0, due));
    let mut fixture = Fixture::new(1, &[&due[..], &[(1, 120)]].concat());
    // One is gone, and the queue is not told yet.
    fixture.tasks.remove(1);
    assert_eq!(fixture.taken(0), [5, 4, 2, 3], "a full batch");
    assert_eq!(fixture.taken(0).len(), 0, "one thread, one batch at a time");
}

#[test]
fn a_group_that_waits_is_served_by_deadline_like_a_full_one() {
    let full = [(0, 50); 4];
    let mut fixture = Fixture::new(2, &[&full[..], &[(1, 20)]].concat());
    assert_eq!(fixture.taken(0), [4]);
    assert_eq!(fixture.taken(0), [0, 1], "half of them for each thread");
}

#[test]
fn threads_share_the_tasks_that_wait() {
    let mut fixture = Fixture::new(2, &[(0, 0), (0, 10), (0, 20), (0, 30), (0, 40)]);
    assert_eq!(fixture.taken(0), [0, 1, 2]);
    let second = fixture.take(0).unwrap();
    assert_eq!(fixture.positions(&second), [3]);
    assert_eq!(fixture.taken(0).len(), 0, "as many batches as threads");
    fixture.queue.put_back(&second, &[None], fixture.now);
    assert_eq!(fixture.taken(0), [4]);
}

/// Its first run may be a long one.
#[test]
fn an_avatar_that_has_not_run_begins_with_one_task() {
    let mut fixture = Fixture::new(2, &[]);
    fixture.shares[0] = Arc::new(Share::new());
    for due in [0, 10, 20, 30, 40] {
        fixture.add(0, due);
    }
    let batch = fixture.take(0).unwrap();
    assert_eq!(fixture.positions(&batch), [0], "the first one alone");
    assert_eq!(fixture.taken(0).len(), 0, "no other thread has one");
    fixture.shares[0].count(MS, true, fixture.at(1));
    fixture.queue.put_back(&batch, &[None], fixture.at(1));
    assert_eq!(fixture.taken(1), [1, 2], "it is known to be short");
}

#[test]
fn an_avatar_over_its_share_is_served_last_until_it_is_within() {
    let mut fixture = Fixture::new(1, &[(0, 0), (1, 700)]);
    let batch = fixture.take(0).unwrap();
    fixture.shares[0].count(200 * MS, true, fixture.now);
    let next = [Some(Deadline::At(fixture.at(10)))];
    fixture.queue.put_back(&batch, &next, fixture.now);
    fixture.announce(1, 60, 0);
    let batch = fixture.take(1).unwrap();
    assert_eq!(fixture.positions(&batch), [1], "within its share");
    // 100 ms beyond what is allowed, at a share of half a thread.
    let next = [Some(Deadline::At(fixture.at(220)))];
    fixture.queue.put_back(&batch, &next, fixture.at(1));
    let batch = fixture.take(199).unwrap();
    assert_eq!(fixture.positions(&batch), [1], "the first is over it still");
    fixture.queue.put_back(&batch, &next, fixture.at(199));
    assert_eq!(fixture.taken(202), [0], "it has been due for long");
}

#[test]
fn a_task_is_worked_on_by_one_thread_at_a_time() {
    let mut fixture = Fixture::new(2, &[(0, 0)]);
    let batch = fixture.take(0).unwrap();
    fixture.announce(0, 10, 5);
    assert_eq!(fixture.taken(5).len(), 0, "a thread is at it");
    fixture.queue.put_back(&batch, &[None], fixture.at(6));
    assert_eq!(fixture.taken(6), [0], "what was announced meanwhile");
}

#[test]
fn a_task_without_a_deadline_is_served_after_those_that_are_overdue() {
    let mut fixture = Fixture::new(1, &[(0, 500), (1, 0)]);
    let (id, now) = (fixture.ids[0], fixture.now);
    fixture.queue.announce(id, Deadline::Whenever, now);
    let batch = fixture.take(0).unwrap();
    assert_eq!(fixture.positions(&batch), [1]);
    fixture.queue.put_back(&batch, &[None], now);
    assert_eq!(fixture.taken(0), [0], "at once");
}

#[test]
fn a_removed_task_is_not_served_and_its_name_is_not_used_again() {
    let mut fixture = Fixture::new(1, &[(0, 0), (1, 0)]);
    let removed = fixture.ids[0];
    let batch = fixture.take(0).unwrap();
    fixture.queue.remove(removed);
    assert_eq!(fixture.queue.len(), 1);
    let task = Arc::new(Plain);
    let share = Arc::new(short());
    let id = fixture
        .queue
        .register(Arc::downgrade(&task), &share)
        .unwrap();
    assert_ne!(id, removed);
    // The turn of the removed task ends, and changes nothing.
    let soon = Some(Deadline::At(fixture.now));
    fixture.queue.put_back(&batch, &[soon], fixture.now);
    fixture
        .queue
        .announce(removed, Deadline::At(fixture.now), fixture.now);
    fixture.queue.remove(removed);
    assert_eq!(fixture.queue.len(), 2);
    assert_eq!(fixture.taken(0), [1], "the other one");
    assert_eq!(fixture.taken(0).len(), 0);
}

/// The turn of the avatar that is gone doesn't count as one of the new avatar's, which begins with one.
#[test]
fn an_avatar_that_comes_while_the_last_turn_of_another_runs_is_served_at_once() {
    let mut fixture = Fixture::new(2, &[(0, 0)]);
    let batch = fixture.take(0).unwrap();
    fixture.queue.remove(fixture.ids[0]);
    fixture.shares[1] = Arc::new(Share::new());
    fixture.add(1, 0);
    assert_eq!(fixture.taken(0), [1]);
    fixture.queue.put_back(&batch, &[None], fixture.now);
}

#[test]
fn a_task_that_is_gone_is_not_served() {
    let mut fixture = Fixture::new(1, &[(0, 0), (1, 10)]);
    fixture.tasks[0] = Arc::new(Plain);
    assert_eq!(fixture.taken(0), [1], "the other one");
    assert!(fixture.take(0).is_none(), "no batch without a task");
    fixture.tasks.clear();
    fixture.announce(1, 0, 0);
    assert!(fixture.take(0).is_none(), "no batch without a task");
}

#[test]
fn avatars_that_come_and_go_leave_nothing_behind() {
    let mut fixture = Fixture::new(1, &[]);
    for _ in 0..100 {
        fixture.shares[0] = Arc::new(Share::new());
        fixture.add(0, 0);
        let id = fixture.ids.pop().unwrap();
        fixture.queue.remove(id);
    }
    assert_eq!((fixture.queue.len(), fixture.queue.groups()), (0, 1));
}

/// One long wait is an accident, more are too much work; a wait for others of the group is none.
#[test]
fn tasks_that_wait_for_long_again_and_again_lag() {
    let mut fixture = Fixture::new(1, &[(0, 240)]);
    let mut lag = |ready: u64, due: u64, taken: u64| {
        // As if it had just become ready.
        let id = fixture.ids[0];
        fixture.queue.entry(id).unwrap().ready = false;
        fixture.announce(0, due, ready);
        let batch = fixture.take(taken).unwrap();
        let lag = batch.items[0].lag;
        fixture.queue.put_back(&batch, &[None], fixture.at(taken));
        lag
    };
    assert_eq!(
        lag(0, 240, 200),
        Duration::ZERO,
        "60 ms, for the first time"
    );
    assert!(lag(200, 250, 250) > Duration::ZERO, "and again");
    let lags = [(); 40].map(|()| lag(300, 340, 360));
    assert!(lags.is_sorted() && lags[39] > 50 * MS);
    let lags = [(); 40].map(|()| lag(500, 740, 645));
    assert!(lags[39] < 10 * MS, "they waited for a batch");
}

/// A task that is announced again, before it was served, has waited since the first time.
#[test]
fn announcing_again_does_not_hide_a_wait() {
    let mut fixture = Fixture::new(1, &[(0, 0)]);
    let mut wait = || {
        fixture.announce(0, 0, 90);
        let batch = fixture.take(100).unwrap();
        let id = fixture.ids[0];
        fixture.queue.put_back(&batch, &[None], fixture.at(100));
        fixture.announce(0, 0, 0);
        fixture
            .queue
            .entry(id)
            .unwrap()
            .ready
            .then_some(batch.items[0].lag)
    };
    let lags = [(); 40].map(|()| wait().unwrap());
    assert!(lags[39] > 80 * MS, "{:?}", lags[39]);
}

/// As where its networks failed.
#[test]
fn a_turn_that_ran_nothing_leaves_the_next_one_to_its_avatar() {
    let mut fixture = Fixture::new(1, &[]);
    fixture.shares[0] = Arc::new(Share::new());
    fixture.add(0, 0);
    for _ in 0..3 {
        let batch = fixture.take(0).unwrap();
        let next = Some(Deadline::At(fixture.now));
        fixture.queue.put_back(&batch, &[next], fixture.now);
    }
}

#[test]
fn a_wait_for_a_task_ends_with_the_turn_under_way() {
    let mut fixture = Fixture::new(1, &[(0, 0)]);
    let batch = fixture.take(0).unwrap();
    fixture.queue.hasten(fixture.ids[0], fixture.now);
    let next = Some(Deadline::At(fixture.now));
    fixture.queue.put_back(&batch, &[next], fixture.now);
    let batch = fixture.take(0).unwrap();
    assert!(!batch.items[0].has_waiter, "nobody waits any more");
}

/// Whatever happens, each task that is ready is taken once, by deadline within its group.
#[test]
fn no_task_is_lost_or_served_twice() {
    let mut random = 7_u64;
    let mut below = |end: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % end
    };
    let mut fixture = Fixture::new(3, &[(0, 0); 40]);
    let shares: Vec<_> = (0..7).map(|_| Arc::new(short())).collect();
    let mut batches: Vec<Batch<Plain>> = Vec::new();
    let mut ready: Vec<Option<u64>> = vec![Some(0); 40];
    let mut busy = [false; 40];
    for ms in 0..20_000 {
        let task = below(fixture.ids.len());
        match below(8) {
            0..=3 => {
                let due = ms + below(300) as u64;
                fixture.announce(task, due, ms);
                ready[task] = Some(due);
            }
            4 => {
                // Another session takes its place.
                fixture.queue.remove(fixture.ids[task]);
                fixture.tasks[task] = Arc::new(Plain);
                let share = &shares[below(shares.len())];
                fixture.ids[task] = fixture
                    .queue
                    .register(Arc::downgrade(&fixture.tasks[task]), share)
                    .unwrap();
                (ready[task], busy[task]) = (None, false);
            }
            5 | 6 => {
                if let Some(batch) = fixture.take(ms) {
                    for task in fixture.positions(&batch) {
                        assert!(!busy[task] && ready[task].is_some(), "{task} at {ms} ms");
                        (ready[task], busy[task]) = (None, true);
                    }
                    batches.push(batch);
                }
            }
            _ if batches.is_empty() => {}
            _ => {
                let batch = batches.swap_remove(below(batches.len()));
                for item in &batch.items {
                    if let Some(task) = fixture.ids.iter().position(|&id| id == item.id) {
                        busy[task] = false;
                    }
                }
                fixture.queue.put_back(&batch, &[], fixture.at(ms));
            }
        }
    }
    for batch in batches {
        fixture.queue.put_back(&batch, &[], fixture.at(20_000));
    }
    let mut left = ready.iter().flatten().count();
    while let Some(batch) = fixture.take(30_000) {
        left -= batch.items.len();
        fixture.queue.put_back(&batch, &[], fixture.at(30_000));
    }
    assert_eq!(left, 0, "all that were ready have been served");
}
