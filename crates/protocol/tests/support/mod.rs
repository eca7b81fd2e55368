//! Two sides of a connection in memory.

use ferrows_protocol::deflate::{
    Compressor, CompressorSettings, Decompressor, DecompressorSettings, InflatedMessage, Progress,
};
use ferrows_protocol::frame::{FrameHeader, encode_frame};
use ferrows_protocol::{
    CloseCode, Decoder, DecoderConfig, Event, Limits, MessageKind, OpCode, Payload, ProtocolError,
    Side, close,
};

/// A client and a server; what one sends lies in its `wire` until [`Pair::deliver`].
pub(crate) struct Pair {
    pub(crate) client: Peer,
    pub(crate) server: Peer,
}

impl Pair {
    /// Two sides without limits, whose wires carry at most `chunk` bytes at a time.
    pub(crate) fn new(chunk: usize) -> Self {
        Self {
            client: Peer::new(Side::Client, chunk, None),
            server: Peer::new(Side::Server, chunk, None),
        }
    }

    /// Two sides that have agreed on compression with these settings.
    pub(crate) fn compressing(chunk: usize, settings: &CompressorSettings) -> Self {
        Self {
            client: Peer::new(Side::Client, chunk, Some(settings)),
            server: Peer::new(Side::Server, chunk, Some(settings)),
        }
    }

    /// Carries what lies on the wires, and the answers to it, until both are empty.
    pub(crate) fn deliver(&mut self) {
        while !(self.client.wire.is_empty() && self.server.wire.is_empty()) {
            self.server.receive(std::mem::take(&mut self.client.wire));
            self.client.receive(std::mem::take(&mut self.server.wire));
        }
    }
}

/// What a peer was told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Close(CloseCode, String),
    Failed(ProtocolError),
}

/// One side: answers pings and closes, and fails as RFC 6455 section 7.1.7 says.
pub(crate) struct Peer {
    pub(crate) told: Vec<Told>,
    pub(crate) wire: Vec<u8>,
    side: Side,
    decoder: Decoder,
    compression: Option<Compression>,
    chunk: usize,
    close_sent: bool,
    /// Frames sent so far, from which the mask keys are made.
    frames: u32,
}

/// What a peer needs if messages may be compressed.
struct Compression {
    compressor: Compressor,
    decompressor: Decompressor,
    /// The message that is being received.
    message: Option<InflatedMessage>,
}

impl Compression {
    fn new(settings: &CompressorSettings) -> Self {
        Self {
            compressor: Compressor::new(settings.clone()),
            decompressor: Decompressor::new(DecompressorSettings {
                window_bits: settings.window_bits,
                context_takeover: settings.context_takeover,
                max_payload: 0,
                dictionary: settings.dictionary.clone(),
            }),
            message: None,
        }
    }

    /// Takes a frame, and gives the message that it completes.
    fn inflate(
        &mut self,
        mut message: InflatedMessage,
        payload: &[u8],
        fin: bool,
    ) -> Result<Option<Event>, ProtocolError> {
        let (inflater, mut at) = (&mut self.decompressor, 0);
        while message.inflate(inflater, payload, &mut at, fin, BUDGET)? == Progress::More {}
        if fin {
            return message.finish().map(Some);
        }
        self.message = Some(message);
        Ok(None)
    }
}

/// Bytes to inflate at a time: few, so that it takes several turns.
const BUDGET: usize = 1000;

impl Peer {
    fn new(side: Side, chunk: usize, compression: Option<&CompressorSettings>) -> Self {
        let limits = Limits::default();
        let config = DecoderConfig {
            side,
            limits,
            validate_utf8: true,
            compression: compression.is_some(),
        };
        Self {
            told: Vec::new(),
            wire: Vec::new(),
            side,
            decoder: Decoder::new(config),
            compression: compression.map(Compression::new),
            chunk,
            close_sent: false,
            frames: 0,
        }
    }

    pub(crate) fn send(&mut self, fin: bool, opcode: OpCode, payload: &[u8]) {
        self.send_frame(fin, false, opcode, payload);
    }

    /// Sends a frame of a compressed message.
    pub(crate) fn send_compressed(&mut self, fin: bool, opcode: OpCode, data: &[u8]) {
        let mut payload = Vec::new();
        let compression = self.compression.as_mut().expect("it was agreed on");
        let compressor = &mut compression.compressor;
        compressor.compress(data, fin, &mut payload, || true);
        self.send_frame(fin, opcode != OpCode::CONTINUATION, opcode, &payload);
    }

    pub(crate) fn send_frame(&mut self, fin: bool, rsv1: bool, opcode: OpCode, payload: &[u8]) {
        self.frames += 1;
        let key = self.frames.wrapping_mul(0x9e37_79b9).to_le_bytes();
        let mask = (self.side == Side::Client).then_some(key);
        let header = FrameHeader {
            fin,
            rsv1,
            opcode,
            mask,
            length: 0,
        };
        encode_frame(&mut self.wire, &header, payload);
    }

    /// Sends a close frame, unless one is out.
    pub(crate) fn close(&mut self, code: Option<CloseCode>, reason: &str) {
        if !std::mem::replace(&mut self.close_sent, true) {
            let payload = close::encode_payload(code, reason.as_bytes()).unwrap();
            self.send(true, OpCode::CLOSE, &payload);
        }
    }

    fn receive(&mut self, mut bytes: Vec<u8>) {
        for chunk in bytes.chunks_mut(self.chunk) {
            self.decoder.handle_chunk().unwrap();
            let mut at = 0;
            while let Some(result) = self.decoder.poll_event(chunk, &mut at).transpose() {
                match result.and_then(|event| self.inflate(event, chunk)) {
                    Ok(Some(event)) => self.handle(event, chunk),
                    Ok(None) => {}
                    Err(error) => {
                        self.decoder.finish();
                        self.told.push(Told::Failed(error));
                        self.close(Some(error.close_code()), "");
                    }
                }
            }
        }
    }

    /// Replaces the frames of a compressed message by the message.
    fn inflate(&mut self, event: Event, chunk: &[u8]) -> Result<Option<Event>, ProtocolError> {
        let Event::Compressed {
            kind, fin, payload, ..
        } = event
        else {
            return Ok(Some(event));
        };
        let compression = self.compression.as_mut().expect("it was agreed on");
        let message = compression.message.take();
        let message = message.unwrap_or_else(|| InflatedMessage::new(kind, true));
        compression.inflate(message, payload.bytes(chunk), fin)
    }

    fn handle(&mut self, event: Event, chunk: &[u8]) {
        let bytes = |payload: &Payload| payload.bytes(chunk).to_vec();
        match event {
            Event::Message { kind, payload, .. } => match kind {
                MessageKind::Text => {
                    let text = String::from_utf8(bytes(&payload)).expect("text was validated");
                    self.told.push(Told::Text(text));
                }
                MessageKind::Binary => self.told.push(Told::Binary(bytes(&payload))),
            },
            Event::Compressed { .. } => unreachable!("it was inflated"),
            Event::Ping(payload) => self.send(true, OpCode::PONG, &bytes(&payload)),
            Event::Pong(payload) => self.told.push(Told::Pong(bytes(&payload))),
            Event::Close { code, reason } => {
                let reason = String::from_utf8(bytes(&reason)).expect("reasons are validated");
                self.close(code.is_valid_on_wire().then_some(code), &reason);
                self.told.push(Told::Close(code, reason));
            }
        }
    }
}
