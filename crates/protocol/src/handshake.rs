//! The opening handshake of a server (RFC 6455 section 4.2).

use std::error::Error;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`.
pub fn accept_key(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Whether a `Sec-WebSocket-Key` has the form of 16 base64 bytes.
pub fn is_valid_key(key: &str) -> bool {
    match key.as_bytes().split_last_chunk() {
        Some((digits, b"==")) => digits.len() == KEY_DIGITS && digits.iter().all(is_base64_digit),
        _ => false,
    }
}

/// Checks what an upgrade request must have, in the order in which a server reports it.
///
/// `upgrade`, `key` and `version` are the header fields `Upgrade`, `Sec-WebSocket-Key` and
/// `Sec-WebSocket-Version`, where present.
///
/// # Errors
///
/// The first check that fails.
pub fn check_request(
    method: Option<&str>,
    upgrade: Option<&str>,
    key: Option<&str>,
    version: Option<&str>,
) -> Result<(), RequestError> {
    if method != Some("GET") {
        return Err(RequestError::Method);
    }
    if !upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")) {
        return Err(RequestError::Upgrade);
    }
    if !key.is_some_and(is_valid_key) {
        return Err(RequestError::Key);
    }
    if !version.is_some_and(is_supported_version) {
        return Err(RequestError::Version);
    }
    Ok(())
}

/// The part of an upgrade request that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The method is not `GET`.
    Method,
    /// `Upgrade` is missing or not `websocket`.
    Upgrade,
    /// `Sec-WebSocket-Key` is missing or not 16 bytes in base64.
    Key,
    /// `Sec-WebSocket-Version` is missing or neither 13 nor 8.
    Version,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "the method is not GET",
            Self::Upgrade => "Upgrade is not websocket",
            Self::Key => "Sec-WebSocket-Key is missing or invalid",
            Self::Version => "Sec-WebSocket-Version is missing or invalid",
        })
    }
}

impl Error for RequestError {}

fn is_base64_digit(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Whether the version is 13, or 8 (the drafts from 8 to 12, same on the wire).
//
// COMPAT(ws): the field is read as a JavaScript number literal, so `013`, `13.0` and `0xd` are 13.
fn is_supported_version(version: &str) -> bool {
    let version = version.trim();
    let number = match version.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => whole_number(&version[2..], 16),
        Some("0o") => whole_number(&version[2..], 8),
        Some("0b") => whole_number(&version[2..], 2),
        _ => version.parse().ok(),
    };
    number.is_some_and(|number: f64| number == 13.0 || number == 8.0)
}

/// An unsigned number without a sign before its digits.
fn whole_number(digits: &str, radix: u32) -> Option<f64> {
    let unsigned = digits.starts_with(|first: char| first.is_ascii_alphanumeric());
    u32::from_str_radix(digits, radix)
        .ok()
        .filter(|_| unsigned)
        .map(f64::from)
}

/// What is appended to the key before hashing.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Base64 digits of a 16-byte key before its padding.
const KEY_DIGITS: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn answers_the_key_of_rfc_6455() {
        assert_eq!(accept_key(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn knows_a_key_by_its_form() {
        for key in [KEY, "dGhlIHNhbXBsZSBub25jZR==", "////////////////+/////=="] {
            assert!(is_valid_key(key), "{key}");
        }
        for key in [
            "",
            "==",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ= ",
            "dGhlIHNhbXBsZSBub25j-Q==",
            "dGhlIHNhbXBsZSBub25jZQA==",
            "dGhlIHNhbXBsZSBub25jZQ==\n",
            "dGhlIHNhbXBsZSBub25jé==",
        ] {
            assert!(!is_valid_key(key), "{key}");
        }
    }

    #[test]
    fn accepts_a_good_request() {
        for upgrade in ["websocket", "WebSocket", "WEBSOCKET"] {
            assert_eq!(
                check_request(Some("GET"), Some(upgrade), Some(KEY), Some("13")),
                Ok(())
            );
        }
    }

    #[test]
    fn names_the_first_part_that_is_wrong() {
        let check = check_request;
        assert_eq!(
            check(Some("POST"), None, None, None),
            Err(RequestError::Method)
        );
        assert_eq!(
            check(Some("get"), None, None, None),
            Err(RequestError::Method)
        );
        assert_eq!(check(None, None, None, None), Err(RequestError::Method));
        assert_eq!(
            check(Some("GET"), None, None, None),
            Err(RequestError::Upgrade)
        );
        let both = Some("websocket, h2c");
        assert_eq!(
            check(Some("GET"), both, None, None),
            Err(RequestError::Upgrade)
        );
        let upgrade = Some("websocket");
        assert_eq!(
            check(Some("GET"), upgrade, None, None),
            Err(RequestError::Key)
        );
        assert_eq!(
            check(Some("GET"), upgrade, Some("x"), Some("13")),
            Err(RequestError::Key)
        );
        assert_eq!(
            check(Some("GET"), upgrade, Some(KEY), None),
            Err(RequestError::Version)
        );
        assert_eq!(
            check(Some("GET"), upgrade, Some(KEY), Some("7")),
            Err(RequestError::Version)
        );
    }

    #[test]
    fn reads_the_version_as_a_javascript_number() {
        for version in [
            "13", "8", " 13\t", "013", "0xd", "0X0D", "13.0", "1.3e1", "+8", "0b1101", "0o15",
            ".8e1", "80e-1", "13.",
        ] {
            assert!(is_supported_version(version), "{version}");
        }
        for version in [
            "", "-8", "13, 8", "13,8", "13.5", "9", "Infinity", "1_3", "13n", "0x+d", "0x", "-0xd",
            "nan", "é", "1é",
        ] {
            assert!(!is_supported_version(version), "{version}");
        }
    }
}
