//! The thread that writes what programs leave unsent: when it is there. It is one for the process, so
//! these tests have a process of their own, and run one after the other.

#![cfg(unix)]

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ferrows_engine::net::{Outgoing, Socket};
use ferrows_protocol::OpCode;
use ferrows_protocol::frame::FrameHeader;

/// Long enough for anything that works.
const SOON: Duration = Duration::from_secs(20);

/// To be held by each test.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An environment with one connection, and the other end of that.
struct Environment {
    outgoing: Outgoing,
    peer: UnixStream,
}

impl Environment {
    fn new() -> Self {
        let (node, peer) = UnixStream::pair().unwrap();
        peer.set_read_timeout(Some(SOON)).unwrap();
        let outgoing = Outgoing::new();
        let socket = Socket::duplicate(node.as_fd()).unwrap();
        outgoing.insert(0, Arc::new(socket));
        Self { outgoing, peer }
    }

    fn keep(&self) {
        let header = FrameHeader {
            fin: true,
            rsv1: false,
            opcode: OpCode::TEXT,
            mask: None,
            length: 2,
        };
        assert!(self.outgoing.keep(0, &header, b"hi").is_some());
    }

    /// Waits for a frame that nobody has flushed.
    fn expect_frame(&self) {
        let mut bytes = [0; 4];
        (&self.peer).read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"\x81\x02hi");
    }
}

/// What the system says of the threads with the flusher's name, from the name on.
#[cfg(target_os = "linux")]
fn stats() -> Vec<String> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    threads
        .filter_map(|thread| {
            // Of one that ends meanwhile there is none.
            let stat = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
            let (_, stat) = stat.split_once('(')?;
            stat.starts_with("ferrows-flush)").then(|| stat.to_owned())
        })
        .collect()
}

/// How many there are.
#[cfg(target_os = "linux")]
fn flushers() -> usize {
    stats().len()
}

/// Waits until there are so many: the system lists a thread for a while after it was joined, and
/// before it has its name.
#[cfg(target_os = "linux")]
fn expect_flushers(count: usize) {
    let start = Instant::now();
    while flushers() != count {
        assert!(start.elapsed() < SOON, "{} flushers", flushers());
        thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn starts_with_the_first_frame_that_is_kept() {
    let _alone = alone();
    let environment = Environment::new();
    assert_eq!(flushers(), 0);
    environment.outgoing.flush(&mut Vec::new(), 1);
    assert_eq!(flushers(), 0);
    environment.keep();
    expect_flushers(1);
    environment.expect_frame();
    drop(environment);
    expect_flushers(0);
}

#[cfg(target_os = "linux")]
#[test]
fn is_shared_and_ends_with_the_last_environment() {
    let _alone = alone();
    let environments: Vec<Environment> = (0..5).map(|_| Environment::new()).collect();
    for environment in &environments {
        environment.keep();
        environment.expect_frame();
        assert_eq!(flushers(), 1);
    }
    for environment in environments {
        assert_eq!(flushers(), 1);
        drop(environment);
    }
    expect_flushers(0);
}

/// A library that is unloaded must have no threads.
#[cfg(target_os = "linux")]
#[test]
fn has_ended_when_the_last_environment_is_dropped() {
    let _alone = alone();
    for _ in 0..20 {
        let environment = Environment::new();
        environment.keep();
        expect_flushers(1);
        drop(environment);
        // It may still be listed, but does not sleep until something is late.
        let stats = stats();
        assert!(stats.iter().all(|stat| !stat.contains(") S ")), "{stats:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn rests_and_is_there_again() {
    let _alone = alone();
    let environment = Environment::new();
    for _ in 0..3 {
        environment.keep();
        environment.expect_frame();
        environment.outgoing.flush(&mut Vec::new(), 1);
        thread::sleep(Duration::from_millis(50));
        assert_eq!(flushers(), 1);
    }
    drop(environment);
    expect_flushers(0);
}

/// Waiting for late frames takes next to nothing while nobody sends.
#[cfg(target_os = "linux")]
#[test]
fn does_not_wake_up_while_nothing_is_kept() {
    let _alone = alone();
    let environment = Environment::new();
    environment.keep();
    environment.expect_frame();
    environment.outgoing.flush(&mut Vec::new(), 1);
    let path = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|thread| thread.unwrap().path())
        .find(|path| {
            let name = std::fs::read_to_string(path.join("comm"));
            name.is_ok_and(|name| name.trim_end() == "ferrows-flush")
        })
        .expect("it has begun");
    let switches = || {
        let status = std::fs::read_to_string(path.join("status")).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse::<u64>().unwrap()
    };
    let start = Instant::now();
    loop {
        let before = switches();
        thread::sleep(Duration::from_millis(100));
        if switches() == before {
            break;
        }
        assert!(start.elapsed() < SOON, "it does not rest");
    }
    drop(environment);
    expect_flushers(0);
}

/// The last environment ends and the next one begins, all the time; none waits in vain.
#[test]
fn begins_and_ends_on_many_threads_at_once() {
    const THREADS: usize = 8;
    let _alone = alone();
    let meeting = Barrier::new(THREADS);
    thread::scope(|scope| {
        for index in 0..THREADS {
            let meeting = &meeting;
            scope.spawn(move || {
                for round in 0..100 {
                    // At times all at once, at times one after the other.
                    if round % 10 == 0 {
                        meeting.wait();
                    }
                    let environment = Environment::new();
                    environment.keep();
                    if (round + index) % 3 > 0 {
                        environment.expect_frame();
                    }
                }
            });
        }
    });
    #[cfg(target_os = "linux")]
    expect_flushers(0);
}

/// One environment writes and reads while others come and go.
#[test]
fn serves_one_environment_while_others_come_and_go() {
    let _alone = alone();
    let environment = Environment::new();
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while start.elapsed() < Duration::from_millis(500) {
                    let other = Environment::new();
                    other.keep();
                    (&other.peer).write_all(b"never read").unwrap();
                }
            });
        }
        while start.elapsed() < Duration::from_millis(500) {
            environment.keep();
            environment.expect_frame();
            environment.outgoing.flush(&mut Vec::new(), 1);
        }
    });
}
