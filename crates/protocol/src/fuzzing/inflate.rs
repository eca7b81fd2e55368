//! What a peer's compressed messages are inflated to.

use super::reference::{End, Reference};
use super::transcript::owned;
use crate::deflate::{Decompressor, DecompressorSettings, InflateError, InflatedMessage, Progress};
use crate::frame::{FrameHeader, encode_frame};
use crate::{Decoder, DecoderConfig, Event, Limits, MessageKind, OpCode, ProtocolError, Side};

/// Inflates frames of arbitrary bytes: the same comes of them at any chunking and in any portions, is
/// within the limits, and is what the definition of DEFLATE says.
///
/// The first byte chooses the settings, the second how the stream is cut, the third how much is
/// inflated at a time. A byte before each frame says whether it ends a message, and its length.
pub fn inflate(data: &[u8]) {
    let [flags, step, budget, data @ ..] = data else {
        return;
    };
    let small = flags & 0x01 != 0;
    let config = DecoderConfig {
        side: Side::Client,
        limits: Limits {
            max_payload: if small { 100 } else { 0 },
            max_fragments: if small { 3 } else { 0 },
            max_buffered_chunks: 0,
        },
        validate_utf8: flags & 0x02 != 0,
        compression: true,
    };
    let dictionary: &[u8] = if flags & 0x04 == 0 { b"" } else { DICTIONARY };
    let settings = DecompressorSettings {
        window_bits: 8 + (flags >> 5),
        context_takeover: flags & 0x08 != 0,
        max_payload: if flags & 0x10 == 0 { 1000 } else { 100_000 },
        dictionary: dictionary.into(),
    };
    let stream = frames(data);
    let whole = Inflated::new(config, &settings, usize::MAX, [&stream[..]]);
    let chunks = stream.chunks(usize::from(*step).max(1));
    let again = Inflated::new(config, &settings, usize::from(*budget), chunks);
    assert_eq!(again.events, whole.events);
    assert_eq!(
        again.error.map(without_words),
        whole.error.map(without_words)
    );
    check_with_reference(settings, data);
}

/// zlib-rs loses the words for what its fast loop finds, and whether it is in that depends on portions.
fn without_words(error: ProtocolError) -> ProtocolError {
    match error {
        ProtocolError::InvalidDeflateData(_) => ProtocolError::InvalidDeflateData(""),
        other => other,
    }
}

/// Frames of compressed messages, as a server sends them.
fn frames(mut data: &[u8]) -> Vec<u8> {
    let (mut stream, mut in_message) = (Vec::new(), false);
    while let [head, rest @ ..] = data {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(head & 0x3f)));
        data = rest;
        let opcode = match (in_message, head & 0x40) {
            (true, _) => OpCode::CONTINUATION,
            (false, 0) => OpCode::BINARY,
            (false, _) => OpCode::TEXT,
        };
        let header = FrameHeader {
            fin: head & 0x80 != 0,
            rsv1: !in_message,
            opcode,
            mask: None,
            length: 0,
        };
        encode_frame(&mut stream, &header, payload);
        in_message = !header.fin;
    }
    stream
}

/// The messages and control frames of a stream in which compression may be used, payloads owned.
#[derive(Debug, PartialEq)]
pub(crate) struct Inflated {
    pub(crate) events: Vec<Event>,
    pub(crate) error: Option<ProtocolError>,
}

impl Inflated {
    /// Feeds the chunks and inflates about `budget` bytes at a time; checks what must hold whatever
    /// they are.
    pub(crate) fn new<'a>(
        config: DecoderConfig,
        settings: &DecompressorSettings,
        budget: usize,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut inflated = Self {
            events: Vec::new(),
            error: None,
        };
        let mut inflater = Inflater {
            decompressor: Decompressor::new(settings.clone()),
            message: None,
            validate_utf8: config.validate_utf8,
            max_payload: config.limits.max_payload,
            budget,
        };
        let mut decoder = Decoder::new(config);
        for chunk in chunks {
            let announced = decoder.handle_chunk().err();
            inflated.error = inflated.error.or(announced);
            let (mut chunk, mut at) = (chunk.to_vec(), 0);
            while let Some(result) = decoder.poll_event(&mut chunk, &mut at).transpose() {
                match result.and_then(|event| inflater.handle(owned(event, &chunk))) {
                    Ok(event) => inflated.events.extend(event),
                    Err(error) => {
                        decoder.finish();
                        inflated.error = Some(error);
                    }
                }
            }
        }
        inflated
    }
}

/// Puts the frames of compressed messages together.
struct Inflater {
    decompressor: Decompressor,
    message: Option<InflatedMessage>,
    validate_utf8: bool,
    max_payload: u64,
    budget: usize,
}

impl Inflater {
    fn handle(&mut self, event: Event) -> Result<Option<Event>, ProtocolError> {
        let Event::Compressed {
            kind,
            first,
            fin,
            payload,
        } = event
        else {
            return Ok(Some(event));
        };
        assert_eq!(self.message.is_none(), first);
        let new = || InflatedMessage::new(kind, self.validate_utf8).with_limit(self.max_payload);
        let mut message = self.message.take().unwrap_or_else(new);
        self.inflate(&mut message, payload.bytes(&[]), fin)?;
        if !fin {
            self.message = Some(message);
            return Ok(None);
        }
        let event = message.finish()?;
        check_message(&event);
        Ok(Some(event))
    }

    fn inflate(
        &mut self,
        message: &mut InflatedMessage,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), ProtocolError> {
        let limits = [self.max_payload, self.decompressor.settings().max_payload];
        let limit = limits.into_iter().filter(|&limit| limit > 0).min();
        let mut at = 0;
        loop {
            let before = message.len();
            let progress =
                message.inflate(&mut self.decompressor, payload, &mut at, fin, self.budget);
            let made = message.len() - before;
            assert!(made <= self.budget.max(1) && at <= payload.len());
            if let Some(limit) = limit {
                let limit = limit as usize;
                assert!(message.len() <= limit + usize::from(progress.is_err()));
                assert!(message.memory() <= MEMORY_PER_BYTE * (limit + 1));
            }
            match progress? {
                Progress::Done => return Ok(()),
                Progress::More => assert_eq!(made, self.budget.max(1)),
            }
        }
    }
}

/// The frames of a message are as long together as the message.
fn check_message(event: &Event) {
    if let Event::Message {
        kind,
        payload,
        frames,
    } = event
    {
        assert!(*kind == MessageKind::Binary || frames.is_empty());
        let sum: u64 = frames.iter().sum();
        assert!(frames.is_empty() || sum == payload.len() as u64);
    }
}

/// Inflates a message of one frame as RFC 1951 says, and as we do: both give the same.
fn check_with_reference(settings: DecompressorSettings, payload: &[u8]) {
    let stream = [payload, &[0x00, 0x00, 0xff, 0xff]].concat();
    let expected = Reference::new(&stream, &settings.dictionary);
    let limit = settings.max_payload as usize;
    let mut decompressor = Decompressor::new(settings);
    let mut inflate = |payload: &[u8]| {
        let (mut out, mut at) = (Vec::new(), 0);
        let result = decompressor.inflate(payload, &mut at, true, &mut out, usize::MAX);
        (result, out)
    };
    let (result, out) = inflate(payload);
    if expected.bytes.len() > limit {
        assert!(result.is_err() && out.len() <= limit + 1);
    } else if expected.end == End::Invalid {
        assert!(matches!(result, Err(InflateError::Data(_))), "{result:?}");
    } else {
        assert_eq!((result, out), (Ok(Progress::Done), expected.bytes));
    }
    if result.is_err() {
        assert_eq!(inflate(HELLO), (Ok(Progress::Done), b"Hello".to_vec()));
    }
}

/// "Hello", compressed by itself (RFC 7692 section 7.2.3.1).
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

const DICTIONARY: &[u8] = b"{\"type\":\"message\",\"text\":\"Hello\"}";

/// Address space that a message may reserve for each byte of it.
const MEMORY_PER_BYTE: usize = 4;
