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
        if slot >= KEPT_SLOTS || waiting.capacity() > KEPT_CAPACITY {
            *waiting = Vec::new();
        }
        Some(length)
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

/// Slots that keep their memory at all: a broadcast to very many connections
/// must not leave as many buffers behind.
const KEPT_SLOTS: usize = 256;

#[cfg(test)]
mod tests {
    use ferrows_protocol::OpCode;
    use ferrows_protocol::frame::encode_frame;

    use super::*;

    fn header(mask: Option<[u8; 4]>, length: usize) -> FrameHeader {
        FrameHeader {
            fin: true,
            rsv1: false,
            opcode: OpCode::BINARY,
            mask,
            length: length as u64,
        }
    }

    #[test]
    fn writes_the_same_frame_as_the_encoder_that_appends() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
                let mut appended = Vec::new();
                encode_frame(&mut appended, &header(mask, length), &payload);
                let mut written = vec![0; appended.len() + 3];
                let end = write_frame(&mut written, &header(mask, length), &payload);
                assert_eq!(end, Some(appended.len()));
                assert_eq!(written[..appended.len()], appended);
            }
        }
    }

    #[test]
    fn writes_nothing_where_a_frame_does_not_fit() {
        let mut out = [7; 9];
        assert_eq!(write_frame(&mut out, &header(None, 8), &[1; 8]), None);
        assert_eq!(out, [7; 9]);
    }

    #[test]
    fn keeps_slots_apart_and_empties_what_is_taken() {
        let mut outboxes = Outboxes::new();
        outboxes.slot(2).extend_from_slice(b"two");
        outboxes.slot(0).extend_from_slice(b"zero");
        let mut out = [0; 8];
        assert_eq!(outboxes.take_into(2, &mut out), Some(3));
        assert_eq!(out[..3], *b"two");
        assert_eq!(outboxes.slot(2).len(), 0);
        assert_eq!(outboxes.take_into(0, &mut out), Some(4));
        assert_eq!(out[..4], *b"zero");
    }

    #[test]
    fn leaves_a_slot_alone_that_does_not_fit_or_does_not_exist() {
        let mut outboxes = Outboxes::new();
        outboxes.slot(0).extend_from_slice(b"waiting");
        assert_eq!(outboxes.take_into(0, &mut [0; 6]), None);
        assert_eq!(outboxes.slot(0).len(), 7);
        assert_eq!(outboxes.take_into(1, &mut [0; 6]), None);
    }

    #[test]
    fn gives_the_memory_of_a_large_slot_back() {
        let mut outboxes = Outboxes::new();
        outboxes.slot(0).resize(2 * KEPT_CAPACITY, 1);
        let mut out = vec![0; 2 * KEPT_CAPACITY];
        assert!(outboxes.take_into(0, &mut out).is_some());
        assert_eq!(outboxes.slot(0).capacity(), 0);
        outboxes.slot(0).resize(KEPT_CAPACITY / 2, 1);
        assert!(outboxes.take_into(0, &mut out).is_some());
        assert!(outboxes.slot(0).capacity() >= KEPT_CAPACITY / 2);
    }

    #[test]
    fn keeps_the_memory_of_a_bounded_number_of_slots() {
        let mut outboxes = Outboxes::new();
        for slot in 0..2 * KEPT_SLOTS {
            outboxes.slot(slot).push(1);
            outboxes.take_into(slot, &mut [0]);
        }
        let kept = outboxes
            .slots
            .iter()
            .filter(|slot| slot.capacity() > 0)
            .count();
        assert_eq!(kept, KEPT_SLOTS);
    }
}
