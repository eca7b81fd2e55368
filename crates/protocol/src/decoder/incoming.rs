//! The frame being received.

use std::ops::Range;

use crate::frame::FrameStart;
use crate::{MessageKind, OpCode, mask};

/// A frame's header, and how much of its payload has been taken.
#[derive(Debug)]
pub(super) struct IncomingFrame {
    pub(super) fin: bool,
    pub(super) rsv1: bool,
    pub(super) opcode: OpCode,
    /// None until it has come, and for frames of a server.
    pub(super) key: Option<[u8; 4]>,
    length: u64,
    /// Bytes of the payload not taken yet, at most `length`.
    remaining: u64,
}

impl IncomingFrame {
    pub(super) fn new(start: FrameStart) -> Self {
        let FrameStart {
            fin, rsv1, opcode, ..
        } = start;
        Self {
            fin,
            rsv1,
            opcode,
            key: None,
            length: 0,
            remaining: 0,
        }
    }

    pub(super) fn set_length(&mut self, length: u64) {
        self.length = length;
        self.remaining = length;
    }

    /// Takes what `chunk[*at..]` holds of the payload.
    pub(super) fn take<'a>(&mut self, chunk: &'a [u8], at: &mut usize) -> Part<'a> {
        let rest = &chunk[*at..];
        let count = usize::try_from(self.remaining).map_or(rest.len(), |n| n.min(rest.len()));
        let phase = (self.length - self.remaining) as usize;
        self.remaining -= count as u64;
        *at += count;
        Part {
            bytes: &rest[..count],
            key: self.key,
            phase,
        }
    }

    /// Takes a payload that [`IncomingFrame::is_whole_in`] the chunk, unmasks it there, and says
    /// where it is.
    pub(super) fn take_in_place(&mut self, chunk: &mut [u8], at: &mut usize) -> Range<usize> {
        let range = *at..*at + self.remaining as usize;
        if let Some(key) = self.key {
            mask::apply(&mut chunk[range.clone()], key, 0);
        }
        self.remaining = 0;
        *at = range.end;
        range
    }

    /// Whether no payload was taken yet, and all of it is at the front of `rest`.
    pub(super) fn is_whole_in(&self, rest: &[u8]) -> bool {
        self.remaining == self.length && self.length <= rest.len() as u64
    }

    pub(super) fn is_complete(&self) -> bool {
        self.remaining == 0
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The kind of message that this frame starts.
    pub(super) fn kind(&self) -> MessageKind {
        if self.opcode == OpCode::TEXT {
            MessageKind::Text
        } else {
            MessageKind::Binary
        }
    }
}

/// Payload bytes as they came.
pub(super) struct Part<'a> {
    pub(super) bytes: &'a [u8],
    key: Option<[u8; 4]>,
    /// Position in the payload of the first byte.
    phase: usize,
}

impl Part<'_> {
    /// Unmasks the bytes while appending them.
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        match self.key {
            Some(key) => mask::append(out, self.bytes, key, self.phase),
            None => out.extend_from_slice(self.bytes),
        }
    }
}
