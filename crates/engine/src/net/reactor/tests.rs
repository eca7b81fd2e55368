//! Readiness, edge by edge. What a peer has written to a Unix socket is there at once; where TCP is
//! used, tests wait for it.

use std::io::Write;
use std::net::Shutdown;

use super::*;
use crate::net::socket::tests::{Pair, Random, pattern, until};

/// A reactor and its connections, by their numbers.
struct World {
    reactor: Reactor,
    pairs: Vec<Pair>,
}

/// What a reading has found.
#[derive(Debug, PartialEq)]
enum Found {
    Data(Vec<u8>),
    Nothing,
    End,
    Failed(io::ErrorKind),
}

use Found::{Data, End, Failed, Nothing};

impl World {
    fn new(pairs: impl IntoIterator<Item = Pair>) -> Self {
        let mut reactor = Reactor::new().unwrap();
        let pairs: Vec<Pair> = pairs.into_iter().collect();
        for (id, pair) in pairs.iter().enumerate() {
            assert_eq!(reactor.insert(Arc::clone(&pair.socket)).unwrap(), id);
        }
        Self { reactor, pairs }
    }

    fn unix(count: usize) -> Self {
        Self::new((0..count).map(|_| Pair::unix()))
    }

    fn peer_writes(&self, id: usize, bytes: &[u8]) {
        (&self.pairs[id].peer).write_all(bytes).unwrap();
    }

    /// Reads from a connection, at most so many bytes.
    fn receive(&mut self, id: usize, most: usize) -> Found {
        let mut target = vec![0; most];
        match self.reactor.receive(id, &mut target).unwrap() {
            Received::Data(count) => Data(target[..count].to_vec()),
            Received::Nothing => Nothing,
            Received::End => End,
            Received::Failed(error) => Failed(error.kind()),
        }
    }

    /// Reads what is left of a round.
    fn rest(&mut self, most: usize) -> Vec<(usize, Found)> {
        let mut found = Vec::new();
        while let Some(id) = self.reactor.next_ready() {
            found.push((id, self.receive(id, most)));
        }
        assert!(!self.reactor.has_round());
        found
    }

    /// Asks the system, and reads once from whatever is ready.
    fn round(&mut self, most: usize) -> Vec<(usize, Found)> {
        self.reactor.poll().unwrap();
        self.rest(most)
    }

    /// As `round`, but waits until there is something.
    fn next_round(&mut self, most: usize) -> Vec<(usize, Found)> {
        let mut found = Vec::new();
        until(|| {
            found = self.round(most);
            !found.is_empty()
        });
        found
    }

    /// Whether an event loop would be told that there is something to do.
    fn is_readable(&self) -> bool {
        let mut poll = Poll::new().unwrap();
        let fd = self.reactor.as_raw_fd();
        let registry = poll.registry();
        registry
            .register(&mut SourceFd(&fd), Token(0), Interest::READABLE)
            .unwrap();
        let mut events = Events::with_capacity(1);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        !events.is_empty()
    }
}

#[test]
fn has_nothing_to_read_at_first() {
    let mut world = World::unix(3);
    assert_eq!(world.round(10), []);
    assert!(!world.reactor.has_more());
    assert!(!world.is_readable());
}

#[test]
fn reads_what_arrived_before_a_connection_was_added() {
    let pair = Pair::unix();
    (&pair.peer).write_all(b"early").unwrap();
    let mut world = World::new([pair]);
    assert_eq!(world.round(10), [(0, Data(b"early".to_vec()))]);
}

#[test]
fn reads_more_than_fits_in_several_rounds() {
    let mut world = World::new(Pair::both());
    let sent = pattern(50_000);
    for id in 0..2 {
        world.peer_writes(id, &sent);
    }
    let mut all = [Vec::new(), Vec::new()];
    until(|| {
        for (id, found) in world.round(999) {
            match found {
                Data(bytes) => all[id].extend(bytes),
                other => assert_eq!(other, Nothing),
            }
        }
        all.iter().all(|all| all.len() == sent.len())
    });
    assert!(all[0] == sent && all[1] == sent);
    assert_eq!(world.reactor.received(0), Some(50_000));
    assert_eq!(world.round(999), []);
}

#[test]
fn needs_no_event_to_go_on_reading() {
    let mut world = World::unix(1);
    world.peer_writes(0, b"abcdef");
    assert!(world.is_readable());
    assert_eq!(world.round(4), [(0, Data(b"abcd".to_vec()))]);
    assert!(!world.is_readable());
    assert!(world.reactor.has_more());
    assert_eq!(world.round(4), [(0, Data(b"ef".to_vec()))]);
    assert!(!world.reactor.has_more());
    assert_eq!(world.round(4), []);
}

#[test]
fn asks_once_more_when_the_data_just_fits() {
    let mut world = World::unix(1);
    world.peer_writes(0, b"abcd");
    assert_eq!(world.round(4), [(0, Data(b"abcd".to_vec()))]);
    assert!(world.reactor.has_more());
    assert_eq!(world.round(4), [(0, Nothing)]);
    assert!(!world.reactor.has_more());
    assert_eq!(world.round(4), []);
}

#[test]
fn reads_what_comes_after_everything_was_read() {
    let mut world = World::new(Pair::both());
    for text in [b"one", b"two", b"six"] {
        for id in 0..2 {
            world.peer_writes(id, text);
            assert_eq!(world.next_round(10), [(id, Data(text.to_vec()))]);
        }
    }
}

#[test]
fn gives_each_connection_once_a_round() {
    let mut world = World::unix(5);
    for id in 0..5 {
        world.peer_writes(id, b"0123456789");
    }
    for part in [b"0123", b"4567"] {
        let mut found = world.round(4);
        found.sort_by_key(|(id, _)| *id);
        assert!(
            found
                .into_iter()
                .eq((0..5).map(|id| (id, Data(part.to_vec()))))
        );
    }
    // One that is to be read anyway, and has an event besides, is given once, too.
    world.peer_writes(3, b"!");
    let found = world.round(4);
    assert_eq!(found.len(), 5);
    assert!(found.contains(&(3, Data(b"89!".to_vec()))));
    assert_eq!(world.round(4), []);
}

#[test]
fn ends_a_round_whatever_arrives_meanwhile() {
    let mut world = World::unix(2);
    world.peer_writes(0, b"aaaa");
    world.reactor.poll().unwrap();
    assert_eq!(world.reactor.next_ready(), Some(0));
    assert_eq!(world.receive(0, 2), Data(b"aa".to_vec()));
    world.peer_writes(1, b"b");
    assert!(!world.reactor.has_round());
    assert_eq!(world.reactor.next_ready(), None);
    assert!(world.reactor.has_more());
    assert_eq!(world.round(4).len(), 2);
}

#[test]
fn goes_on_with_a_round_that_was_broken_off() {
    let mut world = World::unix(3);
    for id in 0..3 {
        world.peer_writes(id, b"data");
    }
    world.reactor.poll().unwrap();
    let first = world.reactor.next_ready().unwrap();
    assert_eq!(world.receive(first, 10), Data(b"data".to_vec()));
    assert!(world.reactor.has_round());
    let rest = world.round(10);
    assert_eq!(rest.len(), 2);
    assert!(rest.iter().all(|(id, _)| *id != first));
}

#[test]
fn keeps_what_arrives_during_a_pause() {
    for mut world in Pair::both().map(|pair| World::new([pair])) {
        world.reactor.pause(0);
        world.peer_writes(0, b"wait");
        until(|| world.is_readable());
        assert_eq!(world.round(10), []);
        assert!(!world.reactor.has_more());
        // Of this there is no other event.
        assert!(!world.is_readable());
        world.reactor.resume(0);
        assert!(world.reactor.has_more());
        assert_eq!(world.round(10), [(0, Data(b"wait".to_vec()))]);
        assert_eq!(world.round(10), []);
    }
}

#[test]
fn pauses_with_data_left_and_within_a_round() {
    let mut world = World::unix(3);
    for id in 0..3 {
        world.peer_writes(id, b"abcdef");
    }
    assert_eq!(world.round(2).len(), 3);
    world.reactor.pause(0);
    let found = world.round(2);
    assert!(found.iter().map(|(id, _)| *id).eq([1, 2]));
    world.reactor.poll().unwrap();
    assert_eq!(world.reactor.next_ready(), Some(1));
    world.reactor.pause(2);
    assert_eq!(world.receive(1, 2), Data(b"ef".to_vec()));
    assert_eq!(world.rest(2), []);
    // It is queued once, however often it is asked for.
    for _ in 0..3 {
        world.reactor.resume(0);
        world.reactor.resume(2);
        world.reactor.pause(2);
        world.reactor.resume(2);
    }
    let found = world.round(10);
    assert_eq!(found.len(), 3);
    assert!(found.contains(&(0, Data(b"cdef".to_vec()))));
    assert!(found.contains(&(1, Nothing)));
    assert!(found.contains(&(2, Data(b"ef".to_vec()))));
}

#[test]
fn resumes_what_has_nothing_to_read() {
    let mut world = World::unix(1);
    world.reactor.pause(0);
    world.reactor.resume(0);
    assert!(!world.reactor.has_more());
    world.peer_writes(0, b"now");
    assert_eq!(world.round(10), [(0, Data(b"now".to_vec()))]);
}

#[test]
fn tells_of_an_end_that_came_with_data() {
    for pair in Pair::both() {
        (&pair.peer).write_all(b"last words").unwrap();
        pair.peer.shutdown(Shutdown::Write).unwrap();
        let mut world = World::new([pair]);
        // The end of a TCP connection may be an event of its own.
        let mut all = Vec::new();
        until(|| {
            all.extend(world.round(100));
            all.len() == 2
        });
        assert_eq!(all, [(0, Data(b"last words".to_vec())), (0, End)]);
    }
}

#[test]
fn tells_of_an_end_that_comes_after_data() {
    for mut world in Pair::both().map(|pair| World::new([pair])) {
        world.peer_writes(0, b"data");
        assert_eq!(world.next_round(10), [(0, Data(b"data".to_vec()))]);
        assert_eq!(world.round(10), []);
        world.pairs[0].peer.shutdown(Shutdown::Write).unwrap();
        assert_eq!(world.next_round(10), [(0, End)]);
    }
}

#[test]
fn tells_of_an_end_that_came_during_a_pause() {
    for mut world in Pair::both().map(|pair| World::new([pair])) {
        world.peer_writes(0, b"data");
        world.reactor.pause(0);
        world.pairs[0].peer.shutdown(Shutdown::Both).unwrap();
        until(|| {
            world.round(10).is_empty() && world.reactor.readers[0].as_ref().unwrap().is_ending
        });
        world.reactor.resume(0);
        assert_eq!(world.round(10), [(0, Data(b"data".to_vec()))]);
        assert_eq!(world.round(10), [(0, End)]);
        assert_eq!(world.round(10), []);
    }
}

#[test]
fn tells_of_a_reset_behind_the_data() {
    let Pair { socket, node, peer } = Pair::tcp();
    let mut reactor = Reactor::new().unwrap();
    let id = reactor.insert(socket).unwrap();
    (&peer).write_all(b"data").unwrap();
    let mut found = Vec::new();
    let mut peer = Some(peer);
    let mut target = [0; 100];
    until(|| {
        reactor.poll().unwrap();
        while reactor.next_ready().is_some() {
            found.push(reactor.receive(id, &mut target).unwrap());
            if let Some(peer) = peer.take() {
                peer.set_linger(Some(Duration::ZERO)).unwrap();
            }
        }
        found.len() == 2
    });
    assert!(matches!(found[0], Received::Data(4)));
    let Received::Failed(error) = &found[1] else {
        panic!("{found:?}");
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    drop(node);
}

#[test]
fn tells_of_what_the_other_holder_does() {
    for mut world in Pair::both().map(|pair| World::new([pair])) {
        // Nothing, to this descriptor.
        let spare = world.pairs[0].node.try_clone().unwrap();
        drop(std::mem::replace(&mut world.pairs[0].node, spare));
        assert_eq!(world.round(10), []);
        world.peer_writes(0, b"data");
        assert_eq!(world.next_round(10), [(0, Data(b"data".to_vec()))]);
        // This ends the connection for both.
        world.pairs[0].node.shutdown(Shutdown::Both).unwrap();
        assert_eq!(world.next_round(10), [(0, End)]);
    }
}

#[test]
fn forgets_connections_in_a_round() {
    let mut world = World::unix(6);
    for id in 0..6 {
        world.peer_writes(id, b"abcd");
    }
    world.reactor.poll().unwrap();
    let order: Vec<usize> = world.reactor.ready.iter().copied().collect();
    // Read, and queued again behind the round.
    assert_eq!(world.reactor.next_ready(), Some(order[0]));
    assert_eq!(world.receive(order[0], 2), Data(b"ab".to_vec()));
    // Given, and not read.
    assert_eq!(world.reactor.next_ready(), Some(order[1]));
    // In the middle, at the end and behind the end of the round.
    for index in [1, 3, 5, 0] {
        assert!(world.reactor.remove(order[index]).is_some());
        assert!(world.reactor.remove(order[index]).is_none());
    }
    let found = world.rest(10);
    assert!(
        found
            .into_iter()
            .eq([2, 4].map(|index| (order[index], Data(b"abcd".to_vec()))))
    );
    assert!(!world.reactor.has_more());
    for index in [1, 3, 5, 0] {
        let (id, mut target) = (order[index], [0; 10]);
        assert!(world.reactor.receive(id, &mut target).is_none());
        assert!(world.reactor.received(id).is_none());
        world.reactor.resume(id);
        world.peer_writes(id, b"too late");
    }
    assert_eq!(world.round(10), []);
    assert!(!world.is_readable());
}

#[test]
fn hears_nothing_of_a_connection_that_was_removed_and_is_open() {
    let mut world = World::unix(1);
    world.peer_writes(0, b"before");
    let socket = world.reactor.remove(0).unwrap();
    world.peer_writes(0, b"after");
    assert!(!world.is_readable());
    assert_eq!(world.round(10), []);
    // It may come back, and what it has is told again.
    assert_eq!(world.reactor.insert(socket).unwrap(), 0);
    assert_eq!(world.round(20), [(0, Data(b"beforeafter".to_vec()))]);
}

#[test]
fn gives_a_number_out_again_after_the_next_poll() {
    let mut world = World::unix(3);
    world.peer_writes(1, b"old");
    world.reactor.poll().unwrap();
    world.reactor.remove(1);
    let late = Pair::unix();
    (&late.peer).write_all(b"new").unwrap();
    assert_eq!(world.reactor.insert(Arc::clone(&late.socket)).unwrap(), 3);
    assert_eq!(world.reactor.next_ready(), None);
    assert_eq!(world.round(10), [(3, Data(b"new".to_vec()))]);
    let later = Pair::unix();
    assert_eq!(world.reactor.insert(Arc::clone(&later.socket)).unwrap(), 1);
    assert_eq!(world.reactor.received(1), Some(0));
    assert_eq!(world.round(10), []);
}

#[test]
fn loses_no_number_when_the_system_refuses() {
    let mut world = World::unix(2);
    let twice = Arc::clone(&world.pairs[0].socket);
    world.reactor.insert(Arc::clone(&twice)).unwrap_err();
    let next = Pair::unix();
    assert_eq!(world.reactor.insert(Arc::clone(&next.socket)).unwrap(), 2);
    // A number that was used before is not lost either.
    world.reactor.remove(1);
    world.reactor.poll().unwrap();
    world.reactor.insert(twice).unwrap_err();
    let next = Pair::unix();
    assert_eq!(world.reactor.insert(Arc::clone(&next.socket)).unwrap(), 1);
    world.peer_writes(0, b"still watched");
    assert_eq!(world.round(20), [(0, Data(b"still watched".to_vec()))]);
}

/// Not where a process has 256 descriptors.
#[cfg(target_os = "linux")]
#[test]
fn hears_of_more_connections_than_events_fit() {
    use std::os::fd::AsFd;

    const COUNT: usize = EVENTS + 44;
    // All are the same socket, but for the system they are watched one by one.
    let mut world = World::unix(1);
    for id in 1..COUNT {
        let socket = Socket::duplicate(world.pairs[0].node.as_fd()).unwrap();
        assert_eq!(world.reactor.insert(Arc::new(socket)).unwrap(), id);
    }
    for _ in 0..3 {
        world.peer_writes(0, b"hello");
        world.reactor.poll().unwrap();
        assert_eq!(world.reactor.ready.len(), EVENTS);
        assert!(world.is_readable());
        world.reactor.poll().unwrap();
        assert!(!world.is_readable());
        let found = world.rest(10);
        assert_eq!(found[0].1, Data(b"hello".to_vec()));
        assert!(found[1..].iter().all(|(_, found)| *found == Nothing));
        let mut ids: Vec<usize> = found.into_iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        assert!(ids.into_iter().eq(0..COUNT));
        assert!(!world.reactor.has_more());
    }
}

/// Whatever happens in whatever order, each connection's bytes arrive once and in order.
#[test]
fn reads_everything_in_any_order_of_events() {
    const COUNT: usize = 6;
    for seed in 1..=40 {
        let mut random = Random(seed);
        let mut world = World::unix(COUNT);
        let sent: Vec<Vec<u8>> = (0..COUNT).map(|_| pattern(random.below(3000))).collect();
        let mut written = [0; COUNT];
        let mut is_ended = [false; COUNT];
        let mut all = vec![Vec::new(); COUNT];
        let mut ends = [0; COUNT];
        // All is there at once, so nothing has to be waited for.
        for _ in 0..100_000 {
            let id = random.below(COUNT);
            match random.below(5) {
                0 => world.reactor.pause(id),
                1 => world.reactor.resume(id),
                2 if !is_ended[id] => {
                    let end = (written[id] + random.below(500)).min(sent[id].len());
                    world.peer_writes(id, &sent[id][written[id]..end]);
                    written[id] = end;
                    if end == sent[id].len() {
                        world.pairs[id].peer.shutdown(Shutdown::Write).unwrap();
                        is_ended[id] = true;
                    }
                }
                _ => {
                    for (id, found) in world.round(1 + random.below(300)) {
                        match found {
                            Data(bytes) => all[id].extend(bytes),
                            End => ends[id] += 1,
                            other => assert_eq!(other, Nothing),
                        }
                    }
                }
            }
            if ends.iter().all(|&ends| ends > 0) {
                break;
            }
        }
        assert!(all == sent, "with seed {seed}");
        assert_eq!(ends, [1; COUNT], "with seed {seed}");
    }
}
