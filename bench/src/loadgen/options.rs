//! The command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::extension::Takeover;
use super::failure::Failure;
use super::frame::Opcode;
use super::process::MAX_PID;
use super::records::MIN_LENGTH;

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Every connection keeps a number of messages in flight and gets each back.
    Echo,
    /// One connection sends, all others get each message.
    Broadcast,
    /// Connections open, get one message back, and close.
    Connect,
    /// Connections open, get some messages back, and stay.
    Idle,
    /// The program under test is the client: it connects, and each of its messages goes back.
    EchoServer,
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) workload: Workload,
    /// Where the server listens; for an echo server, where that is ourselves, port 0 is any.
    pub(crate) address: SocketAddr,
    /// The process under test.
    pub(crate) pid: i32,
    /// Connections that are open at a time; for a broadcast, those that receive.
    pub(crate) connections: usize,
    /// Messages on their way for each connection; for a broadcast, in all.
    pub(crate) in_flight: usize,
    /// Length of a message in bytes.
    pub(crate) payload: usize,
    /// Messages that each idle connection gets back before it rests.
    pub(crate) messages: u32,
    /// Of messages that are not compressed; the others are texts.
    pub(crate) opcode: Opcode,
    /// How messages are compressed, if they are.
    pub(crate) deflate: Option<Takeover>,
    /// How long the server runs under load before anything counts.
    pub(crate) warmup: Duration,
    /// How long figures are taken; for idle connections, how long they rest.
    pub(crate) duration: Duration,
}

impl Options {
    /// Reads `WORKLOAD --option value ...`.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Failure> {
        let mut options = Options {
            workload: workload(&arguments.next().unwrap_or_default())?,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            pid: 0,
            connections: 64,
            in_flight: 1,
            payload: 64,
            messages: 1,
            opcode: Opcode::BINARY,
            deflate: None,
            warmup: Duration::from_millis(500),
            duration: Duration::from_secs(3),
        };
        while let Some(name) = arguments.next() {
            if name == "--text" {
                options.opcode = Opcode::TEXT;
                continue;
            }
            let text = arguments.next().unwrap_or_default();
            options.set(&name, &text)?;
        }
        if options.pid == 0 {
            return Err(usage("--pid of the program under test is needed"));
        }
        if options.address.port() == 0 && options.workload != Workload::EchoServer {
            return Err(usage("--port of the server is needed"));
        }
        options.check_deflate()?;
        Ok(options)
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        match name {
            "--port" => self
                .address
                .set_port(number(name, text, 1, u16::MAX.into())? as u16),
            "--pid" => self.pid = number(name, text, 1, MAX_PID as usize)? as i32,
            "--connections" => self.connections = number(name, text, 1, 1_000_000)?,
            "--in-flight" => self.in_flight = number(name, text, 1, 1 << 16)?,
            "--payload" => self.payload = number(name, text, 0, 1 << 30)?,
            "--messages" => self.messages = number(name, text, 1, 1 << 16)? as u32,
            "--deflate" => self.deflate = Some(takeover(text)?),
            "--warmup" => self.warmup = seconds(name, text)?,
            "--seconds" => self.duration = seconds(name, text)?,
            _ => return Err(usage(&format!("unknown option {name}"))),
        }
        Ok(())
    }

    fn check_deflate(&self) -> Result<(), Failure> {
        match self.deflate {
            Some(_) if matches!(self.workload, Workload::Connect | Workload::EchoServer) => {
                Err(usage("this workload does not compress"))
            }
            Some(_) if self.payload < MIN_LENGTH => Err(usage(&format!(
                "a compressed message has at least {MIN_LENGTH} bytes"
            ))),
            _ => Ok(()),
        }
    }
}

fn workload(name: &str) -> Result<Workload, Failure> {
    match name {
        "echo" => Ok(Workload::Echo),
        "broadcast" => Ok(Workload::Broadcast),
        "connect" => Ok(Workload::Connect),
        "idle" => Ok(Workload::Idle),
        "echo-server" => Ok(Workload::EchoServer),
        _ => Err(usage("the first argument is not a workload")),
    }
}

fn takeover(text: &str) -> Result<Takeover, Failure> {
    match text {
        "takeover" => Ok(Takeover::Both),
        "none" => Ok(Takeover::None),
        _ => Err(usage("--deflate takes takeover or none")),
    }
}

fn number(name: &str, text: &str, min: usize, max: usize) -> Result<usize, Failure> {
    let value = text.parse().ok();
    value
        .filter(|value| (min..=max).contains(value))
        .ok_or_else(|| usage(&format!("{name} takes an integer from {min} to {max}")))
}

fn seconds(name: &str, text: &str) -> Result<Duration, Failure> {
    let value = text
        .parse()
        .ok()
        .filter(|value| (0.0..=3600.0).contains(value));
    value
        .map(Duration::from_secs_f64)
        .ok_or_else(|| usage(&format!("{name} takes seconds, from 0 to 3600")))
}

fn usage(problem: &str) -> Failure {
    Failure::Usage(format!(
        "{problem}\n\
         usage: loadgen echo|broadcast|connect|idle --port PORT --pid PID [--connections 64]\n\
         \x20      [--in-flight 1] [--payload 64] [--text] [--deflate takeover|none]\n\
         \x20      [--messages 1] [--warmup 0.5] [--seconds 3]\n\
         \x20      loadgen echo-server --pid PID [--port PORT] [--connections 64]\n\
         \x20      [--in-flight 1] [--payload 64] [--text] [--warmup 0.5] [--seconds 3]"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Failure> {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn reads_every_option() {
        let options = parse(
            "broadcast --port 80 --pid 7 --connections 200 --in-flight 16 --payload 200 --text \
             --deflate none --messages 20 --warmup 0.25 --seconds 1.5",
        );
        let expected = Options {
            workload: Workload::Broadcast,
            address: "127.0.0.1:80".parse().unwrap(),
            pid: 7,
            connections: 200,
            in_flight: 16,
            payload: 200,
            messages: 20,
            opcode: Opcode::TEXT,
            deflate: Some(Takeover::None),
            warmup: Duration::from_millis(250),
            duration: Duration::from_millis(1500),
        };
        assert_eq!(options.unwrap(), expected);
    }

    #[test]
    fn lets_an_echo_server_have_any_port() {
        let options = parse("echo-server --pid 7").unwrap();
        assert_eq!(options.workload, Workload::EchoServer);
        assert_eq!(options.address.port(), 0);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for line in [
            "",
            "dance --port 1 --pid 1",
            "echo",
            "echo --port 1",
            "echo --port 0 --pid 1",
            "echo --port 1 --pid 1 --in-flight 0",
            "echo --port 1 --pid 1 --seconds -1",
            "echo --port 1 --pid 1 --seconds NaN",
            "echo --port 1 --pid 1 --payload",
            "echo --port 1 --pid 1 --depth 3",
            "echo --port 1 --pid 1 --payload 999 --deflate some",
            "echo --port 1 --pid 1 --payload 99 --deflate none",
            "connect --port 1 --pid 1 --payload 999 --deflate none",
            "echo-server --port 1",
            "echo-server --pid 1 --payload 999 --deflate none",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
