//! What can go wrong, by whose fault it is.

use std::error::Error;
use std::fmt;

use crate::{CloseCode, OpCode};

/// A peer broke the protocol or a limit; the connection fails with [`ProtocolError::close_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// RSV2 or RSV3 is set; no extension here defines them.
    UnexpectedRsv23,
    /// RSV1 is set without compression, on a continuation, or on a control frame.
    UnexpectedRsv1,
    /// A reserved opcode, a continuation without a start, or a start inside a fragmented message.
    InvalidOpCode(OpCode),
    /// A control frame is fragmented.
    ExpectedFin,
    /// A control frame's 7-bit length field is over 125, or a close frame has a body of one byte.
    InvalidControlPayloadLength(u8),
    /// A frame of a client is not masked.
    ExpectedMask,
    /// A frame of a server is masked.
    UnexpectedMask,
    /// A length is over 2^53 - 1 bytes, more than a JavaScript number counts exactly.
    UnsupportedPayloadLength(u64),
    /// The frames of a message would be longer than [`crate::Limits::max_payload`], as they are on the
    /// wire or inflated.
    MessageTooLong,
    /// A message has more frames than [`crate::Limits::max_fragments`].
    TooManyFragments,
    /// A text message or a close reason is not UTF-8.
    InvalidUtf8,
    /// A compressed payload is no DEFLATE data; what is wrong with it, in zlib's words.
    InvalidDeflateData(&'static str),
    /// A close code that must not appear in a frame.
    InvalidCloseCode(CloseCode),
    /// An unfinished part of a frame is spread over more chunks than
    /// [`crate::Limits::max_buffered_chunks`].
    TooManyBufferedChunks,
}

impl ProtocolError {
    /// The code to send to the peer (RFC 6455 section 7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::UnexpectedRsv23
            | Self::UnexpectedRsv1
            | Self::InvalidOpCode(_)
            | Self::ExpectedFin
            | Self::InvalidControlPayloadLength(_)
            | Self::ExpectedMask
            | Self::UnexpectedMask
            | Self::InvalidCloseCode(_) => CloseCode::PROTOCOL_ERROR,
            Self::InvalidUtf8 | Self::InvalidDeflateData(_) => CloseCode::INVALID_PAYLOAD,
            Self::TooManyFragments | Self::TooManyBufferedChunks => CloseCode::POLICY_VIOLATION,
            Self::UnsupportedPayloadLength(_) | Self::MessageTooLong => CloseCode::MESSAGE_TOO_BIG,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedRsv23 => f.write_str("RSV2 or RSV3 is set"),
            Self::UnexpectedRsv1 => f.write_str("RSV1 is set"),
            Self::InvalidOpCode(opcode) => write!(f, "opcode {opcode} is not allowed here"),
            Self::ExpectedFin => f.write_str("a control frame is fragmented"),
            Self::InvalidControlPayloadLength(length) => {
                write!(f, "a control frame cannot have length {length}")
            }
            Self::ExpectedMask => f.write_str("a client's frame is not masked"),
            Self::UnexpectedMask => f.write_str("a server's frame is masked"),
            Self::UnsupportedPayloadLength(length) => {
                write!(f, "payload length {length} is over 2^53 - 1")
            }
            Self::MessageTooLong => f.write_str("message is over the payload limit"),
            Self::TooManyFragments => f.write_str("message is over the fragment limit"),
            Self::InvalidUtf8 => f.write_str("text is not UTF-8"),
            Self::InvalidDeflateData(reason) => write!(f, "not DEFLATE data: {reason}"),
            Self::InvalidCloseCode(code) => write!(f, "close code {code} is not valid"),
            Self::TooManyBufferedChunks => f.write_str("frame is over the chunk limit"),
        }
    }
}

impl Error for ProtocolError {}

/// The caller asked for something that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MisuseError {
    /// A close code that must not appear in a frame.
    InvalidCloseCode(CloseCode),
    /// A close reason of this many bytes; a control frame leaves room for 123.
    CloseReasonTooLong(usize),
}

impl fmt::Display for MisuseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidCloseCode(code) => write!(f, "close code {code} cannot be sent"),
            Self::CloseReasonTooLong(length) => {
                write!(f, "a close reason of {length} bytes is over 123")
            }
        }
    }
}

impl Error for MisuseError {}

/// A header field does not follow its grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The character at this index (0-based, in characters) cannot be there.
    UnexpectedCharacter(usize),
    /// The field stops where more must follow.
    UnexpectedEnd,
    /// A subprotocol is named twice.
    Duplicate(String),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedCharacter(index) => write!(f, "unexpected character at index {index}"),
            Self::UnexpectedEnd => f.write_str("unexpected end of input"),
            Self::Duplicate(name) => write!(f, "\"{name}\" is named twice"),
        }
    }
}

impl Error for HeaderError {}
