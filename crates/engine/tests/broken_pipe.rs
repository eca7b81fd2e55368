//! Sockets in a program that does not ignore `SIGPIPE`, which would end it.

#![cfg(target_os = "linux")]

use std::io::IoSlice;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ferrows_engine::net::Socket;

const SIGPIPE: i32 = 13;
const SIG_DFL: usize = 0;

unsafe extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
}

/// Sends until the system says that nobody is there.
fn send_in_vain(fd: BorrowedFd<'_>) {
    let socket = Socket::duplicate(fd).unwrap();
    let start = Instant::now();
    while socket.send(b"anybody?") > 0 {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    assert_eq!(socket.send(b"anybody?"), 0);
    assert_eq!(socket.send_all(&[IoSlice::new(b"anybody?")]), 0);
}

#[test]
fn sending_raises_no_signal() {
    // SAFETY: the C library's, by its declaration; no handler is set, and no other test runs here.
    // What was set before is Rust's, which ignores the signal.
    unsafe { signal(SIGPIPE, SIG_DFL) };
    let (unix, peer) = UnixStream::pair().unwrap();
    drop(peer);
    send_in_vain(unix.as_fd());

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    drop(listener.accept().unwrap());
    send_in_vain(tcp.as_fd());
}
