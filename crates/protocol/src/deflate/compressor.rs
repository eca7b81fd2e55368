//! Messages to send into compressed payloads (RFC 7692 section 7.2.1).

use std::fmt;
use std::sync::Arc;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use super::FLUSH_TAIL;
use super::encoder::MessageEncoder;
use super::history::History;

/// How matches are looked for and coded, as zlib names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// For usual data.
    #[default]
    Default,
    /// For data made of small values with a somewhat random distribution.
    Filtered,
    /// No matches at all.
    HuffmanOnly,
    /// Only matches with the byte before.
    Rle,
    /// No codes made to measure.
    Fixed,
}

/// What a [`Compressor`] is made with; fixed for the life of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompressorSettings {
    /// 0 (store only) to 9 (smallest); zlib's default is 6.
    pub level: u8,
    /// 1 to 9; 8 is zlib's default.
    pub mem_level: u8,
    /// How matches are looked for.
    pub strategy: Strategy,
    /// 8 to 15, as negotiated: how far back matches reach.
    pub window_bits: u8,
    /// Whether a message may refer back to those before it (RFC 7692 section 7.1.1).
    pub context_takeover: bool,
    /// What the first message of a context may refer back to.
    pub dictionary: Arc<[u8]>,
}

/// What finds matches and codes them, for one direction of a connection: 100 to 400 kilobytes.
///
/// It is lent to a [`Compressor`] while that is in use. Between two messages everything that matters
/// in it can be made again from the last bytes that went through it.
///
/// With the default settings it is an encoder of our own, made for messages; zlib-rs does the work for
/// all others, whose meaning zlib defines.
pub struct Encoder {
    method: Method,
    level: u8,
    mem_level: u8,
    strategy: Strategy,
    window_bits: u8,
}

enum Method {
    Own(Box<MessageEncoder>),
    Zlib(Deflate),
}

impl Encoder {
    fn new(settings: &CompressorSettings) -> Self {
        let &CompressorSettings {
            level,
            mem_level,
            strategy,
            window_bits,
            ..
        } = settings;
        let usual = (level, mem_level, strategy) == (6, 8, Strategy::Default);
        let method = if usual {
            Method::Own(Box::new(MessageEncoder::new(window_bits)))
        } else {
            Method::Zlib(Deflate::new_with_config(DeflateConfig {
                level: level.into(),
                method: zlib_rs::Method::Deflated,
                // The smallest window of zlib's for raw data is 2^9, in which matches reach back 250
                // bytes: 2^8 is enough to read them.
                window_bits: -i32::from(window_bits.max(9)),
                mem_level: mem_level.into(),
                strategy: strategy.into(),
            }))
        };
        Self {
            method,
            level,
            mem_level,
            strategy,
            window_bits,
        }
    }

    /// Whether it does what `settings` ask for.
    fn suits(&self, settings: &CompressorSettings) -> bool {
        self.level == settings.level
            && self.mem_level == settings.mem_level
            && self.strategy == settings.strategy
            && self.window_bits == settings.window_bits
    }

    /// Forgets what went through it and goes on after `history`.
    fn restart(&mut self, history: &[u8]) {
        match &mut self.method {
            Method::Own(encoder) => encoder.restart(history),
            Method::Zlib(deflate) => {
                deflate.reset();
                if !history.is_empty() {
                    let set = deflate.set_dictionary(history);
                    debug_assert!(set.is_ok(), "nothing stands in the way of a dictionary");
                }
            }
        }
    }

    /// Appends the compressed `data`, ended by a flush, to `out`; false if `go_on` said no.
    fn compress(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
        mut go_on: impl FnMut() -> bool,
    ) -> bool {
        let deflate = match &mut self.method {
            Method::Own(encoder) => return encoder.compress(data, out, go_on),
            Method::Zlib(deflate) => deflate,
        };
        let mut slices = data.chunks(SLICE).peekable();
        while let Some(mut slice) = slices.next() {
            if !go_on() {
                return false;
            }
            let flush = match slices.peek() {
                Some(_) => DeflateFlush::NoFlush,
                None => DeflateFlush::SyncFlush,
            };
            while !write(deflate, &mut slice, flush, out) {}
        }
        true
    }
}

/// One call of zlib, which appends to `out`; true if all output is there.
fn write(deflate: &mut Deflate, data: &mut &[u8], flush: DeflateFlush, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let room = data.len() + data.len() / 8 + ROOM;
    out.resize(start + room, 0);
    let (before_in, before_out) = (deflate.total_in(), deflate.total_out());
    // The only error is that of a state made wrong; then nothing moves, and `room` is left.
    let result = deflate.compress(data, &mut out[start..], flush);
    debug_assert!(result.is_ok());
    *data = &data[(deflate.total_in() - before_in) as usize..];
    let written = (deflate.total_out() - before_out) as usize;
    out.truncate(start + written);
    written < room
}

impl From<Strategy> for zlib_rs::Strategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Default => Self::Default,
            Strategy::Filtered => Self::Filtered,
            Strategy::HuffmanOnly => Self::HuffmanOnly,
            Strategy::Rle => Self::Rle,
            Strategy::Fixed => Self::Fixed,
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("level", &self.level)
            .field("mem_level", &self.mem_level)
            .field("strategy", &self.strategy)
            .field("window_bits", &self.window_bits)
            .finish_non_exhaustive()
    }
}

/// Compresses the messages of one connection.
///
/// An idle one is small: it holds the bytes that the next message may refer back to, at most a
/// window of 32 KiB, and no [`Encoder`] unless it was lent one.
#[derive(Debug)]
pub struct Compressor {
    settings: CompressorSettings,
    /// What the peer has in its window, as far as data to come may refer to it.
    history: History,
    encoder: Option<Encoder>,
    /// Whether the encoder stands at the end of `history`.
    in_place: bool,
}

impl Compressor {
    /// A compressor at the start of a stream.
    pub fn new(settings: CompressorSettings) -> Self {
        let mut history = History::new(settings.window_bits.max(9));
        history.push(&settings.dictionary);
        Self {
            settings,
            history,
            encoder: None,
            in_place: false,
        }
    }

    /// Whether it has an encoder; else it is to be lent one, or makes one of its own.
    pub fn has_encoder(&self) -> bool {
        self.encoder.is_some()
    }

    /// Whether it wants to keep its encoder from one message to the next.
    pub fn keeps_encoder(&self) -> bool {
        self.settings.context_takeover
    }

    /// Whether an encoder could be lent to it.
    pub fn accepts(&self, encoder: &Encoder) -> bool {
        encoder.suits(&self.settings)
    }

    /// Takes an encoder that somebody else is done with; one that it does not accept is dropped.
    pub fn lend(&mut self, encoder: Encoder) {
        if self.accepts(&encoder) {
            self.encoder = Some(encoder);
            self.in_place = false;
        }
    }

    /// Gives the encoder back, between two messages or two fragments of one.
    pub fn take_encoder(&mut self) -> Option<Encoder> {
        self.encoder.take()
    }

    /// Begins a new stream.
    pub fn reset(&mut self) {
        self.history.clear();
        self.history.push(&self.settings.dictionary);
        self.in_place = false;
    }

    /// Whether the encoder holds nothing that the next message needs.
    pub fn is_at_rest(&self) -> bool {
        !self.in_place
    }

    /// Compresses a frame's payload and appends it to `out`; `fin` ends the message.
    ///
    /// Larger data is worked on slice by slice, and before each `go_on` is asked. False says that it
    /// was answered with no: then the compressor cannot be used any more.
    pub fn compress(
        &mut self,
        data: &[u8],
        fin: bool,
        out: &mut Vec<u8>,
        go_on: impl FnMut() -> bool,
    ) -> bool {
        if data.is_empty() {
            // What a flush gives that has nothing to flush: an empty stored block.
            out.push(0);
            if !fin {
                out.extend_from_slice(&FLUSH_TAIL);
            }
        } else {
            let mut encoder = self.encoder_in_place();
            if !encoder.compress(data, out, go_on) {
                return false;
            }
            if fin {
                out.truncate(out.len() - FLUSH_TAIL.len());
            }
            self.encoder = Some(encoder);
            self.in_place = true;
        }
        if self.settings.context_takeover || !fin {
            self.history.push(data);
        } else {
            self.reset();
        }
        true
    }

    /// Bytes of heap memory, without those of the encoder.
    pub fn memory(&self) -> usize {
        self.history.memory()
    }

    /// Takes the encoder, or a new one, and puts it where the stream is.
    fn encoder_in_place(&mut self) -> Encoder {
        let existing = self.encoder.take();
        let fresh = existing.is_none();
        let mut encoder = existing.unwrap_or_else(|| Encoder::new(&self.settings));
        if fresh || !self.in_place {
            encoder.restart(self.history.in_order());
        }
        encoder
    }
}

/// Bytes between two questions whether to go on: about a millisecond's work at the default level.
const SLICE: usize = 64 * 1024;

/// Output of a flush that has little to flush.
const ROOM: usize = 64;
