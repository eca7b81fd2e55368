//! Bytes out: frames are written into memory that JavaScript gives to the
//! socket, or wait in an outbox for the end of the turn.
//!
//! A frame is asked for with a `head`: opcode, FIN and RSV1 where RFC 6455,
//! section 5.2 puts them in the first byte, and the flags below. A `key` is the
//! mask key as a big-endian number; without `KEY_GIVEN` one is drawn.

use ferrows_engine::{MaskKeys, Outboxes, write_frame};
use ferrows_protocol::OpCode;
use ferrows_protocol::frame::FrameHeader;
use napi::bindgen_prelude::Result;
use napi_sys as sys;

use crate::codecs::Codecs;
#[cfg(unix)]
use crate::codecs::State;
use crate::raw::{Call, Exports, callback};

/// Exports `encode`, `encodeNew`, `encodeHeader`, `hold`, `take` and `randomKey`; for sockets that are
/// written here also `keep`, `send`, `sendUncopied` and `remoteKeep`.
pub(crate) fn export(exports: &Exports, codecs: &Codecs) -> Result<()> {
    let sending = codecs.data();
    exports.bound(c"encode", encode_shell, sending)?;
    exports.bound(c"encodeNew", encode_new_shell, sending)?;
    exports.bound(c"encodeHeader", encode_header_shell, sending)?;
    exports.bound(c"hold", hold_shell, sending)?;
    exports.bound(c"take", take_shell, sending)?;
    exports.bound(c"randomKey", random_key_shell, sending)?;
    #[cfg(unix)]
    {
        exports.bound(c"keep", keep_shell, sending)?;
        exports.bound(c"send", send_shell, sending)?;
        exports.bound(c"sendUncopied", send_uncopied_shell, sending)?;
        exports.bound(c"remoteKeep", remote_keep_shell, sending)?;
    }
    Ok(())
}

callback!(encode_shell, encode, 5);
callback!(encode_new_shell, encode_new, 3);
callback!(encode_header_shell, encode_header, 5);
callback!(hold_shell, hold, 4);
callback!(take_shell, take, 3);
callback!(random_key_shell, random_key, 0);
#[cfg(unix)]
callback!(keep_shell, keep, 4);
#[cfg(unix)]
callback!(send_shell, send, 4);
#[cfg(unix)]
callback!(remote_keep_shell, remote_keep, 4);
#[cfg(unix)]
callback!(send_uncopied_shell, send_uncopied, 3);

/// What the sending half of one environment keeps.
#[derive(Default)]
pub(crate) struct Sending {
    outboxes: Outboxes,
    masks: MaskKeys,
    /// Strings are turned into UTF-8 here before they are framed.
    text: Vec<u8>,
}

/// `encode(target, at, head, data, key)`: writes a frame into `target` from
/// byte `at` on and gives the byte after it, or 0 when it does not fit.
fn encode(call: &Call) -> Option<sys::napi_value> {
    let mut sending = Codecs::of(call).sending.borrow_mut();
    let Sending { masks, text, .. } = &mut *sending;
    let (at, head) = (call.u32(1)? as usize, call.u32(2)?);
    let mut payload = call.payload(3, head & IS_STRING != 0, text)?;
    let header = header(call, head, 4, payload.len() as u64, masks)?;
    let size = header.encoded_len() + payload.len();
    let Some(place) = call.memory(0)?.part(at, size) else {
        return call.number(0);
    };
    // A bare Duplex is given views on slabs, so a program can send what is there.
    let copy;
    if place.overlaps(payload) {
        copy = payload.to_vec();
        payload = &copy;
    }
    // SAFETY: no JavaScript runs before the last use, and the payload is
    // somewhere else.
    write_frame(unsafe { place.slice_mut() }, &header, payload)?;
    call.number((at + size) as u32)
}

/// `encodeNew(head, data, key)`: a frame in a `Buffer` of its own.
fn encode_new(call: &Call) -> Option<sys::napi_value> {
    let mut sending = Codecs::of(call).sending.borrow_mut();
    let Sending { masks, text, .. } = &mut *sending;
    let head = call.u32(0)?;
    let payload = call.payload(1, head & IS_STRING != 0, text)?;
    let header = header(call, head, 2, payload.len() as u64, masks)?;
    let (frame, memory) = call.new_buffer(header.encoded_len() + payload.len())?;
    write_frame(memory, &header, payload)?;
    Some(frame)
}

/// `encodeHeader(target, at, head, length, key)`: writes only a frame's header
/// (the payload goes to the socket from where it is); results as `encode`.
fn encode_header(call: &Call) -> Option<sys::napi_value> {
    let mut sending = Codecs::of(call).sending.borrow_mut();
    // SAFETY: the only borrow; no JavaScript runs below.
    let target = unsafe { call.bytes_mut(0)? };
    let (at, head) = (call.u32(1)? as usize, call.u32(2)?);
    let header = header(call, head, 4, call.length(3)?, &mut sending.masks)?;
    let written = target.get_mut(at..).and_then(|out| {
        let bytes = header.encode();
        out.get_mut(..bytes.len())?.copy_from_slice(&bytes);
        Some(bytes.len())
    });
    call.number(written.map_or(0, |length| (at + length) as u32))
}

/// `hold(slot, head, data, key)`: appends a frame to an outbox and gives the
/// number of bytes that wait there.
fn hold(call: &Call) -> Option<sys::napi_value> {
    let mut sending = Codecs::of(call).sending.borrow_mut();
    let Sending {
        outboxes,
        masks,
        text,
    } = &mut *sending;
    let (slot, head) = (call.u32(0)? as usize, call.u32(1)?);
    if slot >= MAX_SLOTS {
        return None;
    }
    let payload = call.payload(2, head & IS_STRING != 0, text)?;
    let header = header(call, head, 3, payload.len() as u64, masks)?;
    let outbox = outboxes.slot(slot);
    ferrows_protocol::frame::encode_frame(outbox, &header, payload);
    call.number(outbox.len() as u32)
}

/// `take(slot, target, at)`: moves what waits in an outbox into `target` from
/// byte `at` on and gives the byte after it, or 0 when it does not fit.
fn take(call: &Call) -> Option<sys::napi_value> {
    let mut sending = Codecs::of(call).sending.borrow_mut();
    // SAFETY: the only borrow; no JavaScript runs below.
    let target = unsafe { call.bytes_mut(1)? };
    let (slot, at) = (call.u32(0)? as usize, call.u32(2)? as usize);
    let taken = target
        .get_mut(at..)
        .and_then(|out| sending.outboxes.take_into(slot, out));
    call.number(taken.map_or(0, |length| (at + length) as u32))
}

/// `keep(id, head, data, key)`: keeps a frame for the end of the turn, and gives the number of bytes
/// that the connection keeps.
#[cfg(unix)]
fn keep(call: &Call) -> Option<sys::napi_value> {
    with_frame(call, |state, id, header, payload| {
        let io = state.io.borrow();
        io.as_ref()?.outgoing.keep(id, header, payload)
    })
}

/// `send(id, head, data, key)`: writes a frame at once, behind those kept, and gives the number of
/// bytes that the kernel has not taken.
#[cfg(unix)]
fn send(call: &Call) -> Option<sys::napi_value> {
    with_frame(call, |state, id, header, payload| {
        let io = state.io.borrow();
        io.as_ref()?.outgoing.send(id, header, payload)
    })
}

/// `remoteKeep(id, head, data, key)`: keeps a frame until `remoteFlush`, and gives the number of bytes
/// that the kernel has not taken.
#[cfg(unix)]
fn remote_keep(call: &Call) -> Option<sys::napi_value> {
    with_frame(call, |state, id, header, payload| {
        let mut io = state.remote.borrow_mut();
        io.as_mut()?.remote.send(id, header, payload)
    })
}

/// Calls `send` with the frame that the arguments (id, head, data, key) name.
#[cfg(unix)]
fn with_frame(
    call: &Call,
    send: impl FnOnce(&State, usize, &FrameHeader, &[u8]) -> Option<usize>,
) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    let mut sending = state.sending.borrow_mut();
    let Sending { masks, text, .. } = &mut *sending;
    let (id, head) = (call.u32(0)? as usize, call.u32(1)?);
    let payload = call.payload(2, head & IS_STRING != 0, text)?;
    let header = header(call, head, 3, payload.len() as u64, masks)?;
    let bytes = send(state, id, &header, payload)?;
    call.number(u32::try_from(bytes).unwrap_or(u32::MAX))
}

/// `sendUncopied(id, head, data)`: writes a frame without a mask from where its payload is, behind
/// those kept, and gives the number of bytes that the kernel has not taken. They end with the end of
/// the payload; those before it are to be taken.
#[cfg(unix)]
fn send_uncopied(call: &Call) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    let (io, mut sending) = (state.io.borrow(), state.sending.borrow_mut());
    let (id, head) = (call.u32(0)? as usize, call.u32(1)? & !MASKED);
    // SAFETY: only read; no JavaScript runs.
    let payload = unsafe { call.bytes(2)? };
    let header = header(call, head, 0, payload.len() as u64, &mut sending.masks)?;
    let left = io.as_ref()?.outgoing.send_uncopied(id, &header, payload)?;
    call.double(left as f64)
}

/// `randomKey()`: a mask key.
fn random_key(call: &Call) -> Option<sys::napi_value> {
    let mut sending = Codecs::of(call).sending.borrow_mut();
    call.number(u32::from_be_bytes(fresh_key(call, &mut sending.masks)?))
}

/// The frame header that `head`, a length and the key in argument `key` name.
fn header(
    call: &Call,
    head: u32,
    key: usize,
    length: u64,
    masks: &mut MaskKeys,
) -> Option<FrameHeader> {
    let mask = match head & (MASKED | KEY_GIVEN) {
        0 | KEY_GIVEN => None,
        MASKED => Some(fresh_key(call, masks)?),
        _ => Some(call.u32(key)?.to_be_bytes()),
    };
    Some(FrameHeader {
        fin: head & FIN != 0,
        rsv1: head & RSV1 != 0,
        opcode: OpCode::new((head & OPCODE) as u8),
        mask,
        length,
    })
}

fn fresh_key(call: &Call, masks: &mut MaskKeys) -> Option<[u8; 4]> {
    match masks.next_key() {
        Ok(key) => Some(key),
        Err(_) => {
            call.throw(c"The operating system has no random numbers to mask a frame with");
            None
        }
    }
}

// The bits of `head`: the first byte of a frame, and how to go about it.
const OPCODE: u32 = 0x0f;
const RSV1: u32 = 0x40;
const FIN: u32 = 0x80;
const MASKED: u32 = 0x100;
const IS_STRING: u32 = 0x200;
const KEY_GIVEN: u32 = 0x400;

/// More slots than connections that could be open, and few enough to index.
const MAX_SLOTS: usize = 1 << 24;
