//! Negotiating permessage-deflate (RFC 7692, sections 5 and 7.1).

use super::deflate::MAX_WINDOW_BITS;
use super::failure::Failure;

/// Whether messages may refer to earlier ones of the connection: what both directions are asked to
/// do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takeover {
    Both,
    None,
}

impl Takeover {
    /// The value of the request's `Sec-WebSocket-Extensions`.
    pub(crate) fn offer(self) -> &'static str {
        match self {
            Takeover::Both => "permessage-deflate; client_max_window_bits",
            Takeover::None => {
                "permessage-deflate; client_max_window_bits; \
                 client_no_context_takeover; server_no_context_takeover"
            }
        }
    }
}

/// What client and server have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// Whether a message of ours may refer to earlier ones.
    pub(crate) client_takeover: bool,
    /// Whether a message of the server may refer to earlier ones.
    pub(crate) server_takeover: bool,
    /// Size of our window.
    pub(crate) client_window_bits: u8,
}

impl Agreement {
    /// Reads the answer to the offer for `takeover`: the values of all `Sec-WebSocket-Extensions`.
    pub(crate) fn parse(
        takeover: Takeover,
        mut values: impl Iterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Agreement, Failure> {
        let value = values.next().ok_or(DECLINED)?;
        let text = std::str::from_utf8(value.as_ref()).map_err(|_| MALFORMED)?;
        let mut parts = text.split(';').map(str::trim);
        if parts.next() != Some("permessage-deflate") || values.next().is_some() {
            return Err(MALFORMED);
        }
        let mut parameters = Parameters::default();
        parts.try_for_each(|part| parameters.read(part))?;
        if takeover == Takeover::None && !parameters.server_no_context_takeover {
            return Err(Failure::Peer(
                "the server did not agree to server_no_context_takeover",
            ));
        }
        Ok(Agreement {
            client_takeover: takeover == Takeover::Both && !parameters.client_no_context_takeover,
            server_takeover: !parameters.server_no_context_takeover,
            client_window_bits: parameters.client_max_window_bits.unwrap_or(MAX_WINDOW_BITS),
        })
    }
}

/// The parameters of an answer as far as they were read.
#[derive(Default)]
struct Parameters {
    client_no_context_takeover: bool,
    server_no_context_takeover: bool,
    client_max_window_bits: Option<u8>,
    server_max_window_bits: Option<u8>,
}

impl Parameters {
    fn read(&mut self, part: &str) -> Result<(), Failure> {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(value.trim().trim_matches('"'))),
            None => (part, None),
        };
        let is_new = match (name, value) {
            ("client_no_context_takeover", None) => set(&mut self.client_no_context_takeover),
            ("server_no_context_takeover", None) => set(&mut self.server_no_context_takeover),
            ("client_max_window_bits", Some(text)) => {
                let bits = window_bits(text)?;
                if bits < 9 {
                    return Err(Failure::Peer(
                        "the server asks for client_max_window_bits=8, which zlib cannot do",
                    ));
                }
                self.client_max_window_bits.replace(bits).is_none()
            }
            ("server_max_window_bits", Some(text)) => self
                .server_max_window_bits
                .replace(window_bits(text)?)
                .is_none(),
            _ => false,
        };
        if is_new { Ok(()) } else { Err(MALFORMED) }
    }
}

/// Sets a flag; false if it was set.
fn set(flag: &mut bool) -> bool {
    !std::mem::replace(flag, true)
}

fn window_bits(text: &str) -> Result<u8, Failure> {
    let bits = text.parse().ok();
    bits.filter(|bits| (8..=MAX_WINDOW_BITS).contains(bits))
        .ok_or(MALFORMED)
}

const DECLINED: Failure = Failure::Peer("the server did not agree to permessage-deflate");

const MALFORMED: Failure =
    Failure::Peer("the server's answer to permessage-deflate makes no sense");

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(takeover: Takeover, value: &str) -> Result<Agreement, Failure> {
        Agreement::parse(takeover, [value].iter())
    }

    #[test]
    fn takes_the_plain_answer_as_takeover_in_both_directions() {
        let expected = Agreement {
            client_takeover: true,
            server_takeover: true,
            client_window_bits: 15,
        };
        let agreement = parse(Takeover::Both, "permessage-deflate").unwrap();
        assert_eq!(agreement, expected);
    }

    #[test]
    fn honours_every_parameter() {
        let agreement = parse(
            Takeover::Both,
            "permessage-deflate ;client_no_context_takeover; server_no_context_takeover ; \
             client_max_window_bits=\"10\"; server_max_window_bits = 8",
        );
        let expected = Agreement {
            client_takeover: false,
            server_takeover: false,
            client_window_bits: 10,
        };
        assert_eq!(agreement.unwrap(), expected);
    }

    #[test]
    fn never_takes_the_context_over_if_that_was_offered() {
        let value = "permessage-deflate; server_no_context_takeover";
        let agreement = parse(Takeover::None, value).unwrap();
        assert!(!agreement.client_takeover && !agreement.server_takeover);
        assert!(parse(Takeover::None, "permessage-deflate").is_err());
    }

    #[test]
    fn rejects_what_was_not_offered_and_what_makes_no_sense() {
        for value in [
            "",
            "x-webkit-deflate-frame",
            "permessage-deflate, permessage-deflate",
            "permessage-deflate;",
            "permessage-deflate; level=9",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        ] {
            assert!(parse(Takeover::Both, value).is_err(), "{value}");
        }
        let twice = ["permessage-deflate"; 2];
        assert!(Agreement::parse(Takeover::Both, twice.iter()).is_err());
        assert!(Agreement::parse(Takeover::Both, [""; 0].iter()).is_err());
    }
}
