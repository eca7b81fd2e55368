//! Frames that wait for the end of a turn, so that many sends are one system call.

use std::io::IoSlice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ferrows_protocol::frame::{FrameHeader, encode_frame};

use super::Socket;
use super::flusher::Flusher;

/// The sending halves of an environment's connections.
///
/// They belong to the thread of the environment; the only other one that comes here is the
/// [`Flusher`], when a turn lasts too long.
pub struct Outgoing {
    shared: Arc<Shared>,
    flusher: Flusher,
}

pub(super) struct Shared {
    table: Mutex<Table>,
}

#[derive(Default)]
pub(super) struct Table {
    entries: Vec<Option<Entry>>,
    /// Connections that keep something, first come first.
    kept: Vec<usize>,
    /// Buffers that no connection has at the moment.
    spare: Vec<Vec<u8>>,
    /// Since when something is kept, if anything is.
    since: Option<Instant>,
    /// Whether the flusher looks here every now and then.
    pub(super) is_watched: bool,
}

struct Entry {
    socket: Arc<Socket>,
    bytes: Vec<u8>,
    is_kept: bool,
    /// Bytes that the kernel has taken.
    sent: u64,
}

impl Outgoing {
    /// No connections yet.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                table: Mutex::new(Table::default()),
            }),
            flusher: Flusher::new(),
        }
    }

    /// Adds a connection by a number that is free.
    pub fn insert(&self, id: usize, socket: Arc<Socket>) {
        let mut table = self.shared.lock();
        if table.entries.len() <= id {
            table.entries.resize_with(id + 1, || None);
        }
        table.entries[id] = Some(Entry {
            socket,
            bytes: Vec::new(),
            is_kept: false,
            sent: 0,
        });
    }

    /// Forgets a connection, and gives what it kept.
    pub fn remove(&self, id: usize) -> Option<Vec<u8>> {
        let mut table = self.shared.lock();
        let entry = table.entries.get_mut(id)?.take()?;
        if entry.is_kept {
            table.kept.retain(|&kept| kept != id);
        }
        Some(entry.bytes)
    }

    /// Keeps a frame until [`flush`](Self::flush), for a millisecond at most. Gives the number of
    /// bytes that the connection keeps, or `None` if there is no such connection.
    pub fn keep(&self, id: usize, header: &FrameHeader, payload: &[u8]) -> Option<usize> {
        let mut table = self.shared.lock();
        let table = &mut *table;
        let entry = table.entries.get_mut(id)?.as_mut()?;
        entry.encode(&mut table.spare, header, payload);
        if !entry.is_kept {
            entry.is_kept = true;
            table.kept.push(id);
            table.since.get_or_insert_with(Instant::now);
            if !table.is_watched {
                table.is_watched = true;
                self.flusher.watch(&self.shared);
            }
        }
        Some(entry.bytes.len())
    }

    /// Writes a frame at once, behind what the connection keeps. Gives the number of bytes that the
    /// kernel has not taken, which are to be [taken](Self::take).
    pub fn send(&self, id: usize, header: &FrameHeader, payload: &[u8]) -> Option<usize> {
        let mut table = self.shared.lock();
        let table = &mut *table;
        let entry = table.entries.get_mut(id)?.as_mut()?;
        entry.encode(&mut table.spare, header, payload);
        Some(table.write(id))
    }

    /// As [`send`](Self::send), but copies nothing of the payload, which has no mask. Of the bytes
    /// left, those before the payload are to be taken; the rest is the end of `payload`.
    pub fn send_uncopied(&self, id: usize, header: &FrameHeader, payload: &[u8]) -> Option<usize> {
        let mut table = self.shared.lock();
        let entry = table.entries.get_mut(id)?.as_mut()?;
        let front = header.encode();
        let kept = entry.bytes.len();
        let slices = [&entry.bytes[..], &front[..], payload].map(IoSlice::new);
        let sent = entry.socket.send_all(&slices[usize::from(kept == 0)..]);
        entry.sent += sent as u64;
        entry.bytes.drain(..sent.min(kept));
        let front_left = front.get(sent.saturating_sub(kept)..).unwrap_or(&[]);
        entry.bytes.extend_from_slice(front_left);
        table.forget(id);
        Some(kept + front.len() + payload.len() - sent)
    }

    /// Writes what is kept, until the bytes of `limit` connections were not all taken by the kernel.
    /// `stuck` gets those; their bytes are to be [taken](Self::take).
    pub fn flush(&self, stuck: &mut Vec<usize>, limit: usize) {
        self.shared.lock().flush(stuck, limit);
    }

    /// Writes what one connection keeps; gives the number of bytes that are left.
    pub fn flush_one(&self, id: usize) -> Option<usize> {
        let mut table = self.shared.lock();
        table.entries.get(id)?.as_ref()?;
        Some(table.write(id))
    }

    /// Takes what is left of a connection's bytes.
    pub fn take(&self, id: usize) -> Option<Vec<u8>> {
        let mut table = self.shared.lock();
        let entry = table.entries.get_mut(id)?.as_mut()?;
        let bytes = std::mem::take(&mut entry.bytes);
        table.forget(id);
        Some(bytes)
    }

    /// Bytes of a connection that the kernel has taken.
    pub fn sent(&self, id: usize) -> Option<u64> {
        let table = self.shared.lock();
        Some(table.entries.get(id)?.as_ref()?.sent)
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    /// Nothing panics while the lock is held, but for a lack of memory.
    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Writes what has been kept for too long, on another thread than usual; what the kernel does not
    /// take stays kept. Gives the time at which to look again; none if nothing is kept.
    pub(super) fn flush_late(&mut self, now: Instant) -> Option<Instant> {
        if self.kept.is_empty() {
            return None;
        }
        let since = self.since.get_or_insert(now);
        if now.saturating_duration_since(*since) < MAX_AGE {
            return Some(*since + MAX_AGE);
        }
        for index in 0..self.kept.len() {
            let id = self.kept[index];
            if let Some(Some(entry)) = self.entries.get_mut(id) {
                entry.write();
            }
        }
        self.since = Some(now);
        Some(now + MAX_AGE)
    }

    fn flush(&mut self, stuck: &mut Vec<usize>, limit: usize) {
        let mut kept = std::mem::take(&mut self.kept);
        let mut done = 0;
        while done < kept.len() && stuck.len() < limit {
            let id = kept[done];
            done += 1;
            if let Some(Some(entry)) = self.entries.get_mut(id) {
                entry.is_kept = false;
            }
            if self.write(id) > 0 {
                stuck.push(id);
            }
        }
        kept.drain(..done);
        self.kept = kept;
        self.since = None;
    }

    /// Writes the bytes of a connection; gives the number of those left, which are not kept any more.
    fn write(&mut self, id: usize) -> usize {
        let Some(Some(entry)) = self.entries.get_mut(id) else {
            return 0;
        };
        entry.write();
        let left = entry.bytes.len();
        self.forget(id);
        if left == 0 {
            self.recycle(id);
        }
        left
    }

    /// Forgets that a connection keeps something.
    fn forget(&mut self, id: usize) {
        if let Some(Some(entry)) = self.entries.get_mut(id)
            && entry.is_kept
        {
            entry.is_kept = false;
            self.kept.retain(|&kept| kept != id);
        }
    }

    /// Takes the buffer of a connection that needs none: thousands of idle ones have none.
    fn recycle(&mut self, id: usize) {
        let Some(Some(entry)) = self.entries.get_mut(id) else {
            return;
        };
        let bytes = std::mem::take(&mut entry.bytes);
        if bytes.capacity() <= MAX_SPARE_BYTES && self.spare.len() < MAX_SPARE {
            self.spare.push(bytes);
        }
    }
}

impl Entry {
    /// Appends a frame.
    fn encode(&mut self, spare: &mut Vec<Vec<u8>>, header: &FrameHeader, payload: &[u8]) {
        if self.bytes.capacity() == 0 {
            self.bytes = spare.pop().unwrap_or_default();
        }
        encode_frame(&mut self.bytes, header, payload);
    }

    /// Writes as much as the kernel takes.
    fn write(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let sent = self.socket.send(&self.bytes);
        self.sent += sent as u64;
        if sent == self.bytes.len() {
            self.bytes.clear();
        } else {
            self.bytes.drain(..sent);
        }
    }
}

/// Time for which something is kept at most: with what waking up takes, a little less than the
/// millisecond that is promised.
pub(super) const MAX_AGE: Duration = Duration::from_micros(850);

/// Buffers that are kept for the next turn: as many as a broadcast may well have receivers.
const MAX_SPARE: usize = 256;

/// The usual turn of small frames fits in one of them.
const MAX_SPARE_BYTES: usize = 16 * 1024;
