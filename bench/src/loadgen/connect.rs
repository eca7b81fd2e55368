//! Connect: connections open, get one message back, and close.

use std::net::SocketAddr;

use super::connection::Connection;
use super::epoll::{Epoll, Ready};
use super::failure::Failure;
use super::frame::{Keys, Opcode, append_frame};
use super::handshake::{REQUEST, Response};
use super::messages::Messages;
use super::meter::Meter;
use super::options::Options;
use super::payload::Payload;
use super::reader::FrameReader;

/// Keeps `connections` of them on their way through life until the time is over.
///
/// An operation is a connection from connecting to the server's end of the stream after the closing
/// handshake; its latency runs from connecting to the echo of its message.
pub(crate) fn run(options: &Options) -> Result<String, Failure> {
    let mut script = Script {
        address: options.address,
        payload: Payload::new(options.opcode, options.payload),
        keys: Keys::new(),
    };
    let mut epoll = Epoll::new().map_err(Failure::during("epoll"))?;
    let mut buffer = vec![0; READ_BUFFER];
    let mut meter = Meter::new(options, None)?;
    let mut visits = Vec::with_capacity(options.connections);
    for token in 0..options.connections {
        visits.push(Some(Visit::begin(&script, &epoll, token, meter.now())?));
    }
    loop {
        for index in 0..epoll.wait(WAIT).map_err(Failure::during("epoll"))? {
            let Ready { token, readable } = epoll.ready(index);
            let Some(visit) = &mut visits[token] else {
                continue;
            };
            if readable && visit.read(&mut script, &mut buffer, &meter)? {
                meter.record(visit.latency);
                visits[token] = match meter.report() {
                    None => Some(Visit::begin(&script, &epoll, token, meter.now())?),
                    Some(_) => None,
                };
            } else {
                visit.connection.flush(&epoll)?;
            }
        }
        meter.handle_time()?;
        if let Some(report) = meter.report()
            && visits.iter().all(Option::is_none)
        {
            return Ok(report.clone());
        }
    }
}

/// What every visit says.
struct Script {
    address: SocketAddr,
    payload: Payload,
    keys: Keys,
}

/// One connection from its beginning to its end.
struct Visit {
    connection: Connection,
    stage: Stage,
    response: Response,
    reader: FrameReader,
    /// When the visit began, in the meter's time.
    began: u64,
    /// How long it took until the message was back, in nanoseconds.
    latency: u64,
}

/// What a visit waits for.
enum Stage {
    Response,
    Echo,
    CloseFrame,
    End,
}

impl Visit {
    fn begin(script: &Script, epoll: &Epoll, token: usize, now: u64) -> Result<Visit, Failure> {
        let mut connection = Connection::connect(script.address, epoll, token)?;
        connection.output().extend_from_slice(REQUEST);
        connection.flush(epoll)?;
        Ok(Visit {
            connection,
            stage: Stage::Response,
            response: Response::new(),
            reader: FrameReader::new(false),
            began: now,
            latency: 0,
        })
    }

    /// Reads once and queues what follows from it; true at the end of the visit.
    fn read(
        &mut self,
        script: &mut Script,
        buffer: &mut [u8],
        meter: &Meter,
    ) -> Result<bool, Failure> {
        match self.connection.read_or_end(buffer)? {
            None if matches!(self.stage, Stage::End) => return Ok(true),
            None => return Err(Failure::Peer("the server ended a connection early")),
            Some(bytes) => self.handle_bytes(bytes, script, meter)?,
        }
        Ok(false)
    }

    fn handle_bytes(
        &mut self,
        mut bytes: &[u8],
        script: &mut Script,
        meter: &Meter,
    ) -> Result<(), Failure> {
        if let Stage::Response = self.stage {
            if self.response.handle_bytes(bytes)? {
                script
                    .payload
                    .append(0, &mut script.keys, self.connection.output());
                self.stage = Stage::Echo;
            }
            return Ok(());
        }
        while let Some(piece) = self.reader.next(&mut bytes)? {
            match self.stage {
                Stage::Echo => {
                    script.payload.verify(0, &mut (), &piece)?;
                    if piece.is_last() {
                        self.latency = meter.now() - self.began;
                        let key = script.keys.next();
                        append_frame(self.connection.output(), Opcode::CLOSE, key, &NORMAL, &[]);
                        self.stage = Stage::CloseFrame;
                    }
                }
                Stage::CloseFrame if piece.opcode == Opcode::CLOSE => {
                    if piece.bytes != &NORMAL[piece.offset..][..piece.bytes.len()] {
                        return Err(Failure::Peer("the server closed with another code"));
                    }
                    if piece.is_last() {
                        self.stage = Stage::End;
                    }
                }
                _ => return Err(Failure::Peer("the server sent more than it was sent")),
            }
        }
        Ok(())
    }
}

/// Close code 1000 (RFC 6455, section 7.4.1).
const NORMAL: [u8; 2] = 1000u16.to_be_bytes();

/// Size of the buffer that all connections read into, in bytes.
const READ_BUFFER: usize = 16 * 1024;

/// How long a wait lasts at most before the time is looked at, in milliseconds.
const WAIT: u16 = 100;
