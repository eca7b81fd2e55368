//! The WebSocket protocol (RFC 6455) as pure state: bytes in, events out.
//!
//! Nothing here does I/O, reads a clock or makes random numbers; sockets, timers and mask keys belong
//! to the caller. The same input gives the same output at any chunking, and every limit is checked
//! before memory is spent.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`decoder`] | received chunks into [`Event`]s: frames, message assembly, every check of a peer's bytes |
//! | [`frame`] | frame headers and whole frames to send |
//! | [`close`] | close codes, and the body of a close frame |
//! | [`mask`], [`utf8`] | the two passes over payload bytes |
//! | [`deflate`] | compressed messages (RFC 7692) |
//! | [`handshake`], [`extension`], [`subprotocol`] | the opening handshake and its header fields |
//!
//! A peer's mistake is a [`ProtocolError`], the caller's a [`MisuseError`]; neither is ever a panic.

#![forbid(unsafe_code)]

pub mod close;
pub mod decoder;
pub mod deflate;
pub mod error;
pub mod event;
pub mod extension;
pub mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod handshake;
pub mod mask;
pub mod opcode;
pub mod subprotocol;
mod token;
pub mod utf8;

pub use close::CloseCode;
pub use decoder::{Decoder, DecoderConfig, Limits, Side};
pub use error::{HeaderError, MisuseError, ProtocolError};
pub use event::{Event, FrameLengths, MessageKind, Payload};
pub use opcode::OpCode;
