//! The compressors of all connections, and the few encoders that they share.
//!
//! An encoder takes some hundred kilobytes, the history that it can be made again from 32 KiB at
//! most. So only the connections that sent last keep theirs:
//!
//! ```text
//!   recent connections    history + encoder       up to MAX_LIVE
//!   all others            history                 an encoder is lent to them when they send
//! ```
//!
//! Lending costs some 10 µs, and 60 µs for a history of 32 KiB, which is gone through again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ferrows_protocol::deflate::{Compressor, Encoder};

use crate::Slots;

#[cfg(test)]
mod tests;

/// The compressors of one JavaScript environment.
#[derive(Default)]
pub struct Compressors {
    slots: Slots<Box<Compressor>>,
    /// Which of them keep an encoder, and when each was used last.
    live: Vec<(usize, u64)>,
    spare: SpareEncoders,
    /// Those that were released while they were away.
    released: Vec<usize>,
    /// Counts uses.
    clock: u64,
}

impl Compressors {
    /// No compressors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a compressor and gives its number.
    pub fn insert(&mut self, compressor: Compressor) -> usize {
        self.slots.insert(Box::new(compressor))
    }

    /// Takes a number back.
    pub fn remove(&mut self, slot: usize) {
        self.forget(slot);
        if let Some(mut compressor) = self.slots.remove(slot) {
            self.spare.keep(compressor.take_encoder());
        }
    }

    /// Gives back the memory of a compressor that is not needed for now; used again, it begins anew.
    pub fn release(&mut self, slot: usize) {
        self.forget(slot);
        if self.slots.is_away(slot) {
            self.released.push(slot);
        } else if let Some(compressor) = self.slots.get_mut(slot) {
            let encoder = compressor.take_encoder();
            compressor.reset();
            self.spare.keep(encoder);
        }
    }

    /// Takes a compressor out to work with it, with an encoder if it will keep that. One without
    /// context takeover finds it where it works: see [`SpareEncoders`].
    pub fn take(&mut self, slot: usize) -> Option<Box<Compressor>> {
        let mut compressor = self.slots.take(slot)?;
        self.forget(slot);
        if compressor.keeps_encoder() {
            self.lend_to(&mut compressor);
        }
        Some(compressor)
    }

    /// Puts back what [`take`](Self::take) gave.
    pub fn put_back(&mut self, slot: usize, mut compressor: Box<Compressor>) {
        let count = self.released.len();
        self.released.retain(|&released| released != slot);
        if self.released.len() < count {
            compressor.reset();
        }
        self.spare.take_from(&mut compressor);
        let live = compressor.has_encoder();
        if self.slots.put_back(slot, compressor) && live {
            self.clock += 1;
            self.live.push((slot, self.clock));
            self.park_oldest_above(MAX_LIVE);
        }
    }

    /// Compresses a frame's payload with the compressor of `slot` and appends it to `out`.
    ///
    /// False says that there is none, or that it is away.
    pub fn compress(&mut self, slot: usize, data: &[u8], fin: bool, out: &mut Vec<u8>) -> bool {
        let Some(mut compressor) = self.take(slot) else {
            return false;
        };
        self.spare.lend_to(&mut compressor);
        compressor.compress(data, fin, out, || true);
        self.put_back(slot, compressor);
        true
    }

    /// The encoders that nobody keeps, for those who work elsewhere.
    pub fn spare(&self) -> SpareEncoders {
        self.spare.clone()
    }

    /// Lends a spare encoder, or that of whoever has not sent for longest.
    fn lend_to(&mut self, compressor: &mut Compressor) {
        self.spare.lend_to(compressor);
        if !compressor.has_encoder() {
            self.park_oldest_above(MAX_LIVE - 1);
            self.spare.lend_to(compressor);
        }
    }

    /// Takes encoders away until only `count` connections keep one.
    fn park_oldest_above(&mut self, count: usize) {
        while self.live.len() > count {
            let oldest = (0..self.live.len()).min_by_key(|&index| self.live[index].1);
            let Some(index) = oldest else { return };
            let (slot, _) = self.live.swap_remove(index);
            if let Some(compressor) = self.slots.get_mut(slot) {
                self.spare.keep(compressor.take_encoder());
            }
        }
    }

    fn forget(&mut self, slot: usize) {
        if let Some(index) = self.live.iter().position(|entry| entry.0 == slot) {
            self.live.swap_remove(index);
        }
    }
}

/// The encoders that no connection keeps. Messages without context takeover, which are compressed
/// one after the other on a few threads, are all compressed with them: one for each thread is enough,
/// however many connections there are.
#[derive(Clone, Debug, Default)]
pub struct SpareEncoders(Arc<Mutex<Vec<Encoder>>>);

impl SpareEncoders {
    /// Lends an encoder, if there is one that suits and `compressor` has none.
    pub fn lend_to(&self, compressor: &mut Compressor) {
        if compressor.has_encoder() {
            return;
        }
        let mut encoders = self.lock();
        let mut all = encoders.iter();
        if let Some(index) = all.position(|encoder| compressor.accepts(encoder)) {
            compressor.lend(encoders.swap_remove(index));
        }
    }

    /// Takes the encoder of a compressor that is at rest.
    pub fn take_from(&self, compressor: &mut Compressor) {
        if compressor.is_at_rest() {
            self.keep(compressor.take_encoder());
        }
    }

    fn keep(&self, encoder: Option<Encoder>) {
        if let Some(encoder) = encoder {
            let mut encoders = self.lock();
            if encoders.len() == MAX_SPARE {
                encoders.remove(0);
            }
            encoders.push(encoder);
        }
    }

    /// Nothing is left half done by who panics.
    fn lock(&self) -> MutexGuard<'_, Vec<Encoder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connections that keep an encoder: 60 MB at most with the default settings, where as many thousand
/// connections would take four times as much.
const MAX_LIVE: usize = 256;

/// Encoders kept for whoever comes next.
const MAX_SPARE: usize = 4;
