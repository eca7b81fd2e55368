//! Streams as exact bytes, each decoded whole and one byte at a time.

mod close;
mod compressed;
mod headers;
mod limits;
mod memory;
mod messages;
mod order;
mod text;

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

/// A client that has agreed on compression.
const DEFLATE: DecoderConfig = DecoderConfig {
    compression: true,
    ..CLIENT
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

fn compressed(kind: MessageKind, first: bool, fin: bool, payload: &[u8]) -> Event {
    Event::Compressed {
        kind,
        first,
        fin,
        payload: Payload::Owned(payload.to_vec()),
    }
}

fn ping(payload: &[u8]) -> Event {
    Event::Ping(Payload::Owned(payload.to_vec()))
}

fn with_limits(config: DecoderConfig, change: impl FnOnce(&mut Limits)) -> DecoderConfig {
    let mut limits = config.limits;
    change(&mut limits);
    DecoderConfig { limits, ..config }
}
