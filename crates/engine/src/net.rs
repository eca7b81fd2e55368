//! Sockets that are read and written without Node.

mod flusher;
mod outgoing;
mod reactor;
mod socket;

pub use outgoing::Outgoing;
pub use reactor::Reactor;
pub use socket::{Received, Socket};
