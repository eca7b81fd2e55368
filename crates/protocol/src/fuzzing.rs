//! Bodies of the fuzz targets, also run by property tests.
//!
//! Each takes arbitrary bytes and panics if something that must hold does not.

use crate::frame::{FrameHeader, encode_frame};
use crate::{Decoder, DecoderConfig, Event, Limits, MessageKind, OpCode, Payload, ProtocolError};
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
        compressed,
        payload: received,
        frames: lengths,
    } = last
    else {
        panic!("not a message: {last:?}");
    };
    assert_eq!((*kind, *compressed), (MessageKind::Binary, false));
    assert_eq!(received.bytes(&[]), payload);
    assert_eq!(lengths.iter().collect::<Vec<_>>(), frames);
    assert_eq!(!lengths.is_empty(), fragmented);
}

/// All that a decoder gave for a stream, payloads owned.
#[derive(Debug, PartialEq)]
pub(crate) struct Transcript {
    pub(crate) events: Vec<Event>,
    pub(crate) error: Option<ProtocolError>,
}

impl Transcript {
    /// Feeds the chunks, and checks what must hold whatever they are.
    pub(crate) fn new<'a>(
        config: DecoderConfig,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut transcript = Self {
            events: Vec::new(),
            error: None,
        };
        let mut decoder = Decoder::new(config);
        let mut fed = 0;
        for chunk in chunks {
            fed += chunk.len();
            transcript.error = transcript.error.or(decoder.handle_chunk().err());
            transcript.feed(&mut decoder, chunk);
            assert!(decoder.buffered_bytes() <= fed);
            assert!(decoder.memory() <= MEMORY_PER_BYTE * fed + CONSTANT_MEMORY);
            assert!(!decoder.is_idle() || decoder.memory() == 0);
            assert!(!decoder.is_finished() || decoder.memory() == 0);
        }
        transcript
    }

    fn feed(&mut self, decoder: &mut Decoder, chunk: &[u8]) {
        let (mut chunk, mut at) = (chunk.to_vec(), 0);
        loop {
            let before = at;
            match decoder.poll_event(&mut chunk, &mut at) {
                Ok(Some(event)) => self.events.push(owned(event, &chunk)),
                Ok(None) => break,
                Err(error) => self.error = Some(error),
            }
            assert!(at > before || decoder.is_finished());
        }
        assert_eq!(at, chunk.len());
    }
}

fn owned(event: Event, chunk: &[u8]) -> Event {
    let own = |payload: Payload| Payload::Owned(payload.bytes(chunk).to_vec());
    match event {
        Event::Message {
            kind,
            compressed,
            payload,
            frames,
        } => Event::Message {
            kind,
            compressed,
            payload: own(payload),
            frames,
        },
        Event::Ping(payload) => Event::Ping(own(payload)),
        Event::Pong(payload) => Event::Pong(own(payload)),
        Event::Close { code, reason } => Event::Close {
            code,
            reason: own(reason),
        },
    }
}

/// Address space that a decoder may reserve for each byte it was fed: the growth of a message whose
/// length is known. What it uses of that is what `buffered_bytes` says.
const MEMORY_PER_BYTE: usize = 16;

/// Bytes that a decoder may hold beyond that.
const CONSTANT_MEMORY: usize = 5000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes that look like frames more often than random ones.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let first = prop::sample::select(vec![
            0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0x41, 0x0f,
        ]);
        let length = prop_oneof![4 => 0..6_u8, 1 => 0..=127_u8];
        let payload = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..6),
            ".{0,6}".prop_map(String::into_bytes),
        ];
        let frame =
            (first, length, any::<bool>(), payload).prop_map(|(first, length, masked, payload)| {
                match masked {
                    true => [&[first, 0x80 | length, 0, 0, 0, 0], &payload[..]].concat(),
                    false => [&[first, length], &payload[..]].concat(),
                }
            });
        prop::collection::vec(frame, 0..12).prop_map(|frames| frames.concat())
    }

    /// A stream of frames that mostly agree with their headers, of the given side.
    fn frames() -> impl Strategy<Value = (Side, Vec<u8>)> {
        let payload = prop_oneof![
            8 => ".{0,40}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 0..20),
            1 => (100..70_000_usize).prop_map(|length| vec![b'x'; length]),
        ];
        let frame = (
            any::<bool>(),
            prop::sample::select(vec![0, 0, 1, 2, 8, 9, 9, 10]),
            payload,
        );
        let key = prop::option::of(any::<[u8; 4]>());
        (key, prop::collection::vec(frame, 1..12)).prop_map(|(mask, frames)| {
            let (mut out, mut open) = (Vec::new(), false);
            for (fin, opcode, payload) in frames {
                let opcode = OpCode::new(match opcode {
                    0..=2 if open => 0,
                    0 => 1,
                    other => other,
                });
                let fin = fin || opcode.is_control();
                open = if opcode.is_control() { open } else { !fin };
                let room = if opcode.is_control() { 125 } else { usize::MAX };
                let header = FrameHeader {
                    fin,
                    rsv1: false,
                    opcode,
                    mask,
                    length: 0,
                };
                encode_frame(&mut out, &header, &payload[..payload.len().min(room)]);
            }
            (
                if mask.is_some() {
                    Side::Server
                } else {
                    Side::Client
                },
                out,
            )
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn decodes_any_bytes_alike_at_any_chunking(data: Vec<u8>) {
            decoder(&data);
        }

        #[test]
        fn decodes_odd_frames_alike_at_any_chunking(
            flags in 0..16_u8,
            step in 1..20_u8,
            stream in stream(),
        ) {
            decoder(&[&[flags, step], &stream[..]].concat());
        }

        #[test]
        fn decodes_good_frames_alike_at_any_chunking(
            (side, stream) in frames(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let config = DecoderConfig {
                side,
                limits: Limits::default(),
                validate_utf8: true,
                compression: false,
            };
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
            let whole = Transcript::new(config, [&stream[..]]);
            prop_assert_eq!(Transcript::new(config, chunks), whole);
        }

        #[test]
        fn reads_any_header_field(data: Vec<u8>, text in "[a-c;,=\"\\\\ \t]{0,24}") {
            headers(&data);
            headers(text.as_bytes());
        }

        #[test]
        fn gives_back_what_was_encoded(data in prop::collection::vec(any::<u8>(), 0..2000)) {
            round_trip(&data);
        }
    }
}
