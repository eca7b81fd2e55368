//! The one table from protocol errors to what JavaScript programs see.

use std::ffi::CStr;

use ferrows_protocol::ProtocolError;

/// The constructor of a JavaScript error.
pub(crate) enum Class {
    Error,
    RangeError,
}

/// A JavaScript error, before it is made.
pub(crate) struct Description {
    pub(crate) class: Class,
    pub(crate) code: &'static CStr,
    pub(crate) message: String,
    /// zlib's number for its errors.
    pub(crate) errno: Option<i32>,
}

/// Class, `code` and message of an error, as ws has them.
pub(crate) fn describe(error: &ProtocolError) -> Description {
    use Class::{Error, RangeError};
    use ProtocolError as E;

    let invalid = |what: String| format!("Invalid WebSocket frame: {what}");
    let (class, code, message) = match error {
        E::UnexpectedRsv23 => (
            RangeError,
            c"WS_ERR_UNEXPECTED_RSV_2_3",
            invalid("RSV2 and RSV3 must be clear".into()),
        ),
        E::UnexpectedRsv1 => (
            RangeError,
            c"WS_ERR_UNEXPECTED_RSV_1",
            invalid("RSV1 must be clear".into()),
        ),
        E::InvalidOpCode(opcode) => (
            RangeError,
            c"WS_ERR_INVALID_OPCODE",
            invalid(format!("invalid opcode {}", opcode.value())),
        ),
        E::ExpectedFin => (
            RangeError,
            c"WS_ERR_EXPECTED_FIN",
            invalid("FIN must be set".into()),
        ),
        E::InvalidControlPayloadLength(length) => (
            RangeError,
            c"WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
            invalid(format!("invalid payload length {length}")),
        ),
        E::ExpectedMask => (
            RangeError,
            c"WS_ERR_EXPECTED_MASK",
            invalid("MASK must be set".into()),
        ),
        E::UnexpectedMask => (
            RangeError,
            c"WS_ERR_UNEXPECTED_MASK",
            invalid("MASK must be clear".into()),
        ),
        E::UnsupportedPayloadLength(_) => (
            RangeError,
            c"WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
            "Unsupported WebSocket frame: payload length > 2^53 - 1".into(),
        ),
        E::MessageTooLong => (
            RangeError,
            c"WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
            "Max payload size exceeded".into(),
        ),
        E::TooManyFragments => (
            RangeError,
            c"WS_ERR_TOO_MANY_BUFFERED_PARTS",
            "Too many message fragments".into(),
        ),
        E::InvalidUtf8 => (
            Error,
            c"WS_ERR_INVALID_UTF8",
            invalid("invalid UTF-8 sequence".into()),
        ),
        E::InvalidDeflateData(reason) => (Error, c"Z_DATA_ERROR", (*reason).into()),
        E::InvalidCloseCode(code) => (
            RangeError,
            c"WS_ERR_INVALID_CLOSE_CODE",
            invalid(format!("invalid status code {}", code.value())),
        ),
        E::TooManyBufferedChunks => (
            RangeError,
            c"WS_ERR_TOO_MANY_BUFFERED_PARTS",
            "Too many buffered chunks".into(),
        ),
    };
    let errno = match error {
        E::InvalidDeflateData(_) => Some(Z_DATA_ERROR),
        _ => None,
    };
    Description {
        class,
        code,
        message,
        errno,
    }
}

/// What zlib calls by this name.
const Z_DATA_ERROR: i32 = -3;
