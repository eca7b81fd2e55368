//! The receiving half of a connection, on its I/O thread.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll};

use ferrows_protocol::Event;
use tokio::io::unix::AsyncFd;

use super::Codec;
use super::connection::Courier;
use super::delivery::Delivery;
use crate::Polled;
use crate::net::{Received, Socket};

/// From bytes to deliveries.
pub(super) struct Reading {
    codec: Codec,
    stage: Stage,
    /// The rest of a chunk, while there is something to be polled of the codec.
    rest: Option<Rest>,
    /// The inbox's: see [`Queue::admit`](super::queue::Queue::admit).
    seen: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// There is nothing to inflate with.
    Suspended,
    /// The peer has closed, ended or failed.
    Ended,
}

struct Rest {
    bytes: Vec<u8>,
    /// How much is decoded: at least one byte.
    at: usize,
}

/// Whether a chunk is used up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decoded {
    All,
    Part,
}

/// What the connections of a thread use in turn.
struct Scratch {
    chunk: Box<[u8]>,
    found: Vec<Delivery>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        chunk: vec![0; CHUNK_BYTES].into(),
        found: Vec::new(),
    });
}

impl Reading {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            codec,
            stage: Stage::Open,
            rest: None,
            seen: 0,
        }
    }

    pub(super) fn codec(&mut self) -> &mut Codec {
        if self.stage == Stage::Suspended {
            self.stage = Stage::Open;
        }
        &mut self.codec
    }

    /// Reads and decodes one chunk, or a part of one. True if there may be more to do at once;
    /// otherwise the task is woken when there is.
    pub(super) fn turn(
        &mut self,
        socket: &AsyncFd<Socket>,
        courier: &mut Courier,
        cx: &mut Context,
    ) -> bool {
        let mut is_over = false;
        while self.stage == Stage::Open && courier.connection.is_admitted(&mut self.seen) {
            if let Some(mut rest) = self.rest.take() {
                if is_over {
                    self.rest = Some(rest);
                    return true;
                }
                SCRATCH.with_borrow_mut(|Scratch { found, .. }| {
                    let Rest { bytes, at } = &mut rest;
                    if self.decode(bytes, at, found, courier) == Decoded::Part {
                        self.rest = Some(rest);
                    }
                });
            } else {
                let Poll::Ready(Ok(mut ready)) = socket.poll_read_ready(cx) else {
                    return false;
                };
                if is_over {
                    return true;
                }
                SCRATCH.with_borrow_mut(|scratch| {
                    if !self.read(socket.get_ref(), scratch, courier) {
                        ready.clear_ready();
                    }
                });
            }
            is_over = true;
        }
        false
    }

    /// What is given back: see [`Returned`](super::Returned).
    pub(super) fn into_parts(self) -> (Codec, Vec<u8>) {
        let rest = self.rest.map_or_else(Vec::new, |mut rest| {
            rest.bytes.drain(..rest.at - 1);
            rest.bytes
        });
        (self.codec, rest)
    }

    /// Reads a chunk; false if the socket has nothing more that the system would not tell of.
    fn read(&mut self, socket: &Socket, scratch: &mut Scratch, courier: &mut Courier) -> bool {
        let Scratch { chunk, found } = scratch;
        match socket.receive(chunk) {
            Received::Data(count) => {
                courier.connection.add_received(count);
                self.handle_chunk(&mut chunk[..count], found, courier);
                // A stream that gives less than was asked for has no more; if it has ended, that is
                // not forgotten by clearing what is ready.
                return count == CHUNK_BYTES;
            }
            Received::Nothing => return false,
            Received::End => courier.deliver(Delivery::Ended),
            Received::Failed(error) => {
                courier.deliver(Delivery::Lost(error.raw_os_error().unwrap_or(0)));
            }
        }
        self.stage = Stage::Ended;
        true
    }

    fn handle_chunk(&mut self, chunk: &mut [u8], found: &mut Vec<Delivery>, courier: &mut Courier) {
        let mut at = 0;
        if let Err(error) = self.codec.inbound.handle_chunk() {
            self.stage = Stage::Ended;
            courier.deliver(Delivery::Failed(error));
        } else if self.decode(chunk, &mut at, found, courier) == Decoded::Part {
            // One byte stands for those that are decoded.
            let mut bytes = Vec::with_capacity(1 + chunk.len() - at);
            bytes.push(0);
            bytes.extend_from_slice(&chunk[at..]);
            self.rest = Some(Rest { bytes, at: 1 });
        }
    }

    /// Decodes `chunk[*at..]` until it is used up, there is no room for more, or others should have
    /// their turn. What it leaves is behind a byte that was decoded.
    fn decode(
        &mut self,
        chunk: &mut [u8],
        at: &mut usize,
        found: &mut Vec<Delivery>,
        courier: &mut Courier,
    ) -> Decoded {
        let (mut made, mut delivered, mut was_suspended) = (0, 0, false);
        let decoded = loop {
            let Codec {
                inbound,
                decompressor,
            } = &mut self.codec;
            match inbound.poll(chunk, at, decompressor.as_deref_mut()) {
                Ok(Polled::Event(event)) => {
                    let is_last = matches!(event, Event::Close { .. });
                    let delivery = Delivery::Event(event).with_large_payload_owned(chunk);
                    made += delivery.cost();
                    found.push(delivery);
                    was_suspended = false;
                    if is_last {
                        self.stage = Stage::Ended;
                        break Decoded::All;
                    }
                }
                Ok(Polled::Suspended) if was_suspended => break Decoded::Part,
                Ok(Polled::Suspended) => {
                    if !self.inflate() {
                        self.stage = Stage::Suspended;
                        found.push(Delivery::NeedsInflater);
                        break Decoded::Part;
                    }
                    was_suspended = true;
                }
                Ok(Polled::Nothing) => break Decoded::All,
                Err(error) => {
                    self.stage = Stage::Ended;
                    found.push(Delivery::Failed(error));
                    break Decoded::All;
                }
            }
            if made - delivered >= MAX_STAGED {
                delivered = made;
                if !courier.deliver_all(found, chunk) || made >= MAX_TURN {
                    break Decoded::Part;
                }
            }
        };
        courier.deliver_all(found, chunk);
        decoded
    }

    /// Does a slice of the work that the codec is suspended for; false if there is nothing to do it
    /// with.
    fn inflate(&mut self) -> bool {
        let Codec {
            inbound,
            decompressor: Some(decompressor),
        } = &mut self.codec
        else {
            return false;
        };
        let Some(mut work) = inbound.take_work() else {
            return false;
        };
        let is_first = Cell::new(true);
        work.run(decompressor, || is_first.replace(false));
        inbound.handle_work(work);
        true
    }
}

/// As much as Node reads at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// What a thread holds back at most, before it puts it into an inbox.
const MAX_STAGED: usize = 64 * 1024;

/// What may come of a chunk before other connections have their turn.
const MAX_TURN: usize = 256 * 1024;
