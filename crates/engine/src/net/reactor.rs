//! Which sockets have something to read.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::{Received, Socket};

#[cfg(test)]
mod tests;

/// The receiving halves of an environment's connections, over one epoll or kqueue instance.
///
/// It never waits. Its own descriptor is readable when there may be something to do, so that an event
/// loop can wait for it. Sockets are watched edge by edge: what is known to be readable is remembered
/// here until it has been read.
pub struct Reactor {
    poll: Poll,
    events: Events,
    readers: Vec<Option<Reader>>,
    /// Numbers that are free.
    free: Vec<usize>,
    /// Numbers that become free with the next [`poll`](Self::poll): until then somebody may hold
    /// on to what was read for them.
    left: Vec<usize>,
    /// Readers to be read from, each at most once.
    ready: VecDeque<usize>,
    /// How many of them the present round still has.
    round: usize,
}

struct Reader {
    socket: Arc<Socket>,
    /// There may be something to read.
    is_readable: bool,
    /// The peer has ended its side, or the connection is lost: there is more to read than bytes.
    is_ending: bool,
    is_paused: bool,
    /// It is in `ready`.
    is_queued: bool,
    /// Bytes read.
    received: u64,
}

impl Reactor {
    /// No connections yet.
    ///
    /// # Errors
    ///
    /// If the system has no descriptor to give.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            readers: Vec::new(),
            free: Vec::new(),
            left: Vec::new(),
            ready: VecDeque::new(),
            round: 0,
        })
    }

    /// Adds a connection and gives its number.
    ///
    /// # Errors
    ///
    /// If the system refuses to watch the socket.
    pub fn insert(&mut self, socket: Arc<Socket>) -> io::Result<usize> {
        let id = self.free.pop().unwrap_or(self.readers.len());
        let fd = socket.as_raw_fd();
        let registry = self.poll.registry();
        if let Err(error) = registry.register(&mut SourceFd(&fd), Token(id), Interest::READABLE) {
            if id < self.readers.len() {
                self.free.push(id);
            }
            return Err(error);
        }
        if id == self.readers.len() {
            self.readers.push(None);
        }
        self.readers[id] = Some(Reader {
            socket,
            is_readable: false,
            is_ending: false,
            is_paused: false,
            is_queued: false,
            received: 0,
        });
        Ok(id)
    }

    /// Forgets a connection.
    pub fn remove(&mut self, id: usize) -> Option<Arc<Socket>> {
        let reader = self.readers.get_mut(id)?.take()?;
        let fd = reader.socket.as_raw_fd();
        // It fails for what is not watched, which is what is wanted.
        let _ = self.poll.registry().deregister(&mut SourceFd(&fd));
        if reader.is_queued
            && let Some(place) = self.ready.iter().position(|&ready| ready == id)
        {
            self.ready.remove(place);
            self.round -= usize::from(place < self.round);
        }
        self.left.push(id);
        Some(reader.socket)
    }

    /// Reads nothing of a connection any more.
    pub fn pause(&mut self, id: usize) {
        if let Some(Some(reader)) = self.readers.get_mut(id) {
            reader.is_paused = true;
        }
    }

    /// Reads on after [`pause`](Self::pause).
    pub fn resume(&mut self, id: usize) {
        if let Some(Some(reader)) = self.readers.get_mut(id) {
            reader.is_paused = false;
            if reader.is_readable {
                self.enqueue(id);
            }
        }
    }

    /// Asks the system what has become readable, and begins a round: each connection that is ready
    /// now is [given](Self::next_ready) once.
    ///
    /// # Errors
    ///
    /// If the system does not answer.
    pub fn poll(&mut self) -> io::Result<()> {
        self.free.append(&mut self.left);
        loop {
            match self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    result?;
                    break;
                }
            }
        }
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            let Token(id) = event.token();
            let Some(Some(reader)) = self.readers.get_mut(id) else {
                continue;
            };
            reader.is_readable = true;
            reader.is_ending |= event.is_read_closed() || event.is_error();
            self.enqueue(id);
        }
        events.clear();
        self.events = events;
        self.round = self.ready.len();
        Ok(())
    }

    /// The next connection of the round to be read from.
    pub fn next_ready(&mut self) -> Option<usize> {
        while self.round > 0 {
            self.round -= 1;
            let id = self.ready.pop_front()?;
            if let Some(Some(reader)) = self.readers.get_mut(id) {
                reader.is_queued = false;
                if !reader.is_paused {
                    return Some(id);
                }
            }
        }
        None
    }

    /// Whether connections of the round are left.
    pub fn has_round(&self) -> bool {
        self.round > 0
    }

    /// Whether there is something to read that the system will not tell again.
    pub fn has_more(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Reads from a connection once.
    pub fn receive(&mut self, id: usize, target: &mut [u8]) -> Option<Received> {
        let reader = self.readers.get_mut(id)?.as_mut()?;
        let received = reader.socket.receive(target);
        match received {
            Received::Data(count) => {
                reader.received += count as u64;
                // A stream that gives less than was asked for has no more, but maybe an end; if
                // either comes after this, it is a new edge. (Urgent data, and descriptors that are
                // passed, do break it up; a peer that sends those makes its own bytes wait.)
                reader.is_readable = count == target.len() || reader.is_ending;
                if reader.is_readable {
                    self.enqueue(id);
                }
            }
            // An end is told once, however often it is resumed.
            Received::Nothing | Received::End | Received::Failed(_) => reader.is_readable = false,
        }
        Some(received)
    }

    /// Bytes read from a connection.
    pub fn received(&self, id: usize) -> Option<u64> {
        Some(self.readers.get(id)?.as_ref()?.received)
    }

    fn enqueue(&mut self, id: usize) {
        if let Some(Some(reader)) = self.readers.get_mut(id)
            && !reader.is_queued
            && !reader.is_paused
        {
            reader.is_queued = true;
            self.ready.push_back(id);
        }
    }
}

impl AsRawFd for Reactor {
    fn as_raw_fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }
}

/// Sockets that one question to the system tells of at most; more come with the next.
const EVENTS: usize = 256;
