#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::super::entry::BATCHING_WINDOW;
use super::super::*;
use super::short;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn pool<T: Task>(threads: usize) -> Scheduler<T> {
    Scheduler::new(Some(threads), None, Log::default()).unwrap()
}

/// Counts its turns, of which it has endless ones.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Task for Counter {
    fn run_batch(items: &[WorkItem<Self>], _urgent: bool) -> ArrayVec<Option<Deadline>, BATCH> {
        for item in items {
            item.task.0.fetch_add(1, Ordering::Relaxed);
        }
        items.iter().map(|_| Some(now())).collect()
    }

    fn panicked(&self, message: &str) {
        unreachable!("{message}");
    }
}

fn now() -> Deadline {
    Deadline::At(Instant::now())
}

/// A task whose turns begin and end when the test says so; a turn can end with a panic.
#[derive(Default)]
struct Gated {
    gate: Mutex<Gate>,
    moved: Condvar,
}

#[derive(Default)]
struct Gate {
    begun: usize,
    allowed: usize,
    panics: bool,
    said: Vec<String>,
}

impl Gated {
    fn allow(&self, panics: bool) {
        let mut gate = self.gate.lock().unwrap();
        gate.allowed += 1;
        gate.panics = panics;
        self.moved.notify_all();
    }

    /// Waits until so many turns have begun.
    fn begun(&self, turns: usize) {
        let gate = self.gate.lock().unwrap();
        let waits = |gate: &mut Gate| gate.begun < turns;
        drop(self.moved.wait_while(gate, waits).unwrap());
    }

    fn said(&self) -> Vec<String> {
        self.gate.lock().unwrap().said.clone()
    }
}

impl Task for Gated {
    fn run_batch(items: &[WorkItem<Self>], _urgent: bool) -> ArrayVec<Option<Deadline>, BATCH> {
        for item in items {
            let task = &item.task;
            let mut gate = task.gate.lock().unwrap();
            gate.begun += 1;
            task.moved.notify_all();
            gate = task
                .moved
                .wait_while(gate, |gate| gate.allowed == 0)
                .unwrap();
            gate.allowed -= 1;
            if gate.panics {
                drop(gate);
                panic!("on purpose, for a test");
            }
        }
        items.iter().map(|_| None).collect()
    }

    fn panicked(&self, message: &str) {
        let mut gate = self.gate.lock().unwrap();
        gate.said.push(message.to_owned());
        self.moved.notify_all();
    }
}

/// Among tasks that never let the pool rest, even one that was announced without a time.
#[test]
fn a_waiter_is_served() {
    let pool = pool(1);
    let share = Arc::new(short());
    let tasks = [(); 9].map(|()| Arc::new(Counter::default()));
    let ids = tasks
        .each_ref()
        .map(|task| pool.register(Arc::downgrade(task), &share).unwrap());
    for &id in &ids[1..] {
        pool.announce(id, now());
    }
    pool.announce(ids[0], Deadline::Whenever);
    pool.wait_for(ids[0], &AtomicBool::new(false)).unwrap();
    assert!(tasks[0].0.load(Ordering::Relaxed) > 0);
}

/// It doesn't wait for the batching window.
#[test]
fn a_waiter_is_served_at_once() {
    let pool = pool(1);
    let task = Arc::new(Counter::default());
    let id = pool
        .register(Arc::downgrade(&task), &Arc::new(short()))
        .unwrap();
    pool.announce(id, Deadline::At(Instant::now() + YEAR));
    pool.wait_for(id, &AtomicBool::new(false)).unwrap();
    assert!(task.0.load(Ordering::Relaxed) > 0);
}

#[test]
fn there_is_no_wait_for_a_task_with_nothing_to_do() {
    let pool = pool(1);
    let task = Arc::new(Counter::default());
    let id = pool
        .register(Arc::downgrade(&task), &Arc::new(short()))
        .unwrap();
    let flag = AtomicBool::new(false);
    pool.wait_for(id, &flag).unwrap();
    pool.remove(id);
    pool.wait_for(id, &flag).unwrap();
    assert_eq!(task.0.load(Ordering::Relaxed), 0);
}

#[test]
fn cancelling_ends_a_wait_for_the_pool() {
    let pool = pool(1);
    let task = Arc::new(Gated::default());
    let id = pool
        .register(Arc::downgrade(&task), &Arc::new(short()))
        .unwrap();
    pool.announce(id, now());
    task.begun(1);
    for _ in 0..200 {
        let flag = AtomicBool::new(false);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| pool.wait_for(id, &flag));
            flag.store(true, Ordering::Release);
            pool.wake(Some(id), &flag);
            let result = waiter.join().unwrap();
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
        });
    }
    task.allow(false);
}

#[test]
fn removing_a_task_ends_the_wait_for_it() {
    let pool = pool(1);
    let task = Arc::new(Gated::default());
    let id = pool
        .register(Arc::downgrade(&task), &Arc::new(short()))
        .unwrap();
    pool.announce(id, now());
    task.begun(1);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| pool.wait_for(id, &AtomicBool::new(false)).is_ok());
        while !pool.has_waiter(id) {
            thread::yield_now();
        }
        pool.remove(id);
        assert!(waiter.join().unwrap());
    });
    task.allow(false);
}

#[test]
fn a_task_is_served_once_its_batching_window_begins() {
    let pool = pool(1);
    let task = Arc::new(Gated::default());
    let id = pool
        .register(Arc::downgrade(&task), &Arc::new(short()))
        .unwrap();
    let begin = Instant::now();
    let wait = Duration::from_millis(20);
    pool.announce(id, Deadline::At(begin + BATCHING_WINDOW + wait));
    task.begun(1);
    assert!(begin.elapsed() >= wait);
    task.allow(false);
}

/// Of announcements that come so close together that only the first one wakes a thread.
#[test]
fn a_thread_wakes_the_next_one_if_there_is_more_to_do() {
    let pool = pool(3);
    let tasks = [(); 3].map(|()| Arc::new(Gated::default()));
    let ids = tasks.each_ref().map(|task| {
        let share = Arc::new(short());
        pool.register(Arc::downgrade(task), &share).unwrap()
    });
    for turn in 1..200 {
        for id in ids {
            pool.announce(id, now());
        }
        // At the same time: none ends before all have begun.
        tasks.iter().for_each(|task| task.begun(turn));
        tasks.iter().for_each(|task| task.allow(false));
        for id in ids {
            pool.wait_for(id, &AtomicBool::new(false)).unwrap();
        }
    }
}

#[test]
fn a_panic_fails_its_task_and_no_other() {
    let pool = pool(1);
    let share = Arc::new(short());
    let tasks = [(); 2].map(|()| Arc::new(Gated::default()));
    let register = |task| pool.register(Arc::downgrade(task), &share).unwrap();
    let [bad, good] = tasks.each_ref().map(register);
    let flag = AtomicBool::new(false);
    pool.announce(bad, now());
    tasks[0].begun(1);
    pool.announce(good, now());
    tasks[0].allow(true);
    tasks[1].begun(1);
    assert_eq!(tasks[0].said(), ["on purpose, for a test"]);
    tasks[1].allow(false);
    pool.wait_for(good, &flag).unwrap();
    assert!(tasks[1].said().is_empty(), "the other task");
    // The thread and the task's turns go on.
    pool.announce(bad, now());
    tasks[0].begun(2);
    tasks[0].allow(false);
    pool.wait_for(bad, &flag).unwrap();
    assert_eq!(tasks[0].said().len(), 1);
}

/// Drops what may be the last clone of its pool in a thread of the pool.
struct Owner {
    pool: Mutex<Option<Scheduler<Self>>>,
    done: Sender<()>,
}

impl Task for Owner {
    fn run_batch(items: &[WorkItem<Self>], _urgent: bool) -> ArrayVec<Option<Deadline>, BATCH> {
        for item in items {
            drop(item.task.pool.lock().unwrap().take());
            // Not reached by a thread that waits for itself.
            item.task.done.send(()).unwrap();
        }
        items.iter().map(|_| None).collect()
    }

    fn panicked(&self, message: &str) {
        unreachable!("{message}");
    }
}

#[test]
fn a_thread_of_the_pool_may_drop_the_pool() {
    let (done, dropped) = channel();
    let pool = pool(1);
    let task = Arc::new(Owner {
        pool: Mutex::new(Some(pool.clone())),
        done,
    });
    let id = pool
        .register(Arc::downgrade(&task), &Arc::new(short()))
        .unwrap();
    let held = task.pool.lock().unwrap();
    pool.announce(id, now());
    // The task's clone is the last one when its turn goes on.
    drop(pool);
    drop(held);
    assert_eq!(dropped.recv_timeout(Duration::from_secs(60)), Ok(()));
}

/// Waits until all threads of a pool of one sleep, and gives how often one was woken.
fn woken(pool: &Scheduler<Gated>) -> usize {
    loop {
        let (asleep, woken) = pool.0.shared.sleepers();
        if asleep == 2 {
            return woken;
        }
        thread::yield_now();
    }
}

#[test]
fn an_announcement_wakes_no_thread_that_has_nothing_new_to_do() {
    let pool = pool(1);
    let share = Arc::new(short());
    let tasks = [(); 3].map(|()| Arc::new(Gated::default()));
    let register = |task| pool.register(Arc::downgrade(task), &share).unwrap();
    let ids = tasks.each_ref().map(register);
    let year = Instant::now() + YEAR;
    let before = woken(&pool);
    pool.announce(ids[0], Deadline::At(year));
    assert_eq!(woken(&pool), before + 1, "to sleep with a timer");
    pool.announce(ids[0], Deadline::At(year));
    assert_eq!(woken(&pool), before + 1, "it is queued already");
    pool.announce(ids[1], Deadline::At(year + Duration::from_secs(1)));
    assert_eq!(woken(&pool), before + 1, "the timer is earlier");
    pool.announce(ids[1], Deadline::At(year - Duration::from_secs(1)));
    assert_eq!(woken(&pool), before + 2, "the timer is later");

    // Two threads sleep; one works, and the other one can't: there is one permit.
    pool.announce(ids[2], now());
    tasks[2].begun(1);
    let count = || pool.0.shared.sleepers().1;
    let working = count();
    pool.announce(ids[2], now());
    assert_eq!(count(), working, "a thread works on it");
    pool.announce(ids[0], now());
    assert_eq!(count(), working, "all threads that may work do");
    for task in &tasks {
        task.gate.lock().unwrap().allowed = usize::MAX;
        task.moved.notify_all();
    }
    tasks[0].begun(2);
    tasks[2].begun(2);
}

/// However many there are and wherever they fall, no announcement is slept through.
#[test]
fn no_announcement_is_lost() {
    for threads in [1, 3] {
        let pool = pool(threads);
        let share = Arc::new(short());
        let tasks: Vec<_> = (0..4).map(|_| Arc::new(Gated::default())).collect();
        let ids: Vec<_> = tasks
            .iter()
            .map(|task| pool.register(Arc::downgrade(task), &share).unwrap())
            .collect();
        thread::scope(|scope| {
            for (task, &id) in tasks.iter().zip(&ids) {
                let pool = &pool;
                scope.spawn(move || {
                    for turn in 1..500 {
                        task.allow(false);
                        pool.announce(id, now());
                        task.begun(turn);
                        pool.wait_for(id, &AtomicBool::new(false)).unwrap();
                    }
                });
            }
        });
    }
}

#[test]
fn a_number_of_threads_that_no_machine_has_is_refused() {
    for threads in [0, 1_025, usize::MAX] {
        let pool = Scheduler::<Counter>::new(Some(threads), None, Log::default());
        let error = pool.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("1 to 1024"), "{error}");
    }
    let most = Scheduler::<Counter>::new(Some(1_024), None, Log::default());
    assert_eq!(most.unwrap().threads(), 1_024);
    assert!(pool::<Counter>(1).threads() == 1);
}
