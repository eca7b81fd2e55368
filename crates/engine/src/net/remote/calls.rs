//! Who is to be told that there is something to write.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::connection::Connection;
use super::io_threads::IoThread;
use crate::net::flusher::{Flusher, Late, Look};
use crate::net::outgoing::MAX_AGE;

/// The connections of an environment that their threads are to be told of, once for each thread.
///
/// They are told at the end of a turn, or by the flusher if that lasts too long.
pub(super) struct Calls {
    table: Arc<Shared>,
    flusher: Flusher,
}

struct Shared(Mutex<Table>);

#[derive(Default)]
struct Table {
    threads: Vec<(Arc<IoThread>, Vec<Arc<Connection>>)>,
    /// Since when somebody waits, if anybody does.
    since: Option<Instant>,
    /// Whether the flusher looks here every now and then.
    is_watched: bool,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            table: Arc::new(Shared(Mutex::default())),
            flusher: Flusher::new(),
        }
    }

    /// Has a connection called with the others, unless it is among them.
    pub(super) fn add(&self, thread: &Arc<IoThread>, connection: &Arc<Connection>) {
        if !connection.begin_call() {
            return;
        }
        let mut table = self.table.lock();
        table.push(thread, connection);
        let since = *table.since.get_or_insert_with(Instant::now);
        if !table.is_watched {
            let late = Arc::clone(&self.table);
            table.is_watched = self
                .flusher
                .watch(&(late as Arc<dyn Late>), since + MAX_AGE);
        }
    }

    /// Tells the threads.
    pub(super) fn flush(&self) {
        self.table.lock().flush();
    }
}

impl Shared {
    /// Nothing panics while it is held, but for a lack of memory.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Late for Shared {
    fn look(&self, now: Instant, is_last: bool) -> Look {
        let mut table = self.lock();
        let Some(since) = table.since else {
            table.is_watched = !is_last;
            return Look::Idle;
        };
        if now.saturating_duration_since(since) >= MAX_AGE {
            table.flush();
            return Look::Next(now + MAX_AGE);
        }
        Look::Next(since + MAX_AGE)
    }
}

impl Table {
    fn push(&mut self, thread: &Arc<IoThread>, connection: &Arc<Connection>) {
        let place = self
            .threads
            .iter()
            .position(|(known, _)| Arc::ptr_eq(known, thread))
            .unwrap_or_else(|| {
                self.threads.push((Arc::clone(thread), Vec::new()));
                self.threads.len() - 1
            });
        self.threads[place].1.push(Arc::clone(connection));
    }

    fn flush(&mut self) {
        if self.since.take().is_none() {
            return;
        }
        for (thread, connections) in &mut self.threads {
            if connections.is_empty() {
                continue;
            }
            // Whoever appends from here on has it called again.
            connections.iter().for_each(|one| one.end_call());
            thread.call(&mut mem::take(connections));
        }
    }
}
