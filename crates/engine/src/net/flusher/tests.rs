//! What the thread does for the tables of several environments. When it begins and ends is tested in
//! a program of its own.

use std::io::Read;
use std::time::Duration;

use ferrows_protocol::OpCode;
use ferrows_protocol::frame::FrameHeader;

use super::*;
use crate::net::Outgoing;
use crate::net::socket::tests::{Pair, SOON};

const HEADER: FrameHeader = FrameHeader {
    fin: true,
    rsv1: false,
    opcode: OpCode::TEXT,
    mask: None,
    length: 2,
};

/// The frame with the text `hi`.
const FRAME: [u8; 4] = [0x81, 2, b'h', b'i'];

/// An environment with connections by the numbers from 0 on.
fn environment(pairs: &[Pair]) -> Outgoing {
    let outgoing = Outgoing::new();
    for (id, pair) in pairs.iter().enumerate() {
        outgoing.insert(id, Arc::clone(&pair.socket));
    }
    outgoing
}

/// Keeps a frame, and gives the time when it was.
fn keep(outgoing: &Outgoing, id: usize) -> Instant {
    let now = Instant::now();
    assert!(outgoing.keep(id, &HEADER, b"hi").is_some());
    now
}

/// Reads a frame that nobody has flushed, and gives the time that it took to come.
fn arrival(pair: &Pair, kept: Instant) -> Duration {
    let mut bytes = [0; 4];
    (&pair.peer).read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, FRAME);
    kept.elapsed()
}

/// Machines have other things to do at times, and then all takes long; not so at best.
fn assert_soon(times: impl Iterator<Item = Duration>) {
    let times: Vec<Duration> = times.collect();
    assert!(times.iter().all(|&time| time < SOON), "{times:?}");
    let best = *times.iter().min().expect("there are some");
    assert!((MAX_AGE..LATE).contains(&best), "{times:?}");
}

/// A few milliseconds.
const LATE: Duration = Duration::from_millis(3);

#[test]
fn writes_what_nobody_flushes() {
    let pairs = Pair::both();
    let outgoing = environment(&pairs);
    let times = (0..40).map(|index| {
        let id = index % 2;
        let kept = keep(&outgoing, id);
        let time = arrival(&pairs[id], kept);
        outgoing.flush(&mut Vec::new(), usize::MAX);
        time
    });
    assert_soon(times);
}

#[test]
fn writes_what_is_kept_after_a_rest() {
    let pairs = [Pair::unix()];
    let outgoing = environment(&pairs);
    let times = (0..8).map(|_| {
        let time = arrival(&pairs[0], keep(&outgoing, 0));
        outgoing.flush(&mut Vec::new(), usize::MAX);
        // After this the table is not watched any more.
        thread::sleep(MAX_AGE * (MAX_IDLE + 20));
        time
    });
    assert_soon(times);
}

#[test]
fn writes_all_that_one_turn_keeps() {
    let pairs = [Pair::unix()];
    let outgoing = environment(&pairs);
    // As a program that sends, computes, and sends again. A frame may come just before the flusher
    // does, but not always.
    let mut times: Vec<Duration> = (0..20)
        .map(|_| arrival(&pairs[0], keep(&outgoing, 0)))
        .collect();
    times.sort_unstable();
    assert!(times[0] < LATE, "{times:?}");
    assert!(times[19] < SOON, "{times:?}");
}

#[test]
fn writes_for_several_environments_at_once() {
    let pairs: Vec<Pair> = (0..6).map(|_| Pair::unix()).collect();
    thread::scope(|scope| {
        for pair in &pairs {
            scope.spawn(|| {
                let outgoing = Outgoing::new();
                outgoing.insert(0, Arc::clone(&pair.socket));
                let times = (0..20).map(|_| {
                    let time = arrival(pair, keep(&outgoing, 0));
                    outgoing.flush(&mut Vec::new(), usize::MAX);
                    time
                });
                assert_soon(times);
            });
        }
    });
}

/// An environment that comes while the thread sleeps for another has its own time.
#[test]
fn writes_in_time_for_an_environment_that_begins_to_keep() {
    let pairs = [Pair::unix()];
    let busy = environment(&pairs);
    let times = (0..40).map(|_| {
        let new = [Pair::unix()];
        let outgoing = environment(&new);
        busy.flush(&mut Vec::new(), usize::MAX);
        keep(&busy, 0);
        // The thread is about to sleep until the other one is late.
        thread::sleep(MAX_AGE / 4);
        let time = arrival(&new[0], keep(&outgoing, 0));
        arrival(&pairs[0], Instant::now());
        time
    });
    assert_soon(times);
}

#[test]
fn leaves_alone_what_is_flushed_in_time() {
    let pairs = [Pair::unix()];
    let outgoing = environment(&pairs);
    let start = Instant::now();
    let (mut seen, mut sent) = (0, 0);
    while start.elapsed() < Duration::from_millis(200) {
        let kept = keep(&outgoing, 0);
        thread::sleep(Duration::from_micros(200));
        let before = outgoing.sent(0).unwrap();
        if kept.elapsed() < MAX_AGE {
            seen += 1;
            assert_eq!(before, sent);
        }
        // The next one has its own time, whichever way this one goes.
        if seen % 2 == 0 {
            outgoing.flush(&mut Vec::new(), usize::MAX);
        } else {
            assert_eq!(outgoing.flush_one(0), Some(0));
        }
        sent += 4;
        assert_eq!(outgoing.sent(0), Some(sent));
        pairs[0].peer_reads(4);
    }
    assert!(seen > 0);
}

#[test]
fn waits_for_no_table() {
    let pairs: Vec<Pair> = (0..2).map(|_| Pair::unix()).collect();
    let (first, second) = (environment(&pairs[..1]), environment(&pairs[1..]));
    keep(&first, 0);
    // The first one's thread is within, and stays there.
    let time = first.while_locked(|| arrival(&pairs[1], keep(&second, 0)));
    assert!(time < SOON);
    arrival(&pairs[0], Instant::now());
}

#[test]
fn gives_up_a_table_that_is_dropped() {
    let pair = Pair::unix();
    let kept = environment(std::slice::from_ref(&pair));
    keep(&kept, 0);
    for _ in 0..200 {
        let pairs = [Pair::unix()];
        let outgoing = environment(&pairs);
        keep(&outgoing, 0);
        thread::sleep(Duration::from_micros(50));
        let [Pair { socket, node, peer }] = pairs;
        drop((socket, node));
        drop(outgoing);
        // Closed by now, whatever was written.
        let mut rest = Vec::new();
        (&peer).read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty() || rest == FRAME);
    }
    arrival(&pair, Instant::now());
}
