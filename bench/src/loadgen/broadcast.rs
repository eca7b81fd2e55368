//! Broadcast: one connection sends, every other one gets each message.

use super::connection::{Connection, READ_BUFFER};
use super::corpus::Corpus;
use super::epoll::{Epoll, Ready};
use super::failure::Failure;
use super::frame::Keys;
use super::messages::{Messages, numbers};
use super::meter::Meter;
use super::options::Options;
use super::payload::Payload;
use super::reader::FrameReader;

/// Keeps `in_flight` messages on their way to all receivers until the time is over; the next
/// message is sent when all have got one.
///
/// An operation is a delivery to one receiver; its latency runs from the write of the sender to the
/// read that completes the message.
pub(crate) fn run(options: &Options) -> Result<String, Failure> {
    let epoll = Epoll::new().map_err(Failure::during("epoll"))?;
    let (connections, agreement) = Connection::open_all(options, &epoll, options.connections + 1)?;
    let meter = Meter::new(options, agreement)?;
    match agreement {
        None => {
            let payload = Payload::new(options.opcode, options.payload);
            deliver(Room::new(options, connections, payload), epoll, meter)
        }
        Some(agreement) => {
            let corpus = Corpus::new(options.payload, agreement);
            deliver(Room::new(options, connections, corpus), epoll, meter)
        }
    }
}

fn deliver<M: Messages>(
    mut room: Room<M>,
    mut epoll: Epoll,
    mut meter: Meter,
) -> Result<String, Failure> {
    let mut buffer = vec![0; READ_BUFFER];
    loop {
        if meter.report().is_none() {
            room.send(&meter);
        }
        room.sender.flush(&epoll)?;
        for index in 0..epoll.wait(WAIT).map_err(Failure::during("epoll"))? {
            room.handle_ready(epoll.ready(index), &mut buffer, &mut meter)?;
        }
        meter.handle_time()?;
        if let Some(report) = meter.report()
            && room
                .receivers
                .iter()
                .all(|receiver| receiver.expected == room.next)
        {
            return Ok(report.clone());
        }
    }
}

/// The sender, the receivers and the messages between them.
struct Room<M: Messages> {
    messages: M,
    keys: Keys,
    sender: Connection,
    receivers: Vec<Receiver<M>>,
    /// Messages on their way, at their number modulo the length.
    flights: Box<[Flight]>,
    /// Messages that may be sent before another one has reached all.
    allowance: u32,
    /// Number of the next message to send.
    next: u32,
}

struct Receiver<M: Messages> {
    connection: Connection,
    reader: FrameReader,
    lane: M::Lane,
    /// Number of the next message to come.
    expected: u32,
}

#[derive(Clone, Default)]
struct Flight {
    sent_at: u64,
    delivered: usize,
}

impl<M: Messages> Room<M> {
    /// Makes the last of the connections the sender.
    fn new(options: &Options, mut connections: Vec<Connection>, messages: M) -> Room<M> {
        let mut sender = connections.pop().expect("one more than receivers");
        sender
            .output()
            .reserve_exact(options.in_flight * messages.max_frame());
        let receiver = |connection| Receiver {
            connection,
            reader: FrameReader::new(messages.agreement().is_some()),
            lane: messages.new_lane(),
            expected: 0,
        };
        Room {
            keys: Keys::new(),
            sender,
            receivers: connections.into_iter().map(receiver).collect(),
            messages,
            // A power of two, so that numbers may wrap.
            flights: vec![Flight::default(); options.in_flight.next_power_of_two()].into(),
            allowance: options.in_flight as u32,
            next: 0,
        }
    }

    /// Queues as many messages as may be on their way.
    fn send(&mut self, meter: &Meter) {
        for number in numbers(self.next, self.allowance) {
            self.messages
                .append(number, &mut self.keys, self.sender.output());
        }
        let sent_at = meter.now();
        for number in numbers(self.next, self.allowance) {
            let slot = number as usize % self.flights.len();
            self.flights[slot] = Flight {
                sent_at,
                delivered: 0,
            };
        }
        self.next = self.next.wrapping_add(self.allowance);
        self.allowance = 0;
    }

    fn handle_ready(
        &mut self,
        ready: Ready,
        buffer: &mut [u8],
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        let receivers = self.receivers.len();
        let Some(receiver) = self.receivers.get_mut(ready.token) else {
            let nothing = !ready.readable || self.sender.read(buffer)?.is_empty();
            let failure = Failure::Peer("the server sent data to the sender of a broadcast");
            return if nothing { Ok(()) } else { Err(failure) };
        };
        let mut bytes = receiver.connection.read(buffer)?;
        let now = meter.now();
        while let Some(piece) = receiver.reader.next(&mut bytes)? {
            if receiver.expected == self.next {
                return Err(Failure::Peer("the server sent more than it was sent"));
            }
            self.messages
                .verify(receiver.expected, &mut receiver.lane, &piece)?;
            if piece.is_last() {
                let flight = &mut self.flights[receiver.expected as usize % self.flights.len()];
                receiver.expected = receiver.expected.wrapping_add(1);
                meter.record(now - flight.sent_at);
                meter.record_reply(&piece);
                flight.delivered += 1;
                if flight.delivered == receivers {
                    self.allowance += 1;
                }
            }
        }
        Ok(())
    }
}

/// How long a wait lasts at most before the time is looked at, in milliseconds.
const WAIT: u16 = 100;
