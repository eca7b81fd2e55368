//! Large memory, freed on a thread of the pool.
//!
//! The collector of JavaScript's garbage lets go of many messages at once, and to give a megabyte back
//! to the system takes 60 µs: the event loop would stand still for milliseconds.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Frees a buffer: a large one on a thread of the pool, if there is a pool, and any other here.
pub fn free_elsewhere(buffer: Vec<u8>) {
    if buffer.capacity() < MIN_BYTES {
        return;
    }
    let Some(pool) = super::existing_pool() else {
        return;
    };
    let is_first = {
        let mut waiting = waiting();
        if waiting.bytes + buffer.capacity() > MAX_WAITING {
            return;
        }
        waiting.bytes += buffer.capacity();
        waiting.buffers.push(buffer);
        waiting.buffers.len() == 1
    };
    if is_first {
        // If the pool ends before, or has no thread, they are freed where the task is dropped.
        let task = FreesAll;
        let _ = super::spawn(&pool, move || drop(task));
    }
}

/// Frees everything that waits when it is dropped, on whichever thread that is.
struct FreesAll;

impl Drop for FreesAll {
    fn drop(&mut self) {
        // The lock is not held while they are freed.
        let buffers = mem::take(&mut waiting().buffers);
        for buffer in buffers {
            let bytes = buffer.capacity();
            drop(buffer);
            waiting().bytes -= bytes;
            // Where there is but one processor, JavaScript goes first.
            thread::yield_now();
        }
    }
}

/// What is to be freed, for all threads of the process.
static WAITING: Mutex<Waiting> = Mutex::new(Waiting {
    buffers: Vec::new(),
    bytes: 0,
});

struct Waiting {
    buffers: Vec<Vec<u8>>,
    /// Of all of them, and of those that are being freed.
    bytes: usize,
}

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Smaller ones the allocator keeps, which takes no time.
const MIN_BYTES: usize = 128 * 1024;

/// Bytes that may wait for a pool that has much to do. It is what V8 lets an application hold outside
/// its heap before it looks for garbage.
const MAX_WAITING: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::{Duration, Instant};

    use tokio::runtime::Runtime;

    use super::super::shared_pool;
    use super::super::tests::{alone, threads};
    use super::*;

    fn buffer(bytes: usize) -> Vec<u8> {
        Vec::with_capacity(bytes)
    }

    /// Keeps all threads busy until what it gives is dropped.
    fn occupy(pool: &Runtime) -> Vec<Sender<()>> {
        let occupy_one = |_| {
            let (release, hold) = channel();
            drop(pool.spawn_blocking(move || hold.recv().is_err()));
            release
        };
        (0..threads()).map(occupy_one).collect()
    }

    /// Buffers that wait, and the bytes of all.
    fn state() -> (usize, usize) {
        let waiting = waiting();
        (waiting.buffers.len(), waiting.bytes)
    }

    #[test]
    fn is_at_once_without_a_pool() {
        let _alone = alone();
        free_elsewhere(buffer(MIN_BYTES));
        assert_eq!(state(), (0, 0));
    }

    #[test]
    fn is_left_to_the_pool_within_limits() {
        let _alone = alone();
        let pool = shared_pool().expect("there is a thread");
        let releases = occupy(&pool);
        free_elsewhere(buffer(MIN_BYTES - 1));
        assert_eq!(state(), (0, 0), "a small one is freed here");
        free_elsewhere(buffer(MIN_BYTES));
        assert_eq!(state(), (1, MIN_BYTES));
        free_elsewhere(buffer(MAX_WAITING));
        assert_eq!(state(), (1, MIN_BYTES), "too much would wait");
        free_elsewhere(buffer(2 * MIN_BYTES));
        assert_eq!(state(), (2, 3 * MIN_BYTES));
        drop(releases);
        let start = Instant::now();
        while state() != (0, 0) {
            assert!(start.elapsed() < Duration::from_secs(20));
            thread::yield_now();
        }
    }

    #[test]
    fn comes_with_the_end_of_the_pool() {
        let _alone = alone();
        let pool = shared_pool().expect("there is a thread");
        let releases = occupy(&pool);
        free_elsewhere(buffer(MIN_BYTES));
        assert_eq!(state(), (1, MIN_BYTES));
        drop(releases);
        drop(pool);
        assert_eq!(state(), (0, 0));
    }
}
