//! What the messages of a run carry.

use super::extension::Agreement;
use super::failure::Failure;
use super::frame::{Keys, MAX_HEADER, Opcode, append_frame};
use super::messages::Messages;
use super::reader::Piece;

/// The messages of a run: printable text of one length whose first bytes are the message's number,
/// so that a lost, doubled or reordered message does not pass for the right one.
pub(crate) struct Payload {
    opcode: Opcode,
    /// Bytes of the number at the front: all of it unless the message is shorter.
    stamp_length: usize,
    /// What follows the number.
    body: Vec<u8>,
}

impl Payload {
    pub(crate) fn new(opcode: Opcode, length: usize) -> Payload {
        let stamp_length = length.min(STAMP);
        Payload {
            opcode,
            stamp_length,
            body: (b' '..=b'~').cycle().take(length - stamp_length).collect(),
        }
    }
}

impl Messages for Payload {
    type Lane = ();

    fn new_lane(&self) {}

    fn append(&self, number: u32, keys: &mut Keys, out: &mut Vec<u8>) {
        let stamp = &stamp(number)[..self.stamp_length];
        append_frame(out, self.opcode, keys.next(), stamp, &self.body);
    }

    fn verify(&mut self, number: u32, _: &mut (), piece: &Piece<'_>) -> Result<(), Failure> {
        piece.check_opcode(self.opcode)?;
        if piece.length != self.stamp_length + self.body.len() {
            return Err(Failure::Peer("a reply has another length than its message"));
        }
        let expected_stamp = &stamp(number)[..self.stamp_length];
        let in_stamp = expected_stamp.get(piece.offset..).unwrap_or_default();
        let (head, tail) = piece.bytes.split_at(in_stamp.len().min(piece.bytes.len()));
        let start = piece.offset.saturating_sub(self.stamp_length);
        if head != &in_stamp[..head.len()] || tail != &self.body[start..start + tail.len()] {
            return Err(Failure::Peer(
                "a reply has another content than its message",
            ));
        }
        Ok(())
    }

    fn max_frame(&self) -> usize {
        MAX_HEADER + self.stamp_length + self.body.len()
    }

    fn agreement(&self) -> Option<Agreement> {
        None
    }
}

/// The number of a message in hexadecimal digits.
fn stamp(number: u32) -> [u8; STAMP] {
    std::array::from_fn(|index| {
        let digit = number >> (28 - 4 * index) & 0xf;
        b"0123456789abcdef"[digit as usize]
    })
}

/// Length of a message's number.
const STAMP: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(payload: &mut Payload, number: u32, text: &[u8], size: usize) -> Result<(), Failure> {
        let opcode = payload.opcode;
        let mut offset = 0;
        for bytes in text.chunks(size) {
            let length = text.len();
            payload.verify(
                number,
                &mut (),
                &Piece {
                    opcode,
                    compressed: false,
                    length,
                    offset,
                    bytes,
                },
            )?;
            offset += bytes.len();
        }
        Ok(())
    }

    #[test]
    fn numbers_its_messages() {
        assert_eq!(&stamp(0), b"00000000");
        assert_eq!(&stamp(0xdead_beef), b"deadbeef");
    }

    #[test]
    fn accepts_its_own_message_at_any_chunking() {
        let mut payload = Payload::new(Opcode::TEXT, 13);
        for size in 1..=13 {
            verify(&mut payload, 0x1f, b"0000001f !\"#$", size).unwrap();
        }
        verify(&mut Payload::new(Opcode::TEXT, 3), 0x1230_0000, b"123", 2).unwrap();
    }

    #[test]
    fn rejects_every_changed_byte() {
        let mut payload = Payload::new(Opcode::TEXT, 13);
        for index in 0..13 {
            let mut text = *b"0000001f !\"#$";
            text[index] ^= 1;
            for size in [1, 5, 13] {
                assert!(verify(&mut payload, 0x1f, &text, size).is_err());
            }
        }
    }

    #[test]
    fn rejects_another_number_length_or_opcode() {
        let mut payload = Payload::new(Opcode::TEXT, 9);
        assert!(verify(&mut payload, 2, b"00000001 ", 9).is_err());
        assert!(verify(&mut payload, 1, b"00000001", 8).is_err());
        let binary = Piece {
            opcode: Opcode::BINARY,
            compressed: false,
            length: 9,
            offset: 0,
            bytes: b"00000001 ",
        };
        assert!(payload.verify(1, &mut (), &binary).is_err());
    }

    #[test]
    fn fills_a_frame_of_the_size_that_it_promises() {
        for length in [0, 5, 64, 0x1_0000] {
            let payload = Payload::new(Opcode::BINARY, length);
            let mut out = Vec::with_capacity(payload.max_frame());
            payload.append(1, &mut Keys::new(), &mut out);
            assert!(out.len() <= payload.max_frame() && out.len() >= length + 6);
        }
    }
}
