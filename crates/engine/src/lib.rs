//! What stands between the sans-IO core and the addon.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`Inbound`] | received bytes into events, inflating on the way |
//! | [`Compressors`], [`SpareEncoders`] | the sending side of compression, and the memory it shares |
//! | [`Jobs`], [`free_elsewhere`] | work on other threads |
//! | [`Outboxes`], [`write_frame`] | frames that wait to be written |
//! | `net` | sockets that are read and written without Node (Unix) |
//! | [`MaskKeys`] | where mask keys come from |
//! | [`spare_buffers`] | buffers that are used again |
//! | [`Slots`] | what JavaScript knows by number |
//!
//! Nothing here knows Node. One value of each belongs to one JavaScript
//! environment and is used from its thread only.

#![forbid(unsafe_code)]

mod compressors;
mod inbound;
mod mask_keys;
#[cfg(unix)]
pub mod net;
mod outbox;
mod pool;
mod slots;
pub mod spare_buffers;

pub use compressors::{Compressors, SpareEncoders};
pub use getrandom::Error as RandomError;
pub use inbound::{HAND_OVER, Inbound, InflateWork, Polled};
pub use mask_keys::MaskKeys;
pub use outbox::{Outboxes, write_frame};
pub use pool::{Job, Jobs, Wake, free_elsewhere, pool_threads};
pub use slots::Slots;
