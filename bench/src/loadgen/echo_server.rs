//! Echo server: the program under test is the client, and each of its messages goes back to it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::accept::Request;
use super::connection::{Connection, READ_BUFFER};
use super::epoll::Epoll;
use super::failure::Failure;
use super::frame::{append_unmasked, mask};
use super::messages::Messages;
use super::meter::Meter;
use super::options::Options;
use super::payload::Payload;
use super::reader::{FrameReader, Piece};

/// Prints the port it listens on, takes `connections` of the client, and answers until the time is
/// over.
///
/// When all of them are open, the client sends `in_flight` messages on each, numbered from 0, and
/// after that whatever comes back. So all that goes wrong on the way, here or there, is noticed
/// here, and the client has nothing to do but what a client does. An operation is a message of the
/// client and the reply that made it send it; its latency runs from the write of that reply to the
/// read that completes the message.
pub(crate) fn run(options: &Options) -> Result<String, Failure> {
    let listener = TcpListener::bind(options.address).map_err(Failure::during("listening"))?;
    let address = listener.local_addr();
    println!("{}", address.map_err(Failure::during("listening"))?.port());
    let epoll = Epoll::new().map_err(Failure::during("epoll"))?;
    let connections = accept_all(&listener, &epoll, options.connections)?;
    let meter = Meter::new(options, None)?;
    serve(options, epoll, connections, meter)
}

/// Takes `count` connections, which `epoll` reports by their index.
fn accept_all(
    listener: &TcpListener,
    epoll: &Epoll,
    count: usize,
) -> Result<Vec<Connection>, Failure> {
    let mut door = Epoll::new().map_err(Failure::during("epoll"))?;
    door.add(listener, 0).map_err(Failure::during("epoll"))?;
    let accept = |token| {
        if door.wait(MAX_CONNECT).map_err(Failure::during("epoll"))? == 0 {
            return Err(Failure::Peer("the client did not connect"));
        }
        let socket = upgrade(listener)?;
        Connection::register(socket, epoll, token).map_err(Failure::during("accepting"))
    };
    (0..count).map(accept).collect()
}

/// Accepts a connection and upgrades it, with a blocking socket.
fn upgrade(listener: &TcpListener) -> Result<TcpStream, Failure> {
    let accept = || {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_millis(MAX_CONNECT.into())))?;
        Ok(socket)
    };
    let mut socket: TcpStream = accept().map_err(Failure::during("accepting"))?;
    let mut request = Request::new();
    let mut buffer = [0; 1024];
    loop {
        let length = socket
            .read(&mut buffer)
            .map_err(Failure::during("accepting"))?;
        if length == 0 {
            return Err(Failure::Peer("the client ended a connection"));
        }
        if let Some(answer) = request.handle_bytes(&buffer[..length])? {
            socket
                .write_all(&answer)
                .map_err(Failure::during("accepting"))?;
            return Ok(socket);
        }
    }
}

fn serve(
    options: &Options,
    mut epoll: Epoll,
    connections: Vec<Connection>,
    mut meter: Meter,
) -> Result<String, Failure> {
    let mut payload = Payload::new(options.opcode, options.payload);
    let mut buffer = vec![0; READ_BUFFER];
    let session = |connection| Session::new(connection, options.in_flight);
    let mut sessions: Vec<_> = connections.into_iter().map(session).collect();
    loop {
        for index in 0..epoll.wait(WAIT).map_err(Failure::during("epoll"))? {
            let ready = epoll.ready(index);
            let session = &mut sessions[ready.token];
            if ready.readable {
                let bytes = session.connection.read(&mut buffer)?;
                session.receive(bytes, &mut payload, &mut meter)?;
                if meter.report().is_none() {
                    session.reply(&meter);
                }
            }
            session.connection.flush(&epoll)?;
        }
        meter.handle_time()?;
        if let Some(report) = meter.report()
            && sessions.iter().all(Session::is_complete)
        {
            return Ok(report.clone());
        }
    }
}

/// A connection of the client.
struct Session {
    connection: Connection,
    reader: FrameReader,
    /// The payload of the frame that is being read, masked.
    message: Vec<u8>,
    /// Frames that answer the messages since the last reply.
    answers: Vec<u8>,
    /// When the last reply was sent, for each number that a message can have.
    sent_at: Box<[u64]>,
    /// Messages that have come, and that were answered.
    received: u64,
    replied: u64,
}

impl Session {
    fn new(connection: Connection, in_flight: usize) -> Session {
        Session {
            connection,
            reader: FrameReader::of_client(),
            message: Vec::new(),
            answers: Vec::new(),
            sent_at: vec![0; in_flight].into(),
            received: 0,
            replied: 0,
        }
    }

    /// Takes in what the client sent and makes the answers.
    fn receive(
        &mut self,
        mut bytes: &[u8],
        payload: &mut Payload,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        let now = meter.now();
        while let Some(piece) = self.reader.next(&mut bytes)? {
            self.message.extend_from_slice(piece.bytes);
            if !piece.is_last() {
                continue;
            }
            mask(&mut self.message, self.reader.key());
            if self.is_complete() {
                return Err(Failure::Peer("the client sent more than came back"));
            }
            let number = self.number(self.received);
            let whole = Piece {
                offset: 0,
                bytes: &self.message,
                ..piece
            };
            payload.verify(number as u32, &mut (), &whole)?;
            append_unmasked(&mut self.answers, piece.opcode, &self.message);
            self.message.clear();
            if self.received >= self.sent_at.len() as u64 {
                meter.record(now - self.sent_at[number]);
            }
            self.received += 1;
        }
        Ok(())
    }

    /// Queues the answers, which leave with the next flush.
    fn reply(&mut self, meter: &Meter) {
        self.connection.output().append(&mut self.answers);
        let now = meter.now();
        for index in self.replied..self.received {
            self.sent_at[self.number(index)] = now;
        }
        self.replied = self.received;
    }

    /// The number of message `index`: those that come back keep theirs.
    fn number(&self, index: u64) -> usize {
        (index % self.sent_at.len() as u64) as usize
    }

    /// Whether all messages on their way have come.
    fn is_complete(&self) -> bool {
        self.received - self.replied == self.sent_at.len() as u64
    }
}

/// How long a wait lasts at most before the time is looked at, in milliseconds.
const WAIT: u16 = 100;

/// Longest wait for a connection and its request, in milliseconds: Node.js has to start meanwhile.
const MAX_CONNECT: u16 = 10_000;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::thread;

    use super::super::connection;
    use super::super::frame::{Keys, Opcode, append_frame};
    use super::*;

    fn options(address: SocketAddr) -> Options {
        let line = format!(
            "echo-server --port {} --pid {} --connections 1 --in-flight 2 --payload 9 --warmup 0 \
             --seconds 0.05",
            address.port(),
            std::process::id()
        );
        Options::parse(line.split(' ').map(String::from)).unwrap()
    }

    /// A client that sends everything back as `change` makes it, until its connection ends.
    fn converse(options: &Options, change: impl Fn(&mut Vec<u8>)) {
        let (mut socket, _) = connection::upgrade(options).unwrap();
        let payload = Payload::new(Opcode::BINARY, 9);
        let (mut keys, mut out) = (Keys::new(), Vec::new());
        payload.append(0, &mut keys, &mut out);
        payload.append(1, &mut keys, &mut out);
        let mut reader = FrameReader::new(false);
        let mut message = Vec::new();
        let mut buffer = [0; 1024];
        while socket.write_all(&out).is_ok()
            && let Ok(length @ 1..) = socket.read(&mut buffer)
        {
            out.clear();
            let mut bytes = &buffer[..length];
            while let Some(piece) = reader.next(&mut bytes).unwrap() {
                message.extend_from_slice(piece.bytes);
                if piece.is_last() {
                    change(&mut message);
                    append_frame(&mut out, Opcode::BINARY, keys.next(), &[], &message);
                    message.clear();
                }
            }
        }
    }

    /// Serves a client of its own.
    fn run_with(change: impl Fn(&mut Vec<u8>) + Send + 'static) -> Result<String, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let options = options(listener.local_addr().unwrap());
        let client = thread::spawn(move || converse(&options, change));
        let options = self::options(listener.local_addr().unwrap());
        let epoll = Epoll::new().unwrap();
        let connections = accept_all(&listener, &epoll, 1).unwrap();
        let meter = Meter::new(&options, None).unwrap();
        let report = serve(&options, epoll, connections, meter);
        client.join().unwrap();
        report
    }

    #[test]
    fn counts_what_comes_back() {
        let report = run_with(|_| {}).unwrap();
        assert!(report.contains("\"operations\":"), "{report}");
    }

    #[test]
    fn notices_what_is_changed() {
        assert!(run_with(|message| message[8] ^= 1).is_err());
        assert!(run_with(|message| message[7] ^= 1).is_err());
        assert!(run_with(|message| message.truncate(8)).is_err());
    }
}
