//! Sees to it that nothing waits for long while JavaScript is busy.
//!
//! Frames are kept until the turn of JavaScript that sends them ends, which is soon; but a program
//! may send, and then compute for a second. One thread for the process looks at the environments that
//! have kept something lately, and writes what is about to be late. (A timer of tokio would round its
//! millisecond up to two.) While nobody sends it sleeps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::outgoing::MAX_AGE;

#[cfg(test)]
mod tests;

/// An environment's hold on the thread, which ends, and is joined, with the last one.
pub(super) struct Flusher(());

/// Something that keeps what must not be late.
pub(super) trait Late: Send + Sync {
    /// Writes what is about to be late. `is_last` says that nobody looks again if nothing is kept, unless
    /// [`Flusher::watch`] is called.
    fn look(&self, now: Instant, is_last: bool) -> Look;
}

/// What [`Late::look`] has found.
pub(super) enum Look {
    /// Something is kept, until then.
    Next(Instant),
    /// Nothing is kept.
    Idle,
    /// Another thread is at it.
    Busy,
}

/// The thread's work.
struct State {
    /// How many [`Flusher`]s there are.
    holders: usize,
    thread: Option<Running>,
    /// Tables that were not watched when they began to keep something.
    arrived: Vec<Watched>,
}

/// A thread that was started.
struct Running {
    thread: JoinHandle<()>,
    /// Tells it to end.
    stop: Arc<AtomicBool>,
}

/// A table that is looked at.
struct Watched {
    late: Weak<dyn Late>,
    /// When to look next.
    next: Instant,
    /// Looks since it kept something.
    idle: u32,
}

static STATE: Mutex<State> = Mutex::new(State {
    holders: 0,
    thread: None,
    arrived: Vec::new(),
});

/// Tells the thread that `STATE` has changed.
static CHANGED: Condvar = Condvar::new();

impl Flusher {
    pub(super) fn new() -> Self {
        lock().holders += 1;
        Self(())
    }

    /// Begins to look at a table, at some time for the first. False if the system has no thread:
    /// then only the ends of turns flush.
    pub(super) fn watch(&self, late: &Arc<dyn Late>, next: Instant) -> bool {
        let mut state = lock();
        if state.thread.is_none() {
            state.thread = Running::start();
        }
        if state.thread.is_none() {
            return false;
        }
        state.arrived.push(Watched {
            late: Arc::downgrade(late),
            next,
            idle: 0,
        });
        CHANGED.notify_one();
        true
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        let mut state = lock();
        state.holders -= 1;
        if state.holders > 0 {
            return;
        }
        let Some(Running { thread, stop }) = state.thread.take() else {
            return;
        };
        state.arrived = Vec::new();
        stop.store(true, Ordering::Relaxed);
        // One that has just been started by somebody else may be waiting, too.
        CHANGED.notify_all();
        drop(state);
        // It does not panic; if it did, that would be no reason for this thread to.
        let _ = thread.join();
    }
}

impl Running {
    fn start() -> Option<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("ferrows-flush".into())
            .spawn(move || run(&seen))
            .ok()?;
        Some(Self { thread, stop })
    }
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread. `stop` is only set under the lock.
fn run(stop: &AtomicBool) {
    let mut watched: Vec<Watched> = Vec::new();
    let mut state = lock();
    loop {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        watched.append(&mut state.arrived);
        let Some(next) = watched.iter().map(|watched| watched.next).min() else {
            state = CHANGED.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(state);
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        watched.retain_mut(|watched| watched.next > now || watched.look(now));
        state = lock();
    }
}

impl Watched {
    /// Writes what is about to be late; false if the table needs no watch any more.
    fn look(&mut self, now: Instant) -> bool {
        let Some(late) = self.late.upgrade() else {
            return false;
        };
        let is_last = self.idle + 1 >= MAX_IDLE;
        match late.look(now, is_last) {
            Look::Next(next) => {
                self.next = next;
                self.idle = 0;
            }
            Look::Busy => self.next = Instant::now() + BUSY,
            Look::Idle => {
                self.next = now + MAX_AGE;
                self.idle += 1;
                return !is_last;
            }
        }
        true
    }
}

/// Time for which a table is left to the thread that has it: most likely that is writing what is kept.
const BUSY: Duration = Duration::from_micros(200);

/// Vain looks after which a table is not looked at any more: waking the thread up takes longer than a
/// few of them.
const MAX_IDLE: u32 = 20;
