//! Payloads of received frames into bytes (RFC 7692 section 7.2.2).

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::FLUSH_TAIL;

/// What a [`Decompressor`] is made with; fixed for the life of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecompressorSettings {
    /// 8 to 15, as negotiated: how far back the peer refers. One that goes beyond it is believed, since
    /// zlib-rs keeps 32 KiB in any case.
    pub window_bits: u8,
    /// Whether a message may refer back to those before it (RFC 7692 section 7.1.1).
    pub context_takeover: bool,
    /// Bytes that a message may have once it is inflated; 0 is no limit.
    pub max_payload: u64,
    /// What the first message of a context may refer back to.
    pub dictionary: Arc<[u8]>,
}

/// Why a payload cannot be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateError {
    /// It is no DEFLATE data; what is wrong with it, in zlib's words.
    Data(&'static str),
    /// It would be longer than [`DecompressorSettings::max_payload`].
    TooLong,
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(reason) => write!(f, "not DEFLATE data: {reason}"),
            Self::TooLong => f.write_str("inflated data is over the payload limit"),
        }
    }
}

impl Error for InflateError {}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The payload is inflated.
    Done,
    /// As much was inflated as should be in one call; call again with the same payload.
    More,
}

/// Inflates the messages of one connection.
///
/// It has no state of zlib's (40 KiB, of which little data touches little) before the first payload,
/// and none between messages without context takeover.
pub struct Decompressor {
    settings: DecompressorSettings,
    stream: Option<Inflate>,
    /// A final block has ended the stream, and nothing has come after it.
    ended: bool,
    /// What is being read of the present payload.
    stage: Stage,
}

/// The part of a payload that is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// What came.
    Payload,
    /// What the sender cut off, from this byte on.
    Tail(usize),
}

impl Decompressor {
    /// A decompressor at the start of a stream.
    pub fn new(settings: DecompressorSettings) -> Self {
        Self {
            settings,
            stream: None,
            ended: false,
            stage: Stage::Payload,
        }
    }

    /// What it was made with.
    pub fn settings(&self) -> &DecompressorSettings {
        &self.settings
    }

    /// Gives its memory back and begins a new stream.
    pub fn reset(&mut self) {
        self.stream = None;
        self.ended = false;
        self.stage = Stage::Payload;
    }

    /// Inflates a frame's `payload` from `at` on, moves `at` on, and appends to `out`; `fin` says that
    /// the frame ends its message.
    ///
    /// `out` holds what the message's frames before gave. About `budget` bytes are made in one call.
    ///
    /// A final block ends the stream (RFC 7692 section 7.2.3.4), and a new one begins. What a payload
    /// holds behind it is ignored.
    ///
    /// # Errors
    ///
    /// What is wrong with the payload; a new stream begins, and `out` is no message. It is never longer
    /// than the limit and one byte.
    pub fn inflate(
        &mut self,
        payload: &[u8],
        at: &mut usize,
        fin: bool,
        out: &mut Vec<u8>,
        budget: usize,
    ) -> Result<Progress, InflateError> {
        let result = self.inflate_some(payload, at, fin, out, budget);
        match result {
            Ok(Progress::More) => {}
            Ok(Progress::Done) => {
                self.stage = Stage::Payload;
                if fin && !self.settings.context_takeover {
                    self.reset();
                }
            }
            Err(_) => self.reset(),
        }
        result
    }

    fn inflate_some(
        &mut self,
        payload: &[u8],
        at: &mut usize,
        fin: bool,
        out: &mut Vec<u8>,
        budget: usize,
    ) -> Result<Progress, InflateError> {
        let end = out.len().saturating_add(budget.max(1));
        loop {
            let (input, is_last): (&[u8], bool) = match self.stage {
                Stage::Payload => (&payload[*at..], !fin),
                Stage::Tail(from) => (&FLUSH_TAIL[from..], true),
            };
            if self.ended && !input.is_empty() {
                self.ended = false;
                return Ok(Progress::Done);
            }
            let room = self.room(input.len(), out.len(), end - out.len());
            let step = self.step(input, out, room)?;
            if self.settings.max_payload > 0 && out.len() as u64 > self.settings.max_payload {
                return Err(InflateError::TooLong);
            }
            match &mut self.stage {
                Stage::Payload => *at += step.read,
                Stage::Tail(from) => *from += step.read,
            }
            if step.ended {
                self.stream = None;
                self.ended = is_last && step.read == input.len();
                return Ok(Progress::Done);
            }
            // zlib takes no more than 4 GiB at a time.
            if step.written < room && step.read == input.len() {
                if is_last {
                    return Ok(Progress::Done);
                }
                self.stage = Stage::Tail(0);
            } else if out.len() >= end {
                return Ok(Progress::More);
            } else if (step.read, step.written) == (0, 0) {
                return Err(InflateError::Data("no progress"));
            }
        }
    }

    /// One call of zlib with at most `room` bytes of output.
    fn step(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> Result<Step, InflateError> {
        let stream = self
            .stream
            .get_or_insert_with(|| start_stream(&self.settings));
        let start = out.len();
        out.resize(start + room, 0);
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let result = stream.decompress(input, &mut out[start..], InflateFlush::SyncFlush);
        let written = (stream.total_out() - before_out) as usize;
        out.truncate(start + written);
        match result {
            Ok(status) => Ok(Step {
                read: (stream.total_in() - before_in) as usize,
                written,
                ended: status == Status::StreamEnd,
            }),
            Err(_) => Err(InflateError::Data(match stream.error_message() {
                // zlib-rs has forgotten which of them it was.
                None | Some("repeated call with bad state") => "invalid code or distance",
                Some(reason) => reason,
            })),
        }
    }

    /// Room to make for what `input` bytes may become; `made` bytes are there of the message, and
    /// `left` are to be made in this call.
    ///
    /// Never more than the limit and the one byte that shows that it is exceeded.
    fn room(&self, input: usize, made: usize, left: usize) -> usize {
        let wanted = (input.saturating_mul(USUAL_RATIO)).max(made).max(MIN_ROOM);
        let allowed = match self.settings.max_payload {
            0 => usize::MAX,
            limit => usize::try_from(limit)
                .unwrap_or(usize::MAX)
                .saturating_sub(made)
                .saturating_add(1),
        };
        wanted.min(allowed).min(left)
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor")
            .field("settings", &self.settings)
            .field("has_stream", &self.stream.is_some())
            .field("stage", &self.stage)
            .finish()
    }
}

/// What one call of zlib did.
struct Step {
    read: usize,
    written: usize,
    /// The final block of the stream is over.
    ended: bool,
}

fn start_stream(settings: &DecompressorSettings) -> Inflate {
    let mut stream = Inflate::new(false, settings.window_bits);
    if !settings.dictionary.is_empty() {
        let set = stream.set_dictionary(&settings.dictionary);
        debug_assert!(set.is_ok(), "raw data takes a dictionary at any time");
    }
    stream
}

/// How much longer inflated data is to be expected than it was: that of JSON is 3 to 6 times as long.
pub const USUAL_RATIO: usize = 6;

const MIN_ROOM: usize = 256;
