//! Sockets that are read and written without Node.

mod flusher;
mod outgoing;
mod reactor;
mod remote;
mod socket;

pub use outgoing::Outgoing;
pub use reactor::Reactor;
pub use remote::{Codec, Delivery, Fetched, Remote, Returned};
pub use socket::{Received, Socket};
