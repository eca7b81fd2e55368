//! Close codes and the body of a close frame (RFC 6455 sections 5.5.1 and 7.4).

use std::fmt;
use std::ops::Deref;

use crate::MisuseError;

/// The reason for a close, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The endpoint goes away: a server stops, a page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A kind of data that the endpoint does not take.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// Reported for a close frame without a code; never in a frame.
    pub const NO_STATUS: Self = Self(1005);
    /// Reported for an end without a close frame; never in a frame.
    pub const ABNORMAL: Self = Self(1006);
    /// Data does not fit its type, as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// A policy of the endpoint is violated.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message is too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// The server did not agree to an extension that the client needs.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// The endpoint met an unexpected condition.
    pub const INTERNAL_ERROR: Self = Self(1011);

    /// The code with this number, valid or not.
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The code as a number.
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Whether the code may be sent and received in a frame: 1000 to 1003, 1007 to 1014 and 3000
    /// to 4999.
    pub const fn is_valid_on_wire(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The body of a close frame, at most 125 bytes, held inline.
#[derive(Clone, Copy, Debug)]
pub struct ClosePayload {
    bytes: [u8; MAX_PAYLOAD],
    length: u8,
}

impl Deref for ClosePayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Builds the body of a close frame.
///
/// Without a code the body is empty, and the reason is left out: it could not be told from a code.
///
/// # Errors
///
/// A code that must not be in a frame, then a reason over 123 bytes.
pub fn encode_payload(code: Option<CloseCode>, reason: &[u8]) -> Result<ClosePayload, MisuseError> {
    let mut payload = ClosePayload {
        bytes: [0; MAX_PAYLOAD],
        length: 0,
    };
    let Some(code) = code else { return Ok(payload) };
    if !code.is_valid_on_wire() {
        return Err(MisuseError::InvalidCloseCode(code));
    }
    let length = CODE_LENGTH + reason.len();
    if length > MAX_PAYLOAD {
        return Err(MisuseError::CloseReasonTooLong(reason.len()));
    }
    payload.bytes[..CODE_LENGTH].copy_from_slice(&code.0.to_be_bytes());
    payload.bytes[CODE_LENGTH..length].copy_from_slice(reason);
    payload.length = length as u8;
    Ok(payload)
}

/// The code at the start of a close frame's body, valid or not, if the body holds one.
pub(crate) fn parse_code(body: &[u8]) -> Option<CloseCode> {
    body.first_chunk()
        .map(|&code| CloseCode(u16::from_be_bytes(code)))
}

/// Bytes that the code takes in a close frame's body.
pub(crate) const CODE_LENGTH: usize = 2;

const MAX_PAYLOAD: usize = 125;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_codes_that_may_be_on_the_wire() {
        let valid = (0..=u16::MAX).filter(|&value| CloseCode(value).is_valid_on_wire());
        let expected = (1000..=1003).chain(1007..=1014).chain(3000..=4999);
        assert!(valid.eq(expected));
    }

    #[test]
    fn writes_code_and_reason() {
        let payload = encode_payload(Some(CloseCode::NORMAL), b"bye").unwrap();
        assert_eq!(&*payload, b"\x03\xe8bye");
        assert_eq!(parse_code(&payload), Some(CloseCode::NORMAL));
    }

    #[test]
    fn leaves_the_body_empty_without_a_code() {
        let payload = encode_payload(None, &[b'x'; 500]).unwrap();
        assert!(payload.is_empty());
        assert_eq!(parse_code(&payload), None);
    }

    #[test]
    fn takes_a_reason_of_123_bytes_and_no_more() {
        let reason = [b'x'; 124];
        assert_eq!(
            encode_payload(Some(CloseCode::NORMAL), &reason[..123])
                .unwrap()
                .len(),
            125
        );
        let error = encode_payload(Some(CloseCode::NORMAL), &reason).unwrap_err();
        assert_eq!(error, MisuseError::CloseReasonTooLong(124));
    }

    #[test]
    fn refuses_a_reserved_code_before_looking_at_the_reason() {
        let error = encode_payload(Some(CloseCode::ABNORMAL), &[0; 200]).unwrap_err();
        assert_eq!(error, MisuseError::InvalidCloseCode(CloseCode::ABNORMAL));
    }
}
