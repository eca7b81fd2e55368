//! Threads for work that would hold the JavaScript thread up, and the way of its results back.
//!
//! One pool serves the whole process. It is made by the first job and ends, its threads joined, with
//! the last [`Jobs`] that has used it.
//!
//! ```text
//!   environment's thread           a thread of the pool
//!   submit(batch) ───────────────▶ for each: work(&go_on) ──┐
//!   wake ◀──────────────────────── finished: (id, result) … ┘   one wake for a batch
//!   take_finished()
//! ```
//!
//! Waking a thread costs more than compressing a small message, so small jobs come in batches. Where
//! there is one processor only, the environment's thread had better wait for a batch
//! ([`Jobs::submit_and_wait`]).

use std::cell::Cell;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

pub use self::disposal::free_elsewhere;

mod disposal;
#[cfg(test)]
mod tests;

/// How the thread of an environment is told that something has finished.
pub trait Wake: Send + Sync + 'static {
    /// Called on a thread of the pool, never after [`Jobs::close`] has returned.
    fn wake(&self);
}

/// Something to be done, and the number that its result is known by.
pub struct Job<T> {
    id: u32,
    work: Box<Work<T>>,
}

type Work<T> = dyn FnOnce(&dyn Fn() -> bool) -> T + Send;

impl<T> Job<T> {
    /// A job. `work` is given a function that says whether to go on, to be asked at least every few
    /// milliseconds; what it returns after a no is not looked at.
    pub fn new(id: u32, work: impl FnOnce(&dyn Fn() -> bool) -> T + Send + 'static) -> Self {
        Self {
            id,
            work: Box::new(work),
        }
    }
}

/// The jobs of one JavaScript environment.
pub struct Jobs<T> {
    shared: Arc<Shared<T>>,
    /// None until there is a first job.
    pool: Option<Arc<Runtime>>,
}

struct Shared<T> {
    /// The environment has ended, or a job need not go on for another reason.
    is_closed: AtomicBool,
    state: Mutex<State<T>>,
    /// Notified when all jobs are done, if somebody waits for that.
    done: Condvar,
    waker: Box<dyn Wake>,
}

/// Everything that is decided under the lock, so that no wake can come after the end.
struct State<T> {
    finished: Vec<(u32, T)>,
    /// Jobs that were submitted and are not done.
    under_way: usize,
    /// When one of them was done last, or the first one was submitted.
    last_progress: Instant,
    /// Whether the environment's thread waits, and need not be woken.
    is_awaited: bool,
    is_closed: bool,
}

impl<T> State<T> {
    /// Counts jobs that are submitted.
    fn begin(&mut self, count: usize) {
        if self.under_way == 0 {
            self.last_progress = Instant::now();
        }
        self.under_way += count;
    }
}

impl<T: Send + 'static> Jobs<T> {
    /// No jobs yet, and no threads.
    pub fn new(waker: impl Wake) -> Self {
        Self {
            shared: Arc::new(Shared {
                is_closed: AtomicBool::new(false),
                state: Mutex::new(State {
                    finished: Vec::new(),
                    under_way: 0,
                    last_progress: Instant::now(),
                    is_awaited: false,
                    is_closed: false,
                }),
                done: Condvar::new(),
                waker: Box::new(waker),
            }),
            pool: None,
        }
    }

    /// Has a batch done on a thread of the pool, one job after the other. Its results come together,
    /// unless it takes long.
    ///
    /// The queue has no bound of its own: its jobs are those of connections, one in each direction.
    ///
    /// # Errors
    ///
    /// When the system does not give a first thread; nothing of the batch is done then.
    pub fn submit(&mut self, batch: Vec<Job<T>>) -> io::Result<()> {
        let pool = match &self.pool {
            Some(pool) => pool,
            None => self.pool.insert(shared_pool()?),
        };
        let (shared, count) = (Arc::clone(&self.shared), batch.len());
        self.shared.lock().begin(count);
        let spawned = spawn(pool, move || shared.work(batch));
        if spawned.is_err() {
            self.shared.lock().under_way -= count;
        }
        spawned
    }

    /// The same, and waits until everything that was submitted is done, or until `limit` is over; says
    /// whether there are results to take. The environment is not woken for these.
    ///
    /// Where there is one processor only, its thread would otherwise take it from the thread of the pool
    /// for each byte that arrives, and give it back: two switches, and caches that each has to fill
    /// again.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn submit_and_wait(&mut self, batch: Vec<Job<T>>, limit: Duration) -> io::Result<bool> {
        // Before it begins, or the end of it might come first.
        self.shared.lock().is_awaited = true;
        let submitted = self.submit(batch);
        let limit = submitted.as_ref().map_or(Duration::ZERO, |()| limit);
        let (mut state, _) = self
            .shared
            .done
            .wait_timeout_while(self.shared.lock(), limit, |state| state.under_way > 0)
            .unwrap_or_else(PoisonError::into_inner);
        state.is_awaited = false;
        let has_results = !state.finished.is_empty();
        if submitted.is_err() && has_results {
            self.shared.waker.wake();
        }
        drop(state);
        submitted.map(|()| has_results)
    }

    /// How long none of the jobs under way has been done; nothing if there are none.
    pub fn silence(&self) -> Duration {
        let state = self.shared.lock();
        if state.under_way == 0 {
            Duration::ZERO
        } else {
            state.last_progress.elapsed()
        }
    }

    /// What has finished since the last call, in the order in which it did.
    pub fn take_finished(&self) -> Vec<(u32, T)> {
        mem::take(&mut self.shared.lock().finished)
    }

    /// Ends it: jobs are told not to go on, and nobody is woken any more.
    pub fn close(&mut self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        let mut state = self.shared.lock();
        state.is_closed = true;
        state.finished = Vec::new();
    }
}

impl<T> Drop for Jobs<T> {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        self.shared.lock().is_closed = true;
        // Whoever lets go of the pool last joins the threads, which have been told not to go on.
        drop(self.pool.take());
    }
}

impl<T> Shared<T> {
    /// Does a batch, on a thread of the pool.
    fn work(&self, batch: Vec<Job<T>>) {
        let rested = Cell::new(Instant::now());
        let go_on = || {
            // Where there is but one processor, JavaScript must not wait for the end of a slice of time.
            if rested.get().elapsed() > MAX_UNREST {
                thread::yield_now();
                rested.set(Instant::now());
            }
            !self.is_closed.load(Ordering::Relaxed)
        };
        let mut results = Vec::with_capacity(batch.len());
        let mut done = 0;
        let mut since = Instant::now();
        for job in batch {
            if !go_on() {
                return;
            }
            done += 1;
            rested.set(Instant::now());
            // A job that panics has no result, and does no harm to the others.
            let result = catch_unwind(AssertUnwindSafe(|| (job.work)(&go_on)));
            results.extend(result.ok().map(|result| (job.id, result)));
            if since.elapsed() > MAX_DELAY {
                since = Instant::now();
                self.finish(mem::take(&mut done), &mut results);
            }
        }
        self.finish(done, &mut results);
    }

    /// Hands the results of some jobs over, and wakes the environment if it was not woken for others.
    fn finish(&self, done: usize, results: &mut Vec<(u32, T)>) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        state.under_way -= done;
        state.last_progress = Instant::now();
        let is_first = state.finished.is_empty() && !results.is_empty();
        state.finished.append(results);
        if !state.is_awaited {
            if is_first {
                self.waker.wake();
            }
        } else if state.under_way == 0 {
            self.done.notify_one();
        }
    }

    /// A job that panicked has not touched the state, so it stays good.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time after which a job lets other threads go first. Small ones never do: a batch is to end as one.
const MAX_UNREST: Duration = Duration::from_micros(200);

/// Longest time that a result waits for others of its batch.
const MAX_DELAY: Duration = Duration::from_millis(1);

/// Has something done on a thread of the pool.
///
/// # Errors
///
/// When there is no thread and the system does not give one; the work is dropped then.
fn spawn(pool: &Runtime, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // A task without a thread would wait for one that is there later, so its work is taken back.
    let work = Arc::new(Mutex::new(Some(work)));
    let task = {
        let work = Arc::clone(&work);
        move || {
            if let Some(work) = take(&work) {
                work();
            }
        }
    };
    // It panics without a thread. The handle is of no use: results come back by other ways.
    let spawned = catch_unwind(AssertUnwindSafe(|| drop(pool.spawn_blocking(task))));
    if spawned.is_err() && take(&work).is_some() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    Ok(())
}

fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Threads that the pool has at most: one for each processor that the process might use when it was
/// asked first, for which files of the system are read.
pub fn pool_threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Held by those that use it.
static POOL: Mutex<Weak<Runtime>> = Mutex::new(Weak::new());

/// The pool of the process, if there is one.
fn existing_pool() -> Option<Arc<Runtime>> {
    POOL.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .upgrade()
}

/// The pool of the process, made if there is none.
fn shared_pool() -> io::Result<Arc<Runtime>> {
    let mut shared = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = shared.upgrade() {
        return Ok(pool);
    }
    let pool = Builder::new_current_thread()
        .max_blocking_threads(pool_threads())
        .thread_name("ferrows")
        .build()
        .map(Arc::new)?;
    *shared = Arc::downgrade(&pool);
    Ok(pool)
}
