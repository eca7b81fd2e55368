//! Frames as they are written (RFC 6455, section 5.2): a client masks them, a server does not, and
//! neither splits a message.

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opcode(pub(super) u8);

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
    append_header(out, opcode, MASKED, stamp.len() + payload.len());
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

/// Appends a final frame as a server sends it.
pub(crate) fn append_unmasked(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    append_header(out, opcode, 0, payload.len());
    out.extend_from_slice(payload);
}

/// Appends the header of a final frame as far as the masking key; `masked` is [`MASKED`] or 0.
fn append_header(out: &mut Vec<u8>, opcode: Opcode, masked: u8, length: usize) {
    out.push(FIN | opcode.0);
    match length {
        0..126 => out.push(masked | length as u8),
        126..=0xffff => {
            out.push(masked | LENGTH_16);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(masked | LENGTH_64);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// XORs `bytes` with the repeated `key`, which removes a mask too.
pub(crate) fn mask(bytes: &mut [u8], key: [u8; 4]) {
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

pub(super) const FIN: u8 = 0x80;
pub(super) const RSV1: u8 = 0x40;
pub(super) const MASKED: u8 = 0x80;
pub(super) const LENGTH_16: u8 = 126;
pub(super) const LENGTH_64: u8 = 127;

#[cfg(test)]
mod tests {
    use super::*;

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
    fn leaves_the_frames_of_a_server_unmasked() {
        let mut out = Vec::new();
        append_unmasked(&mut out, Opcode::TEXT, b"Hello");
        assert_eq!(out, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    }
}
