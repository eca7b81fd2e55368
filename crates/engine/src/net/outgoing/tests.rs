//! What is kept, and what the peer gets of it. But for the last tests, the flusher knows nothing of
//! these tables.

use std::io::Read;

use ferrows_protocol::OpCode;

use super::*;
use crate::net::socket::tests::{Pair, Random, SOON, pattern};

fn header(length: usize) -> FrameHeader {
    FrameHeader {
        fin: true,
        rsv1: false,
        opcode: OpCode::BINARY,
        mask: None,
        length: length as u64,
    }
}

/// A frame as it is sent.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_frame(&mut bytes, &header(payload.len()), payload);
    bytes
}

/// Connections that only this thread flushes.
struct World {
    outgoing: Outgoing,
    pairs: Vec<Pair>,
}

impl World {
    fn new(pairs: impl IntoIterator<Item = Pair>) -> Self {
        let outgoing = Outgoing::new();
        outgoing.shared.lock().is_watched = true;
        let pairs: Vec<Pair> = pairs.into_iter().collect();
        for (id, pair) in pairs.iter().enumerate() {
            outgoing.insert(id, Arc::clone(&pair.socket));
        }
        Self { outgoing, pairs }
    }

    fn unix(count: usize) -> Self {
        Self::new((0..count).map(|_| Pair::unix()))
    }

    fn keep(&self, id: usize, payload: &[u8]) -> usize {
        let kept = self.outgoing.keep(id, &header(payload.len()), payload);
        kept.expect("there is such a connection")
    }

    fn send(&self, id: usize, payload: &[u8]) -> usize {
        let left = self.outgoing.send(id, &header(payload.len()), payload);
        left.expect("there is such a connection")
    }

    fn send_uncopied(&self, id: usize, payload: &[u8]) -> usize {
        let header = header(payload.len());
        let left = self.outgoing.send_uncopied(id, &header, payload);
        left.expect("there is such a connection")
    }

    fn flush(&self, limit: usize) -> Vec<usize> {
        let mut stuck = Vec::new();
        self.outgoing.flush(&mut stuck, limit);
        stuck
    }

    fn take(&self, id: usize) -> Vec<u8> {
        self.outgoing.take(id).expect("there is such a connection")
    }

    /// What the flusher does so long after the first frame was kept, if nobody else wants the table.
    fn flush_late(&self, after: Duration) -> Option<Instant> {
        let mut table = self.outgoing.shared.lock();
        let now = table.since.unwrap_or_else(Instant::now) + after;
        table.flush_late(now, &AtomicBool::new(false))
    }

    /// Fills the kernel's buffer of a connection; gives what the peer will read.
    fn fill(&self, id: usize) -> Vec<u8> {
        let payload = pattern(1 << 16);
        let mut all = Vec::new();
        while self.send(id, &payload) == 0 {
            all.extend(frame(&payload));
        }
        all.extend(frame(&payload));
        let left = self.take(id);
        all.truncate(all.len() - left.len());
        all
    }

    fn since(&self) -> Option<Instant> {
        self.outgoing.shared.lock().since
    }

    fn kept(&self) -> Vec<usize> {
        self.outgoing.shared.lock().kept.clone()
    }

    fn spare(&self) -> usize {
        self.outgoing.shared.lock().spare.len()
    }
}

#[test]
fn keeps_frames_until_they_are_flushed() {
    let world = World::new(Pair::both());
    let expected = [frame(b"one"), frame(b"two")].concat();
    for id in 0..2 {
        assert_eq!(world.keep(id, b"one"), 5);
        assert_eq!(world.keep(id, b"two"), 10);
    }
    assert_eq!(world.pairs[1].peer_has(), b"");
    assert_eq!(world.flush(usize::MAX), []);
    for id in 0..2 {
        assert_eq!(world.pairs[id].peer_reads(10), expected);
        assert_eq!(world.outgoing.sent(id), Some(10));
        assert_eq!(world.take(id), b"");
    }
    assert_eq!((world.kept(), world.since()), (vec![], None));
}

#[test]
fn keeps_bytes_that_are_frames_already_with_the_others() {
    let world = World::new(Pair::both());
    let bytes = frame(b"two");
    for id in 0..2 {
        world.keep(id, b"one");
        assert_eq!(world.outgoing.keep_bytes(id, &bytes), Some(10));
        world.keep(id, b"three");
    }
    assert_eq!(world.outgoing.keep_bytes(2, &bytes), None);
    assert_eq!(world.flush(usize::MAX), []);
    let expected = [frame(b"one"), bytes, frame(b"three")].concat();
    for id in 0..2 {
        assert_eq!(world.pairs[id].peer_reads(expected.len()), expected);
    }
}

#[test]
fn writes_frames_in_the_order_in_which_they_come() {
    let world = World::new(Pair::both());
    let texts: [&[u8]; 6] = [b"keep", b"send", b"keep", b"uncopied", b"", b"flush"];
    for id in 0..2 {
        world.keep(id, texts[0]);
        assert_eq!(world.send(id, texts[1]), 0);
        world.keep(id, texts[2]);
        assert_eq!(world.send_uncopied(id, texts[3]), 0);
        assert_eq!(world.send_uncopied(id, texts[4]), 0);
        world.keep(id, texts[5]);
        assert_eq!(world.outgoing.flush_one(id), Some(0));
        let expected = texts.map(frame).concat();
        assert_eq!(world.pairs[id].peer_reads(expected.len()), expected);
        assert_eq!(world.outgoing.sent(id), Some(expected.len() as u64));
    }
    assert_eq!((world.kept(), world.since()), (vec![], None));
}

#[test]
fn masks_what_a_client_sends() {
    let world = World::unix(1);
    let masked = FrameHeader {
        mask: Some([1, 2, 3, 4]),
        ..header(5)
    };
    world.outgoing.keep(0, &masked, b"Hello");
    world.outgoing.send(0, &masked, b"World");
    let mut expected = Vec::new();
    encode_frame(&mut expected, &masked, b"Hello");
    encode_frame(&mut expected, &masked, b"World");
    assert_eq!(world.pairs[0].peer_has(), expected);
}

#[test]
fn knows_nothing_of_connections_that_are_not_there() {
    let world = World::unix(2);
    world.keep(0, b"kept");
    assert_eq!(world.outgoing.remove(0), Some(frame(b"kept")));
    for id in [0, 2, 1000] {
        let outgoing = &world.outgoing;
        assert_eq!(outgoing.keep(id, &header(1), b"a"), None);
        assert_eq!(outgoing.send(id, &header(1), b"a"), None);
        assert_eq!(outgoing.send_uncopied(id, &header(1), b"a"), None);
        assert_eq!(outgoing.flush_one(id), None);
        assert_eq!(outgoing.take(id), None);
        assert_eq!(outgoing.sent(id), None);
        assert_eq!(outgoing.remove(id), None);
    }
}

#[test]
fn forgets_what_a_removed_connection_kept() {
    let world = World::unix(4);
    for id in [2, 0, 3, 1] {
        world.keep(id, b"kept");
    }
    world.outgoing.remove(0);
    assert_eq!(world.kept(), [2, 3, 1]);
    // Another one has the number now.
    let next = Pair::unix();
    world.outgoing.insert(0, Arc::clone(&next.socket));
    assert_eq!(world.outgoing.sent(0), Some(0));
    assert_eq!(world.flush(usize::MAX), []);
    assert_eq!(next.peer_has(), b"");
    assert_eq!(world.pairs[0].peer_has(), b"");
    for id in 1..4 {
        assert_eq!(world.pairs[id].peer_has(), frame(b"kept"));
    }
    // The last one that keeps something takes the time with it.
    world.keep(0, b"kept");
    assert!(world.since().is_some());
    world.outgoing.remove(0);
    assert_eq!(world.since(), None);
}

#[test]
fn takes_what_is_kept_unsent() {
    let world = World::unix(2);
    world.keep(0, b"one");
    world.keep(1, b"two");
    assert_eq!(world.take(0), frame(b"one"));
    assert_eq!(world.take(0), b"");
    assert_eq!(world.kept(), [1]);
    assert_eq!(world.flush(usize::MAX), []);
    assert_eq!(world.pairs[0].peer_has(), b"");
    assert_eq!(world.pairs[1].peer_has(), frame(b"two"));
}

#[test]
fn flushes_until_so_many_connections_are_stuck() {
    let world = World::new((0..8).map(|_| Pair::narrow()));
    let is_full = |id: usize| [1, 2, 4, 7].contains(&id);
    let mut before = vec![Vec::new(); 8];
    for id in (0..8).filter(|&id| is_full(id)) {
        before[id] = world.fill(id);
    }
    for id in 0..8 {
        world.keep(id, b"kept");
    }
    let since = world.since();
    assert!(since.is_some());
    assert_eq!(world.flush(0), []);
    assert_eq!(world.flush(2), [1, 2]);
    assert_eq!((world.kept(), world.since()), ((3..8).collect(), since));
    assert_eq!(world.flush(1), [4]);
    assert_eq!(world.kept(), [5, 6, 7]);
    assert_eq!(world.flush(9), [7]);
    assert_eq!((world.kept(), world.since()), (vec![], None));
    for (id, before) in before.into_iter().enumerate() {
        let left = world.take(id);
        assert_eq!(left.is_empty(), !is_full(id));
        let all = [world.pairs[id].peer_has(), left].concat();
        assert!(all == [before, frame(b"kept")].concat());
    }
}

#[test]
fn adds_to_the_list_of_those_that_are_stuck() {
    let world = World::new((0..2).map(|_| Pair::narrow()));
    world.fill(1);
    world.keep(0, b"kept");
    world.keep(1, b"kept");
    let mut stuck = vec![77];
    world.outgoing.flush(&mut stuck, 2);
    assert_eq!(stuck, [77, 1]);
}

#[test]
fn keeps_the_order_when_what_is_left_is_not_taken() {
    let world = World::new([Pair::narrow()]);
    let before = world.fill(0);
    assert_eq!(world.send(0, b"one"), 5);
    assert_eq!(world.keep(0, b"two"), 10);
    assert_eq!(world.send(0, b"six"), 15);
    assert_eq!(world.kept(), []);
    assert!(world.pairs[0].peer_has() == before);
    assert_eq!(world.outgoing.flush_one(0), Some(0));
    let expected = [&b"one"[..], b"two", b"six"].map(frame).concat();
    assert_eq!(world.pairs[0].peer_has(), expected);
}

/// What the peer reads and what is left are what was sent, byte for byte.
#[test]
fn loses_nothing_in_front_of_a_payload_that_is_not_copied() {
    for seed in 1..=40 {
        let mut random = Random(seed);
        let world = World::new([Pair::narrow()]);
        let mut sent = Vec::new();
        let mut all = Vec::new();
        for _ in 0..8 {
            if random.below(3) > 0 {
                let payload = pattern(random.below(2000));
                world.keep(0, &payload);
                sent.extend(frame(&payload));
            }
            let most = [1, 200, 5000, 200_000][random.below(4)];
            let payload = pattern(random.below(most));
            sent.extend(frame(&payload));
            let left = world.send_uncopied(0, &payload);
            let front = world.take(0);
            all.extend(world.pairs[0].peer_has());
            if left > 0 {
                let rest = left - front.len();
                assert!(rest == payload.len() || front.is_empty());
                all.extend(front);
                all.extend(&payload[payload.len() - rest..]);
            } else {
                assert!(front.is_empty());
            }
            assert!(all == sent, "with seed {seed}");
            assert_eq!((world.kept(), world.since()), (vec![], None));
            // Now and then the kernel's buffer is nearly or entirely full.
            if random.below(2) == 0 {
                let filling = world.fill(0);
                sent.extend(&filling);
                if random.below(2) == 0 {
                    all.extend(world.pairs[0].peer_has());
                }
            }
        }
    }
}

/// Wherever the kernel stops: in what was kept, in the header, right before or behind it.
#[test]
fn loses_no_part_of_the_header_of_such_a_payload() {
    let payload = pattern(70_000);
    let whole = frame(&payload);
    let header = whole.len() - payload.len();
    // Where it stops for certain.
    let most = Pair::narrow().socket.send(&whole);
    assert!((1000..payload.len()).contains(&most));
    let mut cuts = Vec::new();
    for after in 0..=header + 2 {
        let world = World::new([Pair::narrow()]);
        let first = pattern(most - after - 4);
        assert_eq!(world.keep(0, &first), most - after);
        let left = world.send_uncopied(0, &payload);
        let front = world.take(0);
        let rest = &payload[payload.len() - (left - front.len())..];
        let all = [&world.pairs[0].peer_has()[..], &front, rest].concat();
        assert!(all == [frame(&first), whole.clone()].concat());
        cuts.push(front.len());
    }
    assert!((1..header).all(|length| cuts.contains(&length)), "{cuts:?}");
}

#[test]
fn copies_nothing_if_the_kernel_takes_nothing() {
    let world = World::new([Pair::narrow()]);
    world.fill(0);
    world.keep(0, b"kept");
    let payload = pattern(70_000);
    let front = [&frame(b"kept")[..], &frame(&payload)[..10]].concat();
    assert_eq!(world.send_uncopied(0, &payload), front.len() + 70_000);
    assert_eq!(world.take(0), front);
}

#[test]
fn has_a_bounded_number_of_spare_buffers() {
    const COUNT: usize = MAX_SPARE + 50;
    let world = World::unix(8);
    share_sockets(&world, COUNT);
    for _ in 0..3 {
        (0..COUNT).for_each(|id| assert_eq!(world.keep(id, b"hello"), 7));
        assert_eq!(world.spare(), 0);
        assert_eq!(world.flush(usize::MAX), []);
        assert_eq!(world.spare(), MAX_SPARE);
        let arrived = world.pairs.iter().map(|pair| pair.peer_has().len());
        assert_eq!(arrived.sum::<usize>(), COUNT * 7);
    }
    let table = world.outgoing.shared.lock();
    let mut idle = table.entries.iter().flatten();
    assert!(idle.all(|entry| entry.bytes.capacity() == 0));
}

/// Adds connections until there are so many, which write to the sockets of the first ones.
fn share_sockets(world: &World, count: usize) {
    let sockets = world.pairs.iter().map(|pair| &pair.socket);
    let all = sockets.cycle().enumerate().take(count);
    for (id, socket) in all.skip(world.pairs.len()) {
        world.outgoing.insert(id, Arc::clone(socket));
    }
}

#[test]
fn spares_no_buffers_of_no_use() {
    let world = World::unix(2);
    // Large ones.
    world.keep(0, &pattern(MAX_SPARE_BYTES));
    world.outgoing.flush_one(0);
    assert_eq!(world.spare(), 0);
    // Those of connections that have none.
    world.outgoing.flush_one(0);
    world.outgoing.flush_one(1);
    world.send_uncopied(1, b"hello");
    assert_eq!(world.spare(), 0);
    // Others come back whichever way they were emptied.
    world.keep(1, b"hello");
    world.send_uncopied(1, b"world");
    assert_eq!(world.spare(), 1);
}

#[test]
fn is_not_flushed_before_its_time() {
    let world = World::unix(1);
    assert_eq!(world.flush_late(MAX_AGE), None);
    world.keep(0, b"kept");
    let since = world.since().unwrap();
    let soon = MAX_AGE - Duration::from_nanos(1);
    assert_eq!(world.flush_late(soon), Some(since + MAX_AGE));
    assert_eq!(world.pairs[0].peer_has(), b"");
    assert!(world.flush_late(MAX_AGE).is_some());
    assert_eq!(world.pairs[0].peer_has(), frame(b"kept"));
}

#[test]
fn begins_a_new_time_with_whatever_is_kept_first() {
    let world = World::unix(2);
    world.keep(0, b"kept");
    let before = world.since().unwrap();
    std::thread::sleep(Duration::from_millis(1));
    world.keep(1, b"kept");
    assert_eq!(world.since(), Some(before));
    // However it was emptied.
    world.outgoing.flush_one(0);
    world.take(1);
    assert_eq!(world.since(), None);
    world.keep(1, b"kept");
    assert!(world.since() > Some(before));
}

#[test]
fn stays_kept_when_it_was_flushed_late() {
    let world = World::unix(2);
    world.keep(0, b"one");
    let next = world.flush_late(MAX_AGE).unwrap();
    // What comes now has a time of its own.
    assert_eq!(world.since(), Some(next - MAX_AGE));
    assert_eq!(world.kept(), [0]);
    assert_eq!(world.keep(0, b"two"), 5);
    world.keep(1, b"two");
    assert!(world.flush_late(MAX_AGE).is_some());
    assert_eq!(world.kept(), [0, 1]);
    assert_eq!(world.flush(usize::MAX), []);
    assert_eq!(
        world.pairs[0].peer_has(),
        [frame(b"one"), frame(b"two")].concat()
    );
    assert_eq!(world.pairs[1].peer_has(), frame(b"two"));
    assert_eq!(world.outgoing.sent(0), Some(10));
    assert_eq!(world.flush_late(MAX_AGE), None);
}

#[test]
fn is_late_once_if_the_kernel_takes_nothing() {
    let world = World::new((0..3).map(|_| Pair::narrow()));
    let before = world.fill(1);
    for id in 0..3 {
        world.keep(id, b"one");
    }
    assert!(world.flush_late(MAX_AGE).is_some());
    assert!(world.pairs[1].peer_has() == before);
    // There is room now, but the flusher does not ask again.
    assert_eq!(world.keep(1, b"two"), 10);
    assert!(world.flush_late(MAX_AGE).is_some());
    assert_eq!(world.pairs[1].peer_has(), b"");
    for id in [0, 2] {
        assert_eq!(world.pairs[id].peer_has(), frame(b"one"));
    }
    assert_eq!(world.flush(usize::MAX), []);
    let expected = [frame(b"one"), frame(b"two")].concat();
    assert_eq!(world.pairs[1].peer_has(), expected);
    // With the next turn all is as before.
    world.keep(1, b"six");
    assert!(world.flush_late(MAX_AGE).is_some());
    assert_eq!(world.pairs[1].peer_has(), frame(b"six"));
}

#[test]
fn is_left_to_its_own_thread_if_that_wants_it() {
    const COUNT: usize = 3 * MIN_WRITES;
    let world = World::unix(1);
    share_sockets(&world, COUNT);
    (0..COUNT).for_each(|id| assert_eq!(world.keep(id, b"kept"), 6));
    let mut writes = Vec::new();
    for _ in 0..3 {
        let mut table = world.outgoing.shared.lock();
        let now = table.since.unwrap() + MAX_AGE;
        let next = table.flush_late(now, &AtomicBool::new(true));
        assert!(next.is_some());
        drop(table);
        writes.push(world.pairs[0].peer_has().len() / 6);
    }
    assert_eq!(writes, [MIN_WRITES; 3]);
}

#[test]
fn says_that_it_wants_the_table_while_it_waits() {
    let world = World::unix(1);
    let shared = Arc::clone(&world.outgoing.shared);
    assert!(shared.try_lock().is_some());
    std::thread::scope(|scope| {
        let table = shared.lock();
        let user = scope.spawn(|| world.keep(0, b"kept"));
        crate::net::socket::tests::until(|| shared.is_wanted.load(Ordering::Relaxed));
        assert!(shared.try_lock().is_none());
        drop(table);
        assert_eq!(user.join().unwrap(), 6);
    });
    assert!(!shared.is_wanted.load(Ordering::Relaxed));
}

#[test]
fn closes_its_sockets_at_once_when_it_is_dropped() {
    for Pair { socket, node, peer } in Pair::both() {
        let outgoing = Outgoing::new();
        outgoing.insert(0, socket);
        drop(node);
        // The flusher is just looking.
        let shared = Arc::clone(&outgoing.shared);
        drop(outgoing);
        assert_eq!((&peer).read(&mut [0; 10]).unwrap(), 0);
        drop(shared);
    }
}

/// Two threads write the same connections all the time; nothing is mixed up.
#[test]
fn keeps_the_order_when_the_flusher_writes_too() {
    const COUNT: usize = 4;
    let outgoing = Outgoing::new();
    let pairs: Vec<Pair> = (0..COUNT).map(|_| Pair::unix()).collect();
    for (id, pair) in pairs.iter().enumerate() {
        outgoing.insert(id, Arc::clone(&pair.socket));
    }
    let start = Instant::now();
    let mut random = Random(7);
    let mut expected = vec![Vec::new(); COUNT];
    let mut all = vec![Vec::new(); COUNT];
    while start.elapsed() < Duration::from_millis(300) {
        for _ in 0..random.below(20) {
            let id = random.below(COUNT);
            let payload = pattern(random.below(300));
            expected[id].extend(frame(&payload));
            let header = header(payload.len());
            match random.below(4) {
                0 => assert_eq!(outgoing.send(id, &header, &payload), Some(0)),
                1 => assert_eq!(outgoing.send_uncopied(id, &header, &payload), Some(0)),
                _ => assert!(outgoing.keep(id, &header, &payload).is_some()),
            }
        }
        std::thread::sleep(Duration::from_micros(random.below(2000) as u64));
        if random.below(2) == 0 {
            let mut stuck = Vec::new();
            outgoing.flush(&mut stuck, usize::MAX);
            assert_eq!(stuck, []);
        }
        for (all, pair) in all.iter_mut().zip(&pairs) {
            all.extend(pair.peer_has());
        }
    }
    outgoing.flush(&mut Vec::new(), usize::MAX);
    assert!(start.elapsed() < SOON);
    for (id, pair) in pairs.iter().enumerate() {
        all[id].extend(pair.peer_has());
        assert!(all[id] == expected[id]);
        assert_eq!(outgoing.sent(id), Some(expected[id].len() as u64));
    }
}

impl Outgoing {
    /// Does something while a thread is within.
    pub(in crate::net) fn while_locked<T>(&self, action: impl FnOnce() -> T) -> T {
        let _table = self.shared.lock();
        action()
    }
}
