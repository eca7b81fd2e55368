//! A connection's socket, which Node has opened and keeps a descriptor of.

use std::io::{self, IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use socket2::{SockRef, Type};

#[cfg(test)]
pub(super) mod tests;

/// A descriptor of our own for a connected stream socket, TCP or Unix.
///
/// It does not block. Closing it does not end the connection while Node's descriptor is open.
#[derive(Debug)]
pub struct Socket(socket2::Socket);

/// What [`Socket::receive`] has found.
#[derive(Debug)]
pub enum Received {
    /// So many bytes, at least one.
    Data(usize),
    /// Nothing yet.
    Nothing,
    /// The peer has ended its side.
    End,
    /// The connection is lost.
    Failed(io::Error),
}

impl Socket {
    /// Duplicates the descriptor of a stream socket.
    ///
    /// # Errors
    ///
    /// If it is not one, or the process may not have more descriptors.
    pub fn duplicate(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let socket = SockRef::from(&fd);
        if socket.r#type()? != Type::STREAM {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let socket = socket.try_clone()?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// Reads what has arrived, as much as fits; `target` has room for a byte at least.
    pub fn receive(&self, target: &mut [u8]) -> Received {
        loop {
            return match (&self.0).read(target) {
                Ok(0) => Received::End,
                Ok(count) => Received::Data(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::Nothing,
                Err(error) => Received::Failed(error),
            };
        }
    }

    /// Gives bytes to the kernel, and returns how many it has taken: fewer than there are when its
    /// buffer is full, or the connection is lost. What is wrong then, Node finds out by itself.
    pub fn send(&self, bytes: &[u8]) -> usize {
        self.try_send(bytes).unwrap_or(0)
    }

    /// As [`send`](Self::send), but tells what is wrong.
    ///
    /// # Errors
    ///
    /// What the system says, [`io::ErrorKind::WouldBlock`] for a full buffer.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        uninterrupted(|| self.0.send_with_flags(bytes, NO_SIGNAL))
    }

    /// As [`send`](Self::send), for bytes in several places.
    pub fn send_all(&self, slices: &[IoSlice<'_>]) -> usize {
        uninterrupted(|| self.0.send_vectored_with_flags(slices, NO_SIGNAL)).unwrap_or(0)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Sends again if a signal came between.
fn uninterrupted(send: impl Fn() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match send() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// `MSG_NOSIGNAL` where there is one: a lost connection must not raise `SIGPIPE`. Elsewhere the
/// socket has an option for that, which libuv sets, and Node ignores the signal anyway.
const NO_SIGNAL: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
    0x4000
} else {
    0
};
