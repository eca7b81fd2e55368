//! The client's opening handshake (RFC 6455, section 4.1).

use super::failure::Failure;

/// The request that opens a WebSocket; its key is the example of section 1.3.
pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\
    Host: 127.0.0.1\r\n\
    Connection: Upgrade\r\n\
    Upgrade: websocket\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// [`REQUEST`] with an offer of extensions.
pub(crate) fn request_with(offer: &str) -> Vec<u8> {
    let lines = &REQUEST[..REQUEST.len() - 2];
    let extensions = format!("Sec-WebSocket-Extensions: {offer}\r\n\r\n");
    [lines, extensions.as_bytes()].concat()
}

/// The answer to [`REQUEST`] as far as it has come.
pub(crate) struct Response {
    bytes: [u8; MAX_RESPONSE],
    filled: usize,
}

impl Response {
    pub(crate) fn new() -> Response {
        Response {
            bytes: [0; MAX_RESPONSE],
            filled: 0,
        }
    }

    /// Takes bytes from the server in; true when they complete an answer that accepts the upgrade.
    ///
    /// The workloads let the client speak first, so bytes after the answer are a failure.
    pub(crate) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        let end = self.filled + bytes.len();
        let Some(room) = self.bytes.get_mut(self.filled..end) else {
            return Err(Failure::Peer("the answer to the upgrade is too long"));
        };
        room.copy_from_slice(bytes);
        self.filled = end;
        let answer = &self.bytes[..end];
        match answer.windows(4).position(|window| window == b"\r\n\r\n") {
            None => Ok(false),
            Some(index) if index + 4 < end => {
                Err(Failure::Peer("the server sent data before the client did"))
            }
            Some(index) if accepts(&answer[..index]) => Ok(true),
            Some(_) => Err(Failure::Peer("the server did not accept the upgrade")),
        }
    }

    /// The values of `Sec-WebSocket-Extensions` in a complete answer.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = &[u8]> {
        fields(&self.bytes[..self.filled])
            .filter(|(name, _)| name.eq_ignore_ascii_case(b"sec-websocket-extensions"))
            .map(|(_, value)| value)
    }
}

/// Whether a response's head has the status and the key that accept [`REQUEST`].
fn accepts(head: &[u8]) -> bool {
    head.starts_with(b"HTTP/1.1 101")
        && fields(head).any(|(name, value)| {
            name.eq_ignore_ascii_case(b"sec-websocket-accept") && value == ACCEPT
        })
}

/// The names and values of a head's lines after the first.
pub(crate) fn fields(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = head.split(|&byte| byte == b'\n').skip(1);
    lines.map(|line| {
        let mut parts = line.splitn(2, |&byte| byte == b':');
        let name = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        (name, value.trim_ascii())
    })
}

/// What a server makes of the key in [`REQUEST`].
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Longest answer that is taken, in bytes.
const MAX_RESPONSE: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        sec-websocket-ACCEPT: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    #[test]
    fn accepts_a_good_answer_at_any_chunking() {
        for size in 1..=GOOD.len() {
            let mut response = Response::new();
            let mut chunks = GOOD.chunks(size).peekable();
            while let Some(chunk) = chunks.next() {
                let done = response.handle_bytes(chunk).unwrap();
                assert_eq!(done, chunks.peek().is_none());
            }
        }
    }

    #[test]
    fn rejects_another_status_a_wrong_key_and_data_that_follow() {
        let text = std::str::from_utf8(GOOD).unwrap();
        for bad in [
            text.replace("101", "200"),
            text.replace("s3p", "t3p"),
            text.replace("ACCEPT", "ACCEPTED"),
            format!("{text}x"),
        ] {
            assert!(Response::new().handle_bytes(bad.as_bytes()).is_err());
        }
    }

    #[test]
    fn finds_the_extensions_of_an_answer() {
        let mut response = Response::new();
        assert!(response.handle_bytes(GOOD).unwrap());
        assert_eq!(response.extensions().count(), 0);
        let lines = "\r\nSEC-websocket-extensions:  a; b \r\nSec-WebSocket-Extensions:c\r\n\r\n";
        let answer = [&GOOD[..GOOD.len() - 4], lines.as_bytes()].concat();
        let mut response = Response::new();
        assert!(response.handle_bytes(&answer).unwrap());
        assert!(response.extensions().eq([&b"a; b"[..], b"c"]));
    }

    #[test]
    fn offers_extensions_in_a_line_of_their_own() {
        let request = request_with("x");
        let end = b"Version: 13\r\nSec-WebSocket-Extensions: x\r\n\r\n";
        assert!(request.ends_with(end) && request.starts_with(b"GET / "));
    }

    #[test]
    fn rejects_an_answer_without_an_end() {
        let mut response = Response::new();
        assert!(!response.handle_bytes(&[b'x'; MAX_RESPONSE]).unwrap());
        assert!(response.handle_bytes(b"x").is_err());
    }
}
