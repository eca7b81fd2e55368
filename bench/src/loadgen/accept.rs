//! The server's opening handshake (RFC 6455, section 4.2).

use super::failure::Failure;
use super::handshake::fields;
use super::sha1::sha1;

/// The request of a client as far as it has come.
pub(crate) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    pub(crate) fn new() -> Request {
        Request { bytes: Vec::new() }
    }

    /// Takes bytes from the client in; the answer to send when they complete the request.
    ///
    /// Extensions are declined, and the clients wait with their messages until all are connected, so
    /// bytes after the request are a failure.
    pub(crate) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.bytes.extend_from_slice(bytes);
        let end = self.bytes.len();
        let mut windows = self.bytes.windows(4);
        match windows.position(|window| window == b"\r\n\r\n") {
            None if end > MAX_REQUEST => Err(Failure::Peer("the request is too long")),
            None => Ok(None),
            Some(index) if index + 4 < end => {
                Err(Failure::Peer("the client sent data before the answer"))
            }
            Some(index) => answer(&self.bytes[..index]).map(Some),
        }
    }
}

/// The answer to a request's head.
fn answer(head: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut keys = fields(head).filter(|(name, _)| name.eq_ignore_ascii_case(b"sec-websocket-key"));
    match keys.next() {
        Some((_, key)) if head.starts_with(b"GET ") => Ok(format!(
            "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            base64(&sha1(&[key, GUID].concat()))
        )
        .into_bytes()),
        _ => Err(Failure::Peer("the client did not ask for an upgrade")),
    }
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, index| {
            bits << 8 | u32::from(*group.get(index).unwrap_or(&0))
        });
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 0x3f;
            text.push(if digit <= group.len() {
                char::from(DIGITS[value as usize])
            } else {
                '='
            });
        }
    }
    text
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What follows the key in what is hashed (section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Longest request that is taken, in bytes.
const MAX_REQUEST: usize = 8192;

#[cfg(test)]
mod tests {
    use super::super::handshake::{REQUEST, Response};
    use super::*;

    #[test]
    fn answers_the_request_of_our_own_client_at_any_chunking() {
        for size in 1..=REQUEST.len() {
            let mut request = Request::new();
            let mut answer = None;
            for chunk in REQUEST.chunks(size) {
                assert_eq!(answer, None);
                answer = request.handle_bytes(chunk).unwrap();
            }
            let answer = answer.expect("the request is complete");
            assert!(Response::new().handle_bytes(&answer).unwrap());
        }
    }

    #[test]
    fn rejects_what_is_no_upgrade_or_has_no_end() {
        for bad in [
            "GET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n",
        ] {
            assert!(Request::new().handle_bytes(bad.as_bytes()).is_err());
        }
        let early = [REQUEST, b"x"].concat();
        assert!(Request::new().handle_bytes(&early).is_err());
        let endless = vec![b'x'; MAX_REQUEST + 1];
        assert!(Request::new().handle_bytes(&endless).is_err());
    }

    #[test]
    fn pads_base64_as_the_rfc_does() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
