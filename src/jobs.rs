//! Jobs on other threads, seen from the thread of their environment.
//!
//! One thread-safe function wakes the environment, however many jobs there are.
//! It is made by the first job, and holds the event loop only while there are
//! jobs. When the environment ends, it is released in a hook of our own, which
//! runs before Node's: no thread of the pool can be in it any more then.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr;
use std::time::Duration;

use ferrows_engine::{InflateWork, Job, Jobs, Wake};
use ferrows_protocol::ProtocolError;
use ferrows_protocol::deflate::{Compressor, Decompressor};
use napi_sys as sys;

use crate::codecs::State;
use crate::raw::{Call, report_thrown};

/// A job that is done, with everything that it had taken.
pub(crate) enum Finished {
    Deflated {
        slot: usize,
        compressor: Box<Compressor>,
        bytes: Vec<u8>,
    },
    Inflated {
        slot: usize,
        work: InflateWork,
        inflater: usize,
        decompressor: Box<Decompressor>,
    },
    Decompressed {
        slot: usize,
        decompressor: Box<Decompressor>,
        result: Result<Vec<u8>, ProtocolError>,
    },
}

/// Longest time for which the thread of an environment waits for a batch.
const MAX_WAIT: Duration = Duration::from_millis(2);

/// The jobs of an environment.
#[derive(Default)]
pub(crate) struct JobQueue {
    /// Set by `watch`.
    watched: Option<Watched>,
    /// Jobs that were not submitted.
    batch: Vec<Job<Finished>>,
    /// Jobs that have finished, and have not been fetched.
    finished: VecDeque<(u32, Finished)>,
    /// Jobs that were submitted, and have not been fetched.
    pending: usize,
}

struct Watched {
    jobs: Jobs<Finished>,
    function: sys::napi_threadsafe_function,
}

impl JobQueue {
    /// Has argument `index`, a function, called when jobs have finished.
    pub(crate) fn watch(&mut self, call: &Call, index: usize) -> Option<()> {
        if self.watched.is_some() {
            return None;
        }
        let name = call.string(c"ferrows")?;
        let mut function = ptr::null_mut();
        // SAFETY: Node refuses anything but a function; a place for the result.
        let status = unsafe {
            sys::napi_create_threadsafe_function(
                call.env,
                call.value(index),
                ptr::null_mut(),
                name,
                0,
                1,
                ptr::null_mut(),
                None,
                ptr::null_mut(),
                Some(call_watcher),
                &mut function,
            )
        };
        if status != sys::Status::napi_ok {
            return None;
        }
        // SAFETY: just made, on this thread.
        unsafe { sys::napi_unref_threadsafe_function(call.env, function) };
        // Kept before anything else can fail, so that the hook finds it.
        self.watched = Some(Watched {
            jobs: Jobs::new(Waker(function)),
            function,
        });
        // SAFETY: the state that callbacks are bound to outlives this hook: its own
        // was added before, and hooks run in reverse order.
        let status = unsafe { sys::napi_add_env_cleanup_hook(call.env, Some(end_jobs), call.data) };
        (status == sys::Status::napi_ok).then_some(())
    }

    /// Ends all jobs: nothing is woken any more once this returns.
    fn end(&mut self) {
        let Some(mut watched) = self.watched.take() else {
            return;
        };
        watched.jobs.close();
        // SAFETY: nobody calls it after `close`, and nobody releases it but us.
        unsafe {
            sys::napi_release_threadsafe_function(
                watched.function,
                sys::ThreadsafeFunctionReleaseMode::abort,
            )
        };
    }

    /// Puts a job into the batch that `submit` has done.
    pub(crate) fn add(
        &mut self,
        id: u32,
        work: impl FnOnce(&dyn Fn() -> bool) -> Finished + Send + 'static,
    ) {
        self.batch.push(Job::new(id, work));
    }

    /// Has the batch done on another thread. If it is to be waited for, says whether anything has
    /// finished: nobody is called for that.
    pub(crate) fn submit(&mut self, call: &Call, wait: bool) -> Option<bool> {
        let watched = self.watched.as_mut()?;
        let batch = std::mem::take(&mut self.batch);
        let count = batch.len();
        let submitted = if wait {
            watched.jobs.submit_and_wait(batch, MAX_WAIT)
        } else {
            watched.jobs.submit(batch).map(|()| false)
        };
        let Ok(has_results) = submitted else {
            call.throw(c"The operating system has no thread for compression");
            return None;
        };
        if self.pending == 0 && count > 0 {
            // SAFETY: the function lives as long as `watched`.
            unsafe { sys::napi_ref_threadsafe_function(call.env, watched.function) };
        }
        self.pending += count;
        Some(has_results)
    }

    /// How long none of the jobs under way has been done.
    pub(crate) fn silence(&self) -> Duration {
        let watched = self.watched.as_ref();
        watched.map_or(Duration::ZERO, |watched| watched.jobs.silence())
    }

    /// A job that has finished, and whose place nobody has asked for.
    pub(crate) fn next_finished(&mut self, call: &Call) -> Option<(u32, Finished)> {
        let watched = self.watched.as_ref()?;
        if self.finished.is_empty() {
            self.finished = watched.jobs.take_finished().into();
        }
        let next = self.finished.pop_front()?;
        self.pending -= 1;
        if self.pending == 0 {
            // SAFETY: as in `submit`.
            unsafe { sys::napi_unref_threadsafe_function(call.env, watched.function) };
        }
        Some(next)
    }
}

/// The cleanup hook of an environment that has had jobs.
unsafe extern "C" fn end_jobs(state: *mut c_void) {
    // SAFETY: `watch` gave the address, and the state lives still.
    let state = unsafe { &*state.cast::<State>() };
    state.jobs.borrow_mut().end();
}

/// Wakes the thread of an environment.
struct Waker(sys::napi_threadsafe_function);

// SAFETY: thread-safe functions are made to be called from any thread.
unsafe impl Send for Waker {}
// SAFETY: as above; calls may be at the same time.
unsafe impl Sync for Waker {}

impl Wake for Waker {
    fn wake(&self) {
        let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
        // SAFETY: not called after `Jobs::close`, which comes before the release.
        unsafe { sys::napi_call_threadsafe_function(self.0, ptr::null_mut(), mode) };
    }
}

/// Calls the watcher, on the thread of the environment; what it throws is an
/// uncaught exception.
unsafe extern "C" fn call_watcher(
    env: sys::napi_env,
    watcher: sys::napi_value,
    _context: *mut c_void,
    _data: *mut c_void,
) {
    // Both are null while the environment ends.
    if env.is_null() || watcher.is_null() {
        return;
    }
    // SAFETY: `env` and `watcher` are valid for this call, on this thread, and
    // the others are places for results.
    unsafe {
        let mut receiver = ptr::null_mut();
        sys::napi_get_undefined(env, &mut receiver);
        let status =
            sys::napi_call_function(env, receiver, watcher, 0, ptr::null(), ptr::null_mut());
        report_thrown(env, status);
    }
}
