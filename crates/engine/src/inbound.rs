//! Received bytes into events, compressed messages included.
//!
//! Small payloads are inflated where they are. Larger ones become [`InflateWork`], which any thread
//! may do; nothing that follows on the connection is looked at before it comes back. Where there are
//! threads that have a processor of their own, one of middle size is suspended as well if nothing
//! follows it in its chunk: if other connections have such payloads at the same time they are better
//! done elsewhere, and else by polling once more.

use ferrows_protocol::deflate::{Decompressor, InflatedMessage, Progress, USUAL_RATIO};
use ferrows_protocol::{Decoder, DecoderConfig, Event, MessageKind, Payload, ProtocolError};

use crate::spare_buffers;

#[cfg(test)]
mod tests;

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Inbound {
    decoder: Decoder,
    validate_utf8: bool,
    max_payload: u64,
    /// The longest payload at the end of a chunk that is inflated where it is.
    longest_last: usize,
    /// The compressed message of which more frames must come.
    message: Option<InflatedMessage>,
    /// What has to be inflated before anything else.
    work: Option<InflateWork>,
    /// The work is being done elsewhere.
    is_away: bool,
    /// Bytes that may still be made of the present chunk before the rest is put off.
    allowance: usize,
}

/// What [`Inbound::poll`] has found.
#[derive(Debug)]
pub enum Polled {
    /// Something complete.
    Event(Event),
    /// Work that must be done first: see [`Inbound::take_work`].
    Suspended,
    /// The chunk is used up.
    Nothing,
}

impl Inbound {
    /// The beginning of a connection.
    pub fn new(config: DecoderConfig) -> Self {
        Self {
            decoder: Decoder::new(config),
            validate_utf8: config.validate_utf8,
            max_payload: config.limits.max_payload,
            longest_last: INLINE_PAYLOAD,
            message: None,
            work: None,
            is_away: false,
            allowance: 0,
        }
    }

    /// Says whether others may do its work while this thread does something else; at first they may not.
    pub fn set_helpers(&mut self, has_helpers: bool) {
        self.longest_last = if has_helpers {
            SMALL_PAYLOAD
        } else {
            INLINE_PAYLOAD
        };
    }

    /// Announces a chunk, as [`Decoder::handle_chunk`] does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn handle_chunk(&mut self) -> Result<(), ProtocolError> {
        self.allowance = ALLOWANCE;
        self.decoder.handle_chunk()
    }

    /// Takes bytes from `chunk[*at..]` and gives the next event, as [`Decoder::poll_event`] does, but
    /// never a compressed one. Without a `decompressor` all of those are suspended.
    ///
    /// # Errors
    ///
    /// What the peer did wrong; the rest of the stream is swallowed.
    pub fn poll(
        &mut self,
        chunk: &mut [u8],
        at: &mut usize,
        decompressor: Option<&mut Decompressor>,
    ) -> Result<Polled, ProtocolError> {
        let result = self.decode(chunk, at, decompressor);
        if result.is_err() {
            self.decoder.finish();
            self.message = None;
            *at = chunk.len();
        }
        result
    }

    /// Bytes of input of the work that [`Polled::Suspended`] stands for.
    pub fn work_bytes(&self) -> usize {
        self.work.as_ref().map_or(0, |work| work.payload.len())
    }

    /// Whether polling again would do that work, at least in part.
    pub fn may_work_here(&self) -> bool {
        self.allowance > 0 && self.work_bytes() <= INLINE_PAYLOAD
    }

    /// The work that [`Polled::Suspended`] stands for, once.
    pub fn take_work(&mut self) -> Option<InflateWork> {
        let work = self.work.take();
        self.is_away |= work.is_some();
        work
    }

    /// Takes the work back when it is done; what came of it is polled next.
    pub fn handle_work(&mut self, work: InflateWork) {
        self.is_away = false;
        self.work = Some(work);
    }

    fn decode(
        &mut self,
        chunk: &mut [u8],
        at: &mut usize,
        mut decompressor: Option<&mut Decompressor>,
    ) -> Result<Polled, ProtocolError> {
        if self.is_away {
            return Ok(Polled::Suspended);
        }
        loop {
            if let Some(mut work) = self.work.take() {
                if work.outcome.is_none() {
                    let payload = std::mem::take(&mut work.payload);
                    let decompressor = decompressor.as_deref_mut();
                    self.inflate_here(&mut work, &payload, INLINE_PAYLOAD, decompressor);
                    work.payload = payload;
                }
                if work.outcome.is_none() {
                    self.work = Some(work);
                    return Ok(Polled::Suspended);
                }
                if let Some(event) = self.take_result(work)? {
                    return Ok(Polled::Event(event));
                }
            }
            let (mut work, payload) = match self.decoder.poll_event(chunk, at)? {
                None => return Ok(Polled::Nothing),
                Some(Event::Compressed {
                    kind,
                    first,
                    fin,
                    payload,
                }) => (self.start_work(kind, first, fin, payload.len()), payload),
                Some(event) => {
                    if matches!(event, Event::Close { .. }) {
                        self.message = None;
                    }
                    return Ok(Polled::Event(event));
                }
            };
            let longest = if *at < chunk.len() {
                INLINE_PAYLOAD
            } else {
                self.longest_last
            };
            let decompressor = decompressor.as_deref_mut();
            self.inflate_here(&mut work, payload.bytes(chunk), longest, decompressor);
            if work.outcome.is_none() {
                work.payload = match payload {
                    Payload::Owned(bytes) => bytes,
                    Payload::InChunk(range) => chunk[range].to_vec(),
                };
                self.work = Some(work);
                return Ok(Polled::Suspended);
            }
            self.work = Some(work);
        }
    }

    /// Inflates a payload on this thread, if it is not longer than `longest`.
    fn inflate_here(
        &mut self,
        work: &mut InflateWork,
        payload: &[u8],
        longest: usize,
        decompressor: Option<&mut Decompressor>,
    ) {
        if let Some(decompressor) = decompressor
            && payload.len() - work.at <= longest
            && self.allowance > 0
        {
            let made = work.step(decompressor, payload, self.allowance);
            self.allowance = self.allowance.saturating_sub(made);
        }
    }

    fn start_work(
        &mut self,
        kind: MessageKind,
        first: bool,
        fin: bool,
        bytes: usize,
    ) -> InflateWork {
        let message = match self.message.take() {
            Some(message) if !first => message,
            _ => {
                let expected = bytes.saturating_mul(USUAL_RATIO);
                let buffer = if expected < HAND_OVER {
                    spare_buffers::take(expected)
                } else {
                    Vec::new()
                };
                InflatedMessage::new(kind, self.validate_utf8)
                    .with_limit(self.max_payload)
                    .with_buffer(buffer)
            }
        };
        InflateWork {
            message,
            payload: Vec::new(),
            at: 0,
            fin,
            outcome: None,
        }
    }

    /// The message that finished work has completed, if it has.
    fn take_result(&mut self, work: InflateWork) -> Result<Option<Event>, ProtocolError> {
        match work.outcome {
            Some(Ok(None)) => self.message = Some(work.message),
            Some(outcome) => return outcome,
            None => {}
        }
        Ok(None)
    }
}

/// A payload to inflate, with what its message needs.
#[derive(Debug)]
pub struct InflateWork {
    message: InflatedMessage,
    payload: Vec<u8>,
    /// How much of `payload` is inflated.
    at: usize,
    fin: bool,
    /// The message, if the payload was the last of it; none while there is more to do.
    outcome: Option<Result<Option<Event>, ProtocolError>>,
}

impl InflateWork {
    /// Works to the end with the connection's decompressor, and asks every now and then whether to
    /// `go_on`.
    pub fn run(&mut self, decompressor: &mut Decompressor, go_on: impl Fn() -> bool) {
        let payload = std::mem::take(&mut self.payload);
        while self.outcome.is_none() && go_on() {
            self.step(decompressor, &payload, SLICE);
        }
        self.payload = payload;
    }

    /// Inflates about `budget` bytes and gives the number of them.
    fn step(&mut self, decompressor: &mut Decompressor, payload: &[u8], budget: usize) -> usize {
        let before = self.message.len();
        let result = self
            .message
            .inflate(decompressor, payload, &mut self.at, self.fin, budget);
        let made = self.message.len() - before;
        self.outcome = match result {
            Ok(Progress::More) => None,
            Ok(Progress::Done) if self.fin => {
                let message = InflatedMessage::new(MessageKind::Binary, false);
                Some(
                    std::mem::replace(&mut self.message, message)
                        .finish()
                        .map(Some),
                )
            }
            Ok(Progress::Done) => Some(Ok(None)),
            Err(error) => Some(Err(error)),
        };
        made
    }
}

/// The longest payload that is inflated where it is, in bytes: some 40 µs of work, less than a job
/// on another thread takes, unless it is one of many.
const INLINE_PAYLOAD: usize = 8 * 1024;

/// The same for the last one of a chunk where others may do it: some 5 µs, less than the thread of an
/// environment has to do for one job of many.
const SMALL_PAYLOAD: usize = 1024;

/// Bytes from which on JavaScript is given the memory of a message, in place of a copy.
///
/// Making a `Buffer` of external memory, and finalizing it, costs about as much as copying so many.
pub const HAND_OVER: usize = 32 * 1024;

/// Bytes that are inflated for one chunk where they are: some 100 µs of work.
const ALLOWANCE: usize = 128 * 1024;

/// Bytes between two questions whether to go on: about a millisecond's work.
const SLICE: usize = 1024 * 1024;
