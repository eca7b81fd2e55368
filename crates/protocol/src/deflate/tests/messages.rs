//! `InflatedMessage`: frames into messages.

use super::*;
use crate::{Event, FrameLengths, MessageKind, Payload, ProtocolError};

/// What comes of a message that is sent in these frames.
fn receive(
    kind: MessageKind,
    validate_utf8: bool,
    frames: &[&[u8]],
) -> Result<Event, ProtocolError> {
    let (mut compressor, mut decompressor) = (Compressor::new(usual()), decompressor());
    let mut message = InflatedMessage::new(kind, validate_utf8);
    assert!(message.is_empty());
    for (index, frame) in frames.iter().enumerate() {
        let fin = index + 1 == frames.len();
        let payload = compress(&mut compressor, frame, fin);
        let mut at = 0;
        while message.inflate(&mut decompressor, &payload, &mut at, fin, 3)? == Progress::More {}
        let length: usize = frames[..=index].iter().map(|frame| frame.len()).sum();
        assert_eq!((message.len(), message.is_empty()), (length, length == 0));
    }
    message.finish()
}

fn message(kind: MessageKind, payload: &[u8], frames: &[u64]) -> Event {
    let mut lengths = FrameLengths::default();
    frames.iter().for_each(|&length| lengths.push(length));
    Event::Message {
        kind,
        payload: Payload::Owned(payload.to_vec()),
        frames: lengths,
    }
}

#[test]
fn name_the_lengths_of_binary_frames_as_they_are_inflated() {
    let kind = MessageKind::Binary;
    let whole = receive(kind, true, &[b"one frame"]);
    assert_eq!(whole, Ok(message(kind, b"one frame", &[])));
    let frames: [&[u8]; 5] = [b"", b"ab", &[b'c'; 300], b"", b"d"];
    let expected = message(kind, &frames.concat(), &[2, 300, 1]);
    assert_eq!(receive(kind, true, &frames), Ok(expected));
    let expected = message(kind, b"a", &[1]);
    assert_eq!(receive(kind, true, &[b"", b"a", b""]), Ok(expected));
    assert_eq!(
        receive(kind, true, &[b"", b""]),
        Ok(message(kind, b"", &[]))
    );
}

#[test]
fn name_no_lengths_of_text() {
    let kind = MessageKind::Text;
    let read = receive(kind, true, &[b"a", b"b"]);
    assert_eq!(read, Ok(message(kind, b"ab", &[])));
}

#[test]
fn have_to_be_utf_8_if_they_are_text_and_it_is_asked_for() {
    let text = MessageKind::Text;
    let split: [&[u8]; 3] = [b"a\xf0\x9f", b"", b"\x98\x80"];
    let expected = message(text, "a😀".as_bytes(), &[]);
    assert_eq!(receive(text, true, &split), Ok(expected));
    for frames in [&[&b"\xff"[..]][..], &[b"\xc3", b"a"], &[b"a", b"\xc3"]] {
        let invalid = Err(ProtocolError::InvalidUtf8);
        assert_eq!(receive(text, true, frames), invalid);
        assert!(receive(text, false, frames).is_ok());
        assert!(receive(MessageKind::Binary, true, frames).is_ok());
    }
}

#[test]
fn take_no_more_memory_than_their_bytes_need() {
    let mut message = InflatedMessage::new(MessageKind::Binary, true);
    assert_eq!(message.memory(), 0);
    let mut decompressor = decompressor();
    let empty = compress(&mut Compressor::new(usual()), b"", false);
    for _ in 0..10_000 {
        let done = message.inflate(&mut decompressor, &empty, &mut 0, false, 100);
        assert_eq!(done, Ok(Progress::Done));
    }
    assert!(message.memory() <= 256, "{}", message.memory());
}

#[test]
fn fail_as_their_frames_do() {
    let mut message = InflatedMessage::new(MessageKind::Text, true);
    let result = message.inflate(&mut decompressor(), b"\x06", &mut 0, true, 100);
    let expected = ProtocolError::InvalidDeflateData("invalid block type");
    assert_eq!(result, Err(expected));

    let mut decompressor = Decompressor::new(DecompressorSettings {
        max_payload: 4,
        ..reading(&usual())
    });
    let mut message = InflatedMessage::new(MessageKind::Text, true);
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    let result = message.inflate(&mut decompressor, hello, &mut 0, true, 100);
    assert_eq!(result, Err(ProtocolError::MessageTooLong));
}

#[test]
fn have_a_limit_beside_that_of_the_decompressor() {
    let ten = compress(&mut Compressor::new(usual()), b"0123456789", false);
    let end = compress(&mut Compressor::new(usual()), b"", true);
    for (own, other, allowed) in [
        (0, 0, true),
        (10, 0, true),
        (10, 20, true),
        (20, 10, true),
        (10, u64::MAX, true),
        (9, 0, false),
        (9, 10, false),
        (10, 9, false),
        (1, u64::MAX, false),
    ] {
        let mut decompressor = Decompressor::new(DecompressorSettings {
            max_payload: other,
            ..reading(&usual())
        });
        for budget in [1, 10, usize::MAX] {
            let mut message = InflatedMessage::new(MessageKind::Text, true).with_limit(own);
            let mut inflate = |payload: &[u8], fin| -> Result<(), ProtocolError> {
                let (inflater, mut at) = (&mut decompressor, 0);
                while message.inflate(inflater, payload, &mut at, fin, budget)? == Progress::More {}
                Ok(())
            };
            let result = inflate(&ten, false).and_then(|()| inflate(&end, true));
            let expected = match allowed {
                true => Ok(()),
                false => Err(ProtocolError::MessageTooLong),
            };
            assert_eq!(result, expected, "{own} {other} {budget}");
            assert!(message.len() <= 10);
            if allowed {
                let text = self::message(MessageKind::Text, b"0123456789", &[]);
                assert_eq!(message.finish(), Ok(text));
            }
        }
    }
}

#[test]
fn may_have_the_largest_limit() {
    let mut message = InflatedMessage::new(MessageKind::Text, true).with_limit(u64::MAX);
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    let result = message.inflate(&mut decompressor(), hello, &mut 0, true, 100);
    assert_eq!((result, message.len()), (Ok(Progress::Done), 5));
}

#[test]
fn let_a_new_stream_begin_when_they_are_too_long() {
    let (mut compressor, mut decompressor) = (Compressor::new(usual()), decompressor());
    let first = compress(&mut compressor, b"0123456789", true);
    let second = compress(&mut compressor, b"0123456789", true);
    for _ in 0..2 {
        let mut message = InflatedMessage::new(MessageKind::Text, true).with_limit(9);
        let result = message.inflate(&mut decompressor, &first, &mut 0, true, 100);
        assert_eq!(result, Err(ProtocolError::MessageTooLong));
        assert_eq!(message.len(), 10, "with the byte that is too many");
    }
    // What was said before is not there any more.
    let read = inflate(&mut decompressor, &second);
    assert!(matches!(read, Err(InflateError::Data(_))));
    assert_eq!(inflate(&mut decompressor, &first).unwrap(), b"0123456789");
}
