//! Chunks into events, with and without somebody else to inflate them.

use std::cell::Cell;

use ferrows_protocol::deflate::{Compressor, CompressorSettings, DecompressorSettings, Strategy};
use ferrows_protocol::frame::{FrameHeader, encode_frame};
use ferrows_protocol::{CloseCode, Limits, OpCode, Side};

use super::*;

mod errors;
mod order;
mod suspension;

const CONFIG: DecoderConfig = DecoderConfig {
    side: Side::Client,
    limits: Limits {
        max_payload: 0,
        max_fragments: 0,
        max_buffered_chunks: 0,
    },
    validate_utf8: true,
    compression: true,
};

/// The other side of the connection.
struct Peer {
    compressor: Compressor,
    /// What it has sent.
    wire: Vec<u8>,
    in_message: bool,
}

impl Peer {
    fn new() -> Self {
        Self {
            compressor: Compressor::new(CompressorSettings {
                level: 6,
                mem_level: 8,
                strategy: Strategy::Default,
                window_bits: 15,
                context_takeover: true,
                dictionary: (*b"").into(),
            }),
            wire: Vec::new(),
            in_message: false,
        }
    }

    /// Sends a frame of a compressed message.
    fn compressed(mut self, opcode: OpCode, data: &[u8], fin: bool) -> Self {
        let mut payload = Vec::new();
        self.compressor.compress(data, fin, &mut payload, || true);
        self.raw(opcode, &payload, fin)
    }

    /// Sends a frame that passes for one of a compressed message.
    fn raw(mut self, opcode: OpCode, payload: &[u8], fin: bool) -> Self {
        let opcode = if self.in_message {
            OpCode::CONTINUATION
        } else {
            opcode
        };
        self.frame(fin, !self.in_message, opcode, payload);
        self.in_message = !fin;
        self
    }

    fn binary(self, data: &[u8]) -> Self {
        self.compressed(OpCode::BINARY, data, true)
    }

    /// Sends a frame that is not compressed.
    fn plain(mut self, opcode: OpCode, payload: &[u8]) -> Self {
        self.frame(true, false, opcode, payload);
        self
    }

    fn ping(self, payload: &[u8]) -> Self {
        self.plain(OpCode::PING, payload)
    }

    fn frame(&mut self, fin: bool, rsv1: bool, opcode: OpCode, payload: &[u8]) {
        let header = FrameHeader {
            fin,
            rsv1,
            opcode,
            mask: None,
            length: 0,
        };
        encode_frame(&mut self.wire, &header, payload);
    }
}

/// What was found, in short.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    Text(String),
    /// The payload, and the lengths of its frames.
    Binary(Vec<u8>, Vec<u64>),
    Ping(Vec<u8>),
    Close(u16),
    Suspended,
    Nothing,
    Failed(ProtocolError),
}

fn binary(payload: &[u8]) -> Found {
    Found::Binary(payload.to_vec(), Vec::new())
}

fn ping(payload: &[u8]) -> Found {
    Found::Ping(payload.to_vec())
}

/// The receiving side, with the chunk that it is at.
struct Receiver {
    inbound: Inbound,
    decompressor: Decompressor,
    chunk: Vec<u8>,
    at: usize,
}

impl Receiver {
    fn new(config: DecoderConfig) -> Self {
        Self {
            inbound: Inbound::new(config),
            decompressor: Decompressor::new(DecompressorSettings {
                window_bits: 15,
                context_takeover: true,
                max_payload: config.limits.max_payload,
                dictionary: (*b"").into(),
            }),
            chunk: Vec::new(),
            at: 0,
        }
    }

    fn chunk(&mut self, chunk: &[u8]) -> &mut Self {
        self.chunk = chunk.to_vec();
        self.at = 0;
        self.inbound.handle_chunk().expect("there is no limit");
        self
    }

    /// The next event; without the decompressor if that is away.
    fn poll(&mut self, with_decompressor: bool) -> Found {
        let decompressor = with_decompressor.then_some(&mut self.decompressor);
        let polled = self
            .inbound
            .poll(&mut self.chunk, &mut self.at, decompressor);
        match polled {
            Ok(Polled::Event(event)) => found(event, &self.chunk),
            Ok(Polled::Suspended) => Found::Suspended,
            Ok(Polled::Nothing) => {
                assert_eq!(self.at, self.chunk.len());
                Found::Nothing
            }
            Err(error) => {
                assert_eq!(self.at, self.chunk.len());
                Found::Failed(error)
            }
        }
    }

    /// Does the work as another thread would.
    fn work(&mut self) {
        let mut work = self.inbound.take_work().expect("it was suspended");
        work.run(&mut self.decompressor, || true);
        self.inbound.handle_work(work);
    }

    /// All that is found in a chunk, which ends with `Nothing` or `Failed`; work is done when it comes
    /// up.
    fn all(&mut self, chunk: &[u8], with_decompressor: bool) -> Vec<Found> {
        self.chunk(chunk);
        let mut all = Vec::new();
        loop {
            let found = self.poll(with_decompressor);
            all.push(found.clone());
            assert!(all.len() < 100, "there is no end to {found:?}");
            match found {
                Found::Suspended => self.work(),
                Found::Nothing | Found::Failed(_) => return all,
                _ => {}
            }
        }
    }
}

fn found(event: Event, chunk: &[u8]) -> Found {
    let bytes = |payload: Payload| payload.bytes(chunk).to_vec();
    match event {
        Event::Message {
            kind: MessageKind::Text,
            payload,
            ..
        } => Found::Text(String::from_utf8_lossy(payload.bytes(chunk)).into_owned()),
        Event::Message {
            payload, frames, ..
        } => Found::Binary(bytes(payload), frames.iter().collect()),
        Event::Ping(payload) => Found::Ping(bytes(payload)),
        Event::Close { code, .. } => Found::Close(code.value()),
        Event::Pong(_) | Event::Compressed { .. } => panic!("not expected: {event:?}"),
    }
}

/// Bytes that cannot be compressed.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(byte).collect()
}
