//! Bytes in: one call decodes a whole chunk and describes every event in it.
//!
//! `decode` fills a `Uint32Array` of descriptors, four words each. The first
//! one tells where the decoder stopped; the rest are events in order:
//!
//! ```text
//! word   0                1                        2        3
//!  0     where it stopped  -                        -        -
//!  n     kind and flags    offset in the chunk, or  length   Close: the code
//!                          index in `owned`                  FRAMES: index in `owned`
//!                                                            FAILED: the close code
//! ```
//!
//! A payload that lies whole in the chunk is unmasked there and only named; one
//! that was assembled, and an `Error`, is an element of the array `owned`.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_void};
use std::ptr;
use std::rc::Rc;

use ferrows_protocol::{
    Decoder, DecoderConfig, Event, FrameLengths, Limits, MessageKind, OpCode, Payload, Side,
};
use napi::bindgen_prelude::Result;
use napi_sys as sys;

use crate::error;
use crate::raw::{Call, Exports, callback};

/// Exports `createDecoder` and `decode`.
pub(crate) fn export(exports: &Exports) -> Result<()> {
    let decoders = exports.environment_state(SharedDecoders::default())?.cast();
    exports.bound(c"createDecoder", create_decoder_shell, decoders)?;
    exports.bound(c"decode", decode_shell, decoders)
}

callback!(create_decoder_shell, create_decoder, 4);
callback!(decode_shell, decode, 5);

/// The decoders of one environment.
///
/// JavaScript holds a decoder as an `External` that carries the number of its
/// slot and never an address: whatever `External` comes back, and from whom
/// ever, is looked up here, and at worst is no number of a slot in use.
#[derive(Default)]
struct Decoders {
    /// None where a slot is free, or its decoder at work.
    slots: Vec<Option<Box<Decoder>>>,
    free: Vec<usize>,
}

/// Shared with the finalizers, which may run after the environment's hooks.
type SharedDecoders = Rc<RefCell<Decoders>>;

impl Decoders {
    fn insert(&mut self, decoder: Decoder) -> usize {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(Box::new(decoder));
        slot
    }

    fn remove(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.free.push(slot);
    }

    /// Takes a decoder out to work with it. It comes back by `put_back`.
    fn take(&mut self, slot: usize) -> Option<Box<Decoder>> {
        self.slots.get_mut(slot)?.take()
    }

    fn put_back(&mut self, slot: usize, decoder: Box<Decoder>) {
        self.slots[slot] = Some(decoder);
    }
}

/// `createDecoder(flags, maxPayload, maxFragments, maxBufferedChunks)`: limits
/// of 0 stand for none, flags are the constants below.
fn create_decoder(call: &Call) -> Option<sys::napi_value> {
    let flags = call.u32(0)?;
    let config = DecoderConfig {
        side: if flags & IS_SERVER != 0 {
            Side::Server
        } else {
            Side::Client
        },
        limits: Limits {
            max_payload: call.length(1)?,
            max_fragments: call.u32(2)?,
            max_buffered_chunks: call.u32(3)?,
        },
        validate_utf8: flags & VALIDATE_UTF8 != 0,
        compression: flags & COMPRESSION != 0,
    };
    let decoders = decoders(call);
    let slot = decoders.borrow_mut().insert(Decoder::new(config));
    let hint = Rc::into_raw(Rc::clone(decoders));
    let mut external = ptr::null_mut();
    // SAFETY: the value is a number, and the hint stays valid until
    // `free_decoder` gets both.
    let status = unsafe {
        sys::napi_create_external(
            call.env,
            ptr::without_provenance_mut(slot + 1),
            Some(free_decoder),
            hint.cast_mut().cast(),
            &mut external,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: Node did not take them, so they are still ours alone.
        unsafe {
            free_decoder(
                call.env,
                ptr::without_provenance_mut(slot + 1),
                hint.cast_mut().cast(),
            )
        };
        return None;
    }
    Some(external)
}

unsafe extern "C" fn free_decoder(_env: sys::napi_env, number: *mut c_void, hint: *mut c_void) {
    // SAFETY: from `Rc::into_raw` in `create_decoder`; finalizers run once, on
    // the thread of the environment.
    let decoders = unsafe { Rc::from_raw(hint.cast::<RefCell<Decoders>>()) };
    decoders.borrow_mut().remove(number.addr() - 1);
}

/// The state that `export` bound to the callback.
fn decoders<'a>(call: &'a Call) -> &'a SharedDecoders {
    // SAFETY: `export` bound the address; it is freed after the last call.
    unsafe { &*call.data.cast() }
}

/// `decode(decoder, chunk, at, descriptors, owned)`: decodes `chunk` from byte
/// `at` on, until it is used up or `descriptors` is full, and gives the number
/// of events. `at` 0 announces a new chunk.
fn decode(call: &Call) -> Option<sys::napi_value> {
    let decoders = decoders(call);
    let slot = slot(call)?;
    let mut decoder = decoders.borrow_mut().take(slot)?;
    let decoded = decode_with(call, &mut decoder);
    decoders.borrow_mut().put_back(slot, decoder);

    let (count, owned) = decoded?;
    // Only now, since a setter on `Array.prototype` would be called.
    for (index, value) in (0..).zip(owned) {
        set_element(call, call.value(4), index, value)?;
    }
    call.number(count)
}

/// Gives the number of events, and the values for the array `owned`.
fn decode_with(call: &Call, decoder: &mut Decoder) -> Option<(u32, Vec<sys::napi_value>)> {
    let memory = call.memory(1)?;
    // SAFETY: no JavaScript runs before the last use of this borrow and the next:
    // the Node-API calls below only make new values.
    let words = unsafe { call.words_mut(3)? };
    if memory.overlaps(words) {
        return None;
    }
    // SAFETY: as above, and the two are different memory.
    let chunk = unsafe { memory.slice_mut() };
    let mut at = call.u32(2)? as usize;
    let mut batch = Batch {
        call,
        words,
        count: 0,
        owned: Vec::new(),
    };
    if batch.words.len() < 2 * WORDS || at > chunk.len() {
        return None;
    }

    let announced = if at == 0 {
        decoder.handle_chunk()
    } else {
        Ok(())
    };
    let mut failure = announced.err();
    while failure.is_none() && !batch.is_full() {
        match decoder.poll_event(chunk, &mut at) {
            Ok(Some(event)) => batch.push(event)?,
            Ok(None) => break,
            Err(error) => failure = Some(error),
        }
    }
    if let Some(error) = failure {
        at = chunk.len();
        batch.push_failure(&error)?;
    }
    batch.words[0] = u32::try_from(at).ok()?;
    Some((batch.count, batch.owned))
}

/// The number that the `External` in argument 0 carries.
fn slot(call: &Call) -> Option<usize> {
    let mut number = ptr::null_mut();
    // SAFETY: any value may be asked for; others than externals are refused.
    let status = unsafe { sys::napi_get_value_external(call.env, call.value(0), &mut number) };
    if status != sys::Status::napi_ok {
        return None;
    }
    number.addr().checked_sub(1)
}

/// The descriptors and values of one `decode` call.
struct Batch<'a> {
    call: &'a Call<'a>,
    words: &'a mut [u32],
    count: u32,
    /// What the array `owned` gets.
    owned: Vec<sys::napi_value>,
}

impl Batch<'_> {
    /// One place is kept for a failure.
    fn is_full(&self) -> bool {
        (self.count as usize + 3) * WORDS > self.words.len()
    }

    fn push(&mut self, event: Event) -> Option<()> {
        match event {
            Event::Message {
                kind,
                compressed,
                payload,
                frames,
            } => {
                let opcode = match kind {
                    MessageKind::Text => OpCode::TEXT,
                    MessageKind::Binary => OpCode::BINARY,
                };
                let mut flags = if compressed { COMPRESSED } else { 0 };
                let mut extra = 0;
                if !frames.is_empty() {
                    flags |= FRAMES;
                    let lengths = frame_lengths(self.call, &frames)?;
                    extra = self.own(lengths);
                }
                self.push_payload(opcode, flags, payload, extra)
            }
            Event::Ping(payload) => self.push_payload(OpCode::PING, 0, payload, 0),
            Event::Pong(payload) => self.push_payload(OpCode::PONG, 0, payload, 0),
            Event::Close { code, reason } => {
                self.push_payload(OpCode::CLOSE, 0, reason, u32::from(code.value()))
            }
        }
    }

    fn push_payload(
        &mut self,
        opcode: OpCode,
        flags: u32,
        payload: Payload,
        extra: u32,
    ) -> Option<()> {
        let kind = u32::from(opcode.value()) | flags;
        match payload {
            Payload::InChunk(range) => self.put([
                kind,
                u32::try_from(range.start).ok()?,
                u32::try_from(range.len()).ok()?,
                extra,
            ]),
            Payload::Owned(bytes) => {
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let buffer = new_buffer(self.call, bytes)?;
                let index = self.own(buffer);
                self.put([kind | OWNED, index, length, extra])
            }
        }
    }

    fn push_failure(&mut self, failure: &ferrows_protocol::ProtocolError) -> Option<()> {
        let value = js_error(self.call, failure)?;
        let index = self.own(value);
        self.put([FAILED, index, 0, u32::from(failure.close_code().value())])
    }

    fn put(&mut self, descriptor: [u32; WORDS]) -> Option<()> {
        let start = (self.count as usize + 1) * WORDS;
        self.words
            .get_mut(start..start + WORDS)?
            .copy_from_slice(&descriptor);
        self.count += 1;
        Some(())
    }

    /// Keeps a value for the array `owned`; gives its index there.
    fn own(&mut self, value: sys::napi_value) -> u32 {
        self.owned.push(value);
        self.owned.len() as u32 - 1
    }
}

fn set_element(
    call: &Call,
    array: sys::napi_value,
    index: u32,
    value: sys::napi_value,
) -> Option<()> {
    // SAFETY: Node refuses anything but an object; `value` is of this scope.
    let status = unsafe { sys::napi_set_element(call.env, array, index, value) };
    (status == sys::Status::napi_ok).then_some(())
}

/// The lengths as a `Float64Array`: one value, however many frames a peer makes.
fn frame_lengths(call: &Call, frames: &FrameLengths) -> Option<sys::napi_value> {
    let lengths: Vec<f64> = frames.iter().map(|length| length as f64).collect();
    let (mut memory, mut array) = (ptr::null_mut(), ptr::null_mut());
    let mut data = ptr::null_mut();
    // SAFETY: places for the two results.
    let made = unsafe {
        sys::napi_create_arraybuffer(call.env, size_of_val(&*lengths), &mut data, &mut memory)
    };
    if made != sys::Status::napi_ok || data.is_null() {
        return None;
    }
    // SAFETY: new memory of that size, which nobody else knows; copied as
    // bytes, so that its alignment does not matter.
    unsafe {
        ptr::copy_nonoverlapping(
            lengths.as_ptr().cast::<u8>(),
            data.cast(),
            size_of_val(&*lengths),
        )
    };
    // SAFETY: the buffer is of this scope and long enough.
    let status = unsafe {
        sys::napi_create_typedarray(
            call.env,
            sys::TypedarrayType::float64_array,
            lengths.len(),
            memory,
            0,
            &mut array,
        )
    };
    (status == sys::Status::napi_ok).then_some(array)
}

/// A `Buffer` of these bytes: copied when small, handed over when large.
fn new_buffer(call: &Call, mut bytes: Vec<u8>) -> Option<sys::napi_value> {
    let mut out = ptr::null_mut();
    if bytes.len() >= HAND_OVER {
        if bytes.capacity() - bytes.len() > bytes.len() / 8 {
            bytes.shrink_to_fit();
        }
        let data = bytes.as_mut_ptr();
        let (length, vec) = (bytes.len(), Box::into_raw(Box::new(bytes)));
        // SAFETY: the memory is the vector's, which `free_bytes` frees, and
        // nobody touches it from here until then but JavaScript.
        let status = unsafe {
            sys::napi_create_external_buffer(
                call.env,
                length,
                data.cast(),
                Some(free_bytes),
                vec.cast(),
                &mut out,
            )
        };
        if status == sys::Status::napi_ok {
            return Some(out);
        }
        // SAFETY: refused (Electron has no external memory), so it is ours again.
        bytes = unsafe { *Box::from_raw(vec) };
    }
    // SAFETY: Node copies `bytes.len()` bytes before it returns.
    let status = unsafe {
        sys::napi_create_buffer_copy(
            call.env,
            bytes.len(),
            bytes.as_ptr().cast(),
            ptr::null_mut(),
            &mut out,
        )
    };
    (status == sys::Status::napi_ok).then_some(out)
}

unsafe extern "C" fn free_bytes(_env: sys::napi_env, _data: *mut c_void, vec: *mut c_void) {
    // SAFETY: from `Box::into_raw` in `new_buffer`; finalizers run once.
    drop(unsafe { Box::from_raw(vec.cast::<Vec<u8>>()) });
}

/// The JavaScript error for a failure: class, `code` and message as ws has them.
fn js_error(call: &Call, failure: &ferrows_protocol::ProtocolError) -> Option<sys::napi_value> {
    let description = error::describe(failure);
    let message = CString::new(description.message).ok()?;
    let code = string(call, description.code)?;
    let text = string(call, &message)?;
    let mut out = ptr::null_mut();
    // SAFETY: `code` and `text` are strings of this scope.
    let status = unsafe {
        match description.class {
            error::Class::Error => sys::napi_create_error(call.env, code, text, &mut out),
            error::Class::RangeError => {
                sys::napi_create_range_error(call.env, code, text, &mut out)
            }
        }
    };
    (status == sys::Status::napi_ok).then_some(out)
}

fn string(call: &Call, text: &CStr) -> Option<sys::napi_value> {
    let mut out = ptr::null_mut();
    // SAFETY: the text has the length given.
    let status = unsafe {
        sys::napi_create_string_utf8(
            call.env,
            text.as_ptr(),
            text.count_bytes() as isize,
            &mut out,
        )
    };
    (status == sys::Status::napi_ok).then_some(out)
}

// Flags of `createDecoder`.
const IS_SERVER: u32 = 0x1;
const VALIDATE_UTF8: u32 = 0x2;
const COMPRESSION: u32 = 0x4;

/// Words in a descriptor.
const WORDS: usize = 4;

// The first word of a descriptor: the opcode, and what else is to be known.
const OWNED: u32 = 0x10;
const COMPRESSED: u32 = 0x20;
const FRAMES: u32 = 0x40;
const FAILED: u32 = 0x80;

/// From this size on a payload is handed over as external memory. Making such
/// a `Buffer`, and finalizing it, costs about as much as copying this many
/// bytes.
const HAND_OVER: usize = 32 * 1024;
