//! A message that is not in one piece.

use std::ops::Range;

use super::incoming::{IncomingFrame, Part};
use crate::{Event, FrameLengths, MessageKind, Payload, ProtocolError, utf8};

/// The frames so far of a message, unmasked and in one buffer.
#[derive(Debug)]
pub(super) struct Assembly {
    kind: MessageKind,
    compressed: bool,
    validate: bool,
    /// Complete frames.
    frames: u32,
    /// Bytes of frames that were handed out already; stays 0 unless `compressed`.
    handed_out: usize,
    bytes: Vec<u8>,
    /// `bytes[..checked]` is UTF-8, and up to three bytes after it may start another character; stays
    /// 0 unless `validate`.
    checked: usize,
    lengths: FrameLengths,
}

impl Assembly {
    /// An empty message of the kind that its first frame says.
    pub(super) fn new(first: &IncomingFrame, validate_utf8: bool) -> Self {
        let (kind, compressed) = (first.kind(), first.rsv1);
        Self {
            kind,
            compressed,
            validate: validate_utf8 && kind == MessageKind::Text && !compressed,
            frames: 0,
            handed_out: 0,
            bytes: Vec::new(),
            checked: 0,
            lengths: FrameLengths::default(),
        }
    }

    /// Adds bytes that were just taken from `frame`.
    pub(super) fn append(
        &mut self,
        part: &Part<'_>,
        frame: &IncomingFrame,
    ) -> Result<(), ProtocolError> {
        self.reserve(part.bytes.len(), frame);
        part.append_to(&mut self.bytes);
        if self.validate {
            self.checked += utf8::whole_characters(&self.bytes[self.checked..])
                .ok_or(ProtocolError::InvalidUtf8)?;
        }
        Ok(())
    }

    /// Counts a frame whose payload has been added.
    pub(super) fn end_frame(&mut self, frame: &IncomingFrame) {
        self.frames = self.frames.saturating_add(1);
        if self.kind == MessageKind::Binary && !self.compressed {
            self.lengths.push(frame.length());
        }
    }

    /// Hands out the payload of a compressed frame that has just ended: what was appended, or bytes
    /// that lie whole in the chunk.
    pub(super) fn hand_out(&mut self, in_chunk: Option<Range<usize>>, fin: bool) -> Event {
        let payload = match in_chunk {
            Some(range) => Payload::InChunk(range),
            None => Payload::Owned(std::mem::take(&mut self.bytes)),
        };
        self.handed_out = self.handed_out.saturating_add(payload.len());
        Event::Compressed {
            kind: self.kind,
            first: self.frames == 1,
            fin,
            payload,
        }
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The message, its last frame being there.
    pub(super) fn finish(self) -> Result<Event, ProtocolError> {
        if self.validate && self.checked < self.bytes.len() {
            return Err(ProtocolError::InvalidUtf8);
        }
        let payload = Payload::Owned(self.bytes);
        // A single frame has the length of the message, which is known.
        let frames = if self.frames > 1 {
            self.lengths
        } else {
            FrameLengths::default()
        };
        Ok(Event::Message {
            kind: self.kind,
            payload,
            frames,
        })
    }

    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    /// Bytes of payload, as they were on the wire.
    pub(super) fn len(&self) -> usize {
        self.handed_out.saturating_add(self.bytes.len())
    }

    /// Bytes of payload held here.
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of heap memory, this struct included.
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity() + self.lengths.capacity()
    }

    /// Makes room for `arriving` bytes of `frame`.
    ///
    /// Grows with what has come, whatever the header announces, and stops at the end of the message
    /// where that is known, so that the last step fits exactly.
    fn reserve(&mut self, arriving: usize, frame: &IncomingFrame) {
        let needed = self.bytes.len() + arriving;
        if needed <= self.bytes.capacity() {
            return;
        }
        let wanted = if frame.fin {
            let rest = usize::try_from(frame.remaining()).unwrap_or(usize::MAX);
            needed
                .saturating_add(rest)
                .min(needed.saturating_mul(GROWTH_TO_KNOWN_END))
        } else {
            needed.saturating_mul(GROWTH).max(MIN_CAPACITY)
        };
        self.bytes.reserve_exact(wanted - self.bytes.len());
    }
}

/// Room made, as a multiple of the bytes that have come, while the end of the message is unknown.
const GROWTH: usize = 2;

/// The same for a message of which the length is known. Room that no bytes come for is address space
/// and not memory; a 1 MiB message that begins with a 64 KiB chunk is never moved.
const GROWTH_TO_KNOWN_END: usize = 16;

/// Least room made for a message of which the length is not known, or larger.
const MIN_CAPACITY: usize = 4096;
