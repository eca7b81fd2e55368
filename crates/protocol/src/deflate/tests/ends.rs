//! Payloads that end too early, and streams that end with a final block (RFC 7692 section 7.2.3.4).

use super::*;

/// "Hello" in a final block, without and with the byte that the RFC puts behind it.
const LAST: &[u8] = b"\xf3\x48\xcd\xc9\xc9\x07\x00";

/// "Hello" in a block that is not final.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

/// "Hello" as a match with the one before.
const AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";

const NOT_DATA: &[u8] = b"\xff\xff\xff\xff";

fn read(decompressor: &mut Decompressor, frames: &[&[u8]]) -> Vec<u8> {
    inflate_frames(decompressor, frames).unwrap()
}

#[test]
fn of_a_stream_may_be_the_end_of_a_message() {
    let mut decompressor = decompressor();
    for _ in 0..3 {
        assert_eq!(read(&mut decompressor, &[LAST]), b"Hello");
        assert_eq!(read(&mut decompressor, &[HELLO]), b"Hello");
        assert_eq!(read(&mut decompressor, &[AGAIN]), b"Hello");
    }
}

#[test]
fn of_a_stream_make_what_was_said_before_unreachable() {
    let mut decompressor = decompressor();
    assert_eq!(read(&mut decompressor, &[HELLO]), b"Hello");
    assert_eq!(read(&mut decompressor, &[LAST]), b"Hello");
    let too_far = InflateError::Data("invalid distance too far back");
    assert_eq!(inflate(&mut decompressor, AGAIN), Err(too_far));
}

#[test]
fn of_a_stream_hide_what_the_payload_holds_behind_it() {
    for behind in [&b"\x00"[..], NOT_DATA, HELLO, LAST] {
        let payload = [LAST, behind].concat();
        for frames in [&[&payload[..]][..], &[LAST, behind], &[b"", LAST, behind]] {
            let mut decompressor = decompressor();
            for _ in 0..3 {
                assert_eq!(read(&mut decompressor, frames), b"Hello", "{frames:x?}");
            }
            assert_eq!(read(&mut decompressor, &[HELLO]), b"Hello");
        }
    }
}

#[test]
fn of_a_stream_let_a_new_one_begin_with_the_next_frame() {
    let cut_off = [LAST, NOT_DATA].concat();
    let mut decompressor = decompressor();
    for _ in 0..3 {
        let frames = [&cut_off[..], HELLO, AGAIN];
        // The first two are read as streams of their own.
        let expected: &[u8] = b"HelloHello";
        assert!(read(&mut decompressor, &frames[..2]) == expected);
    }
    let frames = [LAST, b"", NOT_DATA, b"", HELLO];
    assert_eq!(read(&mut decompressor, &frames), b"HelloHello");
}

#[test]
fn of_a_stream_bring_the_dictionary_back() {
    let settings = CompressorSettings {
        dictionary: json(400).into(),
        ..usual()
    };
    let first = compress(&mut Compressor::new(settings.clone()), &json(400), true);
    assert!(first.len() < 15);
    let mut decompressor = Decompressor::new(reading(&settings));
    for _ in 0..3 {
        assert_eq!(read(&mut decompressor, &[&first]), json(400));
        assert_eq!(read(&mut decompressor, &[LAST]), b"Hello");
    }
}

#[test]
fn of_a_stream_without_context_takeover_change_nothing() {
    let mut decompressor = Decompressor::new(DecompressorSettings {
        context_takeover: false,
        ..reading(&usual())
    });
    for _ in 0..3 {
        assert_eq!(read(&mut decompressor, &[LAST]), b"Hello");
        assert_eq!(read(&mut decompressor, &[LAST, NOT_DATA]), b"Hello");
        assert_eq!(read(&mut decompressor, &[HELLO]), b"Hello");
        // A final block that only the tail completes.
        assert_eq!(read(&mut decompressor, &[b"\x01"]), b"");
    }
}

#[test]
fn of_a_stream_hide_the_payload_behind_if_the_tail_completed_them() {
    // As with zlib, which ws does not ask for a new stream before there is something to ignore.
    let mut decompressor = decompressor();
    for _ in 0..3 {
        assert_eq!(read(&mut decompressor, &[b"\x01"]), b"");
        assert_eq!(read(&mut decompressor, &[HELLO]), b"");
        assert_eq!(read(&mut decompressor, &[HELLO]), b"Hello");
    }
}

#[test]
fn too_early_give_what_could_be_read() {
    let messages = [json(600), noise(60, 0), b"a".repeat(600)];
    for (message, level) in messages.iter().flat_map(|it| [0, 1, 6].map(|n| (it, n))) {
        let settings = CompressorSettings { level, ..usual() };
        let payload = compress(&mut Compressor::new(settings), message, true);
        for cut in 0..payload.len() {
            let expected = Reference::new(&[&payload[..cut], &FLUSH_TAIL].concat(), b"");
            let read = inflate(&mut decompressor(), &payload[..cut]);
            match expected.end {
                End::Invalid => assert!(matches!(read, Err(InflateError::Data(_)))),
                End::Open | End::Final(_) => assert!(read.unwrap() == expected.bytes),
            }
        }
    }
}

#[test]
fn too_early_leave_the_rest_to_the_next_payload() {
    // A stored block of 10 bytes: the tail that was cut off becomes data, as with zlib.
    let mut decompressor = decompressor();
    let stored = b"\x00\x0a\x00\xf5\xffabc";
    assert_eq!(read(&mut decompressor, &[stored]), b"abc\0\0\xff\xff");
    assert_eq!(read(&mut decompressor, &[b"def\x00"]), b"def");
    assert_eq!(read(&mut decompressor, &[HELLO]), b"Hello");
}

#[test]
fn of_a_connection_give_the_memory_back() {
    let mut decompressor = decompressor();
    assert_eq!(read(&mut decompressor, &[HELLO]), b"Hello");
    let mut out = Vec::new();
    let more = decompressor.inflate(AGAIN, &mut 0, true, &mut out, 1);
    assert_eq!(more, Ok(Progress::More));
    decompressor.reset();
    assert_eq!(read(&mut decompressor, &[HELLO]), b"Hello");
    assert_eq!(decompressor.settings(), &reading(&usual()));
}
