//! A thin layer over the raw Node-API: calls, arguments, views on memory.
//!
//! A callback is `fn(&Call) -> Option<napi_value>`; `None` stands for an
//! exception that is already pending, or for an argument of the wrong type,
//! which becomes a `TypeError`. Callbacks are reached through `lib/native.js`
//! alone, but any JavaScript value as any argument is safe.

use std::ffi::{CStr, c_void};
use std::{ptr, slice};

use napi::bindgen_prelude::{Result, check_status};
use napi_sys as sys;

/// Declares the `extern "C"` shell of a callback.
macro_rules! callback {
    ($shell:ident, $body:path, $count:literal) => {
        unsafe extern "C" fn $shell(
            env: ::napi_sys::napi_env,
            info: ::napi_sys::napi_callback_info,
        ) -> ::napi_sys::napi_value {
            // SAFETY: Node calls with its own `env` and `info`, on `env`'s thread.
            unsafe { $crate::raw::enter::<$count>(env, info, $body) }
        }
    };
}
pub(crate) use callback;

/// Where the exported functions go.
pub(crate) struct Exports {
    env: sys::napi_env,
    object: sys::napi_value,
}

impl Exports {
    pub(crate) fn new(env: sys::napi_env, object: sys::napi_value) -> Self {
        Self { env, object }
    }

    /// Exports a callback that has no state.
    pub(crate) fn function(
        &self,
        name: &CStr,
        shell: unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value,
    ) -> Result<()> {
        self.bound(name, shell, ptr::null_mut())
    }

    /// Makes `T` live as long as the environment and gives its address, for
    /// callbacks exported with [`bound`](Self::bound).
    pub(crate) fn environment_state<T>(&self, state: T) -> Result<*mut T> {
        unsafe extern "C" fn free<T>(state: *mut c_void) {
            // SAFETY: `state` came from `Box::into_raw` below, and the hook runs once.
            drop(unsafe { Box::from_raw(state.cast::<T>()) });
        }
        let state = Box::into_raw(Box::new(state));
        // SAFETY: `env` is the environment being set up, on its thread.
        check_status!(unsafe {
            sys::napi_add_env_cleanup_hook(self.env, Some(free::<T>), state.cast())
        })?;
        Ok(state)
    }

    /// Exports a callback that finds `data` in [`Call::data`].
    pub(crate) fn bound(
        &self,
        name: &CStr,
        shell: unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value,
        data: *mut c_void,
    ) -> Result<()> {
        let mut function = ptr::null_mut();
        let length = name.count_bytes() as isize;
        // SAFETY: `name` outlives the call; `function` is a place for the result.
        check_status!(unsafe {
            sys::napi_create_function(
                self.env,
                name.as_ptr(),
                length,
                Some(shell),
                data,
                &mut function,
            )
        })?;
        // SAFETY: `object` is the exports object of the same environment.
        check_status!(unsafe {
            sys::napi_set_named_property(self.env, self.object, name.as_ptr(), function)
        })
    }
}

/// The body of a callback's shell: collects the arguments, calls, and turns a
/// refusal without an exception into a `TypeError`.
///
/// # Safety
///
/// `env` and `info` are those of the running call.
pub(crate) unsafe fn enter<const COUNT: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: fn(&Call) -> Option<sys::napi_value>,
) -> sys::napi_value {
    let mut args = [ptr::null_mut(); COUNT];
    let mut count = COUNT;
    let mut data = ptr::null_mut();
    // SAFETY: the caller's promise; missing arguments are filled with undefined.
    let status = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &mut count,
            args.as_mut_ptr(),
            ptr::null_mut(),
            &mut data,
        )
    };
    if status != sys::Status::napi_ok {
        return ptr::null_mut();
    }
    let call = Call {
        env,
        args: &args,
        data,
    };
    body(&call).unwrap_or_else(|| call.throw_type_error())
}

/// A running call from JavaScript.
pub(crate) struct Call<'a> {
    pub(crate) env: sys::napi_env,
    args: &'a [sys::napi_value],
    pub(crate) data: *mut c_void,
}

impl Call<'_> {
    /// Argument `index` as JavaScript gave it.
    pub(crate) fn value(&self, index: usize) -> sys::napi_value {
        self.args[index]
    }

    /// Argument `index` as a number, cut to 32 bits as `>>> 0` does.
    pub(crate) fn u32(&self, index: usize) -> Option<u32> {
        let mut out = 0;
        // SAFETY: `out` is a place for the result; any value may be asked for.
        let status = unsafe { sys::napi_get_value_uint32(self.env, self.args[index], &mut out) };
        (status == sys::Status::napi_ok).then_some(out)
    }

    /// Argument `index` as a number of bytes in memory.
    pub(crate) fn size(&self, index: usize) -> Option<usize> {
        self.length(index)?.try_into().ok()
    }

    /// Argument `index` as a number of bytes: an integer from 0 to 2^53 - 1.
    pub(crate) fn length(&self, index: usize) -> Option<u64> {
        let mut out = 0.0_f64;
        // SAFETY: as in `u32`.
        let status = unsafe { sys::napi_get_value_double(self.env, self.args[index], &mut out) };
        let fits = (0.0..9_007_199_254_740_992.0).contains(&out);
        (status == sys::Status::napi_ok && fits).then_some(out as u64)
    }

    /// The number that the `External` in argument `index` carries (see `codecs`).
    pub(crate) fn handle(&self, index: usize) -> Option<usize> {
        let mut number = ptr::null_mut();
        // SAFETY: any value may be asked for; others than externals are refused.
        let status =
            unsafe { sys::napi_get_value_external(self.env, self.args[index], &mut number) };
        if status != sys::Status::napi_ok {
            return None;
        }
        number.addr().checked_sub(1)
    }

    /// The bytes of argument `index`, or those of a string, which are put into
    /// `text`.
    ///
    /// To be used before any JavaScript runs again.
    pub(crate) fn payload<'a>(
        &'a self,
        index: usize,
        is_string: bool,
        text: &'a mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        if !is_string {
            // SAFETY: only read, and used up before any JavaScript runs again.
            return unsafe { self.bytes(index) };
        }
        if text.len() > KEPT_TEXT {
            *text = Vec::new();
        }
        let length = self.utf8(index, text)?;
        text.get(..length)
    }

    /// The memory of argument `index`, a `TypedArray` of bytes, for reading.
    ///
    /// # Safety
    ///
    /// While the slice lives: no JavaScript runs, and no other view on the same
    /// memory is written through.
    pub(crate) unsafe fn bytes(&self, index: usize) -> Option<&[u8]> {
        let (data, length) = self.view(index, Element::Byte)?;
        // SAFETY: Node says that `length` bytes stand there; the rest is promised.
        Some(unsafe { slice::from_raw_parts(data, length) })
    }

    /// The memory of argument `index`, a `TypedArray` of bytes, for writing.
    ///
    /// # Safety
    ///
    /// While the slice lives: no JavaScript runs, and no other slice on the same
    /// memory is used.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn bytes_mut(&self, index: usize) -> Option<&mut [u8]> {
        // SAFETY: what is asked for is promised.
        Some(unsafe { self.memory(index)?.slice_mut() })
    }

    /// The memory of argument `index`, a `Uint32Array`, for writing.
    ///
    /// # Safety
    ///
    /// As [`bytes_mut`](Self::bytes_mut).
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn words_mut(&self, index: usize) -> Option<&mut [u32]> {
        let (data, length) = self.view(index, Element::Word)?;
        let data = data.cast::<u32>();
        // V8 aligns offsets, but memory of another addon may begin anywhere.
        if !data.is_aligned() {
            return None;
        }
        // SAFETY: as in `bytes`.
        Some(unsafe { slice::from_raw_parts_mut(data, length) })
    }

    /// The memory of argument `index`, a `TypedArray` of bytes, not borrowed yet.
    pub(crate) fn memory(&self, index: usize) -> Option<Memory> {
        let (start, length) = self.view(index, Element::Byte)?;
        Some(Memory { start, length })
    }

    /// Address and number of elements of a typed array of the wanted kind.
    fn view(&self, index: usize, element: Element) -> Option<(*mut u8, usize)> {
        let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
        // SAFETY: places for three results; those not wanted are null.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                self.args[index],
                &mut kind,
                &mut length,
                &mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        let wanted = match element {
            Element::Byte => kind == sys::TypedarrayType::uint8_array,
            Element::Word => kind == sys::TypedarrayType::uint32_array,
        };
        if status != sys::Status::napi_ok || !wanted {
            return None;
        }
        // An empty view may have no memory at all; slices want an aligned address.
        let data = if data.is_null() {
            ptr::without_provenance_mut(8)
        } else {
            data.cast()
        };
        Some((data, length))
    }

    /// Puts argument `index`, a string, to the front of `out` in UTF-8, and
    /// gives the number of bytes. A lone surrogate becomes U+FFFD.
    ///
    /// `out` only ever grows. V8 writes fastest where there is room for the
    /// longest text that so many units could make, three bytes each: it need
    /// not count first then, which takes longer than the writing.
    pub(crate) fn utf8(&self, index: usize, out: &mut Vec<u8>) -> Option<usize> {
        let mut units = 0;
        // SAFETY: without a buffer only the number of UTF-16 units is asked for.
        let status = unsafe {
            sys::napi_get_value_string_utf16(
                self.env,
                self.args[index],
                ptr::null_mut(),
                0,
                &mut units,
            )
        };
        if status != sys::Status::napi_ok {
            return None;
        }
        let room = units.checked_mul(3)?.checked_add(1)?;
        if out.len() < room {
            out.resize(room, 0);
        }
        let mut written = 0;
        // SAFETY: Node writes at most `out.len()` bytes, a terminator included.
        let status = unsafe {
            sys::napi_get_value_string_utf8(
                self.env,
                self.args[index],
                out.as_mut_ptr().cast(),
                out.len(),
                &mut written,
            )
        };
        (status == sys::Status::napi_ok).then_some(written)
    }

    /// A JavaScript string.
    pub(crate) fn string(&self, text: &CStr) -> Option<sys::napi_value> {
        let mut out = ptr::null_mut();
        // SAFETY: the text has the length given.
        let status = unsafe {
            sys::napi_create_string_utf8(
                self.env,
                text.as_ptr(),
                text.count_bytes() as isize,
                &mut out,
            )
        };
        (status == sys::Status::napi_ok).then_some(out)
    }

    /// A JavaScript number.
    pub(crate) fn number(&self, value: u32) -> Option<sys::napi_value> {
        let mut out = ptr::null_mut();
        // SAFETY: `out` is a place for the result.
        let status = unsafe { sys::napi_create_uint32(self.env, value, &mut out) };
        (status == sys::Status::napi_ok).then_some(out)
    }

    /// A JavaScript number that may be negative.
    #[cfg(unix)]
    pub(crate) fn integer(&self, value: i32) -> Option<sys::napi_value> {
        let mut out = ptr::null_mut();
        // SAFETY: `out` is a place for the result.
        let status = unsafe { sys::napi_create_int32(self.env, value, &mut out) };
        (status == sys::Status::napi_ok).then_some(out)
    }

    /// A JavaScript number that may be large.
    #[cfg(unix)]
    pub(crate) fn double(&self, value: f64) -> Option<sys::napi_value> {
        let mut out = ptr::null_mut();
        // SAFETY: `out` is a place for the result.
        let status = unsafe { sys::napi_create_double(self.env, value, &mut out) };
        (status == sys::Status::napi_ok).then_some(out)
    }

    /// A JavaScript boolean.
    pub(crate) fn boolean(&self, value: bool) -> Option<sys::napi_value> {
        let mut out = ptr::null_mut();
        // SAFETY: `out` is a place for the result.
        let status = unsafe { sys::napi_get_boolean(self.env, value, &mut out) };
        (status == sys::Status::napi_ok).then_some(out)
    }

    /// A new `Buffer` and its memory, which is not initialised to anything.
    #[allow(clippy::mut_from_ref)]
    pub(crate) fn new_buffer(&self, length: usize) -> Option<(sys::napi_value, &mut [u8])> {
        let (mut data, mut out) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: places for the two results.
        let status = unsafe { sys::napi_create_buffer(self.env, length, &mut data, &mut out) };
        if status != sys::Status::napi_ok || data.is_null() {
            return None;
        }
        // SAFETY: Node says that `length` bytes stand there, and nobody else
        // knows of them yet. Any bytes that are in them are valid.
        Some((out, unsafe {
            slice::from_raw_parts_mut(data.cast(), length)
        }))
    }

    /// `undefined` as a value.
    #[cfg(unix)]
    pub(crate) fn undefined(&self) -> Option<sys::napi_value> {
        let mut out = ptr::null_mut();
        // SAFETY: `out` is a place for the result.
        let status = unsafe { sys::napi_get_undefined(self.env, &mut out) };
        (status == sys::Status::napi_ok).then_some(out)
    }

    /// `undefined`, the result of a callback that gives nothing.
    pub(crate) fn nothing(&self) -> Option<sys::napi_value> {
        Some(ptr::null_mut())
    }

    /// Throws, unless an exception is pending already.
    fn throw_type_error(&self) -> sys::napi_value {
        let mut pending = false;
        // SAFETY: `pending` is a place for the result.
        unsafe { sys::napi_is_exception_pending(self.env, &mut pending) };
        if !pending {
            let message = c"ferrows: the addon was called with an argument of the wrong type";
            // SAFETY: both texts are terminated and outlive the call.
            unsafe { sys::napi_throw_type_error(self.env, ptr::null(), message.as_ptr()) };
        }
        ptr::null_mut()
    }

    /// Throws an `Error`. The callback then returns `None`.
    pub(crate) fn throw(&self, message: &CStr) {
        // SAFETY: the text is terminated and outlives the call.
        unsafe { sys::napi_throw_error(self.env, ptr::null(), message.as_ptr()) };
    }
}

/// Makes what a call of JavaScript has thrown, as its status says, an uncaught exception; false if that
/// is not what the status says, or the environment ends.
///
/// # Safety
///
/// On the environment's thread, within a handle scope.
pub(crate) unsafe fn report_thrown(env: sys::napi_env, status: sys::napi_status) -> bool {
    let mut error = ptr::null_mut();
    // SAFETY: the caller's promise; `error` is a place for the result.
    unsafe {
        status == sys::Status::napi_pending_exception
            && sys::napi_get_and_clear_last_exception(env, &mut error) == sys::Status::napi_ok
            && sys::napi_fatal_exception(env, error) == sys::Status::napi_ok
    }
}

/// Bytes of JavaScript's that stand there until JavaScript runs again.
pub(crate) struct Memory {
    start: *mut u8,
    length: usize,
}

impl Memory {
    /// `size` bytes from byte `at` on, if there are as many.
    pub(crate) fn part(&self, at: usize, size: usize) -> Option<Self> {
        if at.checked_add(size)? > self.length {
            return None;
        }
        // SAFETY: just checked to be within.
        let start = unsafe { self.start.add(at) };
        Some(Self {
            start,
            length: size,
        })
    }

    /// Whether this and a slice have a byte in common.
    pub(crate) fn overlaps<T>(&self, slice: &[T]) -> bool {
        let other = slice.as_ptr().addr();
        self.start.addr() < other + size_of_val(slice) && other < self.start.addr() + self.length
    }

    /// Copies bytes, as many as here are, that may be partly the same ones.
    ///
    /// # Safety
    ///
    /// No JavaScript has run since the two were asked for, and neither is borrowed.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    pub(crate) unsafe fn copy_from(&self, source: &Self) {
        assert_eq!(self.length, source.length);
        // SAFETY: the caller's promise; a move allows an overlap.
        unsafe { ptr::copy(source.start, self.start, self.length) }
    }

    /// Borrows the bytes.
    ///
    /// # Safety
    ///
    /// No JavaScript has run since this was asked for, and while the slice lives:
    /// no JavaScript runs, and no other slice on the same memory is used.
    pub(crate) unsafe fn slice_mut<'a>(&self) -> &'a mut [u8] {
        // SAFETY: Node says that the bytes stand there; the rest is promised.
        unsafe { slice::from_raw_parts_mut(self.start, self.length) }
    }
}

/// Bytes; room for a longer text is given back when the next one comes.
const KEPT_TEXT: usize = 256 * 1024;

/// The element types that the addon takes.
enum Element {
    Byte,
    Word,
}
