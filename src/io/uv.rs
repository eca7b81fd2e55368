//! The functions of libuv that are needed, looked up in the running program.
//!
//! Node exports them. Other runtimes may have the names, and abort when one is called: that is for
//! JavaScript to know.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use libloading::os::unix::Library;

/// A handle; what it is made of is libuv's.
pub(super) type Handle = *mut c_void;

type PollCallback = unsafe extern "C" fn(Handle, c_int, c_int);
type Callback = unsafe extern "C" fn(Handle);

/// The functions, by their names without `uv_`.
pub(super) struct Uv {
    pub(super) handle_size: unsafe extern "C" fn(c_int) -> usize,
    pub(super) handle_set_data: unsafe extern "C" fn(Handle, *mut c_void),
    pub(super) handle_get_data: unsafe extern "C" fn(Handle) -> *mut c_void,
    pub(super) poll_init: unsafe extern "C" fn(*mut c_void, Handle, c_int) -> c_int,
    pub(super) poll_start: unsafe extern "C" fn(Handle, c_int, PollCallback) -> c_int,
    pub(super) idle_init: unsafe extern "C" fn(*mut c_void, Handle) -> c_int,
    pub(super) idle_start: unsafe extern "C" fn(Handle, Callback) -> c_int,
    pub(super) idle_stop: unsafe extern "C" fn(Handle) -> c_int,
    pub(super) close: unsafe extern "C" fn(Handle, Option<Callback>),
    pub(super) make_ref: unsafe extern "C" fn(Handle),
    pub(super) make_unref: unsafe extern "C" fn(Handle),
}

impl Uv {
    /// The functions, if the program has them all.
    pub(super) fn find() -> Option<&'static Self> {
        static UV: OnceLock<Option<Uv>> = OnceLock::new();
        UV.get_or_init(Self::look_up).as_ref()
    }

    fn look_up() -> Option<Self> {
        let program = Library::this();
        // SAFETY: the types are those of `uv.h`, whose functions have not changed since version 1.19.
        unsafe {
            Some(Self {
                handle_size: *program.get(c"uv_handle_size").ok()?,
                handle_set_data: *program.get(c"uv_handle_set_data").ok()?,
                handle_get_data: *program.get(c"uv_handle_get_data").ok()?,
                poll_init: *program.get(c"uv_poll_init").ok()?,
                poll_start: *program.get(c"uv_poll_start").ok()?,
                idle_init: *program.get(c"uv_idle_init").ok()?,
                idle_start: *program.get(c"uv_idle_start").ok()?,
                idle_stop: *program.get(c"uv_idle_stop").ok()?,
                close: *program.get(c"uv_close").ok()?,
                make_ref: *program.get(c"uv_ref").ok()?,
                make_unref: *program.get(c"uv_unref").ok()?,
            })
        }
    }
}

// From `enum uv_handle_type`, whose order is part of libuv's ABI.
pub(super) const IDLE: c_int = 6;
pub(super) const POLL: c_int = 8;

/// From `enum uv_poll_event`.
pub(super) const READABLE: c_int = 1;

/// As strict as `max_align_t`, which memory from `malloc` is aligned to.
pub(super) const ALIGNMENT: usize = 16;
