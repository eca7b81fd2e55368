//! Frames as a client sees them (RFC 6455, section 5.2): it masks what it sends, and gets unmasked,
//! unfragmented frames back.

use super::failure::Failure;

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opcode(u8);

impl Opcode {
    pub(crate) const TEXT: Opcode = Opcode(0x1);
    pub(crate) const BINARY: Opcode = Opcode(0x2);
    pub(crate) const CLOSE: Opcode = Opcode(0x8);
}

/// Longest header of a frame that a client sends: two bytes, a 64-bit length, a masking key.
pub(crate) const MAX_HEADER: usize = 14;

/// Appends a final frame whose payload is `stamp` and then `payload`, masked by `key`.
///
/// Allocates only if `out` lacks the capacity for the payload and [`MAX_HEADER`].
pub(crate) fn append_frame(
    out: &mut Vec<u8>,
    opcode: Opcode,
    key: [u8; 4],
    stamp: &[u8],
    payload: &[u8],
) {
    let length = stamp.len() + payload.len();
    out.push(FIN | opcode.0);
    match length {
        0..126 => out.push(MASKED | length as u8),
        126..=0xffff => {
            out.push(MASKED | LENGTH_16);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(MASKED | LENGTH_64);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(stamp);
    out.extend_from_slice(payload);
    mask(&mut out[start..], key);
}

/// Appends a final text frame whose payload is compressed, as [`append_frame`] does.
pub(crate) fn append_compressed(out: &mut Vec<u8>, key: [u8; 4], payload: &[u8]) {
    let start = out.len();
    append_frame(out, Opcode::TEXT, key, &[], payload);
    out[start] |= RSV1;
}

/// XORs `bytes` with the repeated `key`.
fn mask(bytes: &mut [u8], key: [u8; 4]) {
    let mut chunks = bytes.chunks_exact_mut(4);
    for chunk in &mut chunks {
        for (byte, key) in chunk.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// Masking keys from a xorshift generator: a new one for each frame, repeatable, not secret.
pub(crate) struct Keys(u64);

impl Keys {
    pub(crate) fn new() -> Keys {
        Keys(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> [u8; 4] {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) as u32).to_be_bytes()
    }
}

/// A stretch of a frame's payload, as long as the input that it was found in allows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) opcode: Opcode,
    /// Whether the payload is compressed (RFC 7692, section 6).
    pub(crate) compressed: bool,
    /// Length of the whole payload.
    pub(crate) length: usize,
    /// Where in the payload `bytes` begins.
    pub(crate) offset: usize,
    pub(crate) bytes: &'a [u8],
}

impl Piece<'_> {
    /// Whether the frame ends with this piece.
    pub(crate) fn is_last(&self) -> bool {
        self.offset + self.bytes.len() == self.length
    }

    /// Fails unless the frame is of the kind that its message has.
    pub(crate) fn check_opcode(&self, expected: Opcode) -> Result<(), Failure> {
        if self.opcode == expected {
            return Ok(());
        }
        Err(Failure::Server(if self.opcode == Opcode::CLOSE {
            "the server closed a connection"
        } else {
            "a reply has another opcode than its message"
        }))
    }
}

/// Splits a server's byte stream into frames, keeping nothing but the header.
pub(crate) struct FrameReader {
    /// Reserved bits that frames may have.
    reserved: u8,
    header: [u8; 10],
    /// Bytes of `header` that have come; all of them while a payload is read.
    filled: usize,
    length: usize,
    /// Bytes of the payload that were handed out, `None` while the header is read.
    offset: Option<usize>,
}

impl FrameReader {
    /// Frames may be compressed if that was agreed on.
    pub(crate) fn new(may_compress: bool) -> FrameReader {
        FrameReader {
            reserved: if may_compress { RSV1 } else { 0 },
            header: [0; 10],
            filled: 0,
            length: 0,
            offset: None,
        }
    }

    /// Takes the next piece of a payload off the front of `input`; `None` when it is used up.
    ///
    /// A frame without a payload gives one empty piece.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Failure> {
        let offset = match self.offset {
            Some(_) if input.is_empty() => return Ok(None),
            Some(offset) => offset,
            None => {
                if !self.read_header(input)? {
                    return Ok(None);
                }
                0
            }
        };
        let (bytes, rest) = input.split_at(input.len().min(self.length - offset));
        *input = rest;
        let piece = Piece {
            opcode: Opcode(self.header[0] & OPCODE),
            compressed: self.header[0] & RSV1 != 0,
            length: self.length,
            offset,
            bytes,
        };
        if piece.is_last() {
            self.filled = 0;
            self.offset = None;
        } else {
            self.offset = Some(offset + bytes.len());
        }
        Ok(Some(piece))
    }

    /// Completes the header from the front of `input`; false if that has too few bytes.
    fn read_header(&mut self, input: &mut &[u8]) -> Result<bool, Failure> {
        while self.filled < self.header_length() {
            let Some((&byte, rest)) = input.split_first() else {
                return Ok(false);
            };
            *input = rest;
            self.header[self.filled] = byte;
            self.filled += 1;
        }
        let [first, second, ..] = self.header;
        if first & !OPCODE & !self.reserved != FIN {
            return Err(Failure::Server(
                "a frame is fragmented or has reserved bits",
            ));
        }
        if second & MASKED != 0 {
            return Err(Failure::Server("a frame from the server is masked"));
        }
        let long = u64::from_be_bytes(self.header[2..].try_into().expect("10 - 2 bytes"));
        self.length = match second {
            LENGTH_16 => (long >> 48) as usize,
            LENGTH_64 => long as usize,
            short => usize::from(short),
        };
        Ok(true)
    }

    /// Length of the header as far as the bytes that have come tell.
    fn header_length(&self) -> usize {
        match self.header[1] & !MASKED {
            _ if self.filled < 2 => 2,
            LENGTH_16 => 4,
            LENGTH_64 => 10,
            _ => 2,
        }
    }
}

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a server sends it.
    fn server_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mut masked = Vec::new();
        append_frame(&mut masked, opcode, [0; 4], &[], payload);
        let header = masked.len() - payload.len() - 4;
        masked[1] &= !MASKED;
        masked.drain(header..header + 4);
        masked
    }

    /// Reads `bytes` in chunks of `size` and returns the frames in full.
    fn read(bytes: &[u8], size: usize) -> Result<Vec<(Opcode, Vec<u8>)>, Failure> {
        let mut reader = FrameReader::new(false);
        let mut frames = Vec::new();
        let mut payload = Vec::new();
        for mut chunk in bytes.chunks(size) {
            while let Some(piece) = reader.next(&mut chunk)? {
                assert_eq!(piece.offset, payload.len());
                payload.extend_from_slice(piece.bytes);
                if piece.is_last() {
                    assert_eq!(piece.length, payload.len());
                    frames.push((piece.opcode, std::mem::take(&mut payload)));
                }
            }
            assert!(chunk.is_empty());
        }
        Ok(frames)
    }

    #[test]
    fn encodes_the_masked_example_of_the_rfc() {
        let mut out = Vec::new();
        append_frame(
            &mut out,
            Opcode::TEXT,
            [0x37, 0xfa, 0x21, 0x3d],
            b"He",
            b"llo",
        );
        let expected = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert_eq!(out, expected);
    }

    #[test]
    fn encodes_each_length_in_its_shortest_form() {
        for (length, header) in [
            (0, &[0x82, 0x80][..]),
            (125, &[0x82, 0xfd]),
            (126, &[0x82, 0xfe, 0, 126]),
            (0xffff, &[0x82, 0xfe, 0xff, 0xff]),
            (0x1_0000, &[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            append_frame(&mut out, Opcode::BINARY, [0; 4], &[], &vec![7; length]);
            assert_eq!(&out[..header.len()], header);
            assert_eq!(out.len(), header.len() + 4 + length);
        }
    }

    #[test]
    fn masks_every_length_as_the_definition_does() {
        let key = [1, 2, 4, 8];
        for length in 0..70 {
            let mut bytes = vec![0x55; length];
            mask(&mut bytes, key);
            for (index, byte) in bytes.into_iter().enumerate() {
                assert_eq!(byte, 0x55 ^ key[index % 4]);
            }
        }
    }

    #[test]
    fn gives_a_new_key_to_each_frame() {
        let mut keys = Keys::new();
        let first = keys.next();
        assert_ne!(first, keys.next());
        assert_eq!(first, Keys::new().next());
    }

    #[test]
    fn reads_frames_of_all_lengths_at_any_chunking() {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for length in [0, 1, 125, 126, 300, 0xffff, 0x1_0000] {
            let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
            bytes.extend(server_frame(Opcode::BINARY, &payload));
            expected.push((Opcode::BINARY, payload));
        }
        for size in [1, 2, 3, 7, 4096, bytes.len()] {
            assert_eq!(read(&bytes, size).unwrap(), expected);
        }
    }

    #[test]
    fn keeps_the_opcode_of_each_frame() {
        let bytes = [
            server_frame(Opcode::TEXT, b"a"),
            server_frame(Opcode::CLOSE, &[0x03, 0xe8]),
        ]
        .concat();
        let frames = read(&bytes, 1).unwrap();
        assert_eq!(frames[0].0, Opcode::TEXT);
        assert_eq!(frames[1], (Opcode::CLOSE, vec![0x03, 0xe8]));
    }

    #[test]
    fn tells_compressed_frames_if_they_may_be() {
        let mut masked = Vec::new();
        append_compressed(&mut masked, [0; 4], b"x");
        assert_eq!(masked, [0xc1, 0x81, 0, 0, 0, 0, b'x']);
        let mut bytes: &[u8] = &[0xc1, 0x01, b'x', 0x81, 0x01, b'y', 0xa1, 0x00];
        let mut reader = FrameReader::new(true);
        assert!(reader.next(&mut bytes).unwrap().unwrap().compressed);
        assert!(!reader.next(&mut bytes).unwrap().unwrap().compressed);
        assert!(reader.next(&mut bytes).is_err());
    }

    #[test]
    fn rejects_fragments_reserved_bits_and_masked_frames() {
        for header in [[0x02, 0x00], [0xc2, 0x00], [0x82, 0x80]] {
            assert!(read(&header, 2).is_err());
        }
    }
}
