//! Sockets that are read and written on other threads: the `tokio` transport.
//!
//! ```text
//!   I/O thread: something was read ─▶ thread-safe function, once
//!     └─ drain()              on the environment's thread, with ticks and microtasks after it
//!          └─ remoteFill()    a slice of what has come
//!          └─ events …        remoteKeep() …
//!          └─ remoteFlush()   tells the I/O threads, once each
//! ```
//!
//! A connection's decoder and inflater belong to its I/O thread until `remoteRelease`; meanwhile
//! their handles find nothing.

mod fill;
mod watch;

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

use ferrows_engine::net::{Codec, Delivery, Remote, Returned, Socket};
use napi::bindgen_prelude::Result;
use napi_sys as sys;

use self::watch::Watch;
use crate::codecs::{Codecs, Receiving, State};
use crate::raw::{Call, Exports, callback};
use crate::values::{new_buffer, set_element};

/// Exports the functions below, `remoteFill`, and `remoteKeep` of `send`.
pub(crate) fn export(exports: &Exports, codecs: &Codecs) -> Result<()> {
    let data = codecs.data();
    exports.bound(c"remoteOpen", open_shell, data)?;
    exports.bound(c"remoteAdopt", adopt_shell, data)?;
    exports.bound(c"remoteRelease", release_shell, data)?;
    exports.bound(c"remotePause", pause_shell, data)?;
    exports.bound(c"remoteResume", resume_shell, data)?;
    exports.bound(c"remoteHold", hold_shell, data)?;
    exports.bound(c"remoteAppend", append_shell, data)?;
    exports.bound(c"remoteFlush", flush_shell, data)?;
    exports.bound(c"remoteWrite", write_shell, data)?;
    exports.bound(c"remoteAwait", await_sent_shell, data)?;
    exports.bound(c"remoteBytesRead", bytes_read_shell, data)?;
    exports.bound(c"remoteBytesWritten", bytes_written_shell, data)?;
    exports.bound(c"remoteUnsent", unsent_shell, data)?;
    fill::export(exports, codecs)
}

callback!(open_shell, open, 2);
callback!(adopt_shell, adopt, 2);
callback!(release_shell, release, 2);
callback!(pause_shell, pause, 1);
callback!(resume_shell, resume, 1);
callback!(hold_shell, hold, 1);
callback!(append_shell, append, 2);
callback!(flush_shell, flush, 0);
callback!(write_shell, write, 1);
callback!(await_sent_shell, await_sent, 2);
callback!(bytes_read_shell, bytes_read, 1);
callback!(bytes_written_shell, bytes_written, 1);
callback!(unsent_shell, unsent, 1);

/// The remote sockets of one environment.
pub(crate) struct RemoteIo {
    pub(crate) remote: Remote,
    /// What JavaScript knows of the connections, by number.
    links: Vec<Option<Link>>,
    /// What had come for connections that were released, and was not fetched.
    released: VecDeque<Late>,
    watch: Watch,
}

/// Where the codec of a connection belongs.
struct Link {
    decoder: usize,
    inflater: Option<usize>,
}

/// News of a connection that is not remote any more.
enum Late {
    News(usize, Delivery),
    /// There are no more.
    End(usize),
}

/// `remoteOpen(drain, threads)`: prepares for sockets; `drain` is called whenever something has come.
/// `threads` is how many there are to be, 0 to leave it to the machine. False if Node refuses.
fn open(call: &Call) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    if state.remote.borrow().is_some() {
        return None;
    }
    let threads = (call.u32(1)? > 0).then_some(call.u32(1)? as usize);
    let Some(watch) = Watch::open(call, call.value(0)) else {
        return call.boolean(false);
    };
    *state.remote.borrow_mut() = Some(RemoteIo {
        remote: Remote::new(watch.waker(), threads),
        links: Vec::new(),
        released: VecDeque::new(),
        watch,
    });
    call.boolean(true)
}

/// `remoteAdopt(fd, decoder)`: reads and writes a socket from now on, and gives the number of the
/// connection; -1 if that is not possible.
fn adopt(call: &Call) -> Option<sys::napi_value> {
    let state = Codecs::of(call);
    let mut io = state.remote.borrow_mut();
    let io = io.as_mut()?;
    let (fd, decoder) = (i32::try_from(call.u32(0)?).ok()?, call.handle(1)?);
    // SAFETY: Node's descriptor, which is duplicated before any JavaScript can close it; it is not
    // -1, which no `u32` becomes.
    let Ok(socket) = Socket::duplicate(unsafe { BorrowedFd::borrow_raw(fd) }) else {
        return call.integer(-1);
    };
    let Receiving {
        mut inbound,
        inflater,
    } = *state.receiving.take(decoder)?;
    // An I/O thread does everything itself.
    inbound.set_helpers(false);
    let codec = Codec {
        inbound,
        decompressor: inflater.and_then(|slot| state.decompressors.take(slot)),
    };
    let link = Link { decoder, inflater };
    match io.remote.insert(socket, codec) {
        Ok(id) => {
            if io.links.len() <= id {
                io.links.resize_with(id + 1, || None);
            }
            io.links[id] = Some(link);
            call.integer(i32::try_from(id).ok()?)
        }
        Err((_, codec)) => {
            link.put_back(state, codec);
            call.integer(-1)
        }
    }
}

/// `remoteRelease(id, parts)`: takes a connection back. `parts` gets what was not sent, and what was
/// read but not decoded, behind one byte that was, if there is any; and the numbers of bytes that were
/// read and sent. Gives the number of news that are still to come: they are fetched with the others,
/// and a line without any ends them.
fn release(call: &Call) -> Option<sys::napi_value> {
    let (count, parts) = take_back(call)?;
    // Nothing is borrowed: a setter on `Array.prototype` would be called.
    for (index, part) in (0..).zip(parts) {
        set_element(call, call.value(1), index, part)?;
    }
    call.number(count)
}

/// Gives what `release` does: the number, and the elements of `parts`.
fn take_back(call: &Call) -> Option<(u32, [sys::napi_value; 4])> {
    let state = Codecs::of(call);
    let mut io = state.remote.borrow_mut();
    let io = io.as_mut()?;
    let id = call.u32(0)? as usize;
    let link = io.links.get_mut(id)?.take()?;
    let Returned {
        codec,
        unsent,
        rest,
        deliveries,
        received,
        sent,
    } = io.remote.remove(id)?;
    link.put_back(state, codec);

    let count = u32::try_from(deliveries.len()).unwrap_or(u32::MAX);
    if count > 0 {
        let late = deliveries.into_iter().map(|news| Late::News(id, news));
        io.released.extend(late);
        io.released.push_back(Late::End(id));
        io.watch.wake_soon();
    }
    let bytes = |bytes: Vec<u8>| {
        if bytes.is_empty() {
            call.undefined()
        } else {
            new_buffer(call, bytes)
        }
    };
    let parts = [
        bytes(unsent)?,
        bytes(rest)?,
        call.double(received as f64)?,
        call.double(sent as f64)?,
    ];
    Some((count, parts))
}

/// `remotePause(id)`: reads nothing of a connection.
fn pause(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).remote.borrow_mut();
    io.as_mut()?.remote.pause(call.u32(0)? as usize);
    call.nothing()
}

/// `remoteResume(id)`: reads on.
fn resume(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).remote.borrow_mut();
    io.as_mut()?.remote.resume(call.u32(0)? as usize);
    call.nothing()
}

/// `remoteHold(hold)`: whether the sockets keep the event loop alive.
fn hold(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).remote.borrow();
    io.as_ref()?.watch.hold(call, call.u32(0)? != 0);
    call.nothing()
}

/// `remoteAppend(id, bytes)`: as `remoteKeep`, for bytes that are frames already.
fn append(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).remote.borrow_mut();
    // SAFETY: only read; no JavaScript runs.
    let bytes = unsafe { call.bytes(1)? };
    let unsent = io.as_mut()?.remote.append(call.u32(0)? as usize, bytes)?;
    call.number(u32::try_from(unsent).unwrap_or(u32::MAX))
}

/// `remoteFlush()`: has everything written that was kept.
fn flush(call: &Call) -> Option<sys::napi_value> {
    if let Some(io) = Codecs::of(call).remote.borrow_mut().as_mut() {
        io.remote.flush();
    }
    call.nothing()
}

/// `remoteWrite(id)`: gives the kernel what it takes of a connection's bytes, on this thread, and gives
/// the number of those left.
fn write(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).remote.borrow_mut();
    let left = io.as_mut()?.remote.write_now(call.u32(0)? as usize)?;
    call.double(left as f64)
}

/// `remoteAwait(id, total)`: asks for a line when the kernel has taken so many bytes of the connection,
/// or if that is 0, all there are now. Gives the number; 0 if they are taken already, and no line comes.
fn await_sent(call: &Call) -> Option<sys::napi_value> {
    let mut io = Codecs::of(call).remote.borrow_mut();
    let remote = &mut io.as_mut()?.remote;
    let id = call.u32(0)? as usize;
    let total = match call.length(1)? {
        0 => remote.appended(id)?,
        total => total,
    };
    let is_awaited = remote.notify_sent(id, total)?;
    call.double(if is_awaited { total as f64 } else { 0.0 })
}

/// `remoteBytesRead(id)`.
fn bytes_read(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).remote.borrow();
    let bytes = io.as_ref()?.remote.received(call.u32(0)? as usize)?;
    call.double(bytes as f64)
}

/// `remoteBytesWritten(id)`: those that the kernel has, or will have; Node counts so.
fn bytes_written(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).remote.borrow();
    let bytes = io.as_ref()?.remote.appended(call.u32(0)? as usize)?;
    call.double(bytes as f64)
}

/// `remoteUnsent(id)`: bytes that the kernel has not taken.
fn unsent(call: &Call) -> Option<sys::napi_value> {
    let io = Codecs::of(call).remote.borrow();
    let bytes = io.as_ref()?.remote.unsent(call.u32(0)? as usize)?;
    call.double(bytes as f64)
}

impl Link {
    /// Puts a codec where its handles find it.
    fn put_back(self, state: &State, codec: Codec) {
        let Self { decoder, inflater } = self;
        let Codec {
            inbound,
            decompressor,
        } = codec;
        if let (Some(slot), Some(decompressor)) = (inflater, decompressor) {
            state.decompressors.put_back(slot, decompressor);
        }
        let receiving = Receiving::new(inbound, inflater);
        state.receiving.put_back(decoder, Box::new(receiving));
    }
}
