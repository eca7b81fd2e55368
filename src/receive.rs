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

use std::ffi::{CStr, CString, c_void};
use std::ptr;

use ferrows_protocol::{Decoder, DecoderConfig, Event, Limits, MessageKind, OpCode, Payload, Side};
use napi::bindgen_prelude::Result;
use napi_sys as sys;

use crate::error;
use crate::raw::{Call, Exports, callback};

/// Exports `createDecoder` and `decode`.
pub(crate) fn export(exports: &Exports) -> Result<()> {
    exports.function(c"createDecoder", create_decoder_shell)?;
    exports.function(c"decode", decode_shell)
}

callback!(create_decoder_shell, create_decoder, 4);
callback!(decode_shell, decode, 5);

/// A decoder as JavaScript holds it: behind an `External`, freed by the
/// garbage collector. The tag tells it from any other library's `External`.
struct Handle {
    tag: u64,
    decoder: Decoder,
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
    let handle = Box::into_raw(Box::new(Handle {
        tag: TAG,
        decoder: Decoder::new(config),
    }));
    let mut external = ptr::null_mut();
    // SAFETY: `handle` stays valid until `free_decoder` gets it.
    let status = unsafe {
        sys::napi_create_external(
            call.env,
            handle.cast(),
            Some(free_decoder),
            ptr::null_mut(),
            &mut external,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: Node did not take the pointer, so it is still ours alone.
        drop(unsafe { Box::from_raw(handle) });
        return None;
    }
    Some(external)
}

unsafe extern "C" fn free_decoder(_env: sys::napi_env, handle: *mut c_void, _hint: *mut c_void) {
    // SAFETY: from `Box::into_raw` in `create_decoder`; finalizers run once.
    drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
}

/// `decode(decoder, chunk, at, descriptors, owned)`: decodes `chunk` from byte
/// `at` on, until it is used up or `descriptors` is full, and gives the number
/// of events. `at` 0 announces a new chunk.
fn decode(call: &Call) -> Option<sys::napi_value> {
    // SAFETY: no JavaScript runs before the last use of the three borrows: the
    // Node-API calls below only make new values and fill an array of ours. The
    // chunk and the descriptors are different memory: the latter is private.
    let (decoder, chunk, words) =
        unsafe { (decoder(call)?, call.bytes_mut(1)?, call.words_mut(3)?) };
    let mut at = call.u32(2)? as usize;
    let mut batch = Batch {
        call,
        words,
        count: 0,
        owned: 0,
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
    call.number(batch.count)
}

/// The decoder behind argument 0.
///
/// # Safety
///
/// As [`Call::bytes_mut`]: no other borrow of the same decoder is alive.
unsafe fn decoder<'a>(call: &'a Call) -> Option<&'a mut Decoder> {
    let mut data = ptr::null_mut();
    // SAFETY: any value may be asked for; others than externals are refused.
    let status = unsafe { sys::napi_get_value_external(call.env, call.value(0), &mut data) };
    let handle = data.cast::<Handle>();
    if status != sys::Status::napi_ok || handle.is_null() || !handle.is_aligned() {
        return None;
    }
    // SAFETY: externals that reach this function are made by `create_decoder`,
    // because `lib/` gets no others; the tag is a second lock.
    let handle = unsafe { &mut *handle };
    (handle.tag == TAG).then_some(&mut handle.decoder)
}

/// The descriptors and values of one `decode` call.
struct Batch<'a> {
    call: &'a Call<'a>,
    words: &'a mut [u32],
    count: u32,
    /// Elements put into the array `owned` so far.
    owned: u32,
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
                    extra = self.own_lengths(frames.iter())?;
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
                let index = self.own(buffer)?;
                self.put([kind | OWNED, index, length, extra])
            }
        }
    }

    fn push_failure(&mut self, failure: &ferrows_protocol::ProtocolError) -> Option<()> {
        let value = js_error(self.call, failure)?;
        let index = self.own(value)?;
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

    /// Hands a value over in the array `owned`; gives its index there.
    fn own(&mut self, value: sys::napi_value) -> Option<u32> {
        let index = self.owned;
        set_element(self.call, self.call.value(4), index, value)?;
        self.owned += 1;
        Some(index)
    }

    fn own_lengths(&mut self, lengths: impl Iterator<Item = u64>) -> Option<u32> {
        let mut array = ptr::null_mut();
        // SAFETY: places for the results.
        unsafe { sys::napi_create_array(self.call.env, &mut array) };
        for (index, length) in (0..).zip(lengths) {
            let mut value = ptr::null_mut();
            // SAFETY: as above.
            unsafe { sys::napi_create_double(self.call.env, length as f64, &mut value) };
            set_element(self.call, array, index, value)?;
        }
        self.own(array)
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

/// "ferrows" in ASCII and a version of the layout of [`Handle`].
const TAG: u64 = u64::from_be_bytes(*b"ferrows\x01");

/// From this size on a payload is handed over as external memory. Making such
/// a `Buffer`, and finalizing it, costs about as much as copying this many
/// bytes.
const HAND_OVER: usize = 32 * 1024;
