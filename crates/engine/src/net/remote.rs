//! Sockets that are read and written on threads of their own.
//!
//! ```text
//!   environment's thread                          "ferrows-io" threads, each a tokio runtime
//!
//!   send() ─▶ desk.out ── flush(): mailbox ─────▶ task of the connection ─▶ write
//!                         (one wake a thread)        │        ▲
//!   next() ◀─ local ◀─ inbox: one batch ◀────────────┘        └─ read, decode, inflate
//!      │               (one wake an environment)               (only while there is room)
//!      └─ half of the inbox is free: mailbox ───▶ tasks that wait for room
//!   remove() takes the connection's `Io`: the task finds nothing, and ends
//! ```
//!
//! A task works in turns. For a whole turn it holds the lock `io` of its connection: one write of
//! 256 KiB, one read of 64 KiB, or a slice of inflating, about a millisecond at worst. The
//! environment takes that lock only to [remove](Remote::remove) a connection, or to give it a
//! decompressor. Everything else lies on the `desk`, whose lock either side holds for a few
//! instructions.
//!
//! Order of locks: `io`, then one of `desk`, the inbox's state, or the inbox's gate, which is held
//! while the environment is woken. While a mailbox or the list of threads is held, nothing else is
//! locked. No lock is held across an await.
//!
//! Memory: what the environment has not fetched costs at most [`MAX_QUEUED`], plus 64 KiB and one
//! message for each I/O thread. Payload bytes that were fetched are freed with their batch, so that
//! up to twice as much may be in use for a moment; a vector may have room for twice what it holds.
//! Besides, each connection has the message that it assembles, and one that was stopped in the
//! midst of a chunk its rest, up to 64 KiB. What is to be sent has no bound but the sender's: see
//! [`Remote::unsent`].

use std::io;
use std::sync::Arc;

use ferrows_protocol::deflate::Decompressor;
use ferrows_protocol::frame::{FrameHeader, encode_frame};

mod calls;
mod connection;
mod delivery;
mod io_threads;
mod queue;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

/// What the queue is made of; a model checker has its own.
mod sync {
    pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};
}

use self::calls::Calls;
use self::connection::{Connection, Inbox, Task};
use self::delivery::Batch;
pub use self::delivery::{Delivery, Fetched};
use self::io_threads::{IoThreads, Place};
use super::Socket;
use crate::{Inbound, Wake};

/// The connections of one environment that I/O threads serve, each known by a number.
///
/// It is used on the thread of the environment. Nothing waits for the network;
/// [`remove`](Self::remove), [`set_decompressor`](Self::set_decompressor) and
/// [`close`](Self::close) wait for the end of a turn.
pub struct Remote {
    inbox: Arc<Inbox>,
    slots: Vec<Option<Slot>>,
    /// Numbers that are free.
    free: Vec<usize>,
    /// Numbers that become free with the next [`next`](Self::next): until then somebody may hold on
    /// to what was fetched for them.
    left: Vec<usize>,
    /// What was taken from the inbox, and not fetched.
    local: Batch,
    /// Cost of what was fetched, and not told to the inbox.
    fetched: usize,
    /// The connections that their threads have to be told of.
    calls: Calls,
    /// None before the first connection.
    threads: Option<Arc<IoThreads>>,
    max_threads: Option<usize>,
    is_closed: bool,
}

/// The state of a connection that no transport owns.
pub struct Codec {
    /// What decodes; nothing of it is to be polled.
    pub inbound: Inbound,
    /// What it inflates with. If there is none, the first compressed message makes
    /// [`Delivery::NeedsInflater`].
    pub decompressor: Option<Box<Decompressor>>,
}

/// Everything there is of a connection that was removed.
pub struct Returned {
    /// The state of decoding.
    pub codec: Codec,
    /// The bytes that the kernel has not taken, in order.
    pub unsent: Vec<u8>,
    /// What was read and not decoded, behind one byte that was. It is empty when nothing is to be
    /// polled of the codec; one byte stands for a codec that is to be polled all the same.
    pub rest: Vec<u8>,
    /// What was not fetched, in order. No payload is [in a
    /// chunk](ferrows_protocol::Payload::InChunk).
    pub deliveries: Vec<Delivery>,
    /// Bytes that were read.
    pub received: u64,
    /// Bytes that the kernel has taken.
    pub sent: u64,
}

struct Slot {
    connection: Arc<Connection>,
    place: Place,
    /// Deliveries that were fetched.
    fetched: u64,
}

impl Remote {
    /// No connections yet.
    ///
    /// `waker` is used on I/O threads, once until [`next`](Self::next) gives nothing, and never
    /// after [`close`](Self::close). `threads` says how many there may be, if this environment is
    /// the first of the process to have a connection; otherwise it is one less than there are
    /// processors, up to 8.
    pub fn new(waker: impl Wake, threads: Option<usize>) -> Self {
        Self {
            inbox: Arc::new(Inbox::new(MAX_QUEUED, Box::new(waker))),
            slots: Vec::new(),
            free: Vec::new(),
            left: Vec::new(),
            local: Batch::default(),
            fetched: 0,
            calls: Calls::new(),
            threads: None,
            max_threads: threads,
            is_closed: false,
        }
    }

    /// Reads and writes a socket from now on, and gives the connection's number. It is small, and
    /// no other connection's before the next call of [`next`](Self::next) after its removal.
    ///
    /// # Errors
    ///
    /// If the system has no thread to give, or refuses to watch the socket; or after
    /// [`close`](Self::close).
    #[expect(clippy::result_large_err, reason = "the codec is not to be lost")]
    pub fn insert(&mut self, socket: Socket, codec: Codec) -> Result<usize, (io::Error, Codec)> {
        let watched = self.place().and_then(|place| {
            let socket = place.watch(socket)?;
            Ok((place, socket))
        });
        let (place, socket) = match watched {
            Ok(watched) => watched,
            Err(error) => return Err((error, codec)),
        };
        let id = self.free.pop().unwrap_or(self.slots.len());
        if id == self.slots.len() {
            self.slots.push(None);
        }
        // More than four thousand million sockets are not open at a time.
        let connection = Connection::new(id as u32, Arc::clone(&self.inbox), socket, codec);
        place.spawn(Task(Arc::clone(&connection)));
        self.slots[id] = Some(Slot {
            connection,
            place,
            fetched: 0,
        });
        Ok(id)
    }

    /// Takes a connection back. When this returns, no byte is read or written here any more,
    /// nothing is fetched for the number, and the socket's descriptor is closed.
    pub fn remove(&mut self, id: usize) -> Option<Returned> {
        let slot = self.slots.get_mut(id)?.take()?;
        self.left.push(id);
        let (mut returned, delivered) = slot.connection.take()?;
        if delivered > slot.fetched {
            self.extract(id as u32, &mut returned.deliveries);
        }
        Some(returned)
    }

    /// Reads nothing of a connection, from its next turn on.
    pub fn pause(&mut self, id: usize) {
        if let Some(slot) = self.slot(id) {
            slot.connection.set_paused(true);
        }
    }

    /// Reads on after [`pause`](Self::pause).
    pub fn resume(&mut self, id: usize) {
        if let Some(slot) = self.slot(id) {
            slot.connection.set_paused(false);
            slot.call_now();
        }
    }

    /// Gives a connection what it inflates with, and has it read on after
    /// [`Delivery::NeedsInflater`].
    pub fn set_decompressor(&mut self, id: usize, decompressor: Box<Decompressor>) {
        if let Some(slot) = self.slot(id) {
            let change = |codec: &mut Codec| codec.decompressor = Some(decompressor);
            slot.connection.change_codec(change);
            slot.call_now();
        }
    }

    /// Appends a frame to what a connection has to write, from [`flush`](Self::flush) on at the
    /// latest. Gives the number of bytes that the kernel has not taken, or `None` if there is no
    /// such connection.
    pub fn send(&mut self, id: usize, header: &FrameHeader, payload: &[u8]) -> Option<usize> {
        self.append_with(id, payload.len() + MAX_HEADER, |out| {
            encode_frame(out, header, payload);
        })
    }

    /// As [`send`](Self::send), for bytes as they are.
    pub fn append(&mut self, id: usize, bytes: &[u8]) -> Option<usize> {
        self.append_with(id, bytes.len(), |out| out.extend_from_slice(bytes))
    }

    /// Has everything written that was appended: one wake for each thread that has some.
    pub fn flush(&self) {
        self.calls.flush();
    }

    /// Writes what the kernel takes at once of a connection's bytes, on this thread, and gives the
    /// number of those left. It waits for the end of a turn.
    pub fn write_now(&mut self, id: usize) -> Option<usize> {
        Some(self.slot(id)?.connection.write_now())
    }

    /// Bytes that a connection was ever given to write.
    pub fn appended(&self, id: usize) -> Option<u64> {
        Some(self.slot(id)?.connection.appended())
    }

    /// Asks for one [`Delivery::Sent`] when the kernel has taken `total` bytes of the connection;
    /// of several requests that are open the least counts, and one answer is for all. False if it
    /// has taken them already: then there is no answer. There is none after
    /// [`Delivery::SendFailed`] either.
    pub fn notify_sent(&mut self, id: usize, total: u64) -> Option<bool> {
        Some(self.slot(id)?.connection.await_sent(total))
    }

    /// Fetches a delivery. `None` says that there is none, and that the waker is used when there
    /// is; who stops before must come back by himself.
    // Not an iterator: what it gives borrows from it.
    #[expect(clippy::should_implement_trait, reason = "it lends")]
    pub fn next(&mut self) -> Option<Fetched<'_>> {
        self.free.append(&mut self.left);
        if !self.has_more() {
            return None;
        }
        let (id, delivery) = self.local.pop()?;
        let id = id as usize;
        if let Some(Some(slot)) = self.slots.get_mut(id) {
            slot.fetched += 1;
        }
        self.fetched += delivery.cost();
        if self.fetched >= MAX_QUEUED / 8 {
            self.release();
        }
        Some(Fetched {
            id,
            delivery,
            chunk: self.local.bytes(),
        })
    }

    /// Whether there is something to fetch; if not, the waker is used when there is.
    pub fn has_more(&mut self) -> bool {
        while self.local.is_empty() {
            self.release();
            self.local.clear();
            if !self.inbox.exchange(&mut self.local) {
                return false;
            }
        }
        true
    }

    /// Bytes of a connection that the kernel has not taken.
    pub fn unsent(&self, id: usize) -> Option<usize> {
        Some(self.slot(id)?.connection.unsent())
    }

    /// Bytes of a connection that the kernel has taken.
    pub fn sent(&self, id: usize) -> Option<u64> {
        Some(self.slots.get(id)?.as_ref()?.connection.sent())
    }

    /// Bytes read from a connection.
    pub fn received(&self, id: usize) -> Option<u64> {
        Some(self.slots.get(id)?.as_ref()?.connection.received())
    }

    /// Ends it: what the kernel takes at once is written, all connections are removed, and nobody
    /// is woken any more. The last environment of the process joins the threads. Dropping does the
    /// same.
    pub fn close(&mut self) {
        self.is_closed = true;
        self.inbox.close();
        for slot in self.slots.drain(..).flatten() {
            slot.connection.write_last();
            slot.connection.take();
        }
        self.local = Batch::default();
        self.free.clear();
        self.left.clear();
        drop(self.threads.take());
    }

    fn place(&mut self) -> io::Result<Place> {
        if self.is_closed {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let limit = self.max_threads;
        let threads = self.threads.get_or_insert_with(|| IoThreads::shared(limit));
        threads.place()
    }

    fn slot(&self, id: usize) -> Option<&Slot> {
        self.slots.get(id)?.as_ref()
    }

    fn append_with(
        &self,
        id: usize,
        bytes: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Option<usize> {
        let slot = self.slot(id)?;
        let unsent = slot.connection.append(bytes, write);
        self.calls.add(slot.place.thread(), &slot.connection);
        Some(unsent)
    }

    /// Tells the inbox what was fetched, and has those read on that waited for it.
    fn release(&mut self) {
        if self.fetched > 0 {
            let waiting = self.inbox.release(std::mem::take(&mut self.fetched));
            self.call(&waiting);
        }
    }

    /// Takes what was not fetched for a connection.
    fn extract(&mut self, id: u32, found: &mut Vec<Delivery>) {
        let cost = self.local.extract(id, found);
        self.fetched += cost;
        let waiting = self.inbox.edit(|batch| batch.extract(id, found));
        self.call(&waiting);
        self.release();
    }

    /// Has connections looked at by their threads, and by that flushes.
    fn call(&self, connections: &[Arc<Connection>]) {
        for connection in connections {
            if let Some(slot) = self.slot(connection.id()) {
                self.calls.add(slot.place.thread(), connection);
            }
        }
        if !connections.is_empty() {
            self.flush();
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.close();
    }
}

impl Slot {
    fn call_now(&self) {
        let mut connections = vec![Arc::clone(&self.connection)];
        self.place.thread().call(&mut connections);
    }
}

/// What may wait to be fetched by an environment, in bytes: payloads, and some 80 bytes for each
/// delivery.
const MAX_QUEUED: usize = 4 * 1024 * 1024;

/// Bytes that any frame header fits in.
const MAX_HEADER: usize = 14;
