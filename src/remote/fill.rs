//! From what has come to a slice of events, in the form of `io::fill`.
//!
//! ```text
//! word   0            1                  2                           3
//!        connection   number of events   0 or one of those below     LOST: errno
//!        connection   high word          SENT                        low word of the total
//! ```

use ferrows_engine::net::{Delivery, Fetched};
use ferrows_protocol::Event;
use napi::bindgen_prelude::Result;
use napi_sys as sys;

use super::{Late, RemoteIo};
use crate::batch::{Batch, Slice, WORDS, deliver_slice};
use crate::codecs::Codecs;
use crate::raw::{Call, Exports, callback};

/// Exports `remoteFill`.
pub(super) fn export(exports: &Exports, codecs: &Codecs) -> Result<()> {
    exports.bound(c"remoteFill", fill_shell, codecs.data())
}

callback!(fill_shell, fill, 3);

/// `remoteFill(words, owned, slab)`: fetches until there is no more or a slice is full, and gives the
/// number of lines. The first word says whether there may be more.
fn fill(call: &Call) -> Option<sys::napi_value> {
    deliver_slice(call, fill_slice(call)?)
}

fn fill_slice(call: &Call) -> Option<Slice> {
    let mut io = Codecs::of(call).remote.borrow_mut();
    let Some(io) = io.as_mut() else {
        return Some((0, Vec::new()));
    };
    let mut groups = Groups {
        batch: Batch::slice(call)?,
        group: None,
    };
    let mut has_more = true;
    while has_more && groups.batch.has_room(2) {
        has_more = io.fetch(&mut groups)?;
    }
    groups.batch.words[0] = u32::from(has_more);
    groups.batch.end_slice()
}

impl RemoteIo {
    /// Adds the next news to a slice; false if there is none.
    fn fetch(&mut self, slice: &mut Groups) -> Option<bool> {
        if let Some(late) = self.released.pop_front() {
            match late {
                Late::News(id, news) => slice.push(id, news, &[])?,
                Late::End(id) => slice.push_status(id, RELEASED, 0, 0)?,
            }
            return Some(true);
        }
        let Some(Fetched {
            id,
            delivery,
            chunk,
        }) = self.remote.next()
        else {
            return Some(false);
        };
        slice.push(id, delivery, chunk)?;
        Some(true)
    }
}

/// A batch of events in groups.
struct Groups<'a> {
    batch: Batch<'a>,
    /// The connection whose group is the last one, and the place of its line.
    group: Option<(usize, usize)>,
}

impl Groups<'_> {
    fn push(&mut self, id: usize, delivery: Delivery, chunk: &[u8]) -> Option<()> {
        match delivery {
            Delivery::Event(event) => self.push_event(id, event, chunk),
            Delivery::Failed(error) => {
                self.begin(id)?;
                self.batch.push_failure(&error)?;
                self.count()
            }
            Delivery::Ended => self.push_status(id, ENDED, 0, 0),
            Delivery::Lost(errno) => self.push_status(id, LOST, 0, errno.unsigned_abs()),
            Delivery::NeedsInflater | Delivery::SendFailed(_) => {
                self.push_status(id, FOR_NODE, 0, 0)
            }
            Delivery::Sent { total } => {
                self.push_status(id, SENT, (total >> 32) as u32, total as u32)
            }
        }
    }

    fn push_event(&mut self, id: usize, event: Event, chunk: &[u8]) -> Option<()> {
        self.begin(id)?;
        self.batch.push(event, Some(chunk))?;
        self.count()
    }

    /// Adds a line without events.
    fn push_status(&mut self, id: usize, status: u32, high: u32, low: u32) -> Option<()> {
        self.group = None;
        let line = u32::try_from(id).ok()?;
        self.batch.put([line, high, status, low])
    }

    /// Begins the group of a connection, unless it is the last one.
    fn begin(&mut self, id: usize) -> Option<()> {
        if self.group.is_none_or(|(last, _)| last != id) {
            self.group = Some((id, self.batch.count as usize + 1));
            self.batch.put([u32::try_from(id).ok()?, 0, 0, 0])?;
        }
        Some(())
    }

    /// Counts an event in its group.
    fn count(&mut self) -> Option<()> {
        let (_, line) = self.group?;
        self.batch.words[line * WORDS + 1] += 1;
        Some(())
    }
}

/// The peer has ended its side.
const ENDED: u32 = 1;

/// The connection is lost.
const LOST: u32 = 2;

/// The kernel has taken so many bytes in all.
const SENT: u32 = 3;

/// Nothing comes any more of what a connection had when it was released.
const RELEASED: u32 = 4;

/// Something that only Node can do, or find out.
const FOR_NODE: u32 = 5;
