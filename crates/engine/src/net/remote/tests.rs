//! Connections over loopback sockets, with blocking peers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ferrows_protocol::{DecoderConfig, Event, Limits, MessageKind, OpCode, Payload, Side};

use super::*;
use crate::Polled;

mod backpressure;
mod compressed;
mod endings;
mod handing_back;
mod lifetimes;
mod traffic;
mod writing;

/// Long enough for anything that works.
const SOON: Duration = Duration::from_secs(30);

const CONFIG: DecoderConfig = DecoderConfig {
    side: Side::Server,
    limits: Limits {
        max_payload: 0,
        max_fragments: 0,
        max_buffered_chunks: 0,
    },
    validate_utf8: true,
    compression: true,
};

/// To be held by each test: they count threads and descriptors.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says on a channel that it was woken, and counts how often.
struct Bell {
    sender: Sender<()>,
    count: Arc<AtomicUsize>,
}

impl Wake for Bell {
    fn wake(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        let _ = self.sender.send(());
    }
}

/// An environment: its connections, and how it is woken.
struct Environment {
    remote: Remote,
    woken: Receiver<()>,
    wakes: Arc<AtomicUsize>,
}

impl Environment {
    fn new(threads: usize) -> Self {
        let ((sender, woken), wakes) = (channel(), Arc::default());
        let count = Arc::clone(&wakes);
        let remote = Remote::new(Bell { sender, count }, Some(threads));
        Self {
            remote,
            woken,
            wakes,
        }
    }

    fn insert(&mut self, node: &impl AsFd) -> usize {
        self.insert_codec(node, codec())
    }

    fn insert_codec(&mut self, node: &impl AsFd, codec: Codec) -> usize {
        let socket = Socket::duplicate(node.as_fd()).expect("it is a stream socket");
        match self.remote.insert(socket, codec) {
            Ok(id) => id,
            Err((error, _)) => panic!("{error}"),
        }
    }

    /// The next delivery, with a payload of its own.
    fn next(&mut self) -> (usize, Delivery) {
        loop {
            if let Some(found) = self.poll() {
                return found;
            }
            self.woken.recv_timeout(SOON).expect("a wake");
        }
    }

    fn poll(&mut self) -> Option<(usize, Delivery)> {
        let Fetched {
            id,
            delivery,
            chunk,
        } = self.remote.next()?;
        let delivery = match delivery {
            Delivery::Event(event) => Delivery::Event(owned(event, chunk)),
            other => other,
        };
        Some((id, delivery))
    }

    /// The next message; peers that have ended may have come before.
    fn message(&mut self) -> (usize, Vec<u8>) {
        loop {
            match self.next() {
                (id, Delivery::Event(Event::Message { payload, .. })) => {
                    return (id, bytes(payload));
                }
                (_, Delivery::Ended) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Sees that nothing but ends is left.
    fn assert_empty(&mut self) {
        while let Some((_, delivery)) = self.poll() {
            assert_eq!(delivery, Delivery::Ended);
        }
    }

    fn send(&mut self, id: usize, payload: &[u8]) -> usize {
        let unsent = self.remote.send(id, &header(None), payload);
        unsent.expect("the connection is here")
    }
}

fn codec() -> Codec {
    Codec {
        inbound: Inbound::new(CONFIG),
        decompressor: None,
    }
}

/// Node's descriptor, and the peer.
fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let peer = TcpStream::connect(address).expect("a connection");
    let (node, _) = listener.accept().expect("a connection");
    for socket in [&peer, &node] {
        socket.set_nodelay(true).expect("an option");
    }
    peer.set_read_timeout(Some(SOON)).expect("an option");
    (node, peer)
}

fn unix_pair() -> (UnixStream, UnixStream) {
    let (node, peer) = UnixStream::pair().expect("a pair");
    peer.set_read_timeout(Some(SOON)).expect("an option");
    (node, peer)
}

fn header(mask: Option<[u8; 4]>) -> FrameHeader {
    FrameHeader {
        fin: true,
        rsv1: false,
        opcode: OpCode::BINARY,
        mask,
        length: 0,
    }
}

/// A message as a peer sends it.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_frame(&mut out, &header(Some([0x12, 0x34, 0x56, 0x78])), payload);
    out
}

fn owned(mut event: Event, chunk: &[u8]) -> Event {
    let (Event::Message { payload, .. }
    | Event::Compressed { payload, .. }
    | Event::Ping(payload)
    | Event::Pong(payload)
    | Event::Close {
        reason: payload, ..
    }) = &mut event;
    *payload = Payload::Owned(payload.bytes(chunk).to_vec());
    event
}

fn bytes(payload: Payload) -> Vec<u8> {
    match payload {
        Payload::Owned(bytes) => bytes,
        Payload::InChunk(_) => panic!("no chunk is known"),
    }
}

/// Payloads of the messages among deliveries.
fn messages(deliveries: Vec<Delivery>) -> Vec<Vec<u8>> {
    deliveries
        .into_iter()
        .filter_map(|delivery| match delivery {
            Delivery::Event(Event::Message { payload, .. }) => Some(bytes(payload)),
            _ => None,
        })
        .collect()
}

/// Decodes on, as another transport does.
fn decode(codec: &mut Codec, mut chunk: Vec<u8>, mut at: usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    if at == 0 {
        codec.inbound.handle_chunk().expect("no limit");
    }
    loop {
        match codec.inbound.poll(&mut chunk, &mut at, None) {
            Ok(Polled::Event(event)) => found.push(Delivery::Event(owned(event, &chunk))),
            Ok(Polled::Nothing) => return messages(found),
            other => panic!("{other:?}"),
        }
    }
}

/// Bytes that look like nothing in particular.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let words = (0..=length / 7).flat_map(|_| random.next().to_le_bytes().into_iter().take(7));
    words.take(length).collect()
}

/// Xorshift, so that a failure happens again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13 | 1;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }

    fn below(&mut self, limit: u64) -> usize {
        (self.next() % limit) as usize
    }
}

/// Waits for something that no event tells.
fn until(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < SOON);
        thread::yield_now();
    }
}
