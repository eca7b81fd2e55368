//! What the I/O threads tell an environment, and how it lies in memory.

use std::collections::VecDeque;
use std::mem;

use ferrows_protocol::{Event, Payload, ProtocolError};

use crate::spare_buffers;

/// News of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Something that the peer has sent. Nothing is read after a close event.
    Event(Event),
    /// The peer has broken the protocol. Nothing is read any more.
    Failed(ProtocolError),
    /// The peer has ended its side.
    Ended,
    /// The connection is lost: the number of the error of reading.
    Lost(i32),
    /// Nothing is read before [`set_decompressor`](super::Remote::set_decompressor).
    NeedsInflater,
    /// The kernel has taken so many bytes in all; asked for by
    /// [`notify_sent`](super::Remote::notify_sent).
    Sent {
        /// As [`sent`](super::Remote::sent) was then.
        total: u64,
    },
    /// Writing has failed, with that number, and has ended. What the kernel has not taken is kept
    /// for [`remove`](super::Remote::remove), so that Node can find out what is wrong by itself.
    SendFailed(i32),
}

/// The next of an environment's deliveries.
#[derive(Debug)]
pub struct Fetched<'a> {
    /// The connection.
    pub id: usize,
    /// What there is to tell of it.
    pub delivery: Delivery,
    /// The chunk that [`Payload::InChunk`] refers to; payloads over 16 KiB are owned.
    pub chunk: &'a [u8],
}

/// Deliveries in order, with the bytes of their small payloads one behind the other.
#[derive(Default)]
pub(super) struct Batch {
    entries: VecDeque<Entry>,
    bytes: Vec<u8>,
}

struct Entry {
    id: u32,
    delivery: Delivery,
}

impl Delivery {
    /// Bytes of memory that it takes while it waits, about. It is the same in and out of a
    /// [`Batch`].
    pub(super) fn cost(&self) -> usize {
        let payload = match self {
            Self::Event(event) => match event {
                // The list of lengths is no longer than the payload.
                Event::Message {
                    payload, frames, ..
                } => payload.len() * if frames.is_empty() { 1 } else { 2 },
                Event::Compressed { payload, .. } => payload.len(),
                Event::Ping(payload) | Event::Pong(payload) => payload.len(),
                Event::Close { reason, .. } => reason.len(),
            },
            _ => 0,
        };
        size_of::<Entry>() + payload
    }

    /// Copies a large payload out of `chunk`; does so before a lock is taken.
    pub(super) fn with_large_payload_owned(mut self, chunk: &[u8]) -> Self {
        if let Some(payload) = self.payload_mut()
            && payload.len() > MAX_SHARED
        {
            own(payload, chunk);
        }
        self
    }

    fn payload_mut(&mut self) -> Option<&mut Payload> {
        match self {
            Self::Event(
                Event::Message { payload, .. }
                | Event::Compressed { payload, .. }
                | Event::Ping(payload)
                | Event::Pong(payload)
                | Event::Close {
                    reason: payload, ..
                },
            ) => Some(payload),
            _ => None,
        }
    }
}

impl Batch {
    /// Adds a delivery, whose payload may lie in `chunk`.
    pub(super) fn push(&mut self, id: u32, mut delivery: Delivery, chunk: &[u8]) {
        if let Some(payload) = delivery.payload_mut()
            && payload.len() <= MAX_SHARED
        {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(payload.bytes(chunk));
            let copied = Payload::InChunk(start..self.bytes.len());
            if let Payload::Owned(bytes) = mem::replace(payload, copied) {
                spare_buffers::give(bytes);
            }
        }
        self.entries.push_back(Entry { id, delivery });
    }

    /// Takes the first delivery out; its payload may lie in [`bytes`](Self::bytes).
    pub(super) fn pop(&mut self) -> Option<(u32, Delivery)> {
        let Entry { id, delivery } = self.entries.pop_front()?;
        Some((id, delivery))
    }

    /// Takes the deliveries of one connection out and appends them to `found`, with payloads of
    /// their own. Gives their cost.
    pub(super) fn extract(&mut self, id: u32, found: &mut Vec<Delivery>) -> usize {
        let mut cost = 0;
        let bytes = &self.bytes;
        self.entries.retain_mut(|entry| {
            if entry.id != id {
                return true;
            }
            let mut delivery = mem::replace(&mut entry.delivery, Delivery::Ended);
            cost += delivery.cost();
            if let Some(payload) = delivery.payload_mut() {
                own(payload, bytes);
            }
            found.push(delivery);
            false
        });
        cost
    }

    /// Empties it, but keeps its memory unless that is much, and was hardly used.
    pub(super) fn clear(&mut self) {
        if self.bytes.capacity() > MAX_KEPT && self.bytes.len() < self.bytes.capacity() / 4 {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.entries.clear();
        self.entries.shrink_to(MAX_KEPT / size_of::<Entry>());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn own(payload: &mut Payload, chunk: &[u8]) {
    if let Payload::InChunk(range) = payload {
        *payload = Payload::Owned(chunk[range.clone()].to_vec());
    }
}

/// Longest payload that is copied behind others, in bytes. Longer ones have memory of their own,
/// which JavaScript can have without a copy.
const MAX_SHARED: usize = 16 * 1024;

/// Bytes of memory that an empty batch may keep in any case.
const MAX_KEPT: usize = 1024 * 1024;
