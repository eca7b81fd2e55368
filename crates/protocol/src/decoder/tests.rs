//! Streams as exact bytes, each decoded whole and one byte at a time.

use super::*;
use crate::Limits;
use crate::fuzzing::Transcript;

const SERVER: DecoderConfig = DecoderConfig {
    side: Side::Server,
    limits: Limits {
        max_payload: 0,
        max_fragments: 0,
        max_buffered_chunks: 0,
    },
    validate_utf8: true,
    compression: false,
};

const CLIENT: DecoderConfig = DecoderConfig {
    side: Side::Client,
    ..SERVER
};

/// The events of a stream that has no errors.
fn events(config: DecoderConfig, stream: &[u8]) -> Vec<Event> {
    let whole = Transcript::new(config, [stream]);
    assert_eq!(Transcript::new(config, stream.chunks(1)), whole);
    assert_eq!(whole.error, None);
    whole.events
}

/// The error of a stream, and the number of bytes after which it comes.
fn error(config: DecoderConfig, stream: &[u8]) -> (ProtocolError, usize) {
    let whole = Transcript::new(config, [stream]);
    assert_eq!(Transcript::new(config, stream.chunks(1)), whole);
    let error = whole.error.expect("the stream has an error");
    let needed = |&length: &usize| Transcript::new(config, [&stream[..length]]).error.is_some();
    let needed = (1..=stream.len())
        .find(needed)
        .expect("the whole stream has it");
    (error, needed)
}

fn message(kind: MessageKind, payload: &[u8], frames: &[u64]) -> Event {
    let mut lengths = FrameLengths::default();
    frames.iter().for_each(|&length| lengths.push(length));
    let payload = Payload::Owned(payload.to_vec());
    Event::Message {
        kind,
        compressed: false,
        payload,
        frames: lengths,
    }
}

fn text(payload: &str) -> Event {
    message(MessageKind::Text, payload.as_bytes(), &[])
}

fn binary(payload: &[u8]) -> Event {
    message(MessageKind::Binary, payload, &[])
}

fn ping(payload: &[u8]) -> Event {
    Event::Ping(Payload::Owned(payload.to_vec()))
}

fn with_limits(config: DecoderConfig, change: impl FnOnce(&mut Limits)) -> DecoderConfig {
    let mut limits = config.limits;
    change(&mut limits);
    DecoderConfig { limits, ..config }
}

mod messages {
    use super::*;

    #[test]
    fn unmasks_the_hello_of_rfc_6455() {
        let stream = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        assert_eq!(events(SERVER, stream), [text("Hello")]);
    }

    #[test]
    fn takes_frames_of_a_server_unmasked() {
        assert_eq!(
            events(CLIENT, b"\x81\x05Hello\x82\x01\xff"),
            [text("Hello"), binary(b"\xff")]
        );
    }

    #[test]
    fn takes_empty_messages() {
        assert_eq!(events(CLIENT, b"\x81\x00\x82\x00"), [text(""), binary(b"")]);
        assert_eq!(events(SERVER, b"\x81\x80abcd"), [text("")]);
    }

    #[test]
    fn takes_lengths_in_any_form() {
        assert_eq!(events(CLIENT, b"\x82\x7e\x00\x01A"), [binary(b"A")]);
        assert_eq!(
            events(CLIENT, b"\x82\x7f\0\0\0\0\0\0\0\x01A"),
            [binary(b"A")]
        );
        let long = [b'x'; 70_000];
        let stream = [&b"\x82\x7f\0\0\0\0\0\x01\x11\x70"[..], &long].concat();
        assert_eq!(events(CLIENT, &stream), [binary(&long)]);
        let stream = [&b"\x82\x7e\x01\x00"[..], &long[..256]].concat();
        assert_eq!(events(CLIENT, &stream), [binary(&long[..256])]);
    }

    #[test]
    fn joins_fragments_and_gives_pings_between_them_at_once() {
        let stream = b"\x01\x02He\x89\x01!\x00\x00\x8a\x00\x80\x03llo\x81\x01.";
        let pong = Event::Pong(Payload::Owned(Vec::new()));
        assert_eq!(
            events(CLIENT, stream),
            [ping(b"!"), pong, text("Hello"), text(".")]
        );
    }

    #[test]
    fn unmasks_each_fragment_with_its_own_key() {
        let stream = b"\x02\x83\x01\x02\x03\x04\x00\x00\x00\x80\x83\x10\x20\x30\x40\x00\x00\x00";
        let expected = message(MessageKind::Binary, b"\x01\x02\x03\x10\x20\x30", &[3, 3]);
        assert_eq!(events(SERVER, stream), [expected]);
    }

    #[test]
    fn names_the_lengths_of_a_binary_messages_non_empty_frames() {
        let stream = b"\x02\x00\x00\x01a\x00\x00\x00\x02bc\x80\x00\x02\x00\x80\x01a";
        let first = message(MessageKind::Binary, b"abc", &[1, 2]);
        assert_eq!(
            events(CLIENT, stream),
            [first, message(MessageKind::Binary, b"a", &[1])]
        );
    }

    #[test]
    fn marks_compressed_messages_and_leaves_them_unvalidated() {
        let config = DecoderConfig {
            compression: true,
            ..CLIENT
        };
        let compressed = |kind, payload: &[u8]| Event::Message {
            kind,
            compressed: true,
            payload: Payload::Owned(payload.to_vec()),
            frames: FrameLengths::default(),
        };
        let stream = b"\xc1\x01\xff\x41\x01\xff\x80\x01\xfe\xc2\x00\x81\x01a";
        let expected = [
            compressed(MessageKind::Text, b"\xff"),
            compressed(MessageKind::Text, b"\xff\xfe"),
            compressed(MessageKind::Binary, b""),
            text("a"),
        ];
        assert_eq!(events(config, stream), expected);
    }
}

mod headers {
    use super::*;
    use ProtocolError::*;

    fn invalid(opcode: u8) -> ProtocolError {
        InvalidOpCode(OpCode::new(opcode))
    }

    #[test]
    fn are_checked_in_order_as_soon_as_their_bytes_are_there() {
        let cases: [(&[u8], ProtocolError, usize); 24] = [
            (b"\xf3\x00", UnexpectedRsv23, 2),
            (b"\xa2\x80", UnexpectedRsv23, 2),
            (b"\xc0\x80", UnexpectedRsv1, 2),
            (b"\xc3\x00", UnexpectedRsv1, 2),
            (b"\x49\x80", UnexpectedRsv1, 2),
            (b"\xcb\x80", UnexpectedRsv1, 2),
            (b"\x80\x80", invalid(0), 2),
            (b"\x00\x05", invalid(0), 2),
            (b"\x01\x80\0\0\0\0\x81\x80", invalid(1), 8),
            (b"\x02\x80\0\0\0\0\x02\x80", invalid(2), 8),
            (b"\x03\x80", invalid(3), 2),
            (b"\x87\x00", invalid(7), 2),
            (b"\x0b\xff", invalid(11), 2),
            (b"\x8f\x80", invalid(15), 2),
            (b"\x09\xfe", ExpectedFin, 2),
            (b"\x08\x01", ExpectedFin, 2),
            (b"\x89\xfe\0\0", InvalidControlPayloadLength(126), 2),
            (b"\x8a\x7f\0\0", InvalidControlPayloadLength(127), 2),
            (b"\x88\x81\0\0\0\0\0", InvalidControlPayloadLength(1), 2),
            (b"\x88\x01\0", InvalidControlPayloadLength(1), 2),
            (b"\x89\x00", ExpectedMask, 2),
            (b"\x81\x7f\0", ExpectedMask, 2),
            (
                b"\x82\xff\0\x20\0\0\0\0\0\0",
                UnsupportedPayloadLength(1 << 53),
                10,
            ),
            (
                b"\x82\xff\x80\0\0\0\0\0\0\0",
                UnsupportedPayloadLength(1 << 63),
                10,
            ),
        ];
        for (stream, expected, needed) in cases {
            assert_eq!(error(SERVER, stream), (expected, needed), "{stream:x?}");
        }
        assert_eq!(error(CLIENT, b"\x81\x85"), (UnexpectedMask, 2));
    }

    #[test]
    fn may_have_rsv1_only_at_the_start_of_a_message() {
        let config = DecoderConfig {
            compression: true,
            ..CLIENT
        };
        assert_eq!(error(config, b"\x41\x00\xc0\x00"), (UnexpectedRsv1, 4));
        assert_eq!(error(config, b"\xc9\x00"), (UnexpectedRsv1, 2));
        assert_eq!(error(config, b"\x49\x00"), (ExpectedFin, 2));
        assert_eq!(error(config, b"\xc3\x00"), (invalid(3), 2));
        assert_eq!(error(config, b"\xe1\x00"), (UnexpectedRsv23, 2));
    }

    #[test]
    fn may_announce_2_to_the_53_minus_1_bytes() {
        let stream = b"\x82\x7f\0\x1f\xff\xff\xff\xff\xff\xffabc";
        assert_eq!(events(CLIENT, stream), []);
    }
}

mod limits {
    use super::*;

    #[test]
    fn stop_a_message_at_the_header_that_goes_over_max_payload() {
        let config = with_limits(SERVER, |limits| limits.max_payload = 9);
        let too_long = ProtocolError::MessageTooLong;
        assert_eq!(error(config, b"\x82\x8a"), (too_long, 2));
        assert_eq!(error(config, b"\x82\xfe\x01\x00"), (too_long, 4));
        assert_eq!(
            error(config, b"\x82\xff\0\0\0\0\0\0\x01\x00"),
            (too_long, 10)
        );
        let fragments = b"\x02\x85\0\0\0\0abcde\x80\x85";
        assert_eq!(error(config, fragments), (too_long, fragments.len()));
    }

    #[test]
    fn allow_exactly_max_payload_and_longer_control_frames() {
        let config = with_limits(CLIENT, |limits| limits.max_payload = 4);
        let stream = b"\x82\x04abcd\x02\x03abc\x89\x05hello\x00\x01d\x80\x00";
        let fragmented = message(MessageKind::Binary, b"abcd", &[3, 1]);
        assert_eq!(
            events(config, stream),
            [binary(b"abcd"), ping(b"hello"), fragmented]
        );
    }

    #[test]
    fn cannot_be_outrun_by_lengths_that_overflow() {
        let config = with_limits(CLIENT, |limits| limits.max_payload = u64::MAX);
        let stream = b"\x02\x01a\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff";
        let (error, _) = error(config, stream);
        assert_eq!(error, ProtocolError::UnsupportedPayloadLength(u64::MAX));
    }

    #[test]
    fn count_frames_when_their_payload_is_there() {
        let config = with_limits(CLIENT, |limits| limits.max_fragments = 2);
        let too_many = ProtocolError::TooManyFragments;
        assert_eq!(
            error(config, b"\x02\x01a\x00\x01b\x80\x02cd"),
            (too_many, 10)
        );
        assert_eq!(error(config, b"\x02\x00\x00\x00\x80\x00"), (too_many, 6));
        assert_eq!(
            error(config, b"\x01\x01a\x00\x01b\x80\x02\xff\xff"),
            (too_many, 10)
        );
        assert_eq!(
            events(config, b"\x01\x01a\x89\x00\x80\x01b\x81\x00").len(),
            3
        );
    }

    /// `refused` is the chunk refused for each `max_buffered_chunks` from 1 to 4, as ws does it.
    fn check_chunks(chunks: &[&[u8]], refused: [Option<usize>; 4]) {
        for (limit, refused) in (1..).zip(refused) {
            let config = with_limits(SERVER, |limits| limits.max_buffered_chunks = limit);
            let error = |end: usize| Transcript::new(config, chunks[..end].iter().copied()).error;
            let first = (1..=chunks.len()).find(|&end| error(end).is_some());
            assert_eq!(first.map(|end| end - 1), refused, "{chunks:x?}, {limit}");
            let expected = refused.map(|_| ProtocolError::TooManyBufferedChunks);
            assert_eq!(error(chunks.len()), expected);
        }
    }

    #[test]
    fn refuse_a_chunk_when_too_many_wait_for_a_piece_of_a_header() {
        let bytewise: Vec<&[u8]> = b"\x82\x85\0\0\0\0aaaaa".chunks(1).collect();
        check_chunks(&bytewise, [Some(1), Some(4), Some(5), Some(10)]);
        let bytewise: Vec<&[u8]> = b"\x89\x80\0\0\0\0".chunks(1).collect();
        check_chunks(&bytewise, [Some(1), Some(4), Some(5), None]);
        check_chunks(
            &[b"\x82\x85", b"\0", b"\0", b"\0", b"\0", b"aaaaa"],
            [Some(2), Some(3), Some(4), None],
        );
        check_chunks(
            &[b"\x82\xfe", b"\0", b"\x05", b"\0\0\0\0", b"aaaaa"],
            [Some(2), None, None, None],
        );
        check_chunks(
            &[
                b"\x82\xff",
                b"\0",
                b"\0",
                b"\0",
                b"\0",
                b"\0",
                b"\0",
                b"\0\x05",
            ],
            [Some(2), Some(3), Some(4), Some(5)],
        );
    }

    #[test]
    fn refuse_a_chunk_when_too_many_wait_for_a_payload() {
        check_chunks(
            &[b"\x82\x85\0\0\0\0", b"a", b"a", b"a", b"a", b"a"],
            [Some(2), Some(3), Some(4), Some(5)],
        );
        check_chunks(
            &[b"\x82\x85\0\0\0\0a", b"a", b"a", b"a", b"a"],
            [Some(1), Some(2), Some(3), Some(4)],
        );
        check_chunks(
            &[
                b"\x82\x85\0\0\0\0aaaa",
                b"a\x82\x85\0\0\0\0a",
                b"a",
                b"a",
                b"a",
                b"a",
            ],
            [Some(1), Some(3), Some(4), Some(5)],
        );
        check_chunks(
            &[b"\x02\x82\0\0\0\0a", b"a", b"\x80\x82\0\0\0\0a", b"a"],
            [Some(1), None, None, None],
        );
    }

    #[test]
    fn count_empty_chunks() {
        check_chunks(
            &[b"\x82\x85\0\0\0\0", b"", b"", b"", b"", b"a"],
            [Some(2), Some(3), Some(4), Some(5)],
        );
        check_chunks(
            &[b"", b"", b"", b"", b"\x82\x85\0\0\0\0", b"aaaaa"],
            [Some(1), Some(2), Some(3), Some(4)],
        );
    }
}

mod text {
    use super::*;

    const INVALID: ProtocolError = ProtocolError::InvalidUtf8;

    #[test]
    fn is_refused_at_the_first_byte_that_cannot_be_continued() {
        assert_eq!(error(CLIENT, b"\x81\x05ab\xff"), (INVALID, 5));
        assert_eq!(error(CLIENT, b"\x81\x05a\xf4\x90cd"), (INVALID, 5));
        assert_eq!(error(CLIENT, b"\x01\x02a\xe2\x00\x01a"), (INVALID, 7));
        let masked = b"\x81\x85\x01\x02\x03\x04\x60\xfd";
        assert_eq!(error(SERVER, masked), (INVALID, masked.len()));
        let long = [&b"\x01\x7e\x01\x00"[..], &[b'x'; 256], b"\x00\x05\xc3\x28"].concat();
        assert_eq!(error(CLIENT, &long), (INVALID, long.len()));
    }

    #[test]
    fn is_refused_when_it_ends_inside_a_character() {
        assert_eq!(error(CLIENT, b"\x81\x01\xc3"), (INVALID, 3));
        assert_eq!(error(CLIENT, b"\x01\x02\xf0\x9f\x80\x01\x98"), (INVALID, 7));
        assert_eq!(error(CLIENT, b"\x01\x01\xc3\x80\x00"), (INVALID, 5));
    }

    #[test]
    fn may_have_characters_split_over_fragments() {
        let stream = b"\x01\x03a\xf0\x9f\x00\x01\x98\x00\x00\x80\x03\x80\xc3\xa9";
        assert_eq!(events(CLIENT, stream), [text("a😀é")]);
    }

    #[test]
    fn may_be_anything_when_validation_is_off() {
        let config = DecoderConfig {
            validate_utf8: false,
            ..CLIENT
        };
        let expected = [
            message(MessageKind::Text, b"\xff", &[]),
            message(MessageKind::Text, b"\xff\xc3", &[]),
            Event::Close {
                code: CloseCode::NORMAL,
                reason: Payload::Owned(b"\xff".to_vec()),
            },
        ];
        let stream = b"\x81\x01\xff\x01\x01\xff\x80\x01\xc3\x88\x03\x03\xe8\xff";
        assert_eq!(events(config, stream), expected);
    }
}

mod close {
    use super::*;

    fn close(code: u16, reason: &str) -> Event {
        let reason = Payload::Owned(reason.as_bytes().to_vec());
        Event::Close {
            code: CloseCode::new(code),
            reason,
        }
    }

    #[test]
    fn gives_code_and_reason() {
        assert_eq!(events(CLIENT, b"\x88\x00"), [close(1005, "")]);
        assert_eq!(events(CLIENT, b"\x88\x02\x03\xe8"), [close(1000, "")]);
        assert_eq!(events(CLIENT, b"\x88\x05\x0b\xb8bye"), [close(3000, "bye")]);
        let masked = b"\x88\x85\x01\x01\x01\x01\x0a\xb9\x63\x78\x64";
        assert_eq!(events(SERVER, masked), [close(3000, "bye")]);
    }

    #[test]
    fn ends_the_stream_and_drops_an_unfinished_message() {
        assert_eq!(
            events(CLIENT, b"\x01\x01a\x88\x00\xff\xff\x80\x01b"),
            [close(1005, "")]
        );
    }

    #[test]
    fn refuses_a_bad_code_before_a_bad_reason() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535_u16] {
            let stream = [&b"\x88\x03"[..], &code.to_be_bytes(), b"\xff"].concat();
            let expected = ProtocolError::InvalidCloseCode(CloseCode::new(code));
            assert_eq!(error(CLIENT, &stream), (expected, 5));
        }
    }

    #[test]
    fn refuses_a_reason_that_is_not_text_once_it_is_complete() {
        assert_eq!(
            error(CLIENT, b"\x88\x04\x03\xe8\xffa"),
            (ProtocolError::InvalidUtf8, 6)
        );
        assert_eq!(
            error(CLIENT, b"\x88\x03\x03\xe8\xc3"),
            (ProtocolError::InvalidUtf8, 5)
        );
    }
}

mod memory {
    use super::*;

    fn poll(decoder: &mut Decoder, chunk: &[u8]) -> Option<Event> {
        decoder.poll_event(&mut chunk.to_vec(), &mut 0).unwrap()
    }

    #[test]
    fn names_a_payload_in_the_chunk_and_unmasks_nothing_else() {
        let mut chunk = *b"\x82\x83\x01\x02\x03\x04abc\x89\x81\x01\x02\x03\x04d";
        let (mut decoder, mut at) = (Decoder::new(SERVER), 0);
        let Ok(Some(Event::Message { payload, .. })) = decoder.poll_event(&mut chunk, &mut at)
        else {
            panic!("no message");
        };
        assert_eq!((payload, at), (Payload::InChunk(6..9), 9));
        assert_eq!(
            chunk,
            *b"\x82\x83\x01\x02\x03\x04\x60\x60\x60\x89\x81\x01\x02\x03\x04d"
        );
        let ping = decoder.poll_event(&mut chunk, &mut at).unwrap();
        assert_eq!(ping, Some(Event::Ping(Payload::InChunk(15..16))));
        assert_eq!(chunk[15], b'd' ^ 0x01);
        assert_eq!((decoder.memory(), decoder.is_idle()), (0, true));
    }

    #[test]
    fn is_little_between_messages() {
        assert!(size_of::<Decoder>() <= 120, "{}", size_of::<Decoder>());
        let mut decoder = Decoder::new(CLIENT);
        assert!(decoder.is_idle());
        assert_eq!(poll(&mut decoder, b"\x02\x03ab"), None);
        assert!(!decoder.is_idle() && decoder.memory() > 0);
        assert_eq!(decoder.buffered_bytes(), 2);
        assert_eq!(poll(&mut decoder, b"c"), None);
        assert!(!decoder.is_idle());
        assert!(poll(&mut decoder, b"\x80\x00").is_some());
        assert_eq!((decoder.memory(), decoder.is_idle()), (0, true));
        assert_eq!(poll(&mut decoder, b"\x82"), None);
        assert_eq!((decoder.memory(), decoder.is_idle()), (0, false));
    }

    #[test]
    fn is_not_spent_on_an_announced_length() {
        let mut decoder = Decoder::new(CLIENT);
        assert_eq!(
            poll(&mut decoder, b"\x82\x7f\0\x1f\xff\xff\xff\xff\xff\xff"),
            None
        );
        assert_eq!(decoder.memory(), 0);
        assert_eq!(poll(&mut decoder, b"a"), None);
        assert!(decoder.memory() < 5000);
    }

    #[test]
    fn fits_a_large_frame_exactly() {
        let mut decoder = Decoder::new(CLIENT);
        let stream = [&b"\x82\x7f\0\0\0\0\0\x10\0\0"[..], &[b'x'; 1 << 20]].concat();
        let mut last = None;
        for chunk in stream.chunks(1 << 16) {
            last = poll(&mut decoder, chunk);
        }
        let Some(Event::Message {
            payload: Payload::Owned(bytes),
            ..
        }) = last
        else {
            panic!("no message");
        };
        assert_eq!((bytes.len(), bytes.capacity()), (1 << 20, 1 << 20));
    }

    #[test]
    fn stays_flat_under_a_million_empty_fragments() {
        let mut decoder = Decoder::new(CLIENT);
        poll(&mut decoder, b"\x02\x00");
        let before = decoder.memory();
        let mut fragments = b"\x00\x00".repeat(1_000_000);
        assert_eq!(decoder.poll_event(&mut fragments, &mut 0), Ok(None));
        assert_eq!(decoder.memory(), before);
    }

    #[test]
    fn of_a_frame_over_the_fragment_limit_is_not_spent() {
        let mut decoder = Decoder::new(with_limits(CLIENT, |limits| limits.max_fragments = 1));
        poll(&mut decoder, b"\x02\x01a\x80\x7e\xff\xff");
        let before = decoder.memory();
        poll(&mut decoder, &[0; 60_000]);
        assert_eq!(decoder.memory(), before);
    }
}

mod order {
    use super::*;

    #[test]
    fn of_calls_after_the_end_does_not_matter() {
        for end in [&b"\x88\x00"[..], b"\xff\xff"] {
            let mut decoder = Decoder::new(with_limits(CLIENT, |limits| {
                limits.max_buffered_chunks = 1;
            }));
            assert!(!matches!(
                decoder.poll_event(&mut end.to_vec(), &mut 0),
                Ok(None)
            ));
            assert!(decoder.is_finished());
            for _ in 0..3 {
                let mut at = 1;
                assert_eq!(decoder.handle_chunk(), Ok(()));
                assert_eq!(
                    decoder.poll_event(&mut [0x81, 0, 0x81, 0], &mut at),
                    Ok(None)
                );
                assert_eq!(at, 4);
            }
        }
    }

    #[test]
    fn takes_a_position_beyond_the_chunk_as_its_end() {
        let (mut decoder, mut at) = (Decoder::new(CLIENT), 7);
        assert_eq!(decoder.poll_event(&mut [0x81, 0], &mut at), Ok(None));
        assert_eq!((at, decoder.is_idle()), (2, true));
    }
}
