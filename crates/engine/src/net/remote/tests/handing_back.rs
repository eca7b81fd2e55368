//! Connections that are taken back in the midst of something.

use super::*;

/// Everything that comes until the peer has ended its side.
fn read_all(mut node: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    node.set_nonblocking(false).expect("an option");
    node.read_to_end(&mut rest).expect("an end");
    rest
}

#[test]
fn loses_and_doubles_nothing_at_any_moment() {
    let _alone = alone();
    let mut environment = Environment::new(2);
    let mut random = Random(11);
    for round in 0..100 {
        let (node, peer) = tcp_pair();
        let id = environment.insert(&node);
        let sizes = [10, 400, 20_000, 100_000];
        let size = sizes[random.below(4)];
        let sent: Vec<_> = (0..40)
            .map(|seed| noise(random.below(size), seed + round))
            .collect();
        let wire: Vec<u8> = sent.iter().flat_map(|payload| frame(payload)).collect();
        let mut writer = peer.try_clone().expect("a descriptor");
        let writing = thread::spawn(move || {
            writer.write_all(&wire).expect("room");
            writer.shutdown(Shutdown::Write).expect("an end");
        });
        let mut reader = peer;
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).expect("an end");
            all
        });

        let mut out = Vec::new();
        let mut found = Vec::new();
        for _ in 0..random.below(45) {
            let (_, delivery) = environment.next();
            let is_over = delivery == Delivery::Ended;
            found.push(delivery);
            if is_over {
                break;
            }
            let payload = noise(random.below(size), round);
            encode_frame(&mut out, &header(None), &payload);
            environment.send(id, &payload);
            if random.below(2) == 0 {
                environment.remote.flush();
            }
        }
        let returned = environment.remote.remove(id).expect("it is here");
        found.extend(returned.deliveries);
        let has_ended = found.contains(&Delivery::Ended);
        let mut all = messages(found);
        let mut codec = returned.codec;
        if !returned.rest.is_empty() {
            all.extend(decode(&mut codec, returned.rest, 1));
        }
        (&node).write_all(&returned.unsent).expect("the peer reads");
        node.shutdown(Shutdown::Write).expect("an end");
        let rest = read_all(node);
        assert!(!has_ended || rest.is_empty());
        if !rest.is_empty() {
            all.extend(decode(&mut codec, rest, 0));
        }
        assert!(all == sent);
        assert!(reading.join().expect("all of it") == out);
        writing.join().expect("all of it");
        assert!(environment.poll().is_none());
    }
}

#[test]
fn gives_back_what_waits_behind_a_full_inbox() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = tcp_pair();
    let (other_node, mut other_peer) = tcp_pair();
    let id = environment.insert(&node);
    let count = 100_000;
    let writing = thread::spawn(move || {
        let wire = frame(b"").repeat(count);
        peer.write_all(&wire).expect("room");
    });
    until(|| environment.remote.inbox.cost() >= MAX_QUEUED);
    let other = environment.insert(&other_node);
    other_peer.write_all(&frame(b"later")).expect("room");
    let returned = environment.remote.remove(id).expect("it is here");
    // The queue has room again, and those that waited are told.
    assert_eq!(environment.message(), (other, b"later".to_vec()));
    let mut codec = returned.codec;
    let mut all = messages(returned.deliveries).len();
    assert!(returned.rest.len() > 1);
    all += decode(&mut codec, returned.rest, 1).len();
    all += decode(&mut codec, read_all(node), 0).len();
    assert_eq!(all, count);
    writing.join().expect("all of it");
}

#[test]
fn touches_no_byte_after_removal() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    for _ in 0..200 {
        let (mut node, mut peer) = unix_pair();
        let id = environment.insert(&node);
        environment.send(id, b"not flushed");
        let returned = environment.remote.remove(id).expect("it is here");
        assert!(environment.remote.remove(id).is_none());
        assert_eq!(environment.remote.send(id, &header(None), b""), None);
        environment.remote.flush();
        peer.write_all(&frame(b"for Node")).expect("room");
        assert_eq!(decode(&mut codec(), frame(b"for Node"), 0), [b"for Node"]);
        node.set_nonblocking(false).expect("an option");
        let mut read = vec![0; frame(b"for Node").len()];
        node.read_exact(&mut read).expect("what the peer sent");
        node.write_all(&returned.unsent).expect("room");
        let mut expected = Vec::new();
        encode_frame(&mut expected, &header(None), b"not flushed");
        let mut received = vec![0; expected.len()];
        peer.read_exact(&mut received).expect("what was appended");
        assert_eq!(received, expected);
    }
    assert!(environment.poll().is_none());
}

#[test]
fn uses_no_number_again_before_the_next_fetch() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (first_node, mut peer) = unix_pair();
    let (second_node, _second_peer) = unix_pair();
    let first = environment.insert(&first_node);
    peer.write_all(&frame(b"1").repeat(3)).expect("room");
    assert_eq!(environment.message(), (first, b"1".to_vec()));
    let returned = environment.remote.remove(first).expect("it is here");
    let second = environment.insert(&second_node);
    assert_ne!(first, second);
    assert!(environment.poll().is_none());
    let mut codec = returned.codec;
    let mut rest = messages(returned.deliveries);
    if !returned.rest.is_empty() {
        rest.extend(decode(&mut codec, returned.rest, 1));
    }
    assert!(rest.len() <= 2);
    assert_eq!(environment.insert(&first_node), first);
}
