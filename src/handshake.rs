//! The handshake's functions for JavaScript. They run once a connection, so
//! the wrappers are generated.

use ferrows_protocol::extension;
use ferrows_protocol::handshake::{self, RequestError};
use ferrows_protocol::{HeaderError, subprotocol};
use napi::Either;
use napi::bindgen_prelude::Either3;
use napi_derive::napi;

/// The version of the addon, that of the package it was built for.
#[napi]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455,
/// section 4.2.2, item 5.4).
#[napi]
pub(crate) fn accept_key(key: String) -> String {
    handshake::accept_key(&key)
}

/// Checks the request of a client (RFC 6455, section 4.2.1).
///
/// Gives 0 when it is fine, else the number of the first check that it fails:
/// 1 method, 2 `Upgrade`, 3 `Sec-WebSocket-Key`, 4 `Sec-WebSocket-Version`.
#[napi]
pub(crate) fn check_upgrade(
    method: Option<String>,
    upgrade: Option<String>,
    key: Option<String>,
    version: Option<String>,
) -> u32 {
    let checked = handshake::check_request(
        method.as_deref(),
        upgrade.as_deref(),
        key.as_deref(),
        version.as_deref(),
    );
    match checked {
        Ok(()) => 0,
        Err(RequestError::Method) => 1,
        Err(RequestError::Upgrade) => 2,
        Err(RequestError::Key) => 3,
        Err(RequestError::Version) => 4,
    }
}

/// The parameters of one extension: names, each with a value or `true`.
type Params = Vec<(String, Either<String, bool>)>;

/// Parses a `Sec-WebSocket-Extensions` header (RFC 6455, section 9.1).
///
/// Gives the extensions in order, or where it went wrong: the index of the
/// character, -1 for the end of the header.
#[napi(ts_return_type = "number | Array<[string, Array<[string, string | true]>]>")]
pub(crate) fn parse_extensions(header: String) -> Either<i32, Vec<(String, Params)>> {
    match extension::parse(&header) {
        Ok(extensions) => Either::B(
            extensions
                .into_iter()
                .map(|one| (one.name, one.params.into_iter().map(param).collect()))
                .collect(),
        ),
        Err(error) => Either::A(position(&error)),
    }
}

fn param((name, value): (String, Option<String>)) -> (String, Either<String, bool>) {
    (name, value.map_or(Either::B(true), Either::A))
}

/// Parses a `Sec-WebSocket-Protocol` header (RFC 6455, section 4.1, item 10).
///
/// Gives the names in order, the name that stands there twice, or a position
/// as `parseExtensions` does.
#[napi]
pub(crate) fn parse_subprotocols(header: String) -> Either3<i32, String, Vec<String>> {
    match subprotocol::parse(&header) {
        Ok(names) => Either3::C(names),
        Err(HeaderError::Duplicate(name)) => Either3::B(name),
        Err(error) => Either3::A(position(&error)),
    }
}

fn position(error: &HeaderError) -> i32 {
    match error {
        HeaderError::UnexpectedCharacter(index) => i32::try_from(*index).unwrap_or(i32::MAX),
        HeaderError::UnexpectedEnd | HeaderError::Duplicate(_) => -1,
    }
}
