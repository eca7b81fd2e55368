//! Raw DEFLATE as messages use it: a sync flush ends each, and its last four bytes are left out
//! (RFC 7692, section 7.2).

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateError, InflateFlush, Status};

/// Compresses messages, one after the other.
pub(crate) struct Deflator {
    stream: Deflate,
}

impl Deflator {
    /// The window has 2 to the power of `window_bits` bytes, 9 to 15 of them.
    pub(crate) fn new(window_bits: u8) -> Deflator {
        Deflator {
            stream: Deflate::new_with_config(DeflateConfig {
                level: LEVEL,
                // Negative: without the header and trailer of zlib's format.
                window_bits: -i32::from(window_bits),
                mem_level: MEM_LEVEL,
                ..DeflateConfig::default()
            }),
        }
    }

    /// Compresses a message, not an empty one; it may refer to those before.
    pub(crate) fn deflate(&mut self, message: &[u8]) -> Vec<u8> {
        // Stored blocks and the flush add less than this to what cannot be compressed.
        let mut out = vec![0; message.len() + message.len() / 8 + 64];
        let before = self.stream.total_out();
        let result = self
            .stream
            .compress(message, &mut out, DeflateFlush::SyncFlush);
        let length = (self.stream.total_out() - before) as usize;
        assert!(
            result == Ok(Status::Ok) && length < out.len(),
            "the flush is complete"
        );
        out.truncate(length - TAIL.len());
        out.shrink_to_fit();
        out
    }

    /// Forgets all messages.
    pub(crate) fn reset(&mut self) {
        self.stream.reset();
    }
}

/// Decompresses the messages of a connection.
pub(crate) struct Inflator {
    stream: Inflate,
}

impl Inflator {
    pub(crate) fn new() -> Inflator {
        Inflator {
            stream: Inflate::new(false, MAX_WINDOW_BITS),
        }
    }

    /// Decompresses a stretch of a message by way of `buffer` and hands the text to `take`, until
    /// that returns false.
    pub(crate) fn inflate(
        &mut self,
        mut input: &[u8],
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), InflateError> {
        loop {
            let before = (self.stream.total_in(), self.stream.total_out());
            let status = self
                .stream
                .decompress(input, buffer, InflateFlush::SyncFlush)?;
            let used = (self.stream.total_in() - before.0) as usize;
            let length = (self.stream.total_out() - before.1) as usize;
            input = &input[used..];
            if !take(&buffer[..length]) {
                return Ok(());
            }
            if status == Status::StreamEnd {
                // Some servers end a message with a final block and begin anew after it.
                self.reset();
            } else if length < buffer.len() {
                return Ok(());
            }
        }
    }

    /// Completes a message: decompresses the bytes that the server has left out.
    pub(crate) fn finish(
        &mut self,
        buffer: &mut [u8],
        take: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), InflateError> {
        self.inflate(&TAIL, buffer, take)
    }

    /// Forgets all messages.
    pub(crate) fn reset(&mut self) {
        self.stream.reset(false);
    }
}

/// The end of every sync flush, which messages leave out.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Largest window, and the one that a peer may use unless it was told otherwise.
pub(crate) const MAX_WINDOW_BITS: u8 = 15;

/// zlib's defaults, which are those of servers and browsers.
const LEVEL: i32 = 6;
const MEM_LEVEL: i32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// Decompresses a message that comes in chunks of `size`, with a small buffer.
    fn inflate(inflator: &mut Inflator, bytes: &[u8], size: usize) -> Vec<u8> {
        let mut text = Vec::new();
        let mut buffer = [0; 7];
        let mut take = |part: &[u8]| {
            text.extend_from_slice(part);
            true
        };
        for chunk in bytes.chunks(size) {
            inflator.inflate(chunk, &mut buffer, &mut take).unwrap();
        }
        inflator.finish(&mut buffer, &mut take).unwrap();
        text
    }

    #[test]
    fn compresses_the_example_of_the_rfc() {
        let mut deflator = Deflator::new(MAX_WINDOW_BITS);
        let first = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(deflator.deflate(b"Hello"), first);
        let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(deflator.deflate(b"Hello"), second);
        deflator.reset();
        assert_eq!(deflator.deflate(b"Hello"), first);
    }

    #[test]
    fn restores_messages_at_any_chunking() {
        let text: Vec<u8> = (0..3000u32)
            .map(|index| ((index * index) >> 5) as u8)
            .collect();
        for size in [1, 2, 5, 3000] {
            let mut deflator = Deflator::new(9);
            let mut inflator = Inflator::new();
            for message in [&text[..], b"x", &text[7..], &text] {
                let bytes = deflator.deflate(message);
                assert_eq!(inflate(&mut inflator, &bytes, size), message);
            }
        }
    }

    #[test]
    fn forgets_the_window_when_reset() {
        let mut deflator = Deflator::new(MAX_WINDOW_BITS);
        let mut inflator = Inflator::new();
        inflate(&mut inflator, &deflator.deflate(b"Hello"), 9);
        let second = deflator.deflate(b"Hello");
        inflator.reset();
        let result = inflator.inflate(&second, &mut [0; 99], |_| true);
        assert_eq!(result, Err(InflateError::DataError));
    }

    #[test]
    fn accepts_a_final_block_and_what_follows_it() {
        let final_block = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        let mut inflator = Inflator::new();
        for size in [1, 3, 8] {
            assert_eq!(inflate(&mut inflator, &final_block, size), b"Hello");
        }
    }

    #[test]
    fn has_room_for_what_cannot_be_compressed() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
            (state >> 24) as u8
        };
        for length in [1, 64, 1000, 100_000] {
            let message: Vec<u8> = (0..length).map(|_| noise()).collect();
            let bytes = Deflator::new(9).deflate(&message);
            assert_eq!(inflate(&mut Inflator::new(), &bytes, 1000), message);
        }
    }
}
