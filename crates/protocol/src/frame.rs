//! Frames as they are on the wire (RFC 6455 section 5.2).
//!
//! ```text
//!   byte 0   FIN RSV1 RSV2 RSV3 opcode(4)
//!   byte 1   MASK length(7)
//!   + 2      length, when the 7 bits are 126
//!   + 8      length, when the 7 bits are 127
//!   + 4      key, when MASK is set
//! ```

use std::ops::Deref;

use crate::{OpCode, mask};

/// What stands before a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// The frame ends its message.
    pub fin: bool,
    /// The message is compressed; on its first frame only (RFC 7692 section 6).
    pub rsv1: bool,
    /// The type of the frame.
    pub opcode: OpCode,
    /// The key, from a client; a server's frames have none.
    pub mask: Option<[u8; 4]>,
    /// The length of the payload in bytes.
    pub length: u64,
}

impl FrameHeader {
    /// The header as bytes, with the shortest form of the length.
    pub fn encode(&self) -> HeaderBytes {
        let mut header = HeaderBytes {
            bytes: [0; MAX_HEADER],
            length: 0,
        };
        let mask_bit = if self.mask.is_some() { MASK } else { 0 };
        header.push([
            if self.fin { FIN } else { 0 } | if self.rsv1 { RSV1 } else { 0 } | self.opcode.value(),
            mask_bit | self.length.min(127) as u8,
        ]);
        if self.length > u64::from(u16::MAX) {
            header.push(self.length.to_be_bytes());
        } else if self.length > MAX_SHORT_LENGTH {
            header.bytes[1] = mask_bit | LENGTH_16;
            header.push((self.length as u16).to_be_bytes());
        }
        if let Some(key) = self.mask {
            header.push(key);
        }
        header
    }

    /// The number of bytes that [`FrameHeader::encode`] gives.
    pub const fn encoded_len(&self) -> usize {
        let extended = match self.length {
            0..=MAX_SHORT_LENGTH => 0,
            126..=0xffff => 2,
            _ => 8,
        };
        2 + extended + if self.mask.is_some() { 4 } else { 0 }
    }
}

/// An encoded header, held inline.
#[derive(Clone, Copy, Debug)]
pub struct HeaderBytes {
    bytes: [u8; MAX_HEADER],
    length: u8,
}

impl HeaderBytes {
    fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        let start = usize::from(self.length);
        self.bytes[start..start + N].copy_from_slice(&bytes);
        self.length += N as u8;
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Appends a whole frame, masking the payload on the way if the header has a key.
///
/// The header's length is replaced by that of `payload`.
pub fn encode_frame(out: &mut Vec<u8>, header: &FrameHeader, payload: &[u8]) {
    let header = FrameHeader {
        length: payload.len() as u64,
        ..*header
    };
    out.reserve(header.encoded_len() + payload.len());
    out.extend_from_slice(&header.encode());
    match header.mask {
        Some(key) => mask::append(out, payload, key, 0),
        None => out.extend_from_slice(payload),
    }
}

/// The first two bytes of a frame, taken apart but not judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameStart {
    pub(crate) fin: bool,
    pub(crate) rsv1: bool,
    /// RSV2 or RSV3 is set.
    pub(crate) rsv23: bool,
    pub(crate) opcode: OpCode,
    pub(crate) masked: bool,
    /// The 7-bit length field.
    pub(crate) length: u8,
}

impl FrameStart {
    pub(crate) const fn new([first, second]: [u8; 2]) -> Self {
        Self {
            fin: first & FIN != 0,
            rsv1: first & RSV1 != 0,
            rsv23: first & RSV23 != 0,
            opcode: OpCode::new(first),
            masked: second & MASK != 0,
            length: second & !MASK,
        }
    }
}

/// Longest payload whose length stands in the second byte.
pub(crate) const MAX_SHORT_LENGTH: u64 = 125;

/// 7-bit length that announces a 16-bit one.
pub(crate) const LENGTH_16: u8 = 126;

/// 7-bit length that announces a 64-bit one.
pub(crate) const LENGTH_64: u8 = 127;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV23: u8 = 0x30;
const MASK: u8 = 0x80;
const MAX_HEADER: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn header(length: u64, mask: Option<[u8; 4]>) -> FrameHeader {
        FrameHeader {
            fin: true,
            rsv1: false,
            opcode: OpCode::BINARY,
            mask,
            length,
        }
    }

    #[test]
    fn writes_the_shortest_length() {
        let cases: [(u64, &[u8]); 6] = [
            (0, b"\x82\x00"),
            (125, b"\x82\x7d"),
            (126, b"\x82\x7e\x00\x7e"),
            (0xffff, b"\x82\x7e\xff\xff"),
            (0x1_0000, b"\x82\x7f\0\0\0\0\0\x01\0\0"),
            ((1 << 53) - 1, b"\x82\x7f\x00\x1f\xff\xff\xff\xff\xff\xff"),
        ];
        for (length, bytes) in cases {
            let plain = header(length, None);
            assert_eq!(&*plain.encode(), bytes);
            assert_eq!(plain.encoded_len(), bytes.len());
            let masked = header(length, Some([1, 2, 3, 4]));
            assert_eq!(masked.encoded_len(), bytes.len() + 4);
            assert_eq!(masked.encode().len(), bytes.len() + 4);
            assert!(masked.encode().ends_with(&[1, 2, 3, 4]));
            assert_eq!(masked.encode()[1], bytes[1] | 0x80);
        }
    }

    #[test]
    fn writes_each_flag_into_its_bit() {
        let text = FrameHeader {
            fin: false,
            opcode: OpCode::TEXT,
            ..header(0, None)
        };
        assert_eq!(text.encode()[0], 0x01);
        assert_eq!(FrameHeader { fin: true, ..text }.encode()[0], 0x81);
        assert_eq!(FrameHeader { rsv1: true, ..text }.encode()[0], 0x41);
    }

    #[test]
    fn writes_the_masked_hello_of_rfc_6455() {
        let hello = FrameHeader {
            opcode: OpCode::TEXT,
            ..header(0, Some([0x37, 0xfa, 0x21, 0x3d]))
        };
        let mut out = Vec::new();
        encode_frame(&mut out, &hello, b"Hello");
        assert_eq!(out, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    }
}
