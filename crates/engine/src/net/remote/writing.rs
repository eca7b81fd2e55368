//! The sending half of a connection, on its I/O thread.

use std::io;
use std::mem;
use std::task::{Context, Poll};

use tokio::io::unix::AsyncFd;

use super::connection::Courier;
use super::delivery::Delivery;
use crate::net::Socket;
use crate::spare_buffers;

/// Bytes on their way to the kernel.
#[derive(Default)]
pub(super) struct Writing {
    out: Vec<u8>,
    /// How much of `out` the kernel has taken.
    at: usize,
    has_failed: bool,
}

impl Writing {
    /// Writes what the kernel takes, up to a limit. True if there may be more to do at once;
    /// otherwise the task is woken when there is.
    pub(super) fn turn(
        &mut self,
        socket: &AsyncFd<Socket>,
        courier: &mut Courier,
        cx: &mut Context,
    ) -> bool {
        let mut written = 0;
        while self.has_some(|| courier.connection.take_out()) {
            let Poll::Ready(Ok(mut ready)) = socket.poll_write_ready(cx) else {
                return false;
            };
            if written >= MAX_TURN {
                return true;
            }
            let part = self.part();
            match socket.get_ref().try_send(part) {
                Ok(count) => {
                    if count < part.len() {
                        ready.clear_ready();
                    }
                    self.at += count;
                    written += count;
                    if let Some(total) = courier.connection.add_sent(count) {
                        courier.deliver(Delivery::Sent { total });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(error) => {
                    self.has_failed = true;
                    courier.deliver(Delivery::SendFailed(error.raw_os_error().unwrap_or(0)));
                }
            }
        }
        false
    }

    /// Writes what the kernel takes at once, `next` included, and gives the number of bytes. What
    /// is left is written by later turns.
    pub(super) fn write_at_once(&mut self, socket: &Socket, next: Vec<u8>) -> usize {
        if self.at < self.out.len() {
            // What was written is not held on to, at an even cost.
            if self.at >= self.out.len() / 2 {
                self.out.drain(..self.at);
                self.at = 0;
            }
            self.out.extend_from_slice(&next);
        } else {
            self.out = next;
            self.at = 0;
        }
        let start = self.at;
        while self.at < self.out.len() && !self.has_failed {
            match socket.try_send(self.part()) {
                Ok(count) if count > 0 => self.at += count,
                _ => break,
            }
        }
        self.at - start
    }

    /// What the kernel has not taken, and then `next`.
    pub(super) fn into_unsent(mut self, mut next: Vec<u8>) -> Vec<u8> {
        if self.at == self.out.len() {
            return next;
        }
        self.out.drain(..self.at);
        self.out.append(&mut next);
        self.out
    }

    /// Whether there are bytes to write; `more` is asked when there are no others. A connection
    /// that has none holds no memory for them.
    fn has_some(&mut self, more: impl FnOnce() -> Vec<u8>) -> bool {
        if self.at == self.out.len() && !self.has_failed {
            spare_buffers::give(mem::replace(&mut self.out, more()));
            self.at = 0;
        }
        self.at < self.out.len() && !self.has_failed
    }

    /// What is given to the kernel at once.
    fn part(&self) -> &[u8] {
        let end = self.out.len().min(self.at + MAX_TURN);
        &self.out[self.at..end]
    }
}

/// Bytes after which other connections have their turn: some 100 µs of copying.
const MAX_TURN: usize = 256 * 1024;
