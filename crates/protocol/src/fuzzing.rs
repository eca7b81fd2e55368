//! Bodies of the fuzz targets, also run by property tests.
//!
//! Each takes arbitrary bytes and panics if something that must hold does not.

mod deflate;
mod inflate;
mod reference;
#[cfg(test)]
mod tests;
mod transcript;

pub use self::deflate::deflate;
pub use self::inflate::inflate;
#[cfg(test)]
pub(crate) use self::reference::{End, Reference};
pub(crate) use self::transcript::Transcript;
use crate::frame::{FrameHeader, encode_frame};
use crate::{DecoderConfig, Event, Limits, MessageKind, OpCode, Payload};
use crate::{Side, extension, handshake, subprotocol};

/// Decodes a stream whole and cut into chunks: both give the same, and hold little memory.
///
/// The first byte chooses the configuration, the second how the stream is cut.
pub fn decoder(data: &[u8]) {
    let [flags, step, stream @ ..] = data else {
        return;
    };
    let mut config = DecoderConfig {
        side: if flags & 0x01 == 0 {
            Side::Server
        } else {
            Side::Client
        },
        limits: Limits::default(),
        validate_utf8: flags & 0x02 == 0,
        compression: flags & 0x04 != 0,
    };
    if flags & 0x08 != 0 {
        config.limits = Limits {
            max_payload: 300,
            max_fragments: 3,
            max_buffered_chunks: 0,
        };
    }
    let whole = Transcript::new(config, [stream]);
    let step = usize::from(*step).max(1);
    assert_eq!(Transcript::new(config, stream.chunks(step)), whole);
    let (first, rest) = stream.split_at(step.min(stream.len()));
    assert_eq!(Transcript::new(config, [first, rest]), whole);
}

/// Reads header fields of an upgrade request; what can be read can be written and read again.
pub fn headers(data: &[u8]) {
    let field: String = data.iter().copied().map(char::from).collect();
    if let Ok(extensions) = extension::parse(&field) {
        assert_eq!(
            extension::parse(&extension::format(&extensions)),
            Ok(extensions)
        );
    }
    if let Ok(names) = subprotocol::parse(&field) {
        assert_eq!(subprotocol::parse(&names.join(",")), Ok(names));
    }
    let valid = handshake::is_valid_key(&field);
    let key = Some(field.as_str());
    let request = handshake::check_request(Some("GET"), Some("websocket"), key, Some("13"));
    assert_eq!(request.is_ok(), valid);
    let version = handshake::check_request(Some("GET"), Some("websocket"), None, key);
    assert_eq!(version, Err(handshake::RequestError::Key));
    assert_eq!(handshake::accept_key(&field).len(), 28);
}

/// Sends a fragmented binary message with pings in between; the other side gets it back.
///
/// The first byte chooses the side, the second the length of the fragments, four more are the key.
pub fn round_trip(data: &[u8]) {
    let [flags, step, k0, k1, k2, k3, payload @ ..] = data else {
        return;
    };
    let (side, mask) = match flags & 0x01 {
        0 => (Side::Server, Some([*k0, *k1, *k2, *k3])),
        _ => (Side::Client, None),
    };
    let (mut stream, mut expected) = (Vec::new(), Vec::new());
    let mut header = FrameHeader {
        fin: false,
        rsv1: false,
        opcode: OpCode::BINARY,
        mask,
        length: 0,
    };
    let fragments = payload.chunks(usize::from(*step).max(1));
    let frames: Vec<u64> = fragments
        .clone()
        .map(|fragment| fragment.len() as u64)
        .collect();
    for fragment in fragments {
        encode_frame(&mut stream, &header, fragment);
        header.opcode = OpCode::CONTINUATION;
        let ping = &fragment[..fragment.len().min(125)];
        let control = FrameHeader {
            fin: true,
            opcode: OpCode::PING,
            ..header
        };
        encode_frame(&mut stream, &control, ping);
        expected.push(Event::Ping(Payload::Owned(ping.to_vec())));
    }
    encode_frame(
        &mut stream,
        &FrameHeader {
            fin: true,
            ..header
        },
        b"",
    );
    let message = Transcript::new(
        DecoderConfig {
            side,
            limits: Limits::default(),
            validate_utf8: true,
            compression: false,
        },
        [&stream[..]],
    );
    assert_eq!(message.error, None);
    let fragmented = !frames.is_empty();
    let (last, pings) = message
        .events
        .split_last()
        .expect("the message was complete");
    assert_eq!(pings, expected);
    let Event::Message {
        kind,
        payload: received,
        frames: lengths,
    } = last
    else {
        panic!("not a message: {last:?}");
    };
    assert_eq!(*kind, MessageKind::Binary);
    assert_eq!(received.bytes(&[]), payload);
    assert_eq!(lengths.iter().collect::<Vec<_>>(), frames);
    assert_eq!(!lengths.is_empty(), fragmented);
}
