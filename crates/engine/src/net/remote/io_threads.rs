//! The threads that read and write sockets.
//!
//! Each has a runtime of tokio with an epoll or kqueue instance of its own, a task for each of its
//! connections, and a mailbox with the connections that somebody else has news for. The mailbox is
//! the future that the thread blocks on: a wake from another thread is a system call, but those
//! that the mailbox passes on are not.

use std::future::{self, Future};
use std::io;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, Handle};

use super::connection::Connection;
use crate::net::Socket;

/// The threads of the process. They end, and are joined, with the last one that holds this; that is
/// never one of them.
pub(super) struct IoThreads {
    /// How many there may be.
    limit: usize,
    running: Mutex<Vec<Running>>,
}

struct Running {
    thread: Arc<IoThread>,
    join: JoinHandle<()>,
}

/// One of the threads.
pub(super) struct IoThread {
    handle: Handle,
    mailbox: Mutex<Mailbox>,
    connections: AtomicUsize,
}

#[derive(Default)]
struct Mailbox {
    /// Connections to be looked at.
    calls: Vec<Arc<Connection>>,
    is_stopped: bool,
    waker: Option<Waker>,
}

/// A connection's place on a thread, which counts it.
pub(super) struct Place(Arc<IoThread>);

impl IoThreads {
    /// Those of the process; if there are none yet, `limit` says how many there may be.
    pub(super) fn shared(limit: Option<usize>) -> Arc<Self> {
        static SHARED: Mutex<Weak<IoThreads>> = Mutex::new(Weak::new());

        let mut shared = lock(&SHARED);
        if let Some(threads) = shared.upgrade() {
            return threads;
        }
        let threads = Arc::new(Self {
            limit: limit.unwrap_or_else(default_limit).max(1),
            running: Mutex::default(),
        });
        *shared = Arc::downgrade(&threads);
        threads
    }

    /// A place on the thread that has the fewest connections. Another thread is started if all have
    /// some, and there may be more.
    ///
    /// # Errors
    ///
    /// When there is no thread, and the system does not give one.
    pub(super) fn place(&self) -> io::Result<Place> {
        let mut running = lock(&self.running);
        let fewest = running
            .iter()
            .map(|running| &running.thread)
            .min_by_key(|thread| thread.connections.load(Ordering::Relaxed))
            .cloned();
        let is_idle = |thread: &Arc<IoThread>| thread.connections.load(Ordering::Relaxed) == 0;
        let thread = match fewest {
            Some(thread) if is_idle(&thread) || running.len() >= self.limit => thread,
            fewest => match (Running::start(), fewest) {
                (Ok(new), _) => {
                    let thread = Arc::clone(&new.thread);
                    running.push(new);
                    thread
                }
                (Err(_), Some(thread)) => thread,
                (Err(error), None) => return Err(error),
            },
        };
        thread.connections.fetch_add(1, Ordering::Relaxed);
        Ok(Place(thread))
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.running).len()
    }
}

impl Drop for IoThreads {
    fn drop(&mut self) {
        let running = mem::take(&mut *lock(&self.running));
        for Running { thread, .. } in &running {
            thread.stop();
        }
        for Running { join, .. } in running {
            // It does not panic; if it did, that would be no reason for this thread to.
            let _ = join.join();
        }
    }
}

impl Running {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .event_interval(TURNS)
            .build()?;
        let thread = Arc::new(IoThread {
            handle: runtime.handle().clone(),
            mailbox: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let own = Arc::clone(&thread);
        let join = thread::Builder::new()
            .name("ferrows-io".into())
            .spawn(move || runtime.block_on(own.serve()))?;
        Ok(Self { thread, join })
    }
}

impl IoThread {
    /// Has the connections looked at, and leaves the list empty. The thread is woken unless it was
    /// before, and has not looked since.
    pub(super) fn call(&self, connections: &mut Vec<Arc<Connection>>) {
        let mut mailbox = lock(&self.mailbox);
        let is_first = mailbox.calls.is_empty();
        mailbox.calls.append(connections);
        let waker = mailbox.waker.clone().filter(|_| is_first);
        drop(mailbox);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What the thread does besides the tasks of its connections, until it is stopped.
    async fn serve(self: Arc<Self>) {
        let mut calls = Vec::new();
        future::poll_fn(|cx| self.take_calls(&mut calls, cx)).await;
    }

    fn take_calls(&self, calls: &mut Vec<Arc<Connection>>, cx: &Context) -> Poll<()> {
        let mut mailbox = lock(&self.mailbox);
        mem::swap(&mut mailbox.calls, calls);
        let is_stopped = mailbox.is_stopped;
        mailbox.waker = Some(cx.waker().clone());
        drop(mailbox);
        for connection in calls.drain(..) {
            connection.wake_task();
        }
        if is_stopped {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn stop(&self) {
        let mut mailbox = lock(&self.mailbox);
        mailbox.is_stopped = true;
        let waker = mailbox.waker.take();
        drop(mailbox);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Place {
    /// Has the thread watch a socket.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    #[expect(
        deprecated,
        reason = "the one that replaces it is unsafe, for types that change their descriptor"
    )]
    pub(super) fn watch(&self, socket: Socket) -> io::Result<AsyncFd<Socket>> {
        let _context = self.0.handle.enter();
        AsyncFd::with_interest(socket, Interest::READABLE | Interest::WRITABLE)
    }

    /// Runs the task of a connection.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.0.handle.spawn(task));
    }

    pub(super) fn thread(&self) -> &Arc<IoThread> {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One processor is JavaScript's, and eight threads feed any one of it.
fn default_limit() -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    (processors - 1).clamp(1, MAX_DEFAULT_THREADS)
}

/// Nothing panics while a lock is held, but for a lack of memory.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const MAX_DEFAULT_THREADS: usize = 8;

/// Turns of connections between two questions to the system what else is ready. A turn may take a
/// millisecond, if something is inflated.
const TURNS: u32 = 8;
