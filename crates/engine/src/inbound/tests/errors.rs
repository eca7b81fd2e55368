//! What the peer did wrong, found here or on another thread.

use super::*;

const NOT_DATA: ProtocolError = ProtocolError::InvalidDeflateData("invalid block type");

/// Everything that is found, with the decompressor here or elsewhere: both are alike.
fn both(config: DecoderConfig, wire: &[u8]) -> Vec<Found> {
    let [here, elsewhere] = [true, false].map(|with_decompressor| {
        let mut receiver = Receiver::new(config);
        let mut all = receiver.all(wire, with_decompressor);
        all.retain(|found| *found != Found::Suspended);
        // Nothing is read any more.
        let more = Peer::new().ping(b"more").binary(b"more").wire;
        let rest = receiver.all(&more, with_decompressor);
        assert_eq!(rest, [Found::Nothing]);
        assert!(receiver.inbound.take_work().is_none());
        all
    });
    assert!(here == elsewhere);
    here
}

fn with_max_payload(max_payload: u64) -> DecoderConfig {
    let limits = Limits {
        max_payload,
        ..CONFIG.limits
    };
    DecoderConfig { limits, ..CONFIG }
}

#[test]
fn in_a_payload_are_the_last_that_is_found() {
    let wire = Peer::new()
        .binary(b"good")
        .raw(OpCode::BINARY, b"\x06", true)
        .ping(b"behind")
        .wire;
    let expected = [binary(b"good"), Found::Failed(NOT_DATA)];
    assert_eq!(both(CONFIG, &wire), expected);
}

#[test]
fn in_a_fragment_are_found_before_the_rest_has_come() {
    let wire = Peer::new()
        .compressed(OpCode::TEXT, b"good", false)
        .ping(b"between")
        .raw(OpCode::TEXT, b"\x06", false)
        .ping(b"behind")
        .wire;
    let expected = [ping(b"between"), Found::Failed(NOT_DATA)];
    assert_eq!(both(CONFIG, &wire), expected);
}

#[test]
fn of_the_decoder_come_after_the_messages_before() {
    let wire = Peer::new()
        .binary(&noise(10_000))
        .plain(OpCode::new(3), b"")
        .wire;
    let error = ProtocolError::InvalidOpCode(OpCode::new(3));
    let expected = [binary(&noise(10_000)), Found::Failed(error)];
    assert_eq!(both(CONFIG, &wire), expected);
}

#[test]
fn leave_nothing_of_an_unfinished_message() {
    let wire = Peer::new()
        .compressed(OpCode::BINARY, &[0; 10_000], false)
        .plain(OpCode::BINARY, b"inside")
        .wire;
    let mut receiver = Receiver::new(CONFIG);
    let error = ProtocolError::InvalidOpCode(OpCode::BINARY);
    assert_eq!(receiver.all(&wire, true), [Found::Failed(error)]);
    assert!(receiver.inbound.message.is_none());
}

#[test]
fn of_length_are_found_before_and_after_inflating() {
    let config = with_max_payload(9000);
    let exact = Peer::new()
        .binary(&[0; 9000])
        .plain(OpCode::CLOSE, b"")
        .wire;
    assert_eq!(both(config, &exact)[0], binary(&[0; 9000]));
    let too_long = [Found::Failed(ProtocolError::MessageTooLong)];
    for data in [&vec![0; 9001], &vec![0; 10_000_000], &noise(9001)] {
        let wire = Peer::new().binary(data).ping(b"behind").wire;
        assert_eq!(both(config, &wire), too_long);
    }
    let wire = Peer::new()
        .compressed(OpCode::BINARY, &[0; 5000], false)
        .compressed(OpCode::BINARY, &[0; 4001], true)
        .wire;
    assert_eq!(both(config, &wire), too_long);
}

#[test]
fn in_text_are_found_when_it_is_complete() {
    let invalid = Found::Failed(ProtocolError::InvalidUtf8);
    let wire = Peer::new()
        .compressed(OpCode::TEXT, b"ab\xff", false)
        .ping(b"between")
        .compressed(OpCode::TEXT, b"c", true)
        .ping(b"behind")
        .wire;
    assert_eq!(both(CONFIG, &wire), [ping(b"between"), invalid.clone()]);
    let long = [&[0xff][..], &noise(20_000)].concat();
    let wire = Peer::new().compressed(OpCode::TEXT, &long, true).wire;
    assert_eq!(both(CONFIG, &wire), [invalid]);
}

#[test]
fn in_text_are_none_if_it_is_not_validated() {
    let config = DecoderConfig {
        validate_utf8: false,
        ..CONFIG
    };
    let wire = Peer::new()
        .compressed(OpCode::TEXT, b"a\xffb", true)
        .plain(OpCode::CLOSE, b"")
        .wire;
    let expected = [
        Found::Text("a\u{fffd}b".to_owned()),
        Found::Close(1005),
        Found::Nothing,
    ];
    assert_eq!(both(config, &wire), expected);
}

#[test]
fn of_too_many_chunks_are_those_of_the_decoder() {
    let limits = Limits {
        max_buffered_chunks: 1,
        ..CONFIG.limits
    };
    let mut inbound = Inbound::new(DecoderConfig { limits, ..CONFIG });
    assert_eq!(inbound.handle_chunk(), Ok(()));
    let polled = inbound.poll(&mut [0xc2], &mut 0, None);
    assert!(matches!(polled, Ok(Polled::Nothing)));
    let error = ProtocolError::TooManyBufferedChunks;
    assert_eq!(inbound.handle_chunk(), Err(error));
    assert_eq!(inbound.handle_chunk(), Ok(()));
}
