//! What comes of a stream, written down so that it can be compared.

use crate::{Decoder, DecoderConfig, Event, MessageKind, Payload, ProtocolError};

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
            assert!(decoder.buffered_bytes() <= fed - transcript.compressed_bytes());
            assert!(decoder.memory() <= MEMORY_PER_BYTE * fed + CONSTANT_MEMORY);
            assert!(!decoder.is_idle() || decoder.memory() == 0);
            assert!(!decoder.is_finished() || decoder.memory() == 0);
        }
        transcript.check_order();
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

    /// Payload that was handed out before its message was complete.
    fn compressed_bytes(&self) -> usize {
        let lengths = self.events.iter().map(|event| match event {
            Event::Compressed { payload, .. } => payload.len(),
            _ => 0,
        });
        lengths.sum()
    }

    /// Nothing but control frames comes between the frames of a compressed message.
    fn check_order(&self) {
        let mut open: Option<MessageKind> = None;
        for event in &self.events {
            match *event {
                Event::Message { .. } => assert_eq!(open, None),
                Event::Compressed {
                    kind, first, fin, ..
                } => {
                    assert_eq!(open, (!first).then_some(kind));
                    open = (!fin).then_some(kind);
                }
                Event::Ping(_) | Event::Pong(_) | Event::Close { .. } => {}
            }
        }
    }
}

/// The event with its payload copied out of the chunk.
pub(super) fn owned(event: Event, chunk: &[u8]) -> Event {
    let own = |payload: Payload| Payload::Owned(payload.bytes(chunk).to_vec());
    match event {
        Event::Message {
            kind,
            payload,
            frames,
        } => Event::Message {
            kind,
            payload: own(payload),
            frames,
        },
        Event::Compressed {
            kind,
            first,
            fin,
            payload,
        } => Event::Compressed {
            kind,
            first,
            fin,
            payload: own(payload),
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
