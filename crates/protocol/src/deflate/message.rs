//! The frames of a compressed message into a message.

use super::{Decompressor, InflateError, Progress};
use crate::{Event, FrameLengths, MessageKind, Payload, ProtocolError, utf8};

/// A compressed message of which not all frames are inflated yet.
#[derive(Debug)]
pub struct InflatedMessage {
    kind: MessageKind,
    validate_utf8: bool,
    /// Bytes that the message may have; 0 is no limit.
    max_payload: u64,
    bytes: Vec<u8>,
    /// Where in `bytes` the present frame begins.
    frame_start: usize,
    frames: u32,
    lengths: FrameLengths,
}

impl InflatedMessage {
    /// An empty message. With `validate_utf8` text has to be UTF-8.
    pub fn new(kind: MessageKind, validate_utf8: bool) -> Self {
        Self {
            kind,
            validate_utf8,
            max_payload: 0,
            bytes: Vec::new(),
            frame_start: 0,
            frames: 0,
            lengths: FrameLengths::default(),
        }
    }

    /// The same with a limit beside that of the decompressor, which may have a lower one.
    pub fn with_limit(self, max_payload: u64) -> Self {
        Self {
            max_payload,
            ..self
        }
    }

    /// The same with memory to begin with: an empty buffer.
    pub fn with_buffer(self, bytes: Vec<u8>) -> Self {
        debug_assert!(bytes.is_empty() && self.bytes.is_empty());
        Self { bytes, ..self }
    }

    /// Inflates a frame's `payload` from `at` on, as [`Decompressor::inflate`] does.
    ///
    /// # Errors
    ///
    /// What the peer did wrong.
    pub fn inflate(
        &mut self,
        decompressor: &mut Decompressor,
        payload: &[u8],
        at: &mut usize,
        fin: bool,
        budget: usize,
    ) -> Result<Progress, ProtocolError> {
        let budget = budget.min(self.room());
        let progress = decompressor.inflate(payload, at, fin, &mut self.bytes, budget)?;
        if self.room() == 0 {
            decompressor.reset();
            return Err(ProtocolError::MessageTooLong);
        }
        if progress == Progress::Done {
            self.frames = self.frames.saturating_add(1);
            if self.kind == MessageKind::Binary {
                self.lengths
                    .push((self.bytes.len() - self.frame_start) as u64);
            }
            self.frame_start = self.bytes.len();
        }
        Ok(progress)
    }

    /// The message, once its last frame is inflated.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::InvalidUtf8`].
    pub fn finish(self) -> Result<Event, ProtocolError> {
        if self.kind == MessageKind::Text && self.validate_utf8 && !utf8::is_valid(&self.bytes) {
            return Err(ProtocolError::InvalidUtf8);
        }
        Ok(Event::Message {
            kind: self.kind,
            payload: Payload::Owned(self.bytes),
            // A single frame has the length of the message, which is known.
            frames: if self.frames > 1 {
                self.lengths
            } else {
                FrameLengths::default()
            },
        })
    }

    /// Bytes that may still be made, with the one that shows that there are too many.
    fn room(&self) -> usize {
        let left = match self.max_payload {
            0 => u64::MAX,
            limit => limit
                .saturating_add(1)
                .saturating_sub(self.bytes.len() as u64),
        };
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// Bytes inflated so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is inflated yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes of heap memory.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.lengths.capacity()
    }
}

impl From<InflateError> for ProtocolError {
    fn from(error: InflateError) -> Self {
        match error {
            InflateError::Data(reason) => Self::InvalidDeflateData(reason),
            InflateError::TooLong => Self::MessageTooLong,
        }
    }
}
