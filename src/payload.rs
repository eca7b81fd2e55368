//! Work on payload bytes outside of a connection: masks and UTF-8.

use ferrows_protocol::{mask, utf8};
use napi::bindgen_prelude::Result;
use napi_sys as sys;

use crate::raw::{Call, Exports, callback};

/// Exports `mask`, `unmask` and `isValidUtf8`.
pub(crate) fn export(exports: &Exports) -> Result<()> {
    exports.function(c"mask", mask_shell)?;
    exports.function(c"unmask", unmask_shell)?;
    exports.function(c"isValidUtf8", is_valid_utf8_shell)
}

callback!(mask_shell, mask_into, 5);
callback!(unmask_shell, unmask, 2);
callback!(is_valid_utf8_shell, is_valid_utf8, 1);

/// `mask(source, key, output, offset, length)`: puts the first `length` bytes
/// of `source`, masked with the four bytes of `key`, into `output` at `offset`.
/// The two may be the same memory, or overlap.
fn mask_into(call: &Call) -> Option<sys::napi_value> {
    let (offset, length) = (call.size(3)?, call.size(4)?);
    // SAFETY: the key is copied out before anything is written.
    let key: [u8; 4] = unsafe { call.bytes(1)? }.get(..4)?.try_into().ok()?;
    let source = call.memory(0)?.part(0, length)?;
    let target = call.memory(2)?.part(offset, length)?;
    // SAFETY: the key's borrow is over, and this one is the only other; no
    // JavaScript runs.
    let target = unsafe {
        target.copy_from(&source);
        target.slice_mut()
    };
    mask::apply(target, key, 0);
    call.nothing()
}

/// `unmask(bytes, key)`: undoes (or does) the masking of `bytes` in place.
fn unmask(call: &Call) -> Option<sys::napi_value> {
    // SAFETY: the key is copied out before `bytes` is borrowed.
    let key: [u8; 4] = unsafe { call.bytes(1)? }.get(..4)?.try_into().ok()?;
    // SAFETY: the only borrow from here on; no JavaScript runs.
    mask::apply(unsafe { call.bytes_mut(0)? }, key, 0);
    call.nothing()
}

/// `isValidUtf8(bytes)`.
fn is_valid_utf8(call: &Call) -> Option<sys::napi_value> {
    // SAFETY: only read; no JavaScript runs.
    let valid = utf8::is_valid(unsafe { call.bytes(0)? });
    call.boolean(valid)
}
