//! Idle: what a connection that does nothing costs in memory.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use super::connection::upgrade;
use super::corpus::Corpus;
use super::failure::Failure;
use super::frame::Keys;
use super::messages::Messages;
use super::meter::json;
use super::options::Options;
use super::payload::Payload;
use super::process::{Process, raise_max_open_files};
use super::reader::FrameReader;

/// Opens `connections`, fewer if the limits of open files demand it, gets some messages back on
/// each, lets them rest, and compares the server's memory with that before the first one.
///
/// Some connections are opened and closed beforehand, so that what the server sets up once is not
/// counted; it collects its garbage before each reading.
pub(crate) fn run(options: &Options) -> Result<String, Failure> {
    // What is agreed on has to be known before the first message.
    let agreement = match options.deflate {
        None => None,
        Some(_) => upgrade(options)?.1,
    };
    match agreement {
        None => compare(options, Payload::new(options.opcode, options.payload)),
        Some(agreement) => compare(options, Corpus::new(options.payload, agreement)),
    }
}

fn compare(options: &Options, mut messages: impl Messages) -> Result<String, Failure> {
    let system = Failure::during;
    let server = Process::new(options.pid).map_err(system("server process"))?;
    let ours = raise_max_open_files().map_err(system("limit of open files"))?;
    let theirs = server
        .max_open_files()
        .map_err(system("limit of open files"))?;
    let room = ours.min(theirs).saturating_sub(OTHER_FILES);
    let count = options.connections.min(room);
    if count == 0 {
        return Err(Failure::Usage("the limit of open files is too low".into()));
    }
    let rehearsal = count.div_ceil(100).min(REHEARSAL);

    drop(visit_all(options, &mut messages, rehearsal)?);
    let before = settled_bytes(&server, options.warmup)?;
    let sockets = visit_all(options, &mut messages, count)?;
    let after = settled_bytes(&server, options.duration)?;
    sockets.iter().try_for_each(check_silence)?;

    Ok(json(&[
        ("requested", options.connections as f64),
        ("connections", count as f64),
        ("residentBefore", before as f64),
        ("residentAfter", after as f64),
        (
            "bytesPerConnection",
            (after as f64 - before as f64) / count as f64,
        ),
    ]))
}

/// Opens `count` connections and gets the messages back on each, one after the other.
fn visit_all(
    options: &Options,
    messages: &mut impl Messages,
    count: usize,
) -> Result<Vec<TcpStream>, Failure> {
    let mut keys = Keys::new();
    let mut buffer = vec![0; messages.max_frame()];
    let mut frame = Vec::with_capacity(messages.max_frame());
    let visit = |_| {
        let (mut socket, agreement) = upgrade(options)?;
        if agreement != messages.agreement() {
            return Err(Failure::Peer(
                "the server did not agree to the same for all connections",
            ));
        }
        let mut lane = messages.new_lane();
        for number in 0..options.messages {
            frame.clear();
            messages.append(number, &mut keys, &mut frame);
            socket
                .write_all(&frame)
                .map_err(Failure::during("writing"))?;
            read_echo(&mut socket, number, messages, &mut lane, &mut buffer)?;
        }
        Ok(socket)
    };
    (0..count).map(visit).collect()
}

fn read_echo<M: Messages>(
    socket: &mut TcpStream,
    number: u32,
    messages: &mut M,
    lane: &mut M::Lane,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let mut reader = FrameReader::new(messages.agreement().is_some());
    loop {
        let length = socket.read(buffer).map_err(Failure::during("reading"))?;
        if length == 0 {
            return Err(Failure::Peer("the server ended a connection"));
        }
        let mut bytes = &buffer[..length];
        while let Some(piece) = reader.next(&mut bytes)? {
            messages.verify(number, lane, &piece)?;
            if piece.is_last() {
                return Ok(());
            }
        }
    }
}

/// The server's memory after a rest of `pause` and a garbage collection.
fn settled_bytes(server: &Process, pause: Duration) -> Result<u64, Failure> {
    let read = || {
        sleep(pause);
        server.collect_garbage()?;
        sleep(COLLECTION);
        server.resident_bytes()
    };
    read().map_err(Failure::during("memory of the server"))
}

/// Fails unless the connection is open and nothing has come on it.
fn check_silence(socket: &TcpStream) -> Result<(), Failure> {
    let mut byte = [0];
    let read = socket
        .set_nonblocking(true)
        .and_then(|()| (&*socket).read(&mut byte));
    match read {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(Failure::System("reading", error)),
        Ok(0) => Err(Failure::Peer("the server ended an idle connection")),
        Ok(_) => Err(Failure::Peer("the server sent data to an idle connection")),
    }
}

/// Connections that are opened before the first reading, at most, and a hundredth of the
/// others: what they leave behind as free memory is used again and not seen.
const REHEARSAL: usize = 100;

/// Descriptors that are left for other things than connections.
const OTHER_FILES: usize = 100;

/// Time for a garbage collection: a full one of 100 MB takes a tenth of it.
const COLLECTION: Duration = Duration::from_secs(1);
