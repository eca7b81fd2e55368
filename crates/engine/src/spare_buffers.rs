//! Large buffers that are used again.
//!
//! The allocator gives the memory of large buffers back to the system, and asks for it again, page by
//! page: for a message of a megabyte that takes longer than copying it. So a few are kept.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// For all threads of the process.
static SPARE: Spare = Spare(Mutex::new(Vec::new()));

/// Buffers that nobody has at the moment.
struct Spare(Mutex<Vec<Vec<u8>>>);

/// An empty buffer for so many bytes: one that is kept and not much larger, or a new one. It has no
/// memory yet if they are few.
pub fn take(bytes: usize) -> Vec<u8> {
    SPARE.take(bytes)
}

/// Keeps a buffer that is not needed any more, or frees it.
pub fn give(buffer: Vec<u8>) {
    SPARE.give(buffer);
}

impl Spare {
    fn take(&self, bytes: usize) -> Vec<u8> {
        if bytes < MIN_BYTES {
            return Vec::new();
        }
        let mut spare = self.lock();
        let place = spare.iter().position(|buffer| {
            let capacity = buffer.capacity();
            capacity >= bytes && capacity / 4 <= bytes
        });
        if let Some(place) = place {
            return spare.remove(place);
        }
        drop(spare);
        // The next message may be a little longer.
        Vec::with_capacity(bytes.next_multiple_of(MIN_BYTES))
    }

    fn give(&self, mut buffer: Vec<u8>) {
        let fits = (MIN_BYTES..=MAX_BYTES).contains(&buffer.capacity());
        if !fits {
            return;
        }
        buffer.clear();
        let mut spare = self.lock();
        if spare.len() == MAX_BUFFERS {
            // One that has not been wanted for long may be of a size that nobody wants any more.
            drop(spare.remove(0));
        }
        spare.push(buffer);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Smaller ones the allocator keeps itself.
const MIN_BYTES: usize = 64 * 1024;

/// Larger ones are worth their pages.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// So that no more than 16 MiB are kept.
const MAX_BUFFERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_buffers_again_that_are_about_as_large_as_wanted() {
        let spare = Spare(Mutex::default());
        let buffer = Vec::with_capacity(1_234_567);
        let address = buffer.as_ptr();
        spare.give(buffer);
        for bytes in [1_234_568, 100_000] {
            let other = spare.take(bytes);
            assert_ne!(other.as_ptr(), address);
        }
        let found = spare.take(1_200_000);
        assert_eq!((found.as_ptr(), found.len()), (address, 0));
        assert_eq!(spare.take(1000).capacity(), 0);
    }

    #[test]
    fn keeps_few_and_no_small_or_very_large_ones() {
        let spare = Spare(Mutex::default());
        spare.give(Vec::with_capacity(MIN_BYTES / 2));
        spare.give(Vec::with_capacity(MAX_BYTES * 2));
        assert!(spare.lock().is_empty());
        for _ in 0..2 * MAX_BUFFERS {
            spare.give(Vec::with_capacity(MIN_BYTES));
        }
        assert_eq!(spare.lock().len(), MAX_BUFFERS);
        spare.give(Vec::with_capacity(2 * MIN_BYTES));
        assert_eq!(spare.lock().len(), MAX_BUFFERS);
        assert!(
            spare.take(2 * MIN_BYTES).capacity() >= 2 * MIN_BYTES,
            "the oldest has made room"
        );
        assert_eq!(spare.lock().len(), MAX_BUFFERS - 1);
    }
}
