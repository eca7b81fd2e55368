//! Received bytes into events (RFC 6455 sections 5 to 8).
//!
//! A frame arrives in pieces, and each is judged as soon as its last byte is there:
//!
//! ```text
//!   start (2) -> length (2 or 8, if extended) -> key (4, from a client) -> payload
//! ```
//!
//! A payload that lies whole in one chunk stays there and is unmasked in place. Otherwise it is
//! unmasked while it is copied behind what came before, so that frames of any size and number hold
//! about as many bytes as the peer has sent.

mod assembly;
mod header;
mod incoming;
mod piece;
#[cfg(test)]
mod tests;

use self::assembly::Assembly;
use self::incoming::IncomingFrame;
use self::piece::Piece;
use crate::frame::{FrameStart, LENGTH_16, LENGTH_64};
use crate::{CloseCode, Event, FrameLengths, MessageKind, OpCode, Payload, ProtocolError};
use crate::{close, utf8};

/// The side of the connection that decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Frames received must not be masked.
    Client,
    /// Frames received must be masked.
    Server,
}

/// What one peer may make us hold. Zero is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a message, summed over its frames as they are on the wire.
    pub max_payload: u64,
    /// Frames of a message, empty ones included.
    pub max_fragments: u32,
    /// Chunks over which a start, a length, a key or a payload may be spread.
    pub max_buffered_chunks: u32,
}

/// How a [`Decoder`] judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoderConfig {
    /// The side that decodes.
    pub side: Side,
    /// What a peer may make us hold.
    pub limits: Limits,
    /// Whether text and close reasons must be UTF-8; compressed text is left to who inflates it
    /// ([`crate::deflate::InflatedMessage`]).
    pub validate_utf8: bool,
    /// Whether RSV1 may be set on the first frame of a message (RFC 7692 section 6).
    pub compression: bool,
}

/// An incremental decoder for one direction of a connection.
///
/// For each chunk received: [`Decoder::handle_chunk`], then [`Decoder::poll_event`] until it gives
/// `None`. After a close event or an error it swallows everything.
#[derive(Debug)]
pub struct Decoder {
    config: DecoderConfig,
    stage: Stage,
    piece: Piece,
    /// The frame being read; stale in [`Stage::Start`].
    frame: IncomingFrame,
    /// The message being put together: more frames of it must come, or more chunks of its only one.
    /// At the start of a frame it is set iff a fragmented message is unfinished.
    message: Option<Box<Assembly>>,
    /// The payload so far of a control frame that is spread over chunks.
    control: Vec<u8>,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new(config: DecoderConfig) -> Self {
        Self {
            config,
            stage: Stage::Start,
            piece: Piece::default(),
            frame: IncomingFrame::new(FrameStart::new([0, 0])),
            message: None,
            control: Vec::new(),
        }
    }

    /// Announces that a chunk has arrived, before its events are polled.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::TooManyBufferedChunks`] when as many chunks as allowed already hold bytes
    /// of an unfinished piece.
    pub fn handle_chunk(&mut self) -> Result<(), ProtocolError> {
        let limit = self.config.limits.max_buffered_chunks;
        if self.stage == Stage::Finished {
            return Ok(());
        }
        if limit > 0 && self.piece.chunks() >= limit {
            self.finish();
            return Err(ProtocolError::TooManyBufferedChunks);
        }
        self.piece.add_chunk();
        Ok(())
    }

    /// Takes bytes from `chunk[*at..]`, moves `at` on, and gives the next event.
    ///
    /// `None` says that the chunk is used up: `*at` is its length. Parts of the chunk before `at` are
    /// unmasked in place where an event names them.
    ///
    /// # Errors
    ///
    /// What the peer did wrong; the rest of the stream is swallowed.
    pub fn poll_event(
        &mut self,
        chunk: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Event>, ProtocolError> {
        *at = (*at).min(chunk.len());
        let result = self.decode(chunk, at);
        if matches!(result, Err(_) | Ok(Some(Event::Close { .. }))) {
            self.finish();
        }
        if self.stage == Stage::Finished {
            *at = chunk.len();
        }
        result
    }

    /// Swallows the rest of the stream, as after an error of its own.
    pub fn finish(&mut self) {
        self.stage = Stage::Finished;
        self.message = None;
        self.control = Vec::new();
    }

    /// Whether the stream stands between messages, with nothing of the next one read.
    pub fn is_idle(&self) -> bool {
        self.stage == Stage::Start && self.message.is_none() && self.piece.is_empty()
    }

    /// Whether a close event or an error has ended the stream.
    pub fn is_finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    /// Payload bytes held for an unfinished message or control frame.
    pub fn buffered_bytes(&self) -> usize {
        self.control.len() + self.message.as_ref().map_or(0, |message| message.held())
    }

    /// Bytes of heap memory reserved; what payload has not reached yet is only address space.
    pub fn memory(&self) -> usize {
        self.control.capacity() + self.message.as_ref().map_or(0, |message| message.memory())
    }

    fn decode(&mut self, chunk: &mut [u8], at: &mut usize) -> Result<Option<Event>, ProtocolError> {
        loop {
            match self.stage {
                Stage::Start => {
                    let Some(bytes) = self.piece.take(chunk, at) else {
                        return Ok(None);
                    };
                    self.handle_start(FrameStart::new(bytes))?;
                }
                Stage::Length16 => {
                    let Some(bytes) = self.piece.take(chunk, at) else {
                        return Ok(None);
                    };
                    self.handle_length(u16::from_be_bytes(bytes).into())?;
                }
                Stage::Length64 => {
                    let Some(bytes) = self.piece.take(chunk, at) else {
                        return Ok(None);
                    };
                    self.handle_length(u64::from_be_bytes(bytes))?;
                }
                Stage::Key => {
                    let Some(key) = self.piece.take(chunk, at) else {
                        return Ok(None);
                    };
                    self.frame.key = Some(key);
                    self.stage = Stage::Payload;
                }
                Stage::Payload => {
                    let event = if self.frame.opcode.is_control() {
                        self.decode_control(chunk, at)?
                    } else {
                        self.decode_data(chunk, at)?
                    };
                    if event.is_some() || self.stage == Stage::Payload {
                        return Ok(event);
                    }
                }
                Stage::Finished => return Ok(None),
            }
        }
    }

    fn handle_start(&mut self, start: FrameStart) -> Result<(), ProtocolError> {
        header::check(start, &self.config, self.message.is_some())?;
        self.frame = IncomingFrame::new(start);
        match start.length {
            LENGTH_16 => self.stage = Stage::Length16,
            LENGTH_64 => self.stage = Stage::Length64,
            length => self.handle_length(length.into())?,
        }
        Ok(())
    }

    fn handle_length(&mut self, length: u64) -> Result<(), ProtocolError> {
        if !self.frame.opcode.is_control() {
            header::check_length(length, self.assembled(), self.config.limits.max_payload)?;
        }
        self.frame.set_length(length);
        self.stage = match self.config.side {
            Side::Server => Stage::Key,
            Side::Client => Stage::Payload,
        };
        Ok(())
    }

    fn decode_control(
        &mut self,
        chunk: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Event>, ProtocolError> {
        let payload = if self.frame.is_whole_in(&chunk[*at..]) {
            Payload::InChunk(self.frame.take_in_place(chunk, at))
        } else {
            self.frame.take(chunk, at).append_to(&mut self.control);
            if !self.frame.is_complete() {
                return Ok(None);
            }
            Payload::Owned(std::mem::take(&mut self.control))
        };
        self.end_frame(*at < chunk.len());
        match self.frame.opcode {
            OpCode::PING => Ok(Some(Event::Ping(payload))),
            OpCode::PONG => Ok(Some(Event::Pong(payload))),
            _ => self.close_event(payload, chunk).map(Some),
        }
    }

    fn close_event(&self, payload: Payload, chunk: &[u8]) -> Result<Event, ProtocolError> {
        let Some(code) = close::parse_code(payload.bytes(chunk)) else {
            return Ok(Event::Close {
                code: CloseCode::NO_STATUS,
                reason: payload,
            });
        };
        if !code.is_valid_on_wire() {
            return Err(ProtocolError::InvalidCloseCode(code));
        }
        let reason = payload.without_front(close::CODE_LENGTH);
        if self.config.validate_utf8 && !utf8::is_valid(reason.bytes(chunk)) {
            return Err(ProtocolError::InvalidUtf8);
        }
        Ok(Event::Close { code, reason })
    }

    fn decode_data(
        &mut self,
        chunk: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Event>, ProtocolError> {
        let whole = self.frame.is_whole_in(&chunk[*at..]);
        if whole && self.frame.fin && self.message.is_none() {
            return self.message_in_chunk(chunk, at).map(Some);
        }
        if *at == chunk.len() && !self.frame.is_complete() {
            return Ok(None);
        }
        let message = self
            .message
            .get_or_insert_with(|| Box::new(Assembly::new(&self.frame, self.config.validate_utf8)));
        let limit = self.config.limits.max_fragments;
        let excess = limit > 0 && message.frames() >= limit;
        let mut in_chunk = None;
        if whole && message.is_compressed() {
            in_chunk = Some(self.frame.take_in_place(chunk, at));
        } else {
            let part = self.frame.take(chunk, at);
            if !excess {
                message.append(&part, &self.frame)?;
            }
        }
        if !self.frame.is_complete() {
            return Ok(None);
        }
        if excess {
            return Err(ProtocolError::TooManyFragments);
        }
        message.end_frame(&self.frame);
        let compressed = message
            .is_compressed()
            .then(|| message.hand_out(in_chunk, self.frame.fin));
        self.end_frame(*at < chunk.len());
        match (compressed, self.message.take_if(|_| self.frame.fin)) {
            (Some(event), _) => Ok(Some(event)),
            (None, Some(message)) => message.finish().map(Some),
            (None, None) => Ok(None),
        }
    }

    /// A message of one frame that lies whole in the chunk.
    fn message_in_chunk(
        &mut self,
        chunk: &mut [u8],
        at: &mut usize,
    ) -> Result<Event, ProtocolError> {
        let range = self.frame.take_in_place(chunk, at);
        self.end_frame(*at < chunk.len());
        let kind = self.frame.kind();
        if self.frame.rsv1 {
            return Ok(Event::Compressed {
                kind,
                first: true,
                fin: true,
                payload: Payload::InChunk(range),
            });
        }
        let validate = self.config.validate_utf8 && kind == MessageKind::Text;
        if validate && !utf8::is_valid(&chunk[range.clone()]) {
            return Err(ProtocolError::InvalidUtf8);
        }
        Ok(Event::Message {
            kind,
            payload: Payload::InChunk(range),
            frames: FrameLengths::default(),
        })
    }

    /// Awaits the next frame; `more` says whether the chunk holds bytes of it.
    fn end_frame(&mut self, more: bool) {
        self.piece.complete(more);
        self.stage = Stage::Start;
    }

    /// Bytes of the message from its frames so far.
    fn assembled(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.len())
    }
}

/// The piece of a frame that is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The first two bytes.
    Start,
    /// A 16-bit length.
    Length16,
    /// A 64-bit length.
    Length64,
    /// The masking key.
    Key,
    /// The payload, or the rest of it.
    Payload,
    /// Nothing: a close frame or an error came.
    Finished,
}
