//! The load generator of the benchmark: one thread, epoll, non-blocking sockets.
//!
//! `loadgen WORKLOAD --port PORT --pid PID [OPTION ...]` drives the server that listens on
//! 127.0.0.1:PORT and runs as process PID, verifies everything that comes back, and prints one line
//! of JSON. `loadgen echo-server --pid PID [OPTION ...]` is a server itself and measures process
//! PID, the client; it prints its port on a line of its own first. Whatever goes wrong is one line on the standard error stream and exit status 1.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod loadgen;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    match loadgen::run(std::env::args().skip(1)) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("loadgen: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("loadgen: needs Linux (epoll and /proc)");
    ExitCode::FAILURE
}
