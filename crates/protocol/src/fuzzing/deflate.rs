//! What is compressed here is read by the other side.

use std::sync::Arc;

use super::inflate::Inflated;
use super::reference::{End, Reference};
use crate::deflate::{Compressor, CompressorSettings, DecompressorSettings, Encoder, Strategy};
use crate::frame::{FrameHeader, encode_frame};
use crate::{DecoderConfig, Event, FrameLengths, Limits, MessageKind, OpCode, Payload, Side};

/// Compresses messages with any settings while encoders come and go; the other side gets them back.
///
/// Five bytes choose the settings and how the stream is cut, and two stand before each frame: what is
/// done before it, and its length.
pub fn deflate(data: &[u8]) {
    let [tuning, window, flags, step, budget, data @ ..] = data else {
        return;
    };
    let dictionary: &[u8] = if flags & 0x01 == 0 { b"" } else { data };
    let strategy = match flags >> 4 & 0x07 {
        0..4 => Strategy::Default,
        4 => Strategy::Filtered,
        5 => Strategy::HuffmanOnly,
        6 => Strategy::Rle,
        _ => Strategy::Fixed,
    };
    let (level, mem_level, strategy) = match flags & 0x04 {
        0 => (6, 8, Strategy::Default),
        _ => (tuning % 10, 1 + tuning / 10 % 9, strategy),
    };
    let settings = CompressorSettings {
        level,
        mem_level,
        strategy,
        window_bits: 8 + window % 8,
        context_takeover: flags & 0x02 != 0,
        dictionary: dictionary.into(),
    };
    let mut sender = Sender::new(settings.clone());
    let mut rest = data;
    while let [ops, length, payload @ ..] = rest {
        let (payload, after) = payload.split_at(payload.len().min(usize::from(*length)));
        rest = after;
        sender.change_encoders(*ops);
        sender.send(&payload.repeat(1 << (ops >> 5)), ops & 0x01 != 0);
    }
    if sender.in_message {
        sender.send(b"", true);
    }
    sender.check_windows();
    let settings = DecompressorSettings {
        window_bits: settings.window_bits,
        context_takeover: settings.context_takeover,
        max_payload: 0,
        dictionary: settings.dictionary,
    };
    let config = DecoderConfig {
        side: Side::Client,
        limits: Limits::default(),
        validate_utf8: true,
        compression: true,
    };
    let budget = 1 + 37 * usize::from(*budget);
    let chunks = sender.stream.chunks(usize::from(*step).max(1));
    let received = Inflated::new(config, &settings, budget, chunks);
    assert_eq!((received.error, received.events), (None, sender.expected));
}

/// The sending side of a connection, and what the other side is to get.
struct Sender {
    settings: CompressorSettings,
    compressor: Compressor,
    /// What other connections gave away.
    spare: Vec<Encoder>,
    /// Frames on the wire.
    stream: Vec<u8>,
    expected: Vec<Event>,
    in_message: bool,
    /// The present message, and the lengths of its frames.
    message: Vec<u8>,
    lengths: Vec<u64>,
    /// All of the DEFLATE streams, each with what it stands for.
    deflated: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Sender {
    fn new(settings: CompressorSettings) -> Self {
        Self {
            compressor: Compressor::new(settings.clone()),
            settings,
            spare: Vec::new(),
            stream: Vec::new(),
            expected: Vec::new(),
            in_message: false,
            message: Vec::new(),
            lengths: Vec::new(),
            deflated: vec![Default::default()],
        }
    }

    /// Gives the encoder away, or gets one that others have used.
    fn change_encoders(&mut self, ops: u8) {
        if ops & 0x02 != 0 {
            self.spare.extend(self.compressor.take_encoder());
        }
        if ops & 0x04 != 0
            && let Some(encoder) = self.spare.pop()
        {
            self.compressor.lend(encoder);
        }
        if ops & 0x08 != 0 {
            self.compressor.lend(used_encoder(self.settings.clone()));
        }
        if ops & 0x10 != 0 {
            let level = (self.settings.level + 1) % 10;
            let other = used_encoder(CompressorSettings {
                level,
                ..self.settings.clone()
            });
            assert!(!self.compressor.accepts(&other));
            self.compressor.lend(other);
        }
    }

    fn send(&mut self, payload: &[u8], fin: bool) {
        let mut compressed = Vec::new();
        assert!(
            self.compressor
                .compress(payload, fin, &mut compressed, || true)
        );
        let header = FrameHeader {
            fin,
            rsv1: !self.in_message,
            opcode: match self.in_message {
                true => OpCode::CONTINUATION,
                false => OpCode::BINARY,
            },
            mask: None,
            length: 0,
        };
        encode_frame(&mut self.stream, &header, &compressed);
        self.message.extend_from_slice(payload);
        self.lengths.push(payload.len() as u64);
        self.in_message = !fin;

        let (stream, plain) = self.deflated.last_mut().expect("there is always one");
        stream.extend_from_slice(&compressed);
        plain.extend_from_slice(payload);
        if fin {
            stream.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
            if !self.settings.context_takeover {
                self.deflated.push(Default::default());
            }
            self.expect_message();
        }
    }

    fn expect_message(&mut self) {
        let mut frames = FrameLengths::default();
        if self.lengths.len() > 1 {
            self.lengths.iter().for_each(|&length| frames.push(length));
        }
        self.lengths.clear();
        self.expected.push(Event::Message {
            kind: MessageKind::Binary,
            payload: Payload::Owned(std::mem::take(&mut self.message)),
            frames,
        });
    }

    /// What was sent is DEFLATE data, ends with no final block, and refers back no farther than a
    /// window of the size that was agreed on.
    fn check_windows(&self) {
        for (stream, plain) in &self.deflated {
            let read = Reference::new(stream, &self.settings.dictionary);
            assert!(read.bytes == *plain && read.end == End::Open);
            assert!(read.farthest <= 1 << self.settings.window_bits);
        }
    }
}

/// An encoder that stands in the middle of another stream.
fn used_encoder(settings: CompressorSettings) -> Encoder {
    let mut other = Compressor::new(CompressorSettings {
        dictionary: Arc::new([]),
        ..settings
    });
    other.compress(
        b"of another stream, not of this one",
        false,
        &mut Vec::new(),
        || true,
    );
    other.take_encoder().expect("it was just used")
}
