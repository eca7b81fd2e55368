//! Frames that wait for the end of a turn, so that many sends are one system call.

use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use ferrows_protocol::frame::{FrameHeader, encode_frame};

use super::Socket;
use super::flusher::{Flusher, Late, Look};

#[cfg(test)]
mod tests;

/// The sending halves of an environment's connections.
///
/// They belong to the thread of the environment; the only other one that comes here is the
/// [`Flusher`], when a turn lasts too long.
pub struct Outgoing {
    shared: Arc<Shared>,
    flusher: Flusher,
}

/// What the two threads share. Whoever has the table may lock the flusher's state, never the other
/// way round.
pub(super) struct Shared {
    table: Mutex<Table>,
    /// The environment's thread waits for the table, which the flusher has.
    pub(super) is_wanted: AtomicBool,
}

#[derive(Default)]
pub(super) struct Table {
    entries: Vec<Option<Entry>>,
    /// Connections that keep something, first come first.
    kept: Vec<usize>,
    /// Buffers that no connection has at the moment.
    spare: Vec<Vec<u8>>,
    /// Since when something is kept; none if and only if `kept` is empty.
    since: Option<Instant>,
    /// Whether the flusher looks here every now and then.
    pub(super) is_watched: bool,
}

struct Entry {
    socket: Arc<Socket>,
    bytes: Vec<u8>,
    is_kept: bool,
    /// The flusher has found the kernel's buffer full since something is kept.
    is_full: bool,
    /// Bytes that the kernel has taken.
    sent: u64,
}

impl Outgoing {
    /// No connections yet.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                table: Mutex::default(),
                is_wanted: AtomicBool::new(false),
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
            is_full: false,
            sent: 0,
        });
    }

    /// Forgets a connection, and gives what it kept.
    pub fn remove(&self, id: usize) -> Option<Vec<u8>> {
        let mut table = self.shared.lock();
        let entry = table.entries.get_mut(id)?.take()?;
        if entry.is_kept {
            table.unlist(id);
        }
        Some(entry.bytes)
    }

    /// Keeps a frame until [`flush`](Self::flush), for a millisecond at most. Gives the number of
    /// bytes that the connection keeps, or `None` if there is no such connection.
    pub fn keep(&self, id: usize, header: &FrameHeader, payload: &[u8]) -> Option<usize> {
        self.keep_with(id, |out| encode_frame(out, header, payload))
    }

    /// As [`keep`](Self::keep), for bytes that are frames already.
    pub fn keep_bytes(&self, id: usize, bytes: &[u8]) -> Option<usize> {
        self.keep_with(id, |out| out.extend_from_slice(bytes))
    }

    /// Writes a frame at once, behind what the connection keeps. Gives the number of bytes that the
    /// kernel has not taken, which are to be [taken](Self::take).
    pub fn send(&self, id: usize, header: &FrameHeader, payload: &[u8]) -> Option<usize> {
        let mut table = self.shared.lock();
        let table = &mut *table;
        let entry = table.entries.get_mut(id)?.as_mut()?;
        encode_frame(entry.room(&mut table.spare), header, payload);
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
        table.recycle(id);
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

    fn keep_with(&self, id: usize, append: impl FnOnce(&mut Vec<u8>)) -> Option<usize> {
        let mut table = self.shared.lock();
        let table = &mut *table;
        let entry = table.entries.get_mut(id)?.as_mut()?;
        append(entry.room(&mut table.spare));
        if !entry.is_kept {
            entry.is_kept = true;
            entry.is_full = false;
            table.kept.push(id);
            let since = *table.since.get_or_insert_with(Instant::now);
            if !table.is_watched {
                let late = Arc::clone(&self.shared) as Arc<dyn Late>;
                table.is_watched = self.flusher.watch(&late, since + MAX_AGE);
            }
        }
        Some(entry.bytes.len())
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

impl Drop for Outgoing {
    /// The flusher may have the table at this moment, but sockets are closed here and now.
    fn drop(&mut self) {
        let mut table = self.shared.lock();
        table.kept.clear();
        table.since = None;
        table.entries.clear();
    }
}

impl Shared {
    /// For the environment's thread. Nothing panics while the lock is held, but for a lack of memory.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.try_lock().unwrap_or_else(|| {
            self.is_wanted.store(true, Ordering::Relaxed);
            let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            self.is_wanted.store(false, Ordering::Relaxed);
            table
        })
    }

    /// For the flusher, which waits for nobody: it has other tables to look at.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Table>> {
        match self.table.try_lock() {
            Ok(table) => Some(table),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Late for Shared {
    fn look(&self, now: Instant, is_last: bool) -> Look {
        let Some(mut table) = self.try_lock() else {
            return Look::Busy;
        };
        match table.flush_late(now, &self.is_wanted) {
            Some(next) => Look::Next(next),
            None => {
                table.is_watched = !is_last;
                Look::Idle
            }
        }
    }
}

impl Table {
    /// Writes what has been kept for too long, on another thread than usual; what the kernel does not
    /// take stays kept. Soon ends if the table is wanted. Gives the time at which to look again; none
    /// if nothing is kept.
    pub(super) fn flush_late(&mut self, now: Instant, is_wanted: &AtomicBool) -> Option<Instant> {
        let since = self.since?;
        if now.saturating_duration_since(since) < MAX_AGE {
            return Some(since + MAX_AGE);
        }
        let mut writes = 0;
        for &id in &self.kept {
            if writes >= MIN_WRITES && is_wanted.load(Ordering::Relaxed) {
                return Some(Instant::now() + PAUSE);
            }
            if let Some(Some(entry)) = self.entries.get_mut(id) {
                writes += usize::from(entry.write_late());
            }
        }
        // The writes may have taken longer than `MAX_AGE`.
        let now = Instant::now();
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
        if self.kept.is_empty() {
            self.since = None;
        }
    }

    /// Writes the bytes of a connection; gives the number of those left, which are not kept any more.
    fn write(&mut self, id: usize) -> usize {
        let Some(Some(entry)) = self.entries.get_mut(id) else {
            return 0;
        };
        entry.write();
        let left = entry.bytes.len();
        self.forget(id);
        self.recycle(id);
        left
    }

    /// Forgets that a connection keeps something.
    fn forget(&mut self, id: usize) {
        if let Some(Some(entry)) = self.entries.get_mut(id)
            && entry.is_kept
        {
            entry.is_kept = false;
            self.unlist(id);
        }
    }

    /// Takes a connection off the list of those that keep something.
    fn unlist(&mut self, id: usize) {
        self.kept.retain(|&kept| kept != id);
        if self.kept.is_empty() {
            self.since = None;
        }
    }

    /// Takes the buffer of a connection that needs none: thousands of idle ones have none.
    fn recycle(&mut self, id: usize) {
        let Some(Some(entry)) = self.entries.get_mut(id) else {
            return;
        };
        if !entry.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut entry.bytes);
        let is_useful = (1..=MAX_SPARE_BYTES).contains(&bytes.capacity());
        if is_useful && self.spare.len() < MAX_SPARE {
            self.spare.push(bytes);
        }
    }
}

impl Entry {
    /// Where to append bytes.
    fn room(&mut self, spare: &mut Vec<Vec<u8>>) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = spare.pop().unwrap_or_default();
        }
        &mut self.bytes
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

    /// As [`write`](Self::write), unless the kernel's buffer was found full before: to wait for room
    /// is for Node, and to ask again and again takes the processor from it. False if there was
    /// nothing to do.
    fn write_late(&mut self) -> bool {
        if self.bytes.is_empty() || self.is_full {
            return false;
        }
        self.write();
        self.is_full = !self.bytes.is_empty();
        true
    }
}

/// Time for which something is kept at most: with what waking up takes, a little less than the
/// millisecond that is promised.
pub(super) const MAX_AGE: Duration = Duration::from_micros(850);

/// Time for which the flusher leaves a table to the environment's thread.
const PAUSE: Duration = Duration::from_micros(50);

/// Connections that the flusher writes before it gives way: otherwise a program that sends all the
/// time would keep it from writing anything.
const MIN_WRITES: usize = 16;

/// Buffers that are kept for the next turn: as many as a broadcast may well have receivers.
const MAX_SPARE: usize = 256;

/// The usual turn of small frames fits in one of them.
const MAX_SPARE_BYTES: usize = 16 * 1024;
