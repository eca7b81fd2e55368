//! Sides that are slower than the other.

use super::*;

/// Floods an environment that does not fetch, and then fetches everything.
fn flood(connections: usize, payload: &[u8], count: usize) {
    let mut environment = Environment::new(3);
    let mut nodes = Vec::new();
    let mut peers = Vec::new();
    for index in 0..connections {
        let (node, mut peer) = tcp_pair();
        environment.insert(&node);
        nodes.push(node);
        let payload = payload.to_vec();
        peers.push(thread::spawn(move || {
            for number in 0..count {
                let mut message = payload.clone();
                if let [first, second, third, ..] = &mut message[..] {
                    [*first, *second, *third] = [index as u8, number as u8, (number >> 8) as u8];
                }
                peer.write_all(&frame(&message))
                    .expect("the socket is open");
            }
        }));
    }
    let bound = MAX_QUEUED + 3 * (64 * 1024 + payload.len() + 2 * 128);
    until(|| environment.remote.inbox.cost() >= MAX_QUEUED);
    // Nothing tells that nothing happens.
    thread::sleep(Duration::from_millis(200));
    let before: u64 = total(&environment, connections);
    assert!(environment.remote.inbox.cost() <= bound);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(total(&environment, connections), before);

    let mut numbers = vec![0; connections];
    let mut highest = 0;
    for _ in 0..connections * count {
        let (id, message) = environment.message();
        if let [first, second, third, ..] = message[..] {
            let number: usize = numbers[id];
            assert_eq!(
                [first, second, third],
                [id as u8, number as u8, (number >> 8) as u8]
            );
        }
        numbers[id] += 1;
        highest = highest.max(environment.remote.inbox.cost());
    }
    assert!(highest <= bound, "{highest} > {bound}");
    assert!(numbers.iter().all(|&number| number == count));
    peers
        .into_iter()
        .for_each(|peer| peer.join().expect("all is written"));
    environment.assert_empty();
    drop(nodes);
}

fn total(environment: &Environment, connections: usize) -> u64 {
    (0..connections)
        .filter_map(|id| environment.remote.received(id))
        .sum()
}

#[test]
fn holds_the_bound_under_a_flood_of_small_messages() {
    let _alone = alone();
    flood(100, &[0; 100], 1000);
}

#[test]
fn holds_the_bound_under_a_flood_of_empty_messages() {
    let _alone = alone();
    flood(20, b"", 10_000);
}

#[test]
fn holds_the_bound_under_a_flood_of_large_messages() {
    let _alone = alone();
    flood(20, &[0; 300_000], 20);
}

#[test]
fn reads_nothing_while_paused() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = tcp_pair();
    let (other_node, mut other_peer) = tcp_pair();
    let (id, other) = (environment.insert(&node), environment.insert(&other_node));
    for round in 0..100_u8 {
        environment.remote.pause(id);
        // A turn that has begun may still end.
        other_peer.write_all(&frame(b"other")).expect("room");
        assert_eq!(environment.message(), (other, b"other".to_vec()));
        let before = environment.remote.received(id);
        peer.write_all(&frame(&[round])).expect("room");
        other_peer.write_all(&frame(b"other")).expect("room");
        assert_eq!(environment.message(), (other, b"other".to_vec()));
        assert_eq!(environment.remote.received(id), before);
        environment.remote.resume(id);
        assert_eq!(environment.message(), (id, vec![round]));
    }
}

#[test]
fn tells_when_a_slow_reader_has_everything() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = tcp_pair();
    let id = environment.insert(&node);
    let payload = noise(100_000, 5);
    let mut expected = Vec::new();
    let mut unsent = 0;
    while unsent < 2_000_000 {
        encode_frame(&mut expected, &header(None), &payload);
        unsent = environment.send(id, &payload);
        environment.remote.flush();
        thread::yield_now();
    }
    let half = (expected.len() / 2) as u64;
    let all = expected.len() as u64;
    assert_eq!(environment.remote.notify_sent(id, all), Some(true));
    environment.remote.notify_sent(id, half);
    let length = expected.len();
    let reading = thread::spawn(move || {
        let mut received = vec![0; length];
        peer.read_exact(&mut received).expect("all of it");
        assert!(received == expected);
        peer
    });
    if half > all - 2_000_000 {
        let (_, sent) = environment.next();
        assert!(
            matches!(sent, Delivery::Sent { total } if total >= half),
            "{sent:?}"
        );
    }
    if environment.remote.notify_sent(id, all) == Some(true) {
        assert_eq!(environment.next(), (id, Delivery::Sent { total: all }));
    }
    assert_eq!(environment.remote.unsent(id), Some(0));
    assert_eq!(environment.remote.sent(id), Some(all));
    assert_eq!(environment.remote.notify_sent(id, all), Some(false));
    let _peer = reading.join().expect("all of it");
    assert!(
        environment
            .poll()
            .is_none_or(|(_, found)| found == Delivery::Sent { total: all })
    );
}
