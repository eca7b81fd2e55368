//! What stands between the sans-IO core and the addon: bytes that wait to be
//! written ([`Outboxes`]) and the source of mask keys ([`MaskKeys`]).
//!
//! Nothing here knows Node. One value of each belongs to one JavaScript
//! environment and is used from its thread only.

#![forbid(unsafe_code)]

mod mask_keys;
mod outbox;

pub use getrandom::Error as RandomError;
pub use mask_keys::MaskKeys;
pub use outbox::{Outboxes, write_frame};
