//! What the decoder hands out.

use std::ops::Range;

use crate::CloseCode;

/// Something that the peer sent, and that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message {
        /// Whether the message is text or binary.
        kind: MessageKind,
        /// The payload, unmasked.
        payload: Payload,
        /// How the payload came in frames; empty unless the message is binary and was fragmented.
        frames: FrameLengths,
    },
    /// A frame of a compressed message (RFC 7692 section 6), to be inflated in order.
    Compressed {
        /// Whether the message is text or binary.
        kind: MessageKind,
        /// Whether it is the first frame of its message.
        first: bool,
        /// Whether it is the last one.
        fin: bool,
        /// The payload, unmasked and still compressed.
        payload: Payload,
    },
    /// A ping, possibly between the fragments of a message.
    Ping(Payload),
    /// A pong, possibly between the fragments of a message.
    Pong(Payload),
    /// A close frame: the last event of a connection.
    Close {
        /// The peer's code, [`CloseCode::NO_STATUS`] when the body is empty.
        code: CloseCode,
        /// The peer's reason, at most 123 bytes.
        reason: Payload,
    },
}

/// The type of a message (RFC 6455 section 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Arbitrary bytes.
    Binary,
}

/// Where the bytes of an event are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// In the chunk given to the call that returned the event, unmasked in place.
    InChunk(Range<usize>),
    /// In a buffer of their own, which the caller now owns.
    Owned(Vec<u8>),
}

impl Payload {
    /// The bytes; `chunk` is the one that the event came from.
    ///
    /// # Panics
    ///
    /// If `chunk` is shorter than the one that the event came from.
    pub fn bytes<'a>(&'a self, chunk: &'a [u8]) -> &'a [u8] {
        match self {
            Self::InChunk(range) => &chunk[range.clone()],
            Self::Owned(bytes) => bytes,
        }
    }

    /// The payload from byte `count` on, which must not be over its length.
    pub(crate) fn without_front(self, count: usize) -> Self {
        match self {
            Self::InChunk(range) => Self::InChunk(range.start + count..range.end),
            Self::Owned(mut bytes) => {
                bytes.drain(..count);
                Self::Owned(bytes)
            }
        }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::InChunk(range) => range.len(),
            Self::Owned(bytes) => bytes.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The lengths of a message's non-empty frames, in order.
///
/// Each is kept as a LEB128 number, which is never longer than the frame it stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameLengths {
    leb128: Vec<u8>,
}

impl FrameLengths {
    /// Adds a frame; an empty one is left out.
    pub(crate) fn push(&mut self, mut length: u64) {
        if length == 0 {
            return;
        }
        while length > LOW_BITS {
            self.leb128.push((length & LOW_BITS) as u8 | MORE);
            length >>= 7;
        }
        self.leb128.push(length as u8);
    }

    /// Bytes of heap memory in use.
    pub(crate) fn capacity(&self) -> usize {
        self.leb128.capacity()
    }

    /// The lengths in bytes, first frame first.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let mut bytes = self.leb128.iter();
        std::iter::from_fn(move || {
            let (mut length, mut shift) = (0, 0);
            loop {
                let byte = *bytes.next()?;
                length |= (u64::from(byte) & LOW_BITS) << shift;
                if byte & MORE == 0 {
                    return Some(length);
                }
                shift += 7;
            }
        })
    }

    /// The number of frames, counted at each call.
    pub fn len(&self) -> usize {
        self.leb128.iter().filter(|&byte| byte & MORE == 0).count()
    }

    /// Whether no frame is named.
    pub fn is_empty(&self) -> bool {
        self.leb128.is_empty()
    }
}

/// Bit of a LEB128 byte that says that another one follows.
const MORE: u8 = 0x80;

const LOW_BITS: u64 = 0x7f;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_frame_lengths_back_in_order_without_the_empty_ones() {
        let pushed = [0, 1, 127, 128, 0, 16_383, 16_384, (1 << 53) - 1];
        let mut lengths = FrameLengths::default();
        pushed.iter().for_each(|&length| lengths.push(length));
        let expected: Vec<u64> = pushed.into_iter().filter(|&length| length > 0).collect();
        assert_eq!(lengths.iter().collect::<Vec<_>>(), expected);
        assert_eq!(lengths.len(), expected.len());
    }

    #[test]
    fn never_takes_more_bytes_than_the_frame_itself() {
        for length in (0..20_000).chain([1 << 21, 1 << 32, (1 << 53) - 1]) {
            let mut lengths = FrameLengths::default();
            lengths.push(length);
            assert!(lengths.leb128.len() as u64 <= length);
        }
    }
}
