//! The queue between I/O threads and an environment, in every interleaving:
//! `RUSTFLAGS="--cfg ferrows_loom" cargo test -p ferrows-engine --test loom_queue --release`.
//! (tokio does not build with `--cfg loom` and without the parts of it that are not needed here.)

#![allow(unexpected_cfgs)]
#![cfg(ferrows_loom)]

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use self::queue::Queue;

#[allow(dead_code, reason = "some of it is for the engine's own tests")]
#[path = "../src/net/remote/queue.rs"]
mod queue;

/// The locks that the queue is made of here.
mod sync {
    pub(super) use loom::sync::{Mutex, MutexGuard};
    pub(super) use std::sync::PoisonError;
}

/// As the engine's.
trait Wake: Send + Sync + 'static {
    fn wake(&self);
}

/// What wakes the consumer; loom finds every way to sleep for ever.
#[derive(Default)]
struct Bell {
    rings: Mutex<usize>,
    changed: Condvar,
}

struct Ringer(Arc<Bell>);

impl Wake for Ringer {
    fn wake(&self) {
        *self.0.rings.lock().unwrap() += 1;
        self.0.changed.notify_one();
    }
}

impl Bell {
    fn wait(&self) {
        let mut rings = self.rings.lock().unwrap();
        while *rings == 0 {
            rings = self.changed.wait(rings).unwrap();
        }
        *rings -= 1;
        assert_eq!(*rings, 0, "woken again before it has looked");
    }
}

type Numbers = Queue<Vec<usize>, usize>;

fn queue(limit: usize) -> (Arc<Numbers>, Arc<Bell>) {
    let bell = Arc::new(Bell::default());
    let queue = Queue::new(limit, Box::new(Ringer(Arc::clone(&bell))));
    (Arc::new(queue), bell)
}

/// Few faults need more than two threads that are interrupted somewhere.
fn explore(body: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(body);
}

#[test]
fn loses_no_wake_and_no_item() {
    explore(|| {
        let (queue, bell) = queue(100);
        let producers: Vec<_> = [&[1, 2][..], &[3]]
            .into_iter()
            .map(|items| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    for &item in items {
                        queue.push(1, |batch| batch.push(item));
                    }
                })
            })
            .collect();
        let (mut all, mut batch) = (Vec::new(), Vec::new());
        while all.len() < 3 {
            bell.wait();
            while queue.exchange(&mut batch) {
                queue.release(batch.len());
                all.append(&mut batch);
            }
        }
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
        let place = |item| all.iter().position(|&found| found == item);
        assert!(place(1) < place(2) && place(3).is_some());
    });
}

#[test]
fn tells_every_producer_that_was_refused() {
    explore(|| {
        let (queue, bell) = queue(2);
        // Who was told that there is room.
        let told = Arc::new([Bell::default(), Bell::default()]);
        let producers: Vec<_> = (0..2)
            .map(|id| {
                let (queue, told) = (Arc::clone(&queue), Arc::clone(&told));
                thread::spawn(move || {
                    let mut seen = 0;
                    for _ in 0..=id {
                        while !queue.admit(&mut seen, || id) {
                            // Asking again does not make it wait twice.
                            if !queue.admit(&mut seen, || id) {
                                told[id].wait();
                            }
                        }
                        queue.push(2, |batch| batch.push(id));
                    }
                })
            })
            .collect();
        let (mut count, mut batch) = (0, Vec::new());
        while count < 3 {
            bell.wait();
            while queue.exchange(&mut batch) {
                count += batch.len();
                let cost = 2 * batch.drain(..).count();
                for id in queue.release(cost) {
                    let mut rings = told[id].rings.lock().unwrap();
                    *rings = 1;
                    told[id].changed.notify_one();
                }
            }
        }
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
    });
}

#[test]
fn tells_who_was_refused_when_something_is_taken_out() {
    explore(|| {
        let (queue, bell) = queue(2);
        queue.push(2, |batch| batch.push(0));
        let told = Arc::new(Bell::default());
        let producer = {
            let (queue, told) = (Arc::clone(&queue), Arc::clone(&told));
            thread::spawn(move || {
                let mut seen = 0;
                while !queue.admit(&mut seen, || 7) {
                    told.wait();
                }
                queue.push(2, |batch| batch.push(1));
            })
        };
        let waiting = queue.edit(|batch| {
            batch.retain(|&item| item != 0);
            2
        });
        for id in waiting {
            assert_eq!(id, 7);
            Ringer(Arc::clone(&told)).wake();
        }
        let mut batch = Vec::new();
        while batch.is_empty() {
            bell.wait();
            while batch.is_empty() && queue.exchange(&mut batch) {}
        }
        assert_eq!(batch, [1]);
        producer.join().unwrap();
    });
}

/// Sees to it that no wake comes after the end.
struct Counter {
    is_closed: Arc<AtomicUsize>,
}

impl Wake for Counter {
    fn wake(&self) {
        assert_eq!(self.is_closed.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn wakes_nobody_after_the_end() {
    explore(|| {
        let is_closed = Arc::new(AtomicUsize::new(0));
        let counter = Counter {
            is_closed: Arc::clone(&is_closed),
        };
        let queue = Arc::new(Numbers::new(100, Box::new(counter)));
        let producers: Vec<_> = (0..2)
            .map(|item| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    queue.push(1, |batch| batch.push(item));
                })
            })
            .collect();
        let mut batch = Vec::new();
        queue.exchange(&mut batch);
        queue.close();
        is_closed.store(1, Ordering::SeqCst);
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
        batch.clear();
        assert!(!queue.exchange(&mut batch));
    });
}
