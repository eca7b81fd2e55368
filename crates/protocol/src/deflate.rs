//! permessage-deflate (RFC 7692): messages as raw DEFLATE (RFC 1951), without I/O or threads.
//!
//! | type | what it does |
//! | --- | --- |
//! | [`Compressor`] | messages to send into compressed payloads |
//! | [`Decompressor`] | payloads of received frames into bytes |
//! | [`InflatedMessage`] | the frames of a compressed message into a message |
//!
//! This is the only place that knows which library does the work: `zlib-rs`, a port of zlib to
//! Rust. Its own interface is used, since `flate2` has no memory level and no strategy.

mod compressor;
mod decompressor;
mod encoder;
mod history;
mod message;
#[cfg(test)]
mod tests;

pub use compressor::{Compressor, CompressorSettings, Encoder, Strategy};
pub use decompressor::{Decompressor, DecompressorSettings, InflateError, Progress, USUAL_RATIO};
pub use message::InflatedMessage;

/// How a flushed DEFLATE stream ends; a payload goes without it (RFC 7692 section 7.2.1).
const FLUSH_TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The largest window, 32 KiB, as its number of bits.
pub const MAX_WINDOW_BITS: u8 = 15;
