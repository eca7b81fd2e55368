//! Sockets of both kinds over the loopback, and what the other tests of this module need.

use std::fs::File;
use std::io::{IoSlice, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use socket2::Domain;

use super::*;

/// Long enough for anything that works.
pub(in crate::net) const SOON: Duration = Duration::from_secs(20);

/// A connection.
pub(in crate::net) struct Pair {
    /// Ours.
    pub(in crate::net) socket: Arc<Socket>,
    /// The descriptor of the same socket that Node would have.
    pub(in crate::net) node: socket2::Socket,
    /// The other end, which waits, but not forever.
    pub(in crate::net) peer: socket2::Socket,
}

impl Pair {
    pub(in crate::net) fn tcp() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let peer = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        peer.connect(&address.into()).unwrap();
        let (node, _) = listener.accept().unwrap();
        node.set_nodelay(true).unwrap();
        Self::new(node.into(), peer)
    }

    pub(in crate::net) fn unix() -> Self {
        let (node, peer) = socket2::Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
        Self::new(node, peer)
    }

    /// One of each kind.
    pub(in crate::net) fn both() -> [Self; 2] {
        [Self::tcp(), Self::unix()]
    }

    /// A connection that takes little: some thousand bytes in all.
    pub(in crate::net) fn narrow() -> Self {
        let pair = Self::unix();
        pair.node.set_send_buffer_size(1).unwrap();
        pair
    }

    fn new(node: socket2::Socket, peer: socket2::Socket) -> Self {
        peer.set_read_timeout(Some(SOON)).unwrap();
        peer.set_write_timeout(Some(SOON)).unwrap();
        let socket = Arc::new(Socket::duplicate(node.as_fd()).unwrap());
        Self { socket, node, peer }
    }

    /// What the peer reads until there is so much.
    pub(in crate::net) fn peer_reads(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        (&self.peer).read_exact(&mut bytes).unwrap();
        bytes
    }

    /// What has arrived at the peer by now; what was sent to a Unix socket has.
    pub(in crate::net) fn peer_has(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.peer.set_nonblocking(true).unwrap();
        let error = (&self.peer).read_to_end(&mut bytes).err();
        self.peer.set_nonblocking(false).unwrap();
        assert!(error.is_none_or(|error| error.kind() == io::ErrorKind::WouldBlock));
        bytes
    }
}

/// Asks again until the answer is yes.
pub(in crate::net) fn until(mut is_done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_done() {
        assert!(start.elapsed() < SOON, "it does not happen");
        thread::yield_now();
    }
}

/// Bytes that do not repeat soon.
pub(in crate::net) fn pattern(count: usize) -> Vec<u8> {
    let mut random = Random(0x5eed);
    (0..count).map(|_| random.next() as u8).collect()
}

/// The same numbers each time (xorshift64*).
pub(in crate::net) struct Random(pub(in crate::net) u64);

impl Random {
    pub(in crate::net) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below another one.
    pub(in crate::net) fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }
}

/// What is received once there is something.
fn receive(socket: &Socket, target: &mut [u8]) -> Received {
    let mut received = Received::Nothing;
    until(|| {
        received = socket.receive(target);
        !matches!(received, Received::Nothing)
    });
    received
}

/// Receives data to the last byte, and gives it with what comes then.
fn receive_all(socket: &Socket) -> (Vec<u8>, Received) {
    let mut all = Vec::new();
    let mut target = [0; 1000];
    loop {
        match receive(socket, &mut target) {
            Received::Data(count) => all.extend_from_slice(&target[..count]),
            other => return (all, other),
        }
    }
}

#[test]
fn refuses_what_is_no_stream_socket() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (datagram, _peer) = UnixDatagram::pair().unwrap();
    for fd in [udp.as_fd(), datagram.as_fd()] {
        let error = Socket::duplicate(fd).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    let file = File::open("/dev/null").unwrap();
    let (reader, _writer) = io::pipe().unwrap();
    for fd in [file.as_fd(), reader.as_fd()] {
        Socket::duplicate(fd).unwrap_err();
    }
}

#[test]
fn is_another_descriptor_that_does_not_block() {
    for pair in Pair::both() {
        assert_ne!(pair.socket.as_raw_fd(), pair.node.as_raw_fd());
        let received = pair.socket.receive(&mut [0; 10]);
        assert!(matches!(received, Received::Nothing), "{received:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn is_not_inherited_by_other_programs() {
    for pair in Pair::both() {
        let path = format!("/proc/self/fdinfo/{}", pair.socket.as_raw_fd());
        let info = std::fs::read_to_string(path).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = u32::from_str_radix(flags.unwrap().trim(), 8).unwrap();
        assert_eq!(flags & 0o2_000_000, 0o2_000_000, "O_CLOEXEC is set");
    }
}

#[test]
fn receives_as_much_as_fits_and_the_rest_later() {
    for pair in Pair::both() {
        (&pair.peer).write_all(b"Hello").unwrap();
        let mut target = [0; 3];
        let received = receive(&pair.socket, &mut target);
        assert!(matches!(received, Received::Data(3)), "{received:?}");
        assert_eq!(&target, b"Hel");
        let received = pair.socket.receive(&mut target);
        assert!(matches!(received, Received::Data(2)), "{received:?}");
        assert_eq!(&target[..2], b"lo");
        let received = pair.socket.receive(&mut target);
        assert!(matches!(received, Received::Nothing), "{received:?}");
    }
}

#[test]
fn receives_the_end_behind_the_data_and_for_good() {
    for pair in Pair::both() {
        let sent = pattern(5000);
        (&pair.peer).write_all(&sent).unwrap();
        pair.peer.shutdown(std::net::Shutdown::Write).unwrap();
        let (all, end) = receive_all(&pair.socket);
        assert!(all == sent);
        assert!(matches!(end, Received::End), "{end:?}");
        let end = pair.socket.receive(&mut [0; 10]);
        assert!(matches!(end, Received::End), "{end:?}");
        // The other direction is still open.
        assert_eq!(pair.socket.send(b"bye"), 3);
        assert_eq!(pair.peer_reads(3), b"bye");
    }
}

#[test]
fn receives_a_reset() {
    let pair = Pair::tcp();
    pair.peer.set_linger(Some(Duration::ZERO)).unwrap();
    drop(pair.peer);
    let (_, failed) = receive_all(&pair.socket);
    let Received::Failed(error) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn sends_what_fits_into_the_kernel_and_no_more() {
    let bytes = pattern(1 << 16);
    for pair in Pair::both() {
        pair.node.set_send_buffer_size(1).unwrap();
        let mut sent = Vec::new();
        loop {
            let count = pair.socket.send(&bytes);
            sent.extend_from_slice(&bytes[..count]);
            if count == 0 {
                break;
            }
        }
        assert!(!sent.is_empty());
        assert!(pair.peer_reads(sent.len()) == sent);
        until(|| pair.socket.send(b"more") == 4);
        assert_eq!(pair.peer_reads(4), b"more");
    }
}

#[test]
fn sends_bytes_in_several_places_in_order() {
    for pair in Pair::both() {
        let slices: [&[u8]; 4] = [b"one ", b"", b"two ", b"three"];
        assert_eq!(pair.socket.send_all(&slices.map(IoSlice::new)), 13);
        assert_eq!(pair.peer_reads(13), b"one two three");
    }
}

#[test]
fn sends_part_of_bytes_in_several_places() {
    let bytes = pattern(1 << 20);
    let pair = Pair::narrow();
    let (first, rest) = bytes.split_at(10);
    let count = pair.socket.send_all(&[first, rest].map(IoSlice::new));
    assert!((11..bytes.len()).contains(&count), "{count}");
    assert!(pair.peer_reads(count) == bytes[..count]);
}

/// That no signal comes is tested in a program of its own: here it is ignored.
#[test]
fn sends_nothing_on_a_lost_connection() {
    for pair in Pair::both() {
        drop(pair.peer);
        // TCP takes bytes until the peer's answer to them has come.
        until(|| pair.socket.send(b"anybody?") == 0);
        assert_eq!(pair.socket.send(b"anybody?"), 0);
        assert_eq!(pair.socket.send_all(&[IoSlice::new(b"anybody?")]), 0);
    }
}

#[test]
fn outlives_the_descriptor_of_node() {
    for Pair { socket, node, peer } in Pair::both() {
        drop(node);
        (&peer).write_all(b"ping").unwrap();
        let mut target = [0; 10];
        let received = receive(&socket, &mut target);
        assert!(matches!(received, Received::Data(4)), "{received:?}");
        assert_eq!(socket.send(b"pong"), 4);
        drop(socket);
        let mut answer = Vec::new();
        (&peer).read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"pong");
    }
}

#[test]
fn does_not_end_the_connection_of_node() {
    for Pair { socket, node, peer } in Pair::both() {
        drop(socket);
        (&node).write_all(b"still here").unwrap();
        let mut bytes = [0; 10];
        (&peer).read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"still here");
    }
}
