//! Frames as they are read: those of a server without masks, those of a client with them, and none
//! in fragments.

use super::failure::Failure;
use super::frame::{FIN, LENGTH_16, LENGTH_64, MASKED, MAX_HEADER, Opcode, RSV1};

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
        Err(Failure::Peer(if self.opcode == Opcode::CLOSE {
            "a connection was closed"
        } else {
            "a reply has another opcode than its message"
        }))
    }
}

/// Splits the byte stream of one side into frames, keeping nothing but the header.
pub(crate) struct FrameReader {
    /// Reserved bits that frames may have.
    reserved: u8,
    /// The bit of the header that tells whether this side masks its frames.
    masked: u8,
    header: [u8; MAX_HEADER],
    /// Bytes of `header` that have come; all of them while a payload is read.
    filled: usize,
    length: usize,
    key: [u8; 4],
    /// Bytes of the payload that were handed out, `None` while the header is read.
    offset: Option<usize>,
}

impl FrameReader {
    /// A reader of what a server sends; it may be compressed if that was agreed on.
    pub(crate) fn new(may_compress: bool) -> FrameReader {
        FrameReader {
            reserved: if may_compress { RSV1 } else { 0 },
            masked: 0,
            header: [0; MAX_HEADER],
            filled: 0,
            length: 0,
            key: [0; 4],
            offset: None,
        }
    }

    /// A reader of what a client sends; the pieces stay masked.
    pub(crate) fn of_client() -> FrameReader {
        FrameReader {
            masked: MASKED,
            ..FrameReader::new(false)
        }
    }

    /// The masking key of the frame that the last piece belongs to.
    pub(crate) fn key(&self) -> [u8; 4] {
        self.key
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
            return Err(Failure::Peer("a frame is fragmented or has reserved bits"));
        }
        if second & MASKED != self.masked {
            return Err(Failure::Peer(match self.masked {
                0 => "a frame from the server is masked",
                _ => "a frame from the client is not masked",
            }));
        }
        let long = u64::from_be_bytes(self.header[2..10].try_into().expect("10 - 2 bytes"));
        self.length = match second & !MASKED {
            LENGTH_16 => (long >> 48) as usize,
            LENGTH_64 => long as usize,
            short => usize::from(short),
        };
        if self.masked != 0 {
            let start = self.filled - self.key.len();
            self.key.copy_from_slice(&self.header[start..self.filled]);
        }
        Ok(true)
    }

    /// Length of the header as far as the bytes that have come tell.
    fn header_length(&self) -> usize {
        if self.filled < 2 {
            return 2;
        }
        // One that is missing is noticed without waiting for it.
        let key = if self.header[1] & self.masked == 0 {
            0
        } else {
            self.key.len()
        };
        key + match self.header[1] & !MASKED {
            LENGTH_16 => 4,
            LENGTH_64 => 10,
            _ => 2,
        }
    }
}

/// The bits of the first byte that tell the kind of a frame.
const OPCODE: u8 = 0x0f;

#[cfg(test)]
mod tests {
    use super::super::frame::{append_compressed, append_frame, append_unmasked, mask};
    use super::*;

    fn unmasked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append_unmasked(&mut out, opcode, payload);
        out
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
    fn reads_frames_of_all_lengths_at_any_chunking() {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for length in [0, 1, 125, 126, 300, 0xffff, 0x1_0000] {
            let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
            bytes.extend(unmasked(Opcode::BINARY, &payload));
            expected.push((Opcode::BINARY, payload));
        }
        for size in [1, 2, 3, 7, 4096, bytes.len()] {
            assert_eq!(read(&bytes, size).unwrap(), expected);
        }
    }

    #[test]
    fn keeps_the_opcode_of_each_frame() {
        let bytes = [
            unmasked(Opcode::TEXT, b"a"),
            unmasked(Opcode::CLOSE, &[0x03, 0xe8]),
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

    #[test]
    fn reads_masked_frames_of_a_client_and_their_keys() {
        let keys = [[1, 2, 3, 4], [9, 8, 7, 6], [5, 5, 0, 1]];
        let texts = [vec![b'a'; 5], vec![b'b'; 300], vec![b'c'; 0x1_0000]];
        let mut bytes = Vec::new();
        for (key, text) in keys.into_iter().zip(&texts) {
            append_frame(&mut bytes, Opcode::BINARY, key, &[], text);
        }
        for size in [1, 7, bytes.len()] {
            let mut reader = FrameReader::of_client();
            let mut messages = Vec::new();
            let mut message = Vec::new();
            for mut chunk in bytes.chunks(size) {
                while let Some(piece) = reader.next(&mut chunk).unwrap() {
                    message.extend_from_slice(piece.bytes);
                    if piece.is_last() {
                        mask(&mut message, reader.key());
                        messages.push(std::mem::take(&mut message));
                    }
                }
            }
            assert_eq!(messages, texts);
        }
    }

    #[test]
    fn rejects_frames_of_a_client_without_a_mask() {
        let mut bytes = &unmasked(Opcode::BINARY, b"x")[..];
        assert!(FrameReader::of_client().next(&mut bytes).is_err());
    }
}
