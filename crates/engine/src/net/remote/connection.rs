//! A connection between its environment and its I/O thread.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::unix::AsyncFd;

use super::delivery::{Batch, Delivery};
use super::queue::Queue;
use super::reading::Reading;
use super::writing::Writing;
use super::{Codec, Returned};
use crate::net::Socket;
use crate::spare_buffers;

/// The deliveries of an environment; connections wait for room.
pub(super) type Inbox = Queue<Batch, Arc<Connection>>;

/// What the two threads share of a connection.
pub(super) struct Connection {
    id: u32,
    inbox: Arc<Inbox>,
    /// Held by the I/O thread for a whole turn; none once the environment has taken it.
    io: Mutex<Option<Io>>,
    /// Held by either for a few instructions.
    desk: Mutex<Desk>,
    /// It is among those that their threads are to be told of.
    is_called: AtomicBool,
}

/// What belongs to the I/O thread.
struct Io {
    socket: AsyncFd<Socket>,
    reading: Reading,
    writing: Writing,
    /// Deliveries put into the inbox.
    delivered: u64,
}

/// What is handed over, and what both must know.
#[derive(Default)]
struct Desk {
    /// Bytes to be written, behind those that the I/O thread has.
    out: Vec<u8>,
    /// Bytes that were ever put into `out`.
    appended: u64,
    /// Those of them that the kernel has taken.
    sent: u64,
    /// Value of `sent` that the environment waits for.
    awaited: Option<u64>,
    received: u64,
    is_paused: bool,
    /// Of the task, from its first turn on.
    waker: Option<Waker>,
}

/// The task of a connection.
pub(super) struct Task(pub(super) Arc<Connection>);

/// The way of what a turn has found to the inbox.
pub(super) struct Courier<'a> {
    pub(super) connection: &'a Arc<Connection>,
    delivered: &'a mut u64,
}

/// For the environment's thread.
impl Connection {
    pub(super) fn new(
        id: u32,
        inbox: Arc<Inbox>,
        socket: AsyncFd<Socket>,
        codec: Codec,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            inbox,
            io: Mutex::new(Some(Io {
                socket,
                reading: Reading::new(codec),
                writing: Writing::default(),
                delivered: 0,
            })),
            desk: Mutex::default(),
            is_called: AtomicBool::new(false),
        })
    }

    /// Has `write` append about so many bytes to those to be written. Gives the number of those that the
    /// kernel has not taken.
    pub(super) fn append(&self, bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let mut desk = self.desk();
        if desk.out.capacity() == 0 {
            desk.out = spare_buffers::take(bytes);
        }
        let before = desk.out.len();
        write(&mut desk.out);
        desk.appended += (desk.out.len() - before) as u64;
        desk.unsent()
    }

    /// False if the connection is among those to be called already.
    pub(super) fn begin_call(&self) -> bool {
        !self.is_called.swap(true, Ordering::AcqRel)
    }

    /// Its thread is about to be told.
    pub(super) fn end_call(&self) {
        self.is_called.store(false, Ordering::Release);
    }

    /// Asks for [`Delivery::Sent`]; false if the kernel has those bytes already.
    pub(super) fn await_sent(&self, total: u64) -> bool {
        let mut desk = self.desk();
        if desk.sent >= total {
            return false;
        }
        desk.awaited = Some(desk.awaited.map_or(total, |awaited| awaited.min(total)));
        true
    }

    pub(super) fn set_paused(&self, is_paused: bool) {
        self.desk().is_paused = is_paused;
    }

    /// Gives a connection what it needs to go on after [`Delivery::NeedsInflater`].
    pub(super) fn change_codec(&self, change: impl FnOnce(&mut Codec)) {
        if let Some(io) = &mut *self.io() {
            change(io.reading.codec());
        }
    }

    /// Takes everything away from the I/O thread, and closes the socket's descriptor; that of Node
    /// is another one. Gives it, and the number of deliveries put into the inbox.
    pub(super) fn take(&self) -> Option<(Returned, u64)> {
        // Dropping the socket here takes it off the list of those that are watched.
        let Io {
            reading,
            writing,
            delivered,
            ..
        } = self.io().take()?;
        let (out, waker, received, sent) = {
            let mut desk = self.desk();
            let out = mem::take(&mut desk.out);
            (out, desk.waker.take(), desk.received, desk.sent)
        };
        // The task ends when it finds nothing.
        if let Some(waker) = waker {
            waker.wake();
        }
        let (codec, rest) = reading.into_parts();
        let returned = Returned {
            codec,
            rest,
            unsent: writing.into_unsent(out),
            deliveries: Vec::new(),
            received,
            sent,
        };
        Some((returned, delivered))
    }

    /// Writes what the kernel takes at once, on the thread of the environment. Gives the number of
    /// bytes that are left.
    pub(super) fn write_now(self: &Arc<Self>) -> usize {
        if self.unsent() > 0
            && let Some(io) = &mut *self.io()
        {
            let out = mem::take(&mut self.desk().out);
            let count = io.writing.write_at_once(io.socket.get_ref(), out);
            if let Some(total) = self.add_sent(count) {
                let delivered = &mut io.delivered;
                Courier {
                    connection: self,
                    delivered,
                }
                .deliver(Delivery::Sent { total });
            }
        }
        self.unsent()
    }

    /// Writes what the kernel takes at once, for the last time.
    pub(super) fn write_last(&self) {
        if let Some(io) = &mut *self.io() {
            let out = mem::take(&mut self.desk().out);
            io.writing.write_at_once(io.socket.get_ref(), out);
        }
    }

    pub(super) fn id(&self) -> usize {
        self.id as usize
    }

    pub(super) fn unsent(&self) -> usize {
        self.desk().unsent()
    }

    pub(super) fn appended(&self) -> u64 {
        self.desk().appended
    }

    pub(super) fn sent(&self) -> u64 {
        self.desk().sent
    }

    pub(super) fn received(&self) -> u64 {
        self.desk().received
    }

    /// Nothing panics while it is held, but for a lack of memory.
    fn io(&self) -> MutexGuard<'_, Option<Io>> {
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As above.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the I/O thread.
impl Connection {
    /// Has the task take a turn.
    pub(super) fn wake_task(&self) {
        if let Some(waker) = &self.desk().waker {
            waker.wake_by_ref();
        }
    }

    pub(super) fn take_out(&self) -> Vec<u8> {
        mem::take(&mut self.desk().out)
    }

    /// Counts bytes that the kernel has taken; gives the total if the environment waits for it.
    pub(super) fn add_sent(&self, count: usize) -> Option<u64> {
        let mut desk = self.desk();
        desk.sent += count as u64;
        let sent = desk.sent;
        desk.awaited.take_if(|awaited| *awaited <= sent)?;
        Some(sent)
    }

    pub(super) fn add_received(&self, count: usize) {
        self.desk().received += count as u64;
    }

    /// Whether there is room for more deliveries; if not, the connection is called when there is.
    pub(super) fn is_admitted(self: &Arc<Self>, seen: &mut u64) -> bool {
        self.inbox.admit(seen, || Arc::clone(self))
    }

    /// Begins a turn; says whether reading is paused.
    fn begin_turn(&self, cx: &Context) -> bool {
        let mut desk = self.desk();
        match &mut desk.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        desk.is_paused
    }
}

impl Desk {
    fn unsent(&self) -> usize {
        usize::try_from(self.appended - self.sent).unwrap_or(usize::MAX)
    }
}

impl Future for Task {
    type Output = ();

    /// Takes a turn: writes and reads, a limited amount of each.
    fn poll(self: Pin<&mut Self>, cx: &mut Context) -> Poll<()> {
        let connection = &self.0;
        let mut io = connection.io();
        let Some(Io {
            socket,
            reading,
            writing,
            delivered,
        }) = &mut *io
        else {
            return Poll::Ready(());
        };
        let is_paused = connection.begin_turn(cx);
        let mut courier = Courier {
            connection,
            delivered,
        };
        let mut has_more = writing.turn(socket, &mut courier, cx);
        if !is_paused {
            has_more |= reading.turn(socket, &mut courier, cx);
        }
        drop(io);
        if has_more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Courier<'_> {
    /// Delivers in order what was found in `chunk`; false if there is no room for more.
    pub(super) fn deliver_all(&mut self, found: &mut Vec<Delivery>, chunk: &[u8]) -> bool {
        if found.is_empty() {
            return true;
        }
        *self.delivered += found.len() as u64;
        let id = self.connection.id;
        let cost = found.iter().map(Delivery::cost).sum();
        let is_full = self.connection.inbox.push(cost, |batch| {
            for delivery in found.drain(..) {
                batch.push(id, delivery, chunk);
            }
        });
        // A queue that is closed takes nothing.
        found.clear();
        !is_full
    }

    pub(super) fn deliver(&mut self, delivery: Delivery) {
        self.deliver_all(&mut vec![delivery], &[]);
    }
}
