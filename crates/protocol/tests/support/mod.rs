//! Two sides of a connection in memory.

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
            client: Peer::new(Side::Client, chunk),
            server: Peer::new(Side::Server, chunk),
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
    chunk: usize,
    close_sent: bool,
    /// Frames sent so far, from which the mask keys are made.
    frames: u32,
}

impl Peer {
    fn new(side: Side, chunk: usize) -> Self {
        let limits = Limits::default();
        let config = DecoderConfig {
            side,
            limits,
            validate_utf8: true,
            compression: false,
        };
        Self {
            told: Vec::new(),
            wire: Vec::new(),
            side,
            decoder: Decoder::new(config),
            chunk,
            close_sent: false,
            frames: 0,
        }
    }

    pub(crate) fn send(&mut self, fin: bool, opcode: OpCode, payload: &[u8]) {
        self.frames += 1;
        let key = self.frames.wrapping_mul(0x9e37_79b9).to_le_bytes();
        let mask = (self.side == Side::Client).then_some(key);
        let header = FrameHeader {
            fin,
            rsv1: false,
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
            loop {
                match self.decoder.poll_event(chunk, &mut at) {
                    Ok(None) => break,
                    Ok(Some(event)) => self.handle(event, chunk),
                    Err(error) => {
                        self.told.push(Told::Failed(error));
                        self.close(Some(error.close_code()), "");
                    }
                }
            }
        }
    }

    fn handle(&mut self, event: Event, chunk: &[u8]) {
        let bytes = |payload: &Payload| payload.bytes(chunk).to_vec();
        match event {
            Event::Message {
                kind: MessageKind::Text,
                payload,
                ..
            } => {
                let text = String::from_utf8(bytes(&payload)).expect("text was validated");
                self.told.push(Told::Text(text));
            }
            Event::Message {
                kind: MessageKind::Binary,
                payload,
                ..
            } => {
                self.told.push(Told::Binary(bytes(&payload)));
            }
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
