//! Frames that wait for the end of a turn, so that many sends become one write.

use ferrows_protocol::frame::FrameHeader;

/// The outboxes of one JavaScript environment.
///
/// A connection borrows a slot while it has something waiting and gives it back
/// with [`take_into`](Self::take_into); so thousands of idle connections cost
/// nothing here, and the few buffers in use stay warm in the cache.
#[derive(Default)]
pub struct Outboxes {
    slots: Vec<Vec<u8>>,
}

impl Outboxes {
    /// No slots; they are made as they are asked for.
    pub fn new() -> Self {
        Self::default()
    }

    /// The buffer of `slot`, to append encoded frames to.
    pub fn slot(&mut self, slot: usize) -> &mut Vec<u8> {
        if slot >= self.slots.len() {
            self.slots.resize_with(slot + 1, Vec::new);
        }
        &mut self.slots[slot]
    }

    /// Moves what waits in `slot` to the front of `out` and empties the slot.
    ///
    /// Gives the number of bytes moved, or `None` when `out` is too small; then
    /// nothing has changed.
    pub fn take_into(&mut self, slot: usize, out: &mut [u8]) -> Option<usize> {
        let waiting = self.slots.get_mut(slot)?;
        let length = waiting.len();
        out.get_mut(..length)?.copy_from_slice(waiting);
        waiting.clear();
        if waiting.capacity() > KEPT_CAPACITY {
            *waiting = Vec::new();
        }
        Some(length)
    }

    /// Bytes that wait in `slot`.
    pub fn waiting(&self, slot: usize) -> usize {
        self.slots.get(slot).map_or(0, Vec::len)
    }
}

/// Writes one frame to the front of `out`, masking on the way.
///
/// Gives the number of bytes written, or `None` when `out` is too small; then
/// nothing has been written.
pub fn write_frame(out: &mut [u8], header: &FrameHeader, payload: &[u8]) -> Option<usize> {
    let head = header.encode();
    let out = out.get_mut(..head.len() + payload.len())?;
    let (front, body) = out.split_at_mut(head.len());
    front.copy_from_slice(&head);
    match header.mask {
        Some(key) => ferrows_protocol::mask::copy_into(body, payload, key, 0),
        None => body.copy_from_slice(payload),
    }
    Some(front.len() + body.len())
}

/// A slot that once held more than this gives its memory back; the usual turn
/// of small frames stays below it and allocates nothing.
const KEPT_CAPACITY: usize = 16 * 1024;
