//! The way from the I/O threads to an environment: a bounded queue with one consumer, which is
//! woken once for all that comes until it has looked.
//!
//! It knows nothing of sockets, so that it can be tried in every interleaving: see
//! `tests/loom_queue.rs`, which puts the locks of loom in the place of [`super::sync`].

use std::mem;

use super::Wake;
use super::sync::{Mutex, MutexGuard, PoisonError};

/// Batches `B` with a bound on what they cost, and producers `P` that wait for room.
///
/// Producers [ask for leave](Self::admit) before they make something, so each may go over the bound
/// by what it makes at once. One that is refused is kept, and given to the consumer when less than
/// half of the bound is in use: it has to be told then.
pub(super) struct Queue<B, P> {
    state: Mutex<State<B, P>>,
    /// Whether the consumer may still be woken. Held while it is, and never together with `state`:
    /// the consumer does not wait for a system call.
    gate: Mutex<bool>,
    waker: Box<dyn Wake>,
    limit: usize,
}

struct State<B, P> {
    batch: B,
    /// Something was put into `batch`.
    is_filled: bool,
    /// Cost of all that the consumer has not accounted for.
    cost: usize,
    /// No producer is admitted.
    is_full: bool,
    /// Times that those who waited were let go.
    round: u64,
    waiting: Vec<P>,
    /// The consumer was woken, and has not found the queue empty since.
    is_woken: bool,
    is_closed: bool,
}

impl<B: Default, P> Queue<B, P> {
    /// An empty queue.
    pub(super) fn new(limit: usize, waker: Box<dyn Wake>) -> Self {
        Self {
            state: Mutex::new(State {
                batch: B::default(),
                is_filled: false,
                cost: 0,
                is_full: false,
                round: 1,
                waiting: Vec::new(),
                is_woken: false,
                is_closed: false,
            }),
            gate: Mutex::new(true),
            waker,
            limit,
        }
    }

    /// Producer: whether there is room. If not, `producer` waits from now on. `seen` belongs to it,
    /// is 0 at first, and sees to it that it waits but once.
    pub(super) fn admit(&self, seen: &mut u64, producer: impl FnOnce() -> P) -> bool {
        let mut state = self.lock();
        if !state.is_full {
            return true;
        }
        if *seen != state.round {
            *seen = state.round;
            state.waiting.push(producer());
        }
        false
    }

    /// Producer: adds something of that cost by `fill`, whether or not there is room, and wakes the
    /// consumer if need be. Says whether the queue is full now.
    pub(super) fn push(&self, cost: usize, fill: impl FnOnce(&mut B)) -> bool {
        let mut state = self.lock();
        if state.is_closed {
            return false;
        }
        fill(&mut state.batch);
        state.is_filled = true;
        state.cost += cost;
        state.is_full |= state.cost >= self.limit;
        let is_full = state.is_full;
        let must_wake = !mem::replace(&mut state.is_woken, true);
        drop(state);
        if must_wake {
            let is_open = lock(&self.gate);
            if *is_open {
                self.waker.wake();
            }
        }
        is_full
    }

    /// Consumer: exchanges an empty batch for what has come. If that is nothing it says so, and the
    /// next push wakes.
    pub(super) fn exchange(&self, batch: &mut B) -> bool {
        let mut state = self.lock();
        let is_filled = mem::replace(&mut state.is_filled, false);
        if is_filled {
            mem::swap(&mut state.batch, batch);
        } else {
            state.is_woken = false;
        }
        is_filled
    }

    /// Consumer: accounts for something of that cost. Gives the producers that are to be told of
    /// the room there is.
    pub(super) fn release(&self, cost: usize) -> Vec<P> {
        self.lock().release(cost, self.limit)
    }

    /// Consumer: takes something out of what it has not taken yet. `edit` gives its cost. The
    /// result is that of [`release`](Self::release).
    pub(super) fn edit(&self, edit: impl FnOnce(&mut B) -> usize) -> Vec<P> {
        let mut state = self.lock();
        let cost = edit(&mut state.batch);
        state.release(cost, self.limit)
    }

    /// Consumer: ends the queue. Nothing is kept any more, and there is no wake after this returns.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.is_filled = false;
        let batch = mem::take(&mut state.batch);
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        drop((batch, waiting));
        *lock(&self.gate) = false;
    }

    /// What is in use of the bound.
    #[cfg(test)]
    pub(super) fn cost(&self) -> usize {
        self.lock().cost
    }

    fn lock(&self) -> MutexGuard<'_, State<B, P>> {
        lock(&self.state)
    }
}

impl<B, P> State<B, P> {
    fn release(&mut self, cost: usize, limit: usize) -> Vec<P> {
        self.cost -= cost;
        if !self.is_full || self.cost >= limit / 2 {
            return Vec::new();
        }
        self.is_full = false;
        self.round += 1;
        mem::take(&mut self.waiting)
    }
}

/// Nothing panics while a lock is held, but for a lack of memory.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
