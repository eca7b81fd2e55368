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
    spare: Vec<Encoder>,
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
            self.keep_spare(compressor.take_encoder());
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
            self.keep_spare(encoder);
        }
    }

    /// Takes a compressor out to work with it, with an encoder if it will keep that. One without
    /// context takeover finds it where it works: see [`SharedEncoders`].
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
        if compressor.is_at_rest() {
            self.keep_spare(compressor.take_encoder());
        }
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
        match self.slots.get_mut(slot) {
            Some(compressor) if compressor.has_encoder() && !compressor.is_at_rest() => {
                compressor.compress(data, fin, out, || true);
                self.clock += 1;
                let clock = self.clock;
                if let Some(entry) = self.live.iter_mut().find(|entry| entry.0 == slot) {
                    entry.1 = clock;
                }
                // Without context takeover the end of a message sets it free.
                if self.slots.get_mut(slot).is_some_and(|it| it.is_at_rest())
                    && let Some(compressor) = self.take(slot)
                {
                    self.put_back(slot, compressor);
                }
                true
            }
            Some(_) => {
                let Some(mut compressor) = self.take(slot) else {
                    return false;
                };
                self.lend_to(&mut compressor);
                compressor.compress(data, fin, out, || true);
                self.put_back(slot, compressor);
                true
            }
            None => false,
        }
    }

    fn lend_to(&mut self, compressor: &mut Compressor) {
        if !compressor.has_encoder()
            && let Some(encoder) = self.find_encoder(compressor)
        {
            compressor.lend(encoder);
        }
    }

    /// An encoder for `compressor`: a spare one, or that of whoever has not sent for longest.
    fn find_encoder(&mut self, compressor: &Compressor) -> Option<Encoder> {
        let suits = |encoder: &Encoder| compressor.accepts(encoder);
        if let Some(index) = self.spare.iter().position(suits) {
            return Some(self.spare.swap_remove(index));
        }
        self.park_oldest_above(MAX_LIVE - 1);
        let index = self.spare.iter().position(suits)?;
        Some(self.spare.swap_remove(index))
    }

    /// Takes encoders away until only `count` connections keep one.
    fn park_oldest_above(&mut self, count: usize) {
        while self.live.len() > count {
            let oldest = (0..self.live.len()).min_by_key(|&index| self.live[index].1);
            let Some(index) = oldest else { return };
            let (slot, _) = self.live.swap_remove(index);
            let encoder = self
                .slots
                .get_mut(slot)
                .and_then(|compressor| compressor.take_encoder());
            self.keep_spare(encoder);
        }
    }

    fn keep_spare(&mut self, encoder: Option<Encoder>) {
        if let Some(encoder) = encoder {
            if self.spare.len() == MAX_SPARE {
                self.spare.remove(0);
            }
            self.spare.push(encoder);
        }
    }

    fn forget(&mut self, slot: usize) {
        if let Some(index) = self.live.iter().position(|entry| entry.0 == slot) {
            self.live.swap_remove(index);
        }
    }
}

/// Encoders for messages without context takeover, which are compressed one after the other on a
/// few threads: one for each thread is enough, however many connections there are.
#[derive(Clone, Debug, Default)]
pub struct SharedEncoders(Arc<Mutex<Vec<Encoder>>>);

impl SharedEncoders {
    /// Lends an encoder, if there is one and `compressor` has none.
    pub fn lend_to(&self, compressor: &mut Compressor) {
        if compressor.has_encoder() {
            return;
        }
        let mut encoders = self.lock();
        let suiting = encoders
            .iter()
            .position(|encoder| compressor.accepts(encoder));
        if let Some(index) = suiting {
            compressor.lend(encoders.swap_remove(index));
        }
    }

    /// Takes the encoder of a compressor that is at rest.
    pub fn take_from(&self, compressor: &mut Compressor) {
        if !compressor.is_at_rest() {
            return;
        }
        if let Some(encoder) = compressor.take_encoder() {
            let mut encoders = self.lock();
            encoders.truncate(MAX_SPARE - 1);
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
