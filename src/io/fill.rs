//! From readable sockets to a slice of events.
//!
//! `fill` puts groups of descriptors into a `Uint32Array`, one group for what was read of a
//! connection. The first descriptor is none; each group begins with a line of its own:
//!
//! ```text
//! word   0                1                       2                     3
//!  0     number of lines  bytes of the slab in use -                     -
//!  n     connection       number of its events    0, ENDED or LOST      LOST: errno
//!  n+1   an event, see `batch`; SUSPENDED: word 2 is the index in `owned` of what follows,
//!        behind one byte that was decoded
//! ```
//!
//! Nothing is named where it was read: payloads are copied, small ones into a slab.

use ferrows_engine::net::Received;
use ferrows_engine::{Inbound, Polled};
use ferrows_protocol::deflate::Decompressor;
use napi::bindgen_prelude::Result;
use napi_sys as sys;

use super::{Io, Rest};
use crate::batch::{Batch, Slice, WORDS, deliver_slice};
use crate::codecs::{Codecs, State};
use crate::raw::{Call, Exports, callback};
use crate::values::new_buffer;

/// Exports `fill`.
pub(super) fn export(exports: &Exports, codecs: &Codecs) -> Result<()> {
    exports.bound(c"fill", fill_shell, codecs.data())
}

callback!(fill_shell, fill, 3);

/// `fill(words, owned, slab)`: reads and decodes until the round ends or a slice is full, and gives
/// the number of lines.
fn fill(call: &Call) -> Option<sys::napi_value> {
    deliver_slice(call, fill_slice(call)?)
}

fn fill_slice(call: &Call) -> Option<Slice> {
    let state = Codecs::of(call);
    let mut io = state.io.borrow_mut();
    let Some(io) = io.as_mut() else {
        return Some((0, Vec::new()));
    };
    let mut batch = Batch::slice(call)?;
    while batch.has_room(2) {
        if io.rest.is_none() && !io.receive(&mut batch)? {
            break;
        }
        if let Some(rest) = io.rest.take() {
            io.decode(state, &mut batch, rest)?;
        }
    }
    batch.end_slice()
}

impl Io {
    /// Reads from the next connection of the round; false if there is none.
    fn receive(&mut self, batch: &mut Batch) -> Option<bool> {
        let Some(id) = self.reactor.next_ready() else {
            return Some(false);
        };
        let line = u32::try_from(id).ok()?;
        match self.reactor.receive(id, &mut self.chunk)? {
            Received::Data(end) => self.rest = Some(Rest { id, at: 0, end }),
            Received::Nothing => {}
            Received::End => batch.put([line, 0, ENDED, 0])?,
            Received::Failed(error) => {
                let errno = error.raw_os_error().unwrap_or(0);
                batch.put([line, 0, LOST, errno.unsigned_abs()])?;
            }
        }
        Some(true)
    }

    /// Decodes what was read of a connection, until the slice is full.
    fn decode(&mut self, state: &State, batch: &mut Batch, mut rest: Rest) -> Option<()> {
        let Some(Some(link)) = self.links.get(rest.id) else {
            return Some(());
        };
        let mut receiving = state.receiving.take(link.decoder)?;
        let mut decompressor = receiving
            .inflater
            .and_then(|slot| state.decompressors.take(slot));
        let chunk = &mut self.chunk[..rest.end];
        let inbound = &mut receiving.inbound;
        let is_done = decode_into(
            batch,
            inbound,
            decompressor.as_deref_mut(),
            chunk,
            &mut rest,
        );
        if let (Some(slot), Some(decompressor)) = (receiving.inflater, decompressor) {
            state.decompressors.put_back(slot, decompressor);
        }
        state.receiving.put_back(link.decoder, receiving);
        if !is_done? {
            self.rest = Some(rest);
        }
        Some(())
    }
}

/// Adds a group; false if there is more to decode when the slice is delivered.
fn decode_into(
    batch: &mut Batch,
    inbound: &mut Inbound,
    mut decompressor: Option<&mut Decompressor>,
    chunk: &mut [u8],
    rest: &mut Rest,
) -> Option<bool> {
    let head = batch.count as usize + 1;
    batch.put([u32::try_from(rest.id).ok()?, 0, 0, 0])?;
    let mut failure = None;
    let mut is_done = true;
    if rest.at == 0 {
        failure = inbound.handle_chunk().err();
    }
    while failure.is_none() {
        if !batch.has_room(1) {
            is_done = false;
            break;
        }
        match inbound.poll(chunk, &mut rest.at, decompressor.as_deref_mut()) {
            Ok(Polled::Event(event)) => batch.push(event, Some(chunk))?,
            Ok(Polled::Suspended) => {
                let what_follows = behind_one_byte(batch.call, chunk.get(rest.at..)?)?;
                let index = batch.own(what_follows);
                batch.push_suspension(inbound, index)?;
                break;
            }
            Ok(Polled::Nothing) => break,
            Err(error) => failure = Some(error),
        }
    }
    if let Some(error) = failure {
        batch.push_failure(&error)?;
    }
    let events = batch.count as usize - head;
    if events == 0 {
        batch.count -= 1;
    } else {
        batch.words[head * WORDS + 1] = u32::try_from(events).ok()?;
    }
    Some(is_done)
}

/// A `Buffer` of bytes that are to be decoded, behind one that stands for those that are.
pub(super) fn behind_one_byte(call: &Call, bytes: &[u8]) -> Option<sys::napi_value> {
    let mut all = Vec::with_capacity(1 + bytes.len());
    all.push(0);
    all.extend_from_slice(bytes);
    new_buffer(call, all)
}

/// The peer has ended its side.
const ENDED: u32 = 1;

/// The connection is lost.
const LOST: u32 = 2;
