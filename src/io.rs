//! Sockets that are read and written here, on the thread of their environment: the `loop` transport.
//!
//! ```text
//!   libuv: the reactor's descriptor is readable
//!     └─ drain()            one call into JavaScript, with ticks and microtasks after it
//!          └─ fill()        reads sockets and decodes, until a slice is full
//!          └─ events …      keep(), send() …
//!          └─ flushAll()    one system call for each connection that has sent
//!     └─ drain() again, while a socket of this round was not read
//! ```
//!
//! Every connection is known by a number. Node keeps the socket, and does whatever is not sending
//! and receiving; `release` gives it back at any time.

mod event_loop;
mod fill;
mod uv;

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use ferrows_engine::net::{Outgoing, Reactor, Socket};
use napi::bindgen_prelude::Result;
use napi_sys as sys;

use self::event_loop::EventLoop;
use crate::codecs::Codecs;
use crate::raw::{Call, Exports, callback};
use crate::values::new_buffer;

/// Exports the functions below, `fill` and those of `send` for such sockets.
pub(crate) fn export(exports: &Exports, codecs: &Codecs) -> Result<()> {
    let data = codecs.data();
    exports.bound(c"openLoop", open_loop_shell, data)?;
    exports.bound(c"adopt", adopt_shell, data)?;
    exports.bound(c"release", release_shell, data)?;
    exports.bound(c"pauseReading", pause_reading_shell, data)?;
    exports.bound(c"resumeReading", resume_reading_shell, data)?;
    exports.bound(c"holdLoop", hold_loop_shell, data)?;
    exports.bound(c"bytesRead", bytes_read_shell, data)?;
    exports.bound(c"bytesWritten", bytes_written_shell, data)?;
    exports.bound(c"keepBytes", keep_bytes_shell, data)?;
    exports.bound(c"flushAll", flush_all_shell, data)?;
    exports.bound(c"flushOne", flush_one_shell, data)?;
    exports.bound(c"takeUnsent", take_unsent_shell, data)?;
    fill::export(exports, codecs)
}

callback!(open_loop_shell, open_loop, 1);
callback!(adopt_shell, adopt, 2);
callback!(release_shell, release, 1);
callback!(pause_reading_shell, pause_reading, 1);
callback!(resume_reading_shell, resume_reading, 1);
callback!(hold_loop_shell, hold_loop, 1);
callback!(bytes_read_shell, bytes_read, 1);
callback!(bytes_written_shell, bytes_written, 1);
callback!(keep_bytes_shell, keep_bytes, 2);
callback!(flush_all_shell, flush_all, 1);
callback!(flush_one_shell, flush_one, 1);
callback!(take_unsent_shell, take_unsent, 1);

/// The sockets of one environment.
pub(crate) struct Io {
    reactor: Reactor,
    pub(crate) outgoing: Outgoing,
    /// What JavaScript knows of the connections, by number.
    links: Vec<Option<Link>>,
    /// What was read last.
    chunk: Box<[u8]>,
    /// The part of `chunk` that is not decoded.
    rest: Option<Rest>,
    /// Kept for its memory.
    stuck: Vec<usize>,
    event_loop: EventLoop,
}

struct Link {
    /// The number of the decoder.
    decoder: usize,
}

/// The undecoded end of a chunk.
struct Rest {
    id: usize,
    at: usize,
    end: usize,
}

impl Io {
    /// Whether `fill` has something to do at once.
    fn is_unfinished(&self) -> bool {
        self.rest.is_some() || self.reactor.has_round()
    }

    /// Whether `fill` will have something to do without anything new from the system.
    fn has_more(&self) -> bool {
        self.is_unfinished() || self.reactor.has_more()
    }
}

/// `openLoop(drain)`: prepares for sockets; `drain` is called whenever there is something to read.
/// False if this runtime has no event loop of libuv's, or the system no descriptor.
fn open_loop(call: &Call) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    if state.io.borrow().is_some() {
        return None;
    }
    let opened = Reactor::new().ok().and_then(|reactor| {
        let event_loop = EventLoop::open(call, call.value(0), &reactor)?;
        Some(Io {
            reactor,
            outgoing: Outgoing::new(),
            links: Vec::new(),
            chunk: vec![0; CHUNK_BYTES].into(),
            rest: None,
            stuck: Vec::new(),
            event_loop,
        })
    });
    let is_open = opened.is_some();
    *state.io.borrow_mut() = opened;
    call.boolean(is_open)
}

/// `adopt(fd, decoder)`: reads and writes a socket from now on, and gives the number of the
/// connection; -1 if that is not possible.
fn adopt(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).io.borrow_mut();
    let io = io.as_mut()?;
    let (fd, decoder) = (i32::try_from(call.u32(0)?).ok()?, call.handle(1)?);
    // SAFETY: Node's descriptor, which is duplicated before any JavaScript can close it; it is not
    // -1, which no `u32` becomes.
    let socket = match Socket::duplicate(unsafe { BorrowedFd::borrow_raw(fd) }) {
        Ok(socket) => Arc::new(socket),
        Err(_) => return call.integer(-1),
    };
    let Ok(id) = io.reactor.insert(Arc::clone(&socket)) else {
        return call.integer(-1);
    };
    io.outgoing.insert(id, socket);
    if io.links.len() <= id {
        io.links.resize_with(id + 1, || None);
    }
    io.links[id] = Some(Link { decoder });
    call.integer(i32::try_from(id).ok()?)
}

/// `release(id)`: lets go of a connection, from which everything unsent was taken. Gives what was
/// read of it, but not decoded, behind one byte that was.
fn release(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).io.borrow_mut();
    let io = io.as_mut()?;
    let id = call.u32(0)? as usize;
    io.links.get_mut(id)?.take()?;
    io.reactor.remove(id);
    io.outgoing.remove(id);
    match io.rest.take_if(|rest| rest.id == id) {
        Some(rest) => fill::behind_one_byte(call, io.chunk.get(rest.at..rest.end)?),
        None => call.nothing(),
    }
}

/// `pauseReading(id)`: reads nothing of a connection.
fn pause_reading(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).io.borrow_mut();
    io.as_mut()?.reactor.pause(call.u32(0)? as usize);
    call.nothing()
}

/// `resumeReading(id)`: reads on.
fn resume_reading(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).io.borrow_mut();
    let io = io.as_mut()?;
    io.reactor.resume(call.u32(0)? as usize);
    if io.has_more() {
        io.event_loop.go_on();
    }
    call.nothing()
}

/// `holdLoop(hold)`: whether the sockets keep the event loop alive.
fn hold_loop(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).io.borrow();
    io.as_ref()?.event_loop.hold(call.u32(0)? != 0);
    call.nothing()
}

/// `bytesRead(id)`.
fn bytes_read(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).io.borrow();
    let bytes = io.as_ref()?.reactor.received(call.u32(0)? as usize)?;
    call.double(bytes as f64)
}

/// `bytesWritten(id)`: those that the kernel has.
fn bytes_written(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).io.borrow();
    let bytes = io.as_ref()?.outgoing.sent(call.u32(0)? as usize)?;
    call.double(bytes as f64)
}

/// `keepBytes(id, bytes)`: as `keep`, for bytes that are frames already.
fn keep_bytes(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).io.borrow();
    // SAFETY: only read; no JavaScript runs.
    let bytes = unsafe { call.bytes(1)? };
    let outgoing = &io.as_ref()?.outgoing;
    let kept = outgoing.keep_bytes(call.u32(0)? as usize, bytes)?;
    call.number(u32::try_from(kept).unwrap_or(u32::MAX))
}

/// `flushAll(ids)`: writes what is kept. Gives the number of connections whose bytes the kernel has
/// not all taken, and puts their numbers into `ids`; if that is full, more may be kept.
fn flush_all(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).io.borrow_mut();
    let Some(io) = io.as_mut() else {
        return call.number(0);
    };
    // SAFETY: no JavaScript runs while the borrow lives.
    let ids = unsafe { call.words_mut(0)? };
    io.stuck.clear();
    io.outgoing.flush(&mut io.stuck, ids.len());
    for (place, &id) in ids.iter_mut().zip(&io.stuck) {
        *place = u32::try_from(id).ok()?;
    }
    call.number(io.stuck.len() as u32)
}

/// `flushOne(id)`: writes what one connection keeps, and gives the number of bytes left.
fn flush_one(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).io.borrow();
    let left = io.as_ref()?.outgoing.flush_one(call.u32(0)? as usize)?;
    call.double(left as f64)
}

/// `takeUnsent(id)`: the bytes of a connection that the kernel has not taken, if there are any.
fn take_unsent(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).io.borrow();
    let bytes = io.as_ref()?.outgoing.take(call.u32(0)? as usize)?;
    if bytes.is_empty() {
        return call.nothing();
    }
    new_buffer(call, bytes)
}

/// As much as Node reads at once.
const CHUNK_BYTES: usize = 64 * 1024;
