//! Buffers that are used again.
//!
//! The allocator gives the memory of large buffers back to the system, and asks for it again, page by
//! page: for a message of a megabyte that takes longer than copying it. Smaller ones wander from one
//! thread to another and back, which allocators are slow at, and come back with memory that is not in
//! the cache. So a few are kept.

use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// For all threads of the process: at most 2 MiB.
static MEDIUM: Spare = Spare::new(MIN_MEDIUM..=MIN_LARGE - 1, 32);

/// The same for large ones: at most 16 MiB.
static LARGE: Spare = Spare::new(MIN_LARGE..=MAX_LARGE, 8);

/// An empty buffer for so many bytes: one that is kept and not much larger, or a new one. It has no
/// memory yet if they are few.
pub fn take(bytes: usize) -> Vec<u8> {
    if bytes < MIN_MEDIUM {
        Vec::new()
    } else if bytes < MIN_LARGE {
        MEDIUM.take(bytes)
    } else {
        LARGE.take(bytes)
    }
}

/// Keeps a buffer that is not needed any more, or frees it.
pub fn give(buffer: Vec<u8>) {
    if buffer.capacity() < MIN_LARGE {
        MEDIUM.give(buffer);
    } else {
        LARGE.give(buffer);
    }
}

/// Buffers that nobody has at the moment.
struct Spare {
    buffers: Mutex<Vec<Vec<u8>>>,
    /// What their capacities may be, in bytes.
    sizes: RangeInclusive<usize>,
    /// How many are kept.
    limit: usize,
}

impl Spare {
    const fn new(sizes: RangeInclusive<usize>, limit: usize) -> Self {
        Self {
            buffers: Mutex::new(Vec::new()),
            sizes,
            limit,
        }
    }

    fn take(&self, bytes: usize) -> Vec<u8> {
        let mut buffers = self.lock();
        // The latest one is the likeliest to be in the cache.
        let place = buffers.iter().rposition(|buffer| {
            let capacity = buffer.capacity();
            capacity >= bytes && capacity / 4 <= bytes
        });
        if let Some(place) = place {
            return buffers.remove(place);
        }
        drop(buffers);
        // The next message may be a little longer.
        let capacity = bytes.next_multiple_of(*self.sizes.start());
        Vec::with_capacity(capacity.min(*self.sizes.end()).max(bytes))
    }

    fn give(&self, mut buffer: Vec<u8>) {
        if !self.sizes.contains(&buffer.capacity()) {
            return;
        }
        buffer.clear();
        let mut buffers = self.lock();
        if buffers.len() == self.limit {
            // One that has not been wanted for long may be of a size that nobody wants any more.
            drop(buffers.remove(0));
        }
        buffers.push(buffer);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Smaller ones the allocator keeps itself.
const MIN_MEDIUM: usize = 4 * 1024;

const MIN_LARGE: usize = 64 * 1024;

/// Larger ones are worth their pages.
const MAX_LARGE: usize = 2 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn spare() -> Spare {
        Spare::new(MIN_LARGE..=MAX_LARGE, 8)
    }

    #[test]
    fn are_given_again_if_they_are_about_as_large_as_wanted() {
        let spare = spare();
        let buffer = Vec::with_capacity(1_234_567);
        let address = buffer.as_ptr();
        spare.give(buffer);
        for bytes in [1_234_568, 100_000] {
            let other = spare.take(bytes);
            assert_ne!(other.as_ptr(), address);
        }
        let found = spare.take(1_200_000);
        assert_eq!((found.as_ptr(), found.len()), (address, 0));
    }

    #[test]
    fn given_last_are_taken_first() {
        let spare = spare();
        let buffers = [0; 3].map(|_| Vec::with_capacity(MIN_LARGE));
        let mut addresses = buffers.each_ref().map(Vec::as_ptr);
        buffers.into_iter().for_each(|buffer| spare.give(buffer));
        addresses.reverse();
        let taken = [0; 3].map(|_| spare.take(MIN_LARGE));
        assert_eq!(taken.each_ref().map(Vec::as_ptr), addresses);
    }

    #[test]
    fn are_few_and_neither_small_nor_very_large() {
        let spare = spare();
        spare.give(Vec::with_capacity(MIN_LARGE / 2));
        spare.give(Vec::with_capacity(MAX_LARGE * 2));
        assert!(spare.lock().is_empty());
        for _ in 0..2 * spare.limit {
            spare.give(Vec::with_capacity(MIN_LARGE));
        }
        assert_eq!(spare.lock().len(), spare.limit);
        spare.give(Vec::with_capacity(2 * MIN_LARGE));
        assert_eq!(spare.lock().len(), spare.limit);
        assert!(
            spare.take(2 * MIN_LARGE).capacity() >= 2 * MIN_LARGE,
            "the oldest has made room"
        );
        assert_eq!(spare.lock().len(), spare.limit - 1);
    }

    #[test]
    fn of_any_size_come_back_to_their_like() {
        assert_eq!(take(MIN_MEDIUM - 1).capacity(), 0);
        for bytes in [MIN_MEDIUM, 20_000, MIN_LARGE - 1, MIN_LARGE, MAX_LARGE + 1] {
            let buffer = take(bytes);
            assert!(buffer.capacity() >= bytes);
            assert!(buffer.capacity() / 4 <= bytes);
            let is_medium = buffer.capacity() < MIN_LARGE;
            assert_eq!(is_medium, bytes < MIN_LARGE, "{bytes}");
            give(buffer);
        }
    }
}
