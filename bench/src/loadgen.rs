//! The workloads and what they are made of.

mod accept;
mod broadcast;
mod connect;
mod connection;
mod corpus;
mod deflate;
mod echo;
mod echo_server;
mod epoll;
mod extension;
mod failure;
mod frame;
mod handshake;
mod histogram;
mod idle;
mod messages;
mod meter;
mod options;
mod payload;
mod process;
mod reader;
mod records;
mod replies;
mod sha1;

use failure::Failure;
use options::{Options, Workload};

/// Runs the workload that the command line names and returns its report, a line of JSON.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<String, Failure> {
    let options = Options::parse(arguments)?;
    match options.workload {
        Workload::Echo => echo::run(&options),
        Workload::Broadcast => broadcast::run(&options),
        Workload::Connect => connect::run(&options),
        Workload::Idle => idle::run(&options),
        Workload::EchoServer => echo_server::run(&options),
    }
}
