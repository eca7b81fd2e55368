//! The environment's event loop, which waits for the reactor.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::os::fd::AsRawFd;
use std::ptr;

use ferrows_engine::net::Reactor;
use napi_sys as sys;

use super::Io;
use super::uv::{self, Handle, Uv};
use crate::codecs::{Codecs, State};
use crate::raw::{Call, report_thrown};

/// What libuv and Node hold of an environment's sockets. Everything is on its thread.
///
/// The allocation is owned by the handles: the last one's close callback frees it, since libuv may
/// not be done with them before.
pub(super) struct EventLoop(*mut Inner);

struct Inner {
    env: sys::napi_env,
    uv: &'static Uv,
    /// Watches the reactor's descriptor.
    poll: Handle,
    /// Keeps the loop from waiting while there is more to read.
    idle: Handle,
    is_idling: Cell<bool>,
    /// Where the environment's state is, until the hook has run.
    state: Cell<*const State>,
    /// The function to call.
    drain: sys::napi_ref,
    context: sys::napi_async_context,
    hook: Cell<sys::napi_async_cleanup_hook_handle>,
    /// Handles that are not closed.
    open: Cell<u32>,
}

impl EventLoop {
    /// Has `drain` called when the reactor's descriptor is readable.
    pub(super) fn open(call: &Call, drain: sys::napi_value, reactor: &Reactor) -> Option<Self> {
        let uv = Uv::find()?;
        let (mut uv_loop, mut reference, mut context) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let name = call.string(c"FERROWS_LOOP")?;
        // SAFETY: places for the results; `drain` and `name` are values of this scope.
        let is_ready = unsafe {
            sys::napi_get_uv_event_loop(call.env, &mut uv_loop) == sys::Status::napi_ok
                && !uv_loop.is_null()
                && sys::napi_create_reference(call.env, drain, 1, &mut reference)
                    == sys::Status::napi_ok
                && sys::napi_async_init(call.env, ptr::null_mut(), name, &mut context)
                    == sys::Status::napi_ok
        };
        if !is_ready {
            return None;
        }
        let (Some(poll), Some(idle)) = (new_handle(uv, uv::POLL), new_handle(uv, uv::IDLE)) else {
            return None;
        };
        let inner = Box::into_raw(Box::new(Inner {
            env: call.env,
            uv,
            poll,
            idle,
            is_idling: Cell::new(false),
            state: Cell::new(ptr::from_ref(Codecs::of(call))),
            drain: reference,
            context,
            hook: Cell::new(ptr::null_mut()),
            open: Cell::new(0),
        }));
        // SAFETY: `inner` was just made; its handles are memory of the right size for these calls,
        // on the loop's thread. What fails here has no more than memory to leave behind, once for
        // an environment: there is no second try.
        unsafe {
            if (uv.poll_init)(uv_loop.cast(), poll, reactor.as_raw_fd()) != 0 {
                return None;
            }
            (*inner).open.set(2);
            (uv.handle_set_data)(poll, inner.cast());
            // It cannot fail.
            (uv.idle_init)(uv_loop.cast(), idle);
            (uv.handle_set_data)(idle, inner.cast());
            (uv.make_unref)(poll);
            (uv.make_unref)(idle);
            let mut hook = ptr::null_mut();
            let added =
                sys::napi_add_async_cleanup_hook(call.env, Some(on_end), inner.cast(), &mut hook);
            (*inner).hook.set(hook);
            let is_ready = added == sys::Status::napi_ok
                && (uv.poll_start)(poll, uv::READABLE, on_readable) == 0;
            if !is_ready {
                // The hook, if there is one, finds no sockets.
                if added != sys::Status::napi_ok {
                    (uv.close)(poll, Some(on_closed));
                    (uv.close)(idle, Some(on_closed));
                }
                return None;
            }
        }
        Some(Self(inner))
    }

    /// Sees to it that the sockets are read on without an event.
    pub(super) fn go_on(&self) {
        self.inner().go_on();
    }

    /// Whether the loop stays alive for the sockets.
    pub(super) fn hold(&self, hold: bool) {
        let Inner { uv, poll, .. } = *self.inner();
        // SAFETY: an open handle: it is closed in the hook, which takes this value away first.
        unsafe {
            if hold {
                (uv.make_ref)(poll)
            } else {
                (uv.make_unref)(poll)
            }
        }
    }

    fn inner(&self) -> &Inner {
        // SAFETY: freed after the hook, which drops the only `EventLoop` first.
        unsafe { &*self.0 }
    }
}

impl Inner {
    fn go_on(&self) {
        if !self.is_idling.replace(true) {
            // SAFETY: an open handle.
            unsafe { (self.uv.idle_start)(self.idle, on_idle) };
        }
    }

    /// Drains the reactor: one round, in slices.
    fn drain(&self) {
        if self.is_idling.replace(false) {
            // SAFETY: an open handle.
            unsafe { (self.uv.idle_stop)(self.idle) };
        }
        let state = self.state.get();
        if state.is_null() {
            return;
        }
        // SAFETY: set back to null before the state is freed.
        let io = unsafe { &(*state).io };
        match io.borrow_mut().as_mut() {
            // An instance that does not answer has nothing to read either.
            Some(io) => drop(io.reactor.poll()),
            None => return,
        }
        let mut slices = 0;
        while slices < MAX_SLICES {
            let Some(has_left) = self.call() else {
                return;
            };
            if self.state.get().is_null() {
                return;
            }
            // What was decoded is delivered before Node reads a socket that was given back to it.
            if !has_left {
                slices += 1;
                if !io.borrow().as_ref().is_some_and(Io::is_unfinished) {
                    break;
                }
            }
        }
        if io.borrow().as_ref().is_some_and(|io| io.has_more()) {
            self.go_on();
        }
    }

    /// Calls JavaScript, and tells whether it has something left to deliver. None if it cannot be
    /// called any more.
    fn call(&self) -> Option<bool> {
        let env = self.env;
        let mut scope = ptr::null_mut();
        // SAFETY: on the environment's thread, with nothing of it running but its event loop. All
        // values are used within the scope.
        unsafe {
            if sys::napi_open_handle_scope(env, &mut scope) != sys::Status::napi_ok {
                return None;
            }
            let has_left = self.call_drain();
            sys::napi_close_handle_scope(env, scope);
            has_left
        }
    }

    /// # Safety
    ///
    /// Within a handle scope, on the environment's thread.
    unsafe fn call_drain(&self) -> Option<bool> {
        let env = self.env;
        let (mut drain, mut receiver) = (ptr::null_mut(), ptr::null_mut());
        let (mut result, mut has_left) = (ptr::null_mut(), true);
        // SAFETY: the caller's promise; the reference lives until the hook.
        unsafe {
            sys::napi_get_reference_value(env, self.drain, &mut drain);
            sys::napi_get_global(env, &mut receiver);
            let status = sys::napi_make_callback(
                env,
                self.context,
                receiver,
                drain,
                0,
                ptr::null(),
                &mut result,
            );
            if status == sys::Status::napi_ok {
                sys::napi_get_value_bool(env, result, &mut has_left);
                return Some(has_left);
            }
            // What a listener has thrown keeps nothing from being delivered.
            report_thrown(env, status).then_some(true)
        }
    }
}

/// Memory for a handle, from the allocator of the program that `libuv` does not free.
fn new_handle(uv: &Uv, kind: c_int) -> Option<Handle> {
    let layout = handle_layout(uv, kind)?;
    // SAFETY: the size is not 0.
    let memory = unsafe { std::alloc::alloc_zeroed(layout) };
    (!memory.is_null()).then_some(memory.cast())
}

fn handle_layout(uv: &Uv, kind: c_int) -> Option<std::alloc::Layout> {
    // SAFETY: a function of numbers.
    let size = unsafe { (uv.handle_size)(kind) };
    std::alloc::Layout::from_size_align(size.max(1), uv::ALIGNMENT).ok()
}

unsafe extern "C" fn on_readable(poll: Handle, _status: c_int, _events: c_int) {
    // SAFETY: libuv gives an open handle, whose data `open` has set.
    unsafe { of(poll) }.drain();
}

unsafe extern "C" fn on_idle(idle: Handle) {
    // SAFETY: as above.
    unsafe { of(idle) }.drain();
}

/// # Safety
///
/// A handle of an `Inner` that is not freed.
unsafe fn of<'a>(handle: Handle) -> &'a Inner {
    // SAFETY: every handle is given its `Inner` as data; `Uv::find` cannot fail after it was used.
    unsafe {
        let uv = Uv::find().expect("the handle was made with it");
        &*(uv.handle_get_data)(handle).cast::<Inner>()
    }
}

/// The cleanup hook: writes what is kept, closes the sockets and the handles.
unsafe extern "C" fn on_end(_hook: sys::napi_async_cleanup_hook_handle, inner: *mut c_void) {
    // SAFETY: `open` gave the address; the state's own hook runs after this one, since it was added
    // before.
    unsafe {
        let inner = &*inner.cast::<Inner>();
        let state = &*inner.state.replace(ptr::null());
        let io = state.io.borrow_mut().take();
        (inner.uv.close)(inner.poll, Some(on_closed));
        (inner.uv.close)(inner.idle, Some(on_closed));
        if let Some(io) = io {
            io.outgoing.flush(&mut Vec::new(), usize::MAX);
            // With the reactor's descriptor, which libuv has let go of.
            drop(io);
        }
        sys::napi_delete_reference(inner.env, inner.drain);
        sys::napi_async_destroy(inner.env, inner.context);
    }
}

/// The last handle takes everything with it, and lets Node go on.
unsafe extern "C" fn on_closed(handle: Handle) {
    // SAFETY: each handle is closed once; `Inner` is freed when none is left.
    unsafe {
        let inner = (Uv::find().expect("as in `of`").handle_get_data)(handle).cast::<Inner>();
        let open = (*inner).open.get() - 1;
        (*inner).open.set(open);
        if open > 0 {
            return;
        }
        let inner = Box::from_raw(inner);
        for (handle, kind) in [(inner.poll, uv::POLL), (inner.idle, uv::IDLE)] {
            if let Some(layout) = handle_layout(inner.uv, kind) {
                std::alloc::dealloc(handle.cast(), layout);
            }
        }
        if !inner.hook.get().is_null() {
            sys::napi_remove_async_cleanup_hook(inner.hook.get());
        }
    }
}

/// Slices of one round at most; what is left waits for the loop to come by again, so that timers
/// and other sockets have their turn.
const MAX_SLICES: usize = 64;
