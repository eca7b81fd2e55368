//! Jobs, and what comes back of them.
//!
//! All share the pool of the process, so they run one after the other.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::*;

/// Long enough for anything that works.
const SOON: Duration = Duration::from_secs(20);

/// To be held by each test.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says on a channel that it was woken, and counts how often.
struct Bell {
    sender: Sender<()>,
    count: Arc<AtomicUsize>,
}

impl Wake for Bell {
    fn wake(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        let _ = self.sender.send(());
    }
}

/// An environment: its jobs, and how it is woken.
struct Environment {
    jobs: Jobs<u32>,
    woken: Receiver<()>,
    wakes: Arc<AtomicUsize>,
}

impl Environment {
    fn new() -> Self {
        let ((sender, woken), wakes) = (channel(), Arc::default());
        let count = Arc::clone(&wakes);
        let jobs = Jobs::new(Bell { sender, count });
        Self { jobs, woken, wakes }
    }

    fn submit(&mut self, id: u32, work: impl FnOnce(&dyn Fn() -> bool) -> u32 + Send + 'static) {
        self.submit_batch(vec![Job::new(id, work)]);
    }

    fn submit_batch(&mut self, batch: Vec<Job<u32>>) {
        self.jobs.submit(batch).expect("there is a thread");
    }

    /// What finishes until there are so many results.
    fn wait_for(&self, count: usize) -> Vec<(u32, u32)> {
        let mut all = Vec::new();
        while all.len() < count {
            self.woken.recv_timeout(SOON).expect("a job finishes");
            all.extend(self.jobs.take_finished());
        }
        assert_eq!(all.len(), count);
        all
    }

    /// Waits until so many results lie there, and leaves them alone.
    fn until_finished(&self, count: usize) {
        let start = Instant::now();
        while self.jobs.shared.lock().finished.len() < count {
            assert!(start.elapsed() < SOON);
            thread::yield_now();
        }
    }
}

pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[test]
fn come_back_with_their_numbers() {
    let _alone = alone();
    let mut environment = Environment::new();
    assert_eq!(environment.jobs.take_finished(), []);
    for id in 0..100 {
        environment.submit(id, move |go_on| {
            assert!(go_on());
            id * id
        });
    }
    let mut all = environment.wait_for(100);
    all.sort_unstable();
    let expected: Vec<(u32, u32)> = (0..100).map(|id| (id, id * id)).collect();
    assert_eq!(all, expected);
    assert_eq!(environment.jobs.take_finished(), []);
}

#[test]
fn are_done_on_other_threads() {
    let _alone = alone();
    let mut environment = Environment::new();
    let (sender, receiver) = channel();
    environment.submit(1, move |_| {
        let name = thread::current().name().map(str::to_owned);
        sender.send((thread::current().id(), name)).unwrap();
        0
    });
    environment.wait_for(1);
    let (id, name) = receiver.recv_timeout(SOON).unwrap();
    assert_ne!(id, thread::current().id());
    assert_eq!(name.as_deref(), Some("ferrows"));
}

#[test]
fn come_back_in_the_order_in_which_they_finish() {
    let _alone = alone();
    let mut environment = Environment::new();
    let (sender, receiver) = channel();
    for id in 0..10 {
        environment.submit(id, |_| 0);
        environment.until_finished(id as usize + 1);
        sender.send(id).unwrap();
    }
    let finished = environment.jobs.take_finished();
    let order: Vec<u32> = finished.iter().map(|(id, _)| *id).collect();
    assert_eq!(order, receiver.try_iter().collect::<Vec<_>>());
}

#[test]
fn of_a_batch_are_done_one_after_the_other_on_one_thread() {
    let _alone = alone();
    let mut environment = Environment::new();
    let (sender, receiver) = channel();
    let job = |id| {
        let sender = sender.clone();
        Job::new(id, move |_| {
            sender.send((id, thread::current().id())).unwrap();
            id + 1
        })
    };
    environment.submit_batch((0..50).map(job).collect());
    environment.submit_batch(Vec::new());
    let all = environment.wait_for(50);
    assert_eq!(all, (0..50).map(|id| (id, id + 1)).collect::<Vec<_>>());
    let done: Vec<(u32, ThreadId)> = receiver.try_iter().collect();
    assert!(done.iter().map(|(id, _)| *id).eq(0..50));
    assert!(done.iter().all(|(_, thread)| *thread == done[0].1));
}

#[test]
fn of_a_batch_that_takes_long_come_back_before_its_end() {
    let _alone = alone();
    let mut environment = Environment::new();
    let (sender, receiver) = channel();
    let slow = |_: &dyn Fn() -> bool| {
        let start = Instant::now();
        while start.elapsed() <= MAX_DELAY {
            thread::yield_now();
        }
        0
    };
    let last = move |_: &dyn Fn() -> bool| {
        receiver.recv_timeout(SOON).expect("the first one is back");
        0
    };
    environment.submit_batch(vec![Job::new(1, slow), Job::new(2, last)]);
    assert_eq!(environment.wait_for(1), [(1, 0)]);
    sender.send(()).unwrap();
    assert_eq!(environment.wait_for(1), [(2, 0)]);
}

#[test]
fn of_a_batch_are_not_begun_once_their_environment_has_ended() {
    let _alone = alone();
    let mut environment = Environment::new();
    let (started, running) = channel();
    let (sender, never) = channel();
    let first = move |go_on: &dyn Fn() -> bool| {
        started.send(()).unwrap();
        while go_on() {
            thread::yield_now();
        }
        0
    };
    let second = move |_: &dyn Fn() -> bool| {
        sender.send(()).unwrap();
        0
    };
    environment.submit_batch(vec![Job::new(1, first), Job::new(2, second)]);
    running.recv_timeout(SOON).expect("the batch starts");
    environment.jobs.close();
    drop(environment.jobs);
    assert_eq!(never.try_recv().ok(), None);
    assert_eq!(environment.wakes.load(Ordering::SeqCst), 0);
}

#[test]
fn wake_once_for_several_results() {
    let _alone = alone();
    let mut environment = Environment::new();
    for round in 1..=3 {
        (0..20).for_each(|id| environment.submit(id, move |_| id));
        environment.until_finished(20);
        assert_eq!(environment.wakes.load(Ordering::SeqCst), round);
        assert_eq!(environment.jobs.take_finished().len(), 20);
    }
}

#[test]
fn can_be_waited_for() {
    let _alone = alone();
    let mut environment = Environment::new();
    for _ in 0..100 {
        let batch = (0..20).map(|id| Job::new(id, move |_| id)).collect();
        assert!(environment.jobs.submit_and_wait(batch, SOON).unwrap());
        let all = environment.jobs.take_finished();
        assert_eq!(all, (0..20).map(|id| (id, id)).collect::<Vec<_>>());
    }
    let nothing = environment.jobs.submit_and_wait(Vec::new(), SOON).unwrap();
    assert!(!nothing, "nothing is under way");
    assert_eq!(environment.wakes.load(Ordering::SeqCst), 0);
}

#[test]
fn are_waited_for_with_those_before_them() {
    let _alone = alone();
    if threads() == 1 {
        return;
    }
    let mut environment = Environment::new();
    let (sender, receiver) = channel::<()>();
    environment.submit(1, move |_| {
        receiver.recv_timeout(SOON).expect("it is waited for");
        1
    });
    let batch = vec![Job::new(2, move |_| {
        sender.send(()).unwrap();
        2
    })];
    assert!(environment.jobs.submit_and_wait(batch, SOON).unwrap());
    let mut all = environment.jobs.take_finished();
    all.sort_unstable();
    assert_eq!(all, [(1, 1), (2, 2)]);
    assert_eq!(environment.wakes.load(Ordering::SeqCst), 0);
}

#[test]
fn tell_how_long_none_of_them_was_done() {
    let _alone = alone();
    let mut environment = Environment::new();
    let pause = Duration::from_millis(5);
    thread::sleep(pause);
    assert_eq!(environment.jobs.silence(), Duration::ZERO);
    let (sender, receiver) = channel::<()>();
    environment.submit(1, move |_| {
        receiver.recv_timeout(SOON).expect("it is told");
        1
    });
    thread::sleep(pause);
    assert!(environment.jobs.silence() >= pause);
    sender.send(()).unwrap();
    environment.wait_for(1);
    assert_eq!(environment.jobs.silence(), Duration::ZERO);
}

#[test]
fn are_not_waited_for_longer_than_wanted() {
    let _alone = alone();
    let mut environment = Environment::new();
    let (sender, receiver) = channel::<()>();
    let batch = vec![Job::new(1, move |_| {
        receiver.recv_timeout(SOON).expect("nobody waits any more");
        2
    })];
    let limit = Duration::from_millis(1);
    assert!(!environment.jobs.submit_and_wait(batch, limit).unwrap());
    sender.send(()).unwrap();
    assert_eq!(environment.wait_for(1), [(1, 2)]);
}

#[test]
fn that_finish_while_others_are_waited_for_wake_nobody() {
    let _alone = alone();
    let mut environment = Environment::new();
    let (sender, receiver) = channel::<()>();
    let batch = vec![
        Job::new(1, |_| {
            thread::sleep(2 * MAX_DELAY);
            1
        }),
        Job::new(2, move |_| {
            receiver.recv_timeout(SOON).expect("nobody waits any more");
            2
        }),
    ];
    // Long enough for the first one on any machine.
    let limit = Duration::from_millis(500);
    assert!(environment.jobs.submit_and_wait(batch, limit).unwrap());
    assert_eq!(environment.jobs.take_finished(), [(1, 1)]);
    assert_eq!(environment.wakes.load(Ordering::SeqCst), 0);
    sender.send(()).unwrap();
    assert_eq!(environment.wait_for(1), [(2, 2)]);
}

#[test]
fn that_panic_are_not_waited_for() {
    let _alone = alone();
    let mut environment = Environment::new();
    let start = Instant::now();
    let job = |id| Job::new(id, move |_| panicking_if_odd(id));
    let waited = environment.jobs.submit_and_wait(vec![job(1)], SOON);
    assert!(!waited.unwrap());
    let waited = environment
        .jobs
        .submit_and_wait((1..4).map(job).collect(), SOON);
    assert!(waited.unwrap());
    assert_eq!(environment.jobs.take_finished(), [(2, 2)]);
    assert!(start.elapsed() < SOON);
}

#[test]
fn are_given_up_when_their_environment_ends() {
    let _alone = alone();
    let mut environment = Environment::new();
    let (started, running) = channel();
    let (ended, stopped) = channel();
    for id in 0..threads() as u32 {
        let (started, ended) = (started.clone(), ended.clone());
        environment.submit(id, move |go_on| {
            started.send(()).unwrap();
            while go_on() {
                thread::yield_now();
            }
            ended.send(()).unwrap();
            0
        });
    }
    for _ in 0..threads() {
        running.recv_timeout(SOON).expect("the jobs start");
    }
    // Behind them waits one that is not begun any more.
    let (sender, never) = channel();
    environment.submit(1000, move |_| {
        sender.send(()).unwrap();
        0
    });
    environment.jobs.close();
    for _ in 0..threads() {
        stopped.recv_timeout(SOON).expect("the jobs stop");
    }
    assert_eq!(environment.jobs.take_finished(), []);
    // Joins the threads.
    drop(environment.jobs);
    assert_eq!(never.try_recv().ok(), None);
    assert_eq!(environment.wakes.load(Ordering::SeqCst), 0);
    let woken = environment.woken.recv_timeout(SOON);
    assert_eq!(woken, Err(RecvTimeoutError::Disconnected));
}

#[test]
fn do_not_wake_once_close_has_returned() {
    /// Notes whether it is called after the end.
    struct Late {
        is_closed: Arc<AtomicBool>,
        entered: Sender<()>,
        was_late: Arc<AtomicBool>,
    }
    impl Wake for Late {
        fn wake(&self) {
            self.entered.send(()).unwrap();
            // Time for `close` to return too early, if it could.
            (0..1000).for_each(|_| thread::yield_now());
            if self.is_closed.load(Ordering::SeqCst) {
                self.was_late.store(true, Ordering::SeqCst);
            }
        }
    }
    let _alone = alone();
    for _ in 0..20 {
        let (entered, in_wake) = channel();
        let (is_closed, was_late) = (Arc::default(), Arc::default());
        let mut jobs = Jobs::new(Late {
            is_closed: Arc::clone(&is_closed),
            entered,
            was_late: Arc::clone(&was_late),
        });
        jobs.submit(vec![Job::new(1, |_| ())]).unwrap();
        in_wake.recv_timeout(SOON).expect("it finishes");
        jobs.close();
        is_closed.store(true, Ordering::SeqCst);
        drop(jobs);
        assert!(!was_late.load(Ordering::SeqCst));
    }
}

#[test]
fn of_one_environment_go_on_when_another_ends() {
    let _alone = alone();
    let (mut first, mut second) = (Environment::new(), Environment::new());
    first.submit(1, |_| 1);
    second.submit(2, |_| 2);
    assert_eq!(first.wait_for(1), [(1, 1)]);
    first.jobs.close();
    drop(first);
    assert_eq!(second.wait_for(1), [(2, 2)]);
    second.submit(3, |go_on| u32::from(go_on()));
    assert_eq!(second.wait_for(1), [(3, 1)]);
}

#[test]
fn can_panic_without_harm_to_others() {
    let _alone = alone();
    let mut environment = Environment::new();
    for id in 0..10 {
        environment.submit(id, move |_| panicking_if_odd(id));
    }
    let mut all = environment.wait_for(5);
    all.sort_unstable();
    assert_eq!(all, [0, 2, 4, 6, 8].map(|id| (id, id)));
}

#[test]
fn can_panic_without_harm_to_others_of_their_batch() {
    let _alone = alone();
    let mut environment = Environment::new();
    let (started, running) = channel();
    let mut batch = vec![Job::new(0, move |_| {
        started.send(()).unwrap();
        0
    })];
    batch.extend((1..5).map(|id| Job::new(id, move |_| panicking_if_odd(id))));
    environment.submit_batch(batch);
    running.recv_timeout(SOON).expect("the batch starts");
    let shared = Arc::clone(&environment.jobs.shared);
    // Waits for what has been begun.
    environment.jobs.pool = None;
    let all = mem::take(&mut shared.lock().finished);
    assert_eq!(all, [0, 2, 4].map(|id| (id, id)));
}

fn panicking_if_odd(id: u32) -> u32 {
    if !id.is_multiple_of(2) {
        // As a panic, but without a message.
        resume_unwind(Box::new("odd"));
    }
    id
}

#[test]
fn of_all_environments_share_a_bounded_number_of_threads() {
    let _alone = alone();
    let mut environments = [Environment::new(), Environment::new()];
    let busy = Arc::new((Mutex::new(Busy::default()), Condvar::new()));
    for id in 0..3 * threads() as u32 {
        for environment in &mut environments {
            let busy = Arc::clone(&busy);
            environment.submit(id, move |_| {
                let (state, changed) = &*busy;
                let mut state = state.lock().unwrap();
                state.seen.insert(thread::current().id());
                state.now += 1;
                state.most = state.most.max(state.now);
                changed.notify_all();
                let wait = changed.wait_timeout_while(state, SOON, |state| !state.may_end);
                wait.unwrap().0.now -= 1;
                0
            });
        }
    }
    let (state, changed) = &*busy;
    let state = state.lock().unwrap();
    let wait = changed.wait_timeout_while(state, SOON, |state| state.now < threads());
    let (mut state, timeout) = wait.unwrap();
    assert!(!timeout.timed_out(), "all threads are used");
    state.may_end = true;
    changed.notify_all();
    drop(state);
    for environment in &environments {
        environment.wait_for(3 * threads());
    }
    let state = busy.0.lock().unwrap();
    assert_eq!((state.most, state.seen.len()), (threads(), threads()));
}

/// Who works at the same time.
#[derive(Default)]
struct Busy {
    now: usize,
    most: usize,
    seen: HashSet<ThreadId>,
    may_end: bool,
}

#[test]
fn leave_no_thread_when_the_last_environment_ends() {
    /// Counts the threads that have ended, since it is dropped by the last thing that they do.
    struct Ends(Arc<AtomicUsize>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    thread_local! {
        static ENDS: std::cell::RefCell<Option<Ends>> = const { std::cell::RefCell::new(None) };
    }
    let _alone = alone();
    for _ in 0..5 {
        let ended = Arc::new(AtomicUsize::new(0));
        let mut environments = [Environment::new(), Environment::new()];
        let meeting = Arc::new(Barrier::new(threads()));
        for id in 0..threads() {
            let (meeting, ended) = (Arc::clone(&meeting), Arc::clone(&ended));
            environments[id % 2].submit(id as u32, move |_| {
                meeting.wait();
                ENDS.set(Some(Ends(ended)));
                0
            });
        }
        let [first, second] = environments;
        second.wait_for(threads() / 2);
        drop(second);
        first.wait_for(threads().div_ceil(2));
        assert_eq!(ended.load(Ordering::SeqCst), 0);
        drop(first);
        assert_eq!(ended.load(Ordering::SeqCst), threads());
    }
}
