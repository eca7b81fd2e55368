//! Events as JavaScript gets them: descriptors, and values of their own.
//!
//! A descriptor is four words of a `Uint32Array`; `receive` and `io` say what stands before the
//! first one.
//!
//! ```text
//! word   0                1                        2        3
//!        kind and flags    offset in the chunk or   length   Close: the code
//!                          the slab, or index in             FRAMES: index in `owned`
//!                          `owned`                           FAILED: the close code
//! ```

use ferrows_engine::{Inbound, spare_buffers};
use ferrows_protocol::{Event, MessageKind, OpCode, Payload, ProtocolError};
use napi_sys as sys;

use crate::raw::Call;
#[cfg(unix)]
use crate::values::set_element;
use crate::values::{copied_buffer, frame_lengths, js_error, new_buffer};

/// The descriptors and values of one call.
pub(crate) struct Batch<'a> {
    pub(crate) call: &'a Call<'a>,
    pub(crate) words: &'a mut [u32],
    pub(crate) slab: &'a mut [u8],
    /// Bytes of `slab` that are in use.
    pub(crate) used: usize,
    pub(crate) count: u32,
    /// What the array `owned` gets.
    pub(crate) owned: Vec<sys::napi_value>,
}

#[cfg(unix)]
impl<'a> Batch<'a> {
    /// A slice of what sockets have brought, for a call with the arguments (words, owned, slab): payloads
    /// are copied, and the second word tells the bytes of the slab in use.
    pub(crate) fn slice(call: &'a Call<'a>) -> Option<Self> {
        // SAFETY: no JavaScript runs before the last use of this borrow and the next.
        let words = unsafe { call.words_mut(0)? };
        let memory = call.memory(2)?;
        if memory.overlaps(words) || words.len() < MIN_SLICE_WORDS {
            return None;
        }
        let used = words[1] as usize;
        Some(Self {
            call,
            words,
            // SAFETY: as above, and the two are different memory.
            slab: unsafe { memory.slice_mut() },
            used,
            count: 0,
            owned: Vec::new(),
        })
    }

    /// Whether a slice has room for so many lines, and for a failure.
    pub(crate) fn has_room(&self, lines: usize) -> bool {
        (self.count as usize + lines + 2) * WORDS <= self.words.len()
            && self.slab.len().saturating_sub(self.used) >= SLAB_LIMIT
    }

    /// Ends a slice; gives what [`deliver_slice`] needs.
    pub(crate) fn end_slice(self) -> Option<Slice> {
        self.words[1] = u32::try_from(self.used).ok()?;
        Some((self.count, self.owned))
    }
}

/// The number of lines, and the values for the array `owned`.
#[cfg(unix)]
pub(crate) type Slice = (u32, Vec<sys::napi_value>);

/// The result of a call that has filled a slice. Nothing is to be borrowed any more: a setter on
/// `Array.prototype` would be called.
#[cfg(unix)]
pub(crate) fn deliver_slice(call: &Call, (count, owned): Slice) -> Option<sys::napi_value> {
    for (index, value) in (0..).zip(owned) {
        set_element(call, call.value(1), index, value)?;
    }
    call.number(count)
}

impl Batch<'_> {
    /// One place is kept for a failure.
    pub(crate) fn is_full(&self) -> bool {
        (self.count as usize + 3) * WORDS > self.words.len()
    }

    /// Adds an event. Payloads that lie whole in its chunk are named there, unless `chunk` is given:
    /// then they are copied from it.
    pub(crate) fn push(&mut self, event: Event, chunk: Option<&[u8]>) -> Option<()> {
        match event {
            Event::Message {
                kind,
                payload,
                frames,
            } => {
                let opcode = match kind {
                    MessageKind::Text => OpCode::TEXT,
                    MessageKind::Binary => OpCode::BINARY,
                };
                let (mut flags, mut extra) = (0, 0);
                if !frames.is_empty() {
                    flags = FRAMES;
                    let lengths = frame_lengths(self.call, &frames)?;
                    extra = self.own(lengths);
                }
                self.push_payload(opcode, flags, payload, extra, chunk)
            }
            // `Inbound` inflates them.
            Event::Compressed { .. } => None,
            Event::Ping(payload) => self.push_payload(OpCode::PING, 0, payload, 0, chunk),
            Event::Pong(payload) => self.push_payload(OpCode::PONG, 0, payload, 0, chunk),
            Event::Close { code, reason } => {
                self.push_payload(OpCode::CLOSE, 0, reason, u32::from(code.value()), chunk)
            }
        }
    }

    fn push_payload(
        &mut self,
        opcode: OpCode,
        flags: u32,
        payload: Payload,
        extra: u32,
        chunk: Option<&[u8]>,
    ) -> Option<()> {
        let kind = u32::from(opcode.value()) | flags;
        if payload.is_empty() {
            return self.put([kind, 0, 0, extra]);
        }
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        match payload {
            Payload::InChunk(range) => {
                let Some(chunk) = chunk else {
                    let start = u32::try_from(range.start).ok()?;
                    return self.put([kind, start, length, extra]);
                };
                let bytes = chunk.get(range)?;
                if let Some(offset) = self.put_in_slab(bytes) {
                    return self.put([kind | IN_SLAB, offset, length, extra]);
                }
                let buffer = copied_buffer(self.call, bytes)?;
                let index = self.own(buffer);
                self.put([kind | OWNED, index, length, extra])
            }
            Payload::Owned(bytes) => {
                if let Some(offset) = self.put_in_slab(&bytes) {
                    spare_buffers::give(bytes);
                    return self.put([kind | IN_SLAB, offset, length, extra]);
                }
                let buffer = new_buffer(self.call, bytes)?;
                let index = self.own(buffer);
                self.put([kind | OWNED, index, length, extra])
            }
        }
    }

    /// Copies a small payload into the slab, if there is room, and gives its place.
    fn put_in_slab(&mut self, bytes: &[u8]) -> Option<u32> {
        let offset = u32::try_from(self.used).ok()?;
        let end = self.used.checked_add(bytes.len())?;
        let room = self.slab.get_mut(self.used..end)?;
        if room.len() > SLAB_LIMIT {
            return None;
        }
        room.copy_from_slice(bytes);
        self.used = end;
        Some(offset)
    }

    /// Adds that nothing goes on before some work is done; `index` is where in `owned` what follows is.
    pub(crate) fn push_suspension(&mut self, inbound: &Inbound, index: u32) -> Option<()> {
        let bytes = u32::try_from(inbound.work_bytes()).unwrap_or(u32::MAX);
        let is_light = u32::from(inbound.may_work_here());
        self.put([SUSPENDED, bytes, index, is_light])
    }

    /// Adds what ends the input.
    pub(crate) fn push_failure(&mut self, failure: &ProtocolError) -> Option<()> {
        let value = js_error(self.call, failure)?;
        let index = self.own(value);
        self.put([FAILED, index, 0, u32::from(failure.close_code().value())])
    }

    /// Adds a descriptor.
    pub(crate) fn put(&mut self, descriptor: [u32; WORDS]) -> Option<()> {
        let start = (self.count as usize + 1) * WORDS;
        self.words
            .get_mut(start..start + WORDS)?
            .copy_from_slice(&descriptor);
        self.count += 1;
        Some(())
    }

    /// Keeps a value for the array `owned`; gives its index there.
    pub(crate) fn own(&mut self, value: sys::napi_value) -> u32 {
        self.owned.push(value);
        self.owned.len() as u32 - 1
    }
}

/// Bytes beyond which a payload has memory of its own, and no slab is kept alive by
/// it.
const SLAB_LIMIT: usize = 4 * 1024;

/// Words in a descriptor.
pub(crate) const WORDS: usize = 4;

// The first word of a descriptor: the opcode, and what else is to be known.
const OWNED: u32 = 0x10;
const IN_SLAB: u32 = 0x20;
const FRAMES: u32 = 0x40;
const FAILED: u32 = 0x80;
/// Not an event: nothing goes on before `startInflate` has done its work, which
/// has as many bytes of input as the second word says. If the fourth is 1, decoding
/// once more does it too, at least in part.
const SUSPENDED: u32 = 0x100;

/// Words for a group of one event and a failure.
#[cfg(unix)]
const MIN_SLICE_WORDS: usize = 8 * WORDS;
