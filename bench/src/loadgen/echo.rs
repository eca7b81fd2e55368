//! Echo: every message comes back on the connection that sent it.

use super::connection::{Connection, READ_BUFFER};
use super::corpus::Corpus;
use super::epoll::Epoll;
use super::failure::Failure;
use super::frame::Keys;
use super::messages::{Messages, numbers};
use super::meter::Meter;
use super::options::Options;
use super::payload::Payload;
use super::reader::FrameReader;

/// Keeps `in_flight` messages on their way on each connection until the time is over.
///
/// An operation is a message; its latency runs from the write to the read that completes the reply.
pub(crate) fn run(options: &Options) -> Result<String, Failure> {
    let epoll = Epoll::new().map_err(Failure::during("epoll"))?;
    let (connections, agreement) = Connection::open_all(options, &epoll, options.connections)?;
    let meter = Meter::new(options, agreement)?;
    match agreement {
        None => {
            let payload = Payload::new(options.opcode, options.payload);
            exchange(options, epoll, connections, payload, meter)
        }
        Some(agreement) => {
            let corpus = Corpus::new(options.payload, agreement);
            exchange(options, epoll, connections, corpus, meter)
        }
    }
}

fn exchange<M: Messages>(
    options: &Options,
    mut epoll: Epoll,
    connections: Vec<Connection>,
    mut messages: M,
    mut meter: Meter,
) -> Result<String, Failure> {
    let mut keys = Keys::new();
    let mut buffer = vec![0; READ_BUFFER];
    let client = |connection| Client::new(connection, &messages, options.in_flight);
    let mut clients: Vec<_> = connections.into_iter().map(client).collect();
    for client in &mut clients {
        client.send(options.in_flight as u32, &messages, &mut keys, &meter);
        client.connection.flush(&epoll)?;
    }
    loop {
        for index in 0..epoll.wait(WAIT).map_err(Failure::during("epoll"))? {
            let ready = epoll.ready(index);
            let client = &mut clients[ready.token];
            if ready.readable {
                let bytes = client.connection.read(&mut buffer)?;
                let count = client.receive(bytes, &mut messages, &mut meter)?;
                if meter.report().is_none() {
                    client.send(count, &messages, &mut keys, &meter);
                }
            }
            client.connection.flush(&epoll)?;
        }
        meter.handle_time()?;
        if let Some(report) = meter.report()
            && clients.iter().all(|client| client.expected == client.next)
        {
            return Ok(report.clone());
        }
    }
}

/// One connection and its messages on their way.
struct Client<M: Messages> {
    connection: Connection,
    reader: FrameReader,
    lane: M::Lane,
    /// When each message on its way was sent, at its number modulo the length.
    sent_at: Box<[u64]>,
    /// Number of the next message to send, and of the next to come back.
    next: u32,
    expected: u32,
}

impl<M: Messages> Client<M> {
    fn new(mut connection: Connection, messages: &M, in_flight: usize) -> Client<M> {
        connection
            .output()
            .reserve_exact(in_flight * messages.max_frame());
        Client {
            connection,
            reader: FrameReader::new(messages.agreement().is_some()),
            lane: messages.new_lane(),
            // A power of two, so that numbers may wrap.
            sent_at: vec![0; in_flight.next_power_of_two()].into(),
            next: 0,
            expected: 0,
        }
    }

    /// Queues the next `count` messages, which leave with the next flush.
    fn send(&mut self, count: u32, messages: &M, keys: &mut Keys, meter: &Meter) {
        for number in numbers(self.next, count) {
            messages.append(number, keys, self.connection.output());
        }
        let now = meter.now();
        for number in numbers(self.next, count) {
            self.sent_at[number as usize % self.sent_at.len()] = now;
        }
        self.next = self.next.wrapping_add(count);
    }

    /// Takes in what the server sent and returns how many messages that completes.
    fn receive(
        &mut self,
        mut bytes: &[u8],
        messages: &mut M,
        meter: &mut Meter,
    ) -> Result<u32, Failure> {
        let now = meter.now();
        let mut count = 0;
        while let Some(piece) = self.reader.next(&mut bytes)? {
            if self.expected == self.next {
                return Err(Failure::Peer("the server sent more than it was sent"));
            }
            messages.verify(self.expected, &mut self.lane, &piece)?;
            if piece.is_last() {
                meter.record(now - self.sent_at[self.expected as usize % self.sent_at.len()]);
                meter.record_reply(&piece);
                self.expected = self.expected.wrapping_add(1);
                count += 1;
            }
        }
        Ok(count)
    }
}

/// How long a wait lasts at most before the time is looked at, in milliseconds.
const WAIT: u16 = 100;
