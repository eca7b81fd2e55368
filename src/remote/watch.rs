//! How the I/O threads call JavaScript.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use ferrows_engine::Wake;
use napi_sys as sys;

use crate::codecs::State;
use crate::raw::{Call, report_thrown};

/// The thread-safe function of an environment's remote sockets.
pub(super) struct Watch(Waker);

/// Wakes the environment's thread.
#[derive(Clone)]
pub(super) struct Waker(Arc<Function>);

struct Function(sys::napi_threadsafe_function);

// SAFETY: thread-safe functions are made to be called from any thread.
unsafe impl Send for Function {}
// SAFETY: as above; calls may be at the same time.
unsafe impl Sync for Function {}

impl Watch {
    /// Has `drain` called when the waker is used. It does not keep the event loop alive yet.
    pub(super) fn open(call: &Call, drain: sys::napi_value) -> Option<Self> {
        let name = call.string(c"FERROWS_TOKIO")?;
        let mut function = ptr::null_mut();
        // SAFETY: Node refuses anything but a function; a place for the result. The state that
        // callbacks are bound to outlives the hook: its own was added before, and hooks run in
        // reverse order.
        unsafe {
            let status = sys::napi_create_threadsafe_function(
                call.env,
                drain,
                ptr::null_mut(),
                name,
                0,
                1,
                ptr::null_mut(),
                None,
                call.data,
                Some(call_drain),
                &mut function,
            );
            if status != sys::Status::napi_ok {
                return None;
            }
            sys::napi_unref_threadsafe_function(call.env, function);
            let added = sys::napi_add_env_cleanup_hook(call.env, Some(on_end), call.data);
            if added != sys::Status::napi_ok {
                let mode = sys::ThreadsafeFunctionReleaseMode::abort;
                sys::napi_release_threadsafe_function(function, mode);
                return None;
            }
        }
        Some(Self(Waker(Arc::new(Function(function)))))
    }

    pub(super) fn waker(&self) -> Waker {
        self.0.clone()
    }

    /// Has `drain` called after this turn of the event loop.
    pub(super) fn wake_soon(&self) {
        self.0.wake();
    }

    /// Whether the event loop stays alive for the sockets.
    pub(super) fn hold(&self, call: &Call, hold: bool) {
        let function = self.0.0.0;
        // SAFETY: on the environment's thread; the function is released in `on_end`, which takes
        // this value away first.
        unsafe {
            if hold {
                sys::napi_ref_threadsafe_function(call.env, function);
            } else {
                sys::napi_unref_threadsafe_function(call.env, function);
            }
        }
    }
}

impl Wake for Waker {
    fn wake(&self) {
        let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
        // SAFETY: not called after `Remote::close`, which comes before the release.
        unsafe { sys::napi_call_threadsafe_function(self.0.0, ptr::null_mut(), mode) };
    }
}

/// The cleanup hook: ends all that is remote before Node lets go of the function.
unsafe extern "C" fn on_end(state: *mut c_void) {
    // SAFETY: `open` gave the address, and the state lives still.
    let state = unsafe { &*state.cast::<State>() };
    let Some(mut io) = state.remote.borrow_mut().take() else {
        return;
    };
    io.remote.close();
    let function = io.watch.0.0.0;
    // SAFETY: nobody calls it after `close`, and nobody releases it but this hook.
    unsafe {
        sys::napi_release_threadsafe_function(function, sys::ThreadsafeFunctionReleaseMode::abort)
    };
}

/// Calls `drain`, on the environment's thread, and comes back if there is more.
unsafe extern "C" fn call_drain(
    env: sys::napi_env,
    drain: sys::napi_value,
    state: *mut c_void,
    _data: *mut c_void,
) {
    // Both are null while the environment ends.
    if env.is_null() || drain.is_null() {
        return;
    }
    let mut has_more = true;
    // SAFETY: `env` and `drain` are valid for this call, on this thread, and the others are places
    // for results. The state lives as long as the environment.
    unsafe {
        let (mut receiver, mut result) = (ptr::null_mut(), ptr::null_mut());
        sys::napi_get_undefined(env, &mut receiver);
        let status = sys::napi_call_function(env, receiver, drain, 0, ptr::null(), &mut result);
        if status == sys::Status::napi_ok {
            sys::napi_get_value_bool(env, result, &mut has_more);
        } else if !report_thrown(env, status) {
            return;
        }
        // What a listener has thrown keeps nothing from being delivered.
        if has_more && let Some(io) = (*state.cast::<State>()).remote.borrow().as_ref() {
            io.watch.wake_soon();
        }
    }
}
