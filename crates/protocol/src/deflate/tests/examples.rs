//! The examples of RFC 7692 section 7.2.3.

use super::*;

const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

#[test]
fn of_one_block_are_read_and_written() {
    assert_eq!(inflate(&mut decompressor(), HELLO).unwrap(), b"Hello");
    let written = compress(&mut Compressor::new(usual()), b"Hello", true);
    assert_eq!(written, HELLO);
}

#[test]
fn of_fragments_are_read() {
    let (first, second) = HELLO.split_at(3);
    let read = inflate_frames(&mut decompressor(), &[first, second]);
    assert_eq!(read.unwrap(), b"Hello");
}

#[test]
fn of_fragments_are_read_wherever_they_are_cut() {
    for cut in 0..=HELLO.len() {
        let (first, second) = HELLO.split_at(cut);
        let mut decompressor = decompressor();
        for _ in 0..3 {
            let read = inflate_frames(&mut decompressor, &[first, b"", second, b""]);
            assert_eq!(read.unwrap(), b"Hello");
        }
    }
}

#[test]
fn of_a_shared_window_are_read_and_written() {
    let again = b"\xf2\x00\x11\x00\x00";
    let mut decompressor = decompressor();
    for payload in [HELLO, again, again] {
        assert_eq!(inflate(&mut decompressor, payload).unwrap(), b"Hello");
    }
}

#[test]
fn of_a_shared_window_fail_where_it_is_not_shared() {
    let mut decompressor = Decompressor::new(DecompressorSettings {
        context_takeover: false,
        ..reading(&usual())
    });
    for _ in 0..2 {
        assert_eq!(inflate(&mut decompressor, HELLO).unwrap(), b"Hello");
    }
    let too_far = InflateError::Data("invalid distance too far back");
    let read = inflate(&mut decompressor, b"\xf2\x00\x11\x00\x00");
    assert_eq!(read, Err(too_far));
}

#[test]
fn of_a_block_without_compression_are_read() {
    let stored = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
    assert_eq!(inflate(&mut decompressor(), stored).unwrap(), b"Hello");
}

#[test]
fn of_a_final_block_are_read() {
    let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    let mut decompressor = decompressor();
    for payload in [&last[..], last, HELLO, last, HELLO] {
        assert_eq!(inflate(&mut decompressor, payload).unwrap(), b"Hello");
    }
}

#[test]
fn of_two_blocks_are_read() {
    let two = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    assert_eq!(inflate(&mut decompressor(), two).unwrap(), b"Hello");
}

#[test]
fn of_an_empty_message_are_read_and_written() {
    // Section 7.2.3.6.
    let mut decompressor = decompressor();
    for payload in [b"\x00", b"\x00"] {
        assert_eq!(inflate(&mut decompressor, payload).unwrap(), b"");
    }
    assert_eq!(compress(&mut Compressor::new(usual()), b"", true), [0x00]);
}
