//! UTF-8 validation (RFC 3629): no overlong forms, no surrogates, nothing over U+10FFFF.

/// Whether the bytes are well-formed UTF-8.
pub fn is_valid(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// The length of the longest prefix made of whole characters, when the rest (at most three bytes)
/// may be the start of another; `None` when no further bytes can make `bytes` well-formed.
pub fn whole_characters(bytes: &[u8]) -> Option<usize> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(_) => Some(bytes.len()),
        Err(error) if error.error_len().is_none() => Some(error.valid_up_to()),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First bytes that well-formed text cannot have, each after a correct start.
    const HOPELESS: [&[u8]; 11] = [
        b"\x80",
        b"\xc0",
        b"\xc1",
        b"\xc3a",
        b"\xe0\x9f",
        b"\xed\xa0",
        b"\xf0\x8f",
        b"\xf0\x9f\x98a",
        b"\xf4\x90",
        b"\xf5",
        b"\xff",
    ];

    #[test]
    fn refuses_at_the_first_byte_that_cannot_be_continued() {
        for padding in [0, 1, 31, 63, 64, 100] {
            for bad in HOPELESS {
                let mut bytes = vec![b'a'; padding];
                bytes.extend_from_slice(&bad[..bad.len() - 1]);
                assert_eq!(whole_characters(&bytes), Some(padding), "{bad:x?}");
                bytes.push(bad[bad.len() - 1]);
                assert_eq!(whole_characters(&bytes), None, "{bad:x?}");
                assert!(!is_valid(&bytes));
            }
        }
    }

    #[test]
    fn waits_for_the_rest_of_a_character() {
        let text = "aé€😀".as_bytes();
        let ends = [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10];
        for (length, end) in ends.into_iter().enumerate() {
            assert_eq!(whole_characters(&text[..length]), Some(end));
            assert_eq!(is_valid(&text[..length]), end == length);
        }
    }
}
