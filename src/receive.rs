//! Bytes in: one call decodes a whole chunk and describes every event in it.
//!
//! `decode` fills a `Uint32Array` of descriptors, four words each. The first
//! one tells where the decoder stopped; the rest are events in order:
//!
//! ```text
//! word   0                1                        2        3
//!  0     where it stopped  bytes of the slab in use -        -
//!  n     kind and flags    offset in the chunk, or  length   Close: the code
//!                          index in `owned`                  FRAMES: index in `owned`
//!                                                            FAILED: the close code
//! ```
//!
//! A payload that lies whole in the chunk is unmasked there and only named; one
//! that was assembled or inflated lies in the slab, if it is small, or else is an
//! element of the array `owned`, as an `Error` is.

use ferrows_engine::{Inbound, Polled};
use ferrows_protocol::deflate::Decompressor;
use ferrows_protocol::{DecoderConfig, Limits, Side};
use napi::bindgen_prelude::Result;
use napi_sys as sys;

use crate::batch::{Batch, WORDS};
use crate::codecs::{Codecs, Receiving};
use crate::raw::{Call, Exports, callback};
use crate::values::set_element;

/// Exports `createDecoder`, `decode` and `setInflater`.
pub(crate) fn export(exports: &Exports, codecs: &Codecs) -> Result<()> {
    exports.bound(c"createDecoder", create_decoder_shell, codecs.data())?;
    exports.bound(c"decode", decode_shell, codecs.data())?;
    exports.bound(c"setInflater", set_inflater_shell, codecs.data())
}

callback!(create_decoder_shell, create_decoder, 4);
callback!(decode_shell, decode, 6);
callback!(set_inflater_shell, set_inflater, 2);

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
    let receiving = Receiving::new(Inbound::new(config), None);
    Codecs::of(call).receiving.insert(call, Box::new(receiving))
}

/// `setInflater(decoder, inflater)`: what the decoder's compressed messages are
/// inflated with. Until then `decode` is suspended by the first of them.
fn set_inflater(call: &Call) -> Option<sys::napi_value> {
    let mut all = Codecs::of(call).receiving.borrow_mut();
    all.get_mut(call.handle(0)?)?.inflater = Some(call.handle(1)?);
    call.nothing()
}

/// `decode(decoder, chunk, at, descriptors, owned, slab)`: decodes `chunk` from
/// byte `at` on, until it is used up or `descriptors` is full, and gives the
/// number of events. `at` 0 announces a new chunk. Small payloads that are no part
/// of the chunk are put into `slab`, if there is one, behind the bytes that are
/// in use, of which the second descriptor word tells and is told.
fn decode(call: &Call) -> Option<sys::napi_value> {
    let codecs = Codecs::of(call);
    let slot = call.handle(0)?;
    let mut receiving = codecs.receiving.take(slot)?;
    let mut decompressor = receiving
        .inflater
        .and_then(|slot| codecs.decompressors.take(slot));
    let decoded = decode_with(call, &mut receiving.inbound, decompressor.as_deref_mut());
    if let (Some(slot), Some(decompressor)) = (receiving.inflater, decompressor) {
        codecs.decompressors.put_back(slot, decompressor);
    }
    codecs.receiving.put_back(slot, receiving);

    let (count, owned) = decoded?;
    // Only now, since a setter on `Array.prototype` would be called.
    for (index, value) in (0..).zip(owned) {
        set_element(call, call.value(4), index, value)?;
    }
    call.number(count)
}

/// Gives the number of events, and the values for the array `owned`.
fn decode_with(
    call: &Call,
    inbound: &mut Inbound,
    mut decompressor: Option<&mut Decompressor>,
) -> Option<(u32, Vec<sys::napi_value>)> {
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
    let used = words.get(1).map_or(0, |&used| used as usize);
    // A stream may give back what was taken from a slab before.
    let slab = call
        .memory(5)
        .filter(|slab| !slab.overlaps(words) && !slab.overlaps(chunk));
    let mut batch = Batch {
        call,
        words,
        slab: match &slab {
            // SAFETY: as above, and different memory from both.
            Some(slab) => unsafe { slab.slice_mut() },
            None => &mut [],
        },
        used,
        count: 0,
        owned: Vec::new(),
    };
    if batch.words.len() < 2 * WORDS || at > chunk.len() {
        return None;
    }

    let announced = if at == 0 {
        inbound.handle_chunk()
    } else {
        Ok(())
    };
    let mut failure = announced.err();
    while failure.is_none() && !batch.is_full() {
        match inbound.poll(chunk, &mut at, decompressor.as_deref_mut()) {
            Ok(Polled::Event(event)) => batch.push(event, None)?,
            Ok(Polled::Suspended) => {
                batch.push_suspension(inbound, 0)?;
                break;
            }
            Ok(Polled::Nothing) => break,
            Err(error) => failure = Some(error),
        }
    }
    if let Some(error) = failure {
        at = chunk.len();
        batch.push_failure(&error)?;
    }
    batch.words[0] = u32::try_from(at).ok()?;
    batch.words[1] = u32::try_from(batch.used).ok()?;
    Some((batch.count, batch.owned))
}

// Flags of `createDecoder`.
const IS_SERVER: u32 = 0x1;
const VALIDATE_UTF8: u32 = 0x2;
const COMPRESSION: u32 = 0x4;
