//! Waiting for many sockets at once.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// A socket that can be read or written, by the token it was added with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) token: usize,
    /// Data, the end of the stream, or an error waits to be read.
    pub(crate) readable: bool,
}

/// A level-triggered epoll instance.
///
/// A socket leaves it by being closed.
pub(crate) struct Epoll {
    fd: OwnedFd,
    events: Box<[libc::epoll_event]>,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        // SAFETY: takes no pointers; the result is checked below.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Epoll {
            // SAFETY: `fd` was just opened and nobody else owns it.
            fd: unsafe { OwnedFd::from_raw_fd(fd) },
            events: vec![libc::epoll_event { events: 0, u64: 0 }; MAX_EVENTS].into(),
        })
    }

    /// Reports `socket` as `token` whenever it is readable.
    pub(crate) fn add(&self, socket: &impl AsFd, token: usize) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket, token, libc::EPOLLIN)
    }

    /// Reports `socket` also when it takes data again, or no longer.
    pub(crate) fn watch_writes(
        &self,
        socket: &impl AsFd,
        token: usize,
        on: bool,
    ) -> io::Result<()> {
        let writable = if on { libc::EPOLLOUT } else { 0 };
        self.control(libc::EPOLL_CTL_MOD, socket, token, libc::EPOLLIN | writable)
    }

    /// Waits up to `timeout` milliseconds; what was reported is read with [`Epoll::ready`].
    pub(crate) fn wait(&mut self, timeout: u16) -> io::Result<usize> {
        // SAFETY: `events` has room for as many entries as its length says.
        let count = unsafe {
            libc::epoll_wait(
                self.fd.as_raw_fd(),
                self.events.as_mut_ptr(),
                self.events.len() as i32,
                i32::from(timeout),
            )
        };
        match usize::try_from(count) {
            Ok(count) => Ok(count),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(0),
                error => Err(error),
            },
        }
    }

    /// Entry `index` of what the last wait reported.
    pub(crate) fn ready(&self, index: usize) -> Ready {
        let event = self.events[index];
        Ready {
            token: event.u64 as usize,
            readable: event.events & !(libc::EPOLLOUT as u32) != 0,
        }
    }

    fn control(
        &self,
        operation: i32,
        socket: &impl AsFd,
        token: usize,
        interest: i32,
    ) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: interest as u32,
            u64: token as u64,
        };
        let socket = socket.as_fd().as_raw_fd();
        // SAFETY: both descriptors are open (borrowed from their owners), and `event` outlives the
        // call, which copies it.
        let result = unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, socket, &mut event) };
        if result < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }
}

/// Sockets that one wait reports at most.
const MAX_EVENTS: usize = 256;

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn reports_readable_sockets_by_their_tokens() {
        let mut epoll = Epoll::new().unwrap();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        epoll.add(&ours, 7).unwrap();
        assert_eq!(epoll.wait(0).unwrap(), 0);
        theirs.write_all(b"x").unwrap();
        assert_eq!(epoll.wait(1000).unwrap(), 1);
        assert_eq!(
            epoll.ready(0),
            Ready {
                token: 7,
                readable: true
            }
        );
        ours.read_exact(&mut [0]).unwrap();
        assert_eq!(epoll.wait(0).unwrap(), 0);
        drop(theirs);
        assert_eq!(epoll.wait(1000).unwrap(), 1);
        assert!(epoll.ready(0).readable);
    }

    #[test]
    fn reports_writable_sockets_only_when_asked() {
        let mut epoll = Epoll::new().unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        epoll.add(&ours, 3).unwrap();
        epoll.watch_writes(&ours, 3, true).unwrap();
        assert_eq!(epoll.wait(1000).unwrap(), 1);
        assert_eq!(
            epoll.ready(0),
            Ready {
                token: 3,
                readable: false
            }
        );
        epoll.watch_writes(&ours, 3, false).unwrap();
        assert_eq!(epoll.wait(0).unwrap(), 0);
    }
}
