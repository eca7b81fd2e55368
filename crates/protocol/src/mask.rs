//! Masking (RFC 6455 section 5.3): the same operation masks and unmasks.
//!
//! The loops work on words, which the compiler turns into vector instructions of the target's baseline;
//! `benches/mask.rs` compares them with a byte loop and a memory copy. Blocks of 32 bytes around the
//! words were no faster.
//!
//! `phase` is the position in the payload of the first byte given, so that a payload can be worked
//! off in pieces; only its two low bits matter.

/// Masks in place.
pub fn apply(bytes: &mut [u8], key: [u8; 4], phase: usize) {
    let key = repeated(key, phase);
    let (words, rest) = bytes.as_chunks_mut::<WORD>();
    for word in words {
        *word = masked(word, key);
    }
    for (byte, key) in rest.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
    }
}

/// Masks while copying.
///
/// # Panics
///
/// If the two slices differ in length.
pub fn copy_into(out: &mut [u8], bytes: &[u8], key: [u8; 4], phase: usize) {
    assert_eq!(out.len(), bytes.len(), "masking does not change the length");
    let key = repeated(key, phase);
    let (out_words, out_rest) = out.as_chunks_mut();
    let (words, rest) = bytes.as_chunks();
    for (out, word) in out_words.iter_mut().zip(words) {
        *out = masked(word, key);
    }
    for ((out, byte), key) in out_rest.iter_mut().zip(rest).zip(key.to_le_bytes()) {
        *out = byte ^ key;
    }
}

/// Masks while appending, a piece at a time: room is made for each while it is still in the cache, which
/// was faster than to append first and mask then.
pub fn append(out: &mut Vec<u8>, bytes: &[u8], key: [u8; 4], phase: usize) {
    out.reserve(bytes.len());
    for piece in bytes.chunks(PIECE) {
        let start = out.len();
        out.resize(start + piece.len(), 0);
        copy_into(&mut out[start..], piece, key, phase);
    }
}

fn masked(word: &[u8; WORD], key: u64) -> [u8; WORD] {
    (u64::from_le_bytes(*word) ^ key).to_le_bytes()
}

/// The key twice as a little-endian number, beginning with the byte for `phase`.
fn repeated(key: [u8; 4], phase: usize) -> u64 {
    let key = u64::from(u32::from_le_bytes(key).rotate_right(8 * (phase % 4) as u32));
    key | key << 32
}

/// Bytes per step of the loops as written.
const WORD: usize = 8;

/// Bytes that room is made for at once: a part of a first-level cache, and a multiple of the
/// key's length, so that every piece has the phase of the first.
const PIECE: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, byte by byte.
    fn scalar(bytes: &[u8], key: [u8; 4], phase: usize) -> Vec<u8> {
        bytes
            .iter()
            .enumerate()
            .map(|(i, byte)| byte ^ key[(phase + i) % 4])
            .collect()
    }

    fn check(bytes: &[u8], key: [u8; 4], phase: usize) {
        let expected = scalar(bytes, key, phase);
        let mut in_place = bytes.to_vec();
        apply(&mut in_place, key, phase);
        assert_eq!(in_place, expected);
        let mut copied = vec![0xaa; bytes.len()];
        copy_into(&mut copied, bytes, key, phase);
        assert_eq!(copied, expected);
        let mut appended = b"before".to_vec();
        append(&mut appended, bytes, key, phase);
        assert_eq!(appended.strip_prefix(b"before"), Some(&expected[..]));
    }

    #[test]
    fn agrees_with_the_byte_loop_at_all_lengths_offsets_and_phases() {
        let bytes: Vec<u8> = (0..160).map(|i| (i * 7) as u8).collect();
        for offset in 0..33 {
            for length in 0..=100 {
                for phase in 0..5 {
                    check(
                        &bytes[offset..offset + length],
                        [0x12, 0x34, 0x56, 0x78],
                        phase,
                    );
                }
            }
        }
    }

    #[test]
    fn takes_any_phase() {
        check(
            b"some more bytes than fit into one word",
            [1, 2, 3, 4],
            usize::MAX - 63,
        );
    }

    proptest! {
        #[test]
        fn agrees_with_the_byte_loop(
            bytes in prop::collection::vec(any::<u8>(), 0..3 * PIECE),
            key: [u8; 4],
            phase in 0..usize::MAX / 2,
        ) {
            check(&bytes, key, phase);
        }

        #[test]
        fn gives_the_same_in_two_pieces(
            bytes in prop::collection::vec(any::<u8>(), 1..300),
            key: [u8; 4],
            cut: prop::sample::Index,
        ) {
            let cut = cut.index(bytes.len());
            let mut pieces = Vec::new();
            append(&mut pieces, &bytes[..cut], key, 0);
            append(&mut pieces, &bytes[cut..], key, cut);
            prop_assert_eq!(pieces, scalar(&bytes, key, 0));
        }
    }
}
