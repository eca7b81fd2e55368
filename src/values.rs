//! Rust values as JavaScript ones.

use std::ffi::{CString, c_void};
use std::ptr;

use ferrows_engine::{HAND_OVER, free_elsewhere, spare_buffers};
use ferrows_protocol::{FrameLengths, ProtocolError};
use napi_sys as sys;

use crate::error;
use crate::raw::Call;

/// Sets an element of an array. A setter on `Array.prototype` is called, if there is one.
pub(crate) fn set_element(
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
pub(crate) fn frame_lengths(call: &Call, frames: &FrameLengths) -> Option<sys::napi_value> {
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
pub(crate) fn new_buffer(call: &Call, mut bytes: Vec<u8>) -> Option<sys::napi_value> {
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
    let buffer = copied_buffer(call, &bytes);
    spare_buffers::give(bytes);
    buffer
}

/// A `Buffer` with a copy of these bytes.
pub(crate) fn copied_buffer(call: &Call, bytes: &[u8]) -> Option<sys::napi_value> {
    let mut out = ptr::null_mut();
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
    let bytes = unsafe { Box::from_raw(vec.cast::<Vec<u8>>()) };
    free_elsewhere(*bytes);
}

/// The JavaScript error for a failure: class, `code` and message as ws has them.
pub(crate) fn js_error(call: &Call, failure: &ProtocolError) -> Option<sys::napi_value> {
    let description = error::describe(failure);
    let message = CString::new(description.message).ok()?;
    let code = call.string(description.code)?;
    let text = call.string(&message)?;
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
    if status != sys::Status::napi_ok {
        return None;
    }
    if let Some(errno) = description.errno {
        set_errno(call, out, errno)?;
    }
    Some(out)
}

fn set_errno(call: &Call, error: sys::napi_value, errno: i32) -> Option<()> {
    let mut number = ptr::null_mut();
    // SAFETY: a place for the result; both values are of this scope.
    let status = unsafe {
        sys::napi_create_int32(call.env, errno, &mut number);
        sys::napi_set_named_property(call.env, error, c"errno".as_ptr(), number)
    };
    (status == sys::Status::napi_ok).then_some(())
}
