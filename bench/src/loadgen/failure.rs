//! Why a run has no result.

use std::fmt;
use std::io;

/// The end of a run without figures, by fault.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// The operating system refused what is named.
    System(&'static str, io::Error),
    /// The program under test did not do what a WebSocket peer of this workload does.
    Peer(&'static str),
}

impl Failure {
    /// Names what was being done when the operating system refused.
    pub(crate) fn during(what: &'static str) -> impl FnOnce(io::Error) -> Failure {
        move |error| Failure::System(what, error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(text) => f.write_str(text),
            Failure::System(what, error) => write!(f, "{what}: {error}"),
            Failure::Peer(text) => f.write_str(text),
        }
    }
}
