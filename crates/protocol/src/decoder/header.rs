//! The checks of a frame's header, in the order in which ws makes them.

use super::{DecoderConfig, Side};
use crate::frame::{FrameStart, MAX_SHORT_LENGTH};
use crate::{OpCode, ProtocolError};

/// Judges the first two bytes of a frame; `in_message` says that a fragmented message is unfinished.
pub(super) fn check(
    start: FrameStart,
    config: &DecoderConfig,
    in_message: bool,
) -> Result<(), ProtocolError> {
    if start.rsv23 {
        return Err(ProtocolError::UnexpectedRsv23);
    }
    if start.rsv1 && (!config.compression || start.opcode == OpCode::CONTINUATION) {
        return Err(ProtocolError::UnexpectedRsv1);
    }
    let misplaced = match start.opcode {
        OpCode::CONTINUATION => !in_message,
        OpCode::TEXT | OpCode::BINARY => in_message,
        opcode => opcode.is_reserved(),
    };
    if misplaced {
        return Err(ProtocolError::InvalidOpCode(start.opcode));
    }
    if start.opcode.is_control() {
        check_control(start)?;
    }
    match (config.side, start.masked) {
        (Side::Server, false) => Err(ProtocolError::ExpectedMask),
        (Side::Client, true) => Err(ProtocolError::UnexpectedMask),
        (Side::Server, true) | (Side::Client, false) => Ok(()),
    }
}

/// Judges the length of a data frame; `before` is the length of the message's frames before it, and
/// `limit` that of a message, 0 for none.
pub(super) fn check_length(length: u64, before: usize, limit: u64) -> Result<(), ProtocolError> {
    if length > MAX_LENGTH {
        return Err(ProtocolError::UnsupportedPayloadLength(length));
    }
    if limit > 0 && length.saturating_add(before as u64) > limit {
        return Err(ProtocolError::MessageTooLong);
    }
    Ok(())
}

fn check_control(start: FrameStart) -> Result<(), ProtocolError> {
    if !start.fin {
        return Err(ProtocolError::ExpectedFin);
    }
    if start.rsv1 {
        return Err(ProtocolError::UnexpectedRsv1);
    }
    let length = start.length;
    if u64::from(length) > MAX_SHORT_LENGTH || (start.opcode == OpCode::CLOSE && length == 1) {
        return Err(ProtocolError::InvalidControlPayloadLength(length));
    }
    Ok(())
}

/// The largest length that a JavaScript number counts exactly.
const MAX_LENGTH: u64 = (1 << 53) - 1;
