//! A TCP connection to the program under test.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::epoll::Epoll;
use super::extension::Agreement;
use super::failure::Failure;
use super::handshake::{REQUEST, Response, request_with};
use super::options::Options;

/// A non-blocking socket and the bytes that it has not taken yet.
pub(crate) struct Connection {
    socket: TcpStream,
    token: usize,
    /// Bytes to send, of which the first `sent` are gone; its capacity is used again and again.
    output: Vec<u8>,
    sent: usize,
    watches_writes: bool,
}

impl Connection {
    /// Connects and lets `epoll` report the socket as `token`.
    ///
    /// Connecting blocks, which on the loopback interface lasts no longer than the system call
    /// while the server's backlog has room.
    pub(crate) fn connect(
        address: SocketAddr,
        epoll: &Epoll,
        token: usize,
    ) -> Result<Connection, Failure> {
        let connect = || {
            let socket = TcpStream::connect(address)?;
            socket.set_nodelay(true)?;
            Connection::register(socket, epoll, token)
        };
        connect().map_err(Failure::during("connecting"))
    }

    /// Connects and upgrades `count` of them, and lets `epoll` report the sockets by their index.
    ///
    /// If the options want compression, what was agreed on comes with them; it has to be the same
    /// for all.
    pub(crate) fn open_all(
        options: &Options,
        epoll: &Epoll,
        count: usize,
    ) -> Result<(Vec<Connection>, Option<Agreement>), Failure> {
        let mut connections = Vec::with_capacity(count);
        let mut agreement = None;
        for token in 0..count {
            let (socket, agreed) = upgrade(options)?;
            if agreed != *agreement.get_or_insert(agreed) {
                return Err(Failure::Peer(
                    "the server did not agree to the same for all connections",
                ));
            }
            let connection = Connection::register(socket, epoll, token);
            connections.push(connection.map_err(Failure::during("connecting"))?);
        }
        Ok((connections, agreement.flatten()))
    }

    /// Lets `epoll` report a socket that was upgraded as `token`.
    pub(crate) fn register(
        socket: TcpStream,
        epoll: &Epoll,
        token: usize,
    ) -> io::Result<Connection> {
        socket.set_nonblocking(true)?;
        epoll.add(&socket, token)?;
        Ok(Connection {
            socket,
            token,
            output: Vec::new(),
            sent: 0,
            watches_writes: false,
        })
    }

    /// Reads once and returns what came: nothing at all if the socket had nothing to read.
    pub(crate) fn read<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], Failure> {
        match self.read_or_end(buffer)? {
            Some(bytes) => Ok(bytes),
            None => Err(Failure::Peer("a connection was ended")),
        }
    }

    /// Reads once as [`Connection::read`] does; `None` at the end of the stream.
    pub(crate) fn read_or_end<'a>(
        &self,
        buffer: &'a mut [u8],
    ) -> Result<Option<&'a [u8]>, Failure> {
        match (&self.socket).read(buffer) {
            Ok(0) => Ok(None),
            Ok(length) => Ok(Some(&buffer[..length])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Some(&[])),
            Err(error) => Err(Failure::System("reading", error)),
        }
    }

    /// The bytes that go out with the next [`Connection::flush`], to append to.
    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Writes what the socket takes; `epoll` reports it when it takes the rest.
    pub(crate) fn flush(&mut self, epoll: &Epoll) -> Result<(), Failure> {
        while self.sent < self.output.len() {
            match (&self.socket).write(&self.output[self.sent..]) {
                Ok(length) => self.sent += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(Failure::System("writing", error)),
            }
        }
        let blocked = self.sent < self.output.len();
        // Keeps the buffer from growing without moving much: a smaller part moves to the front.
        if self.sent > self.output.len() / 2 {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
        if blocked != self.watches_writes {
            self.watches_writes = blocked;
            epoll
                .watch_writes(&self.socket, self.token, blocked)
                .map_err(Failure::during("watching a socket"))?;
        }
        Ok(())
    }
}

/// Connects and upgrades with a blocking socket; with what was agreed on if the options want
/// compression.
pub(crate) fn upgrade(options: &Options) -> Result<(TcpStream, Option<Agreement>), Failure> {
    let takeover = options.deflate;
    let connect = || {
        let mut socket = TcpStream::connect(options.address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(MAX_WAIT))?;
        socket.set_write_timeout(Some(MAX_WAIT))?;
        match takeover {
            None => socket.write_all(REQUEST)?,
            Some(takeover) => socket.write_all(&request_with(takeover.offer()))?,
        }
        Ok(socket)
    };
    let mut socket: TcpStream = connect().map_err(Failure::during("connecting"))?;
    let mut response = Response::new();
    let mut buffer = [0; 1024];
    loop {
        let length = socket
            .read(&mut buffer)
            .map_err(Failure::during("upgrading"))?;
        if length == 0 {
            return Err(Failure::Peer("the server ended a connection"));
        }
        if response.handle_bytes(&buffer[..length])? {
            let agreement = takeover
                .map(|takeover| Agreement::parse(takeover, response.extensions()))
                .transpose()?;
            return Ok((socket, agreement));
        }
    }
}

/// Size of the buffer that all connections read into: several reads to a 1 MiB message, as a
/// client would do them, and one for all messages in flight at 64 bytes.
pub(crate) const READ_BUFFER: usize = 256 * 1024;

/// Longest wait of a blocking socket.
const MAX_WAIT: Duration = Duration::from_secs(10);
