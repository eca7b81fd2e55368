//! Frames of compressed messages (RFC 7692 section 6), which are handed out one by one.

use super::*;
use MessageKind::{Binary, Text};

/// The first event of a chunk.
fn poll(decoder: &mut Decoder, chunk: &[u8]) -> Option<Event> {
    decoder.handle_chunk().unwrap();
    decoder.poll_event(&mut chunk.to_vec(), &mut 0).unwrap()
}

#[test]
fn are_marked_among_others_and_left_unvalidated() {
    let stream = b"\xc1\x01\xff\x81\x01a\xc2\x00\x41\x01\xff\x80\x01\xfe\x82\x01\xff";
    let expected = [
        compressed(Text, true, true, b"\xff"),
        text("a"),
        compressed(Binary, true, true, b""),
        compressed(Text, true, false, b"\xff"),
        compressed(Text, false, true, b"\xfe"),
        binary(b"\xff"),
    ];
    assert_eq!(events(DEFLATE, stream), expected);
}

#[test]
fn say_which_is_the_first_and_which_the_last_of_its_message() {
    let stream = b"\x42\x00\x00\x01a\x00\x00\x00\x03bcd\x80\x00\x41\x01e\x80\x01f";
    let expected = [
        compressed(Binary, true, false, b""),
        compressed(Binary, false, false, b"a"),
        compressed(Binary, false, false, b""),
        compressed(Binary, false, false, b"bcd"),
        compressed(Binary, false, true, b""),
        compressed(Text, true, false, b"e"),
        compressed(Text, false, true, b"f"),
    ];
    assert_eq!(events(DEFLATE, stream), expected);
}

#[test]
fn may_have_control_frames_between_them() {
    let stream = b"\x89\x00\x41\x02ab\x89\x01!\x8a\x00\x00\x01c\x89\x00\x80\x01d\x89\x00";
    let expected = [
        ping(b""),
        compressed(Text, true, false, b"ab"),
        ping(b"!"),
        Event::Pong(Payload::Owned(Vec::new())),
        compressed(Text, false, false, b"c"),
        ping(b""),
        compressed(Text, false, true, b"d"),
        ping(b""),
    ];
    assert_eq!(events(DEFLATE, stream), expected);
}

#[test]
fn are_unmasked_each_with_its_own_key() {
    let config = DecoderConfig {
        compression: true,
        ..SERVER
    };
    let stream =
        b"\x42\x83\x01\x02\x03\x04\x00\x00\x00\x80\x85\x10\x20\x30\x40\x00\x00\x00\x00\x00";
    let expected = [
        compressed(Binary, true, false, b"\x01\x02\x03"),
        compressed(Binary, false, true, b"\x10\x20\x30\x40\x10"),
    ];
    assert_eq!(events(config, stream), expected);
}

#[test]
fn stay_in_the_chunk_if_they_lie_whole_in_it() {
    let config = DecoderConfig {
        compression: true,
        ..SERVER
    };
    let mut chunk = *b"\x42\x82\x01\x02\x03\x04ab\x80\x83\x01\x02\x03\x04abc\xc1\x81\x01\0\0\0a";
    let (mut decoder, mut at) = (Decoder::new(config), 0);
    let expected = [
        (Binary, true, false, 6..8),
        (Binary, false, true, 14..17),
        (Text, true, true, 23..24),
    ];
    decoder.handle_chunk().unwrap();
    for (kind, first, fin, range) in expected {
        let event = decoder.poll_event(&mut chunk, &mut at).unwrap();
        let payload = Payload::InChunk(range.clone());
        let expected = Event::Compressed {
            kind,
            first,
            fin,
            payload,
        };
        assert_eq!((event, at), (Some(expected), range.end));
        assert_eq!(decoder.buffered_bytes(), 0);
    }
    assert_eq!(chunk[14..17], *b"\x60\x60\x60");
    assert_eq!((decoder.memory(), decoder.is_idle()), (0, true));
}

#[test]
fn are_collected_if_they_are_spread_over_chunks() {
    let mut decoder = Decoder::new(DEFLATE);
    assert_eq!(poll(&mut decoder, b"\x42\x04ab"), None);
    assert_eq!(decoder.buffered_bytes(), 2);
    assert_eq!(poll(&mut decoder, b"c"), None);
    assert_eq!(decoder.buffered_bytes(), 3);
    let expected = compressed(Binary, true, false, b"abcd");
    assert_eq!(poll(&mut decoder, b"d"), Some(expected));
    assert_eq!((decoder.buffered_bytes(), decoder.is_idle()), (0, false));
    let Some(Event::Compressed { payload, .. }) = poll(&mut decoder, b"\x00\x01e\x80") else {
        panic!("no frame");
    };
    assert_eq!(payload, Payload::InChunk(2..3));
    assert!(!decoder.is_idle());
}

#[test]
fn take_no_memory_once_they_are_handed_out() {
    let mut decoder = Decoder::new(DEFLATE);
    let mut frame = |header: &[u8], cut: usize| {
        let frame = [header, &[b'x'; 60_000]].concat();
        let (first, second) = frame.split_at(cut);
        assert!(poll(&mut decoder, first).is_none() || cut == frame.len());
        assert!(poll(&mut decoder, second).is_some() || cut == frame.len());
        (decoder.buffered_bytes(), decoder.memory())
    };
    let (held, memory) = frame(b"\x42\x7e\xea\x60", 100);
    assert_eq!(held, 0);
    assert!(memory < 200, "{memory}");
    for cut in [60_004, 4, 59_999, 1, 60_004] {
        assert_eq!(frame(b"\x00\x7e\xea\x60", cut), (0, memory));
    }
    assert_eq!(frame(b"\x80\x7e\xea\x60", 3), (0, 0));
}

#[test]
fn take_no_memory_however_many_they_are() {
    let mut decoder = Decoder::new(DEFLATE);
    poll(&mut decoder, b"\x42\x00");
    let before = decoder.memory();
    let (mut frames, mut at) = (b"\x00\x01a".repeat(100_000), 0);
    for _ in 0..100_000 {
        let event = decoder.poll_event(&mut frames, &mut at).unwrap();
        assert!(event.is_some());
    }
    assert_eq!((at, decoder.memory()), (frames.len(), before));
}

#[test]
fn are_summed_up_as_they_are_on_the_wire() {
    let config = with_limits(DEFLATE, |limits| limits.max_payload = 5);
    let too_long = ProtocolError::MessageTooLong;
    assert_eq!(error(config, b"\xc2\x06"), (too_long, 2));
    assert_eq!(error(config, b"\x42\x03abc\x80\x03"), (too_long, 7));
    let stream = b"\x42\x02ab\x00\x02cd\x89\x01!\x00\x00\x80\x02";
    assert_eq!(error(config, stream), (too_long, stream.len()));
    let stream = b"\x42\x03abc\x89\x06more..\x00\x02de\x80\x00\xc1\x05abcde\x81\x05abcde";
    let expected = [
        compressed(Binary, true, false, b"abc"),
        ping(b"more.."),
        compressed(Binary, false, false, b"de"),
        compressed(Binary, false, true, b""),
        compressed(Text, true, true, b"abcde"),
        text("abcde"),
    ];
    assert_eq!(events(config, stream), expected);
}

#[test]
fn are_counted_when_their_payload_is_there() {
    let config = with_limits(DEFLATE, |limits| limits.max_fragments = 2);
    let too_many = ProtocolError::TooManyFragments;
    let stream = b"\x42\x01a\x00\x01b\x80\x02cd";
    assert_eq!(error(config, stream), (too_many, stream.len()));
    let before = Transcript::new(config, [&stream[..8]]);
    assert_eq!((before.events.len(), before.error), (2, None));
    assert_eq!(error(config, b"\x42\x00\x00\x00\x80\x00"), (too_many, 6));
    let stream = b"\x41\x01a\x89\x00\x80\x01b\xc1\x00\x41\x00\x80\x00";
    assert_eq!(events(config, stream).len(), 6);
}

#[test]
fn over_the_fragment_limit_are_not_kept() {
    let mut decoder = Decoder::new(with_limits(DEFLATE, |limits| limits.max_fragments = 1));
    assert!(poll(&mut decoder, b"\x42\x01a").is_some());
    assert_eq!(poll(&mut decoder, b"\x80\x7e\xff\xff"), None);
    let before = decoder.memory();
    assert_eq!(poll(&mut decoder, &[0; 60_000]), None);
    assert_eq!((decoder.memory(), decoder.buffered_bytes()), (before, 0));
}

#[test]
fn are_dropped_with_the_rest_when_the_caller_finishes() {
    let mut decoder = Decoder::new(DEFLATE);
    poll(&mut decoder, b"\x42\x04ab");
    decoder.finish();
    assert!(decoder.is_finished() && !decoder.is_idle());
    assert_eq!((decoder.memory(), decoder.buffered_bytes()), (0, 0));
    for chunk in [&b"cd"[..], b"\x81\x00", b"\xff\xff"] {
        let mut at = 0;
        assert_eq!(decoder.handle_chunk(), Ok(()));
        assert_eq!(decoder.poll_event(&mut chunk.to_vec(), &mut at), Ok(None));
        assert_eq!(at, chunk.len());
    }
}

#[test]
fn end_in_the_middle_of_a_chunk_when_the_caller_finishes() {
    let mut decoder = Decoder::new(with_limits(DEFLATE, |limits| {
        limits.max_buffered_chunks = 1;
    }));
    let (mut chunk, mut at) = (*b"\xc2\x01a\x82\x01b\x89\x00\x82", 0);
    decoder.handle_chunk().unwrap();
    assert!(decoder.poll_event(&mut chunk, &mut at).unwrap().is_some());
    decoder.finish();
    assert_eq!(decoder.poll_event(&mut chunk, &mut at), Ok(None));
    assert_eq!(at, chunk.len());
    assert_eq!(decoder.handle_chunk(), Ok(()));
    decoder.finish();
    assert!(decoder.is_finished());
}
