//! Peers that go, or break the protocol.

use socket2::SockRef;

use super::*;

/// What is delivered up to the first that is no message.
fn first_ending(environment: &mut Environment) -> Delivery {
    loop {
        match environment.next().1 {
            Delivery::Event(Event::Message { .. }) => {}
            ending => return ending,
        }
    }
}

#[test]
fn tells_of_the_end_behind_everything_else() {
    let _alone = alone();
    let mut environment = Environment::new(2);
    for count in 0..200 {
        let (node, mut peer) = tcp_pair();
        let id = environment.insert(&node);
        let wire = frame(&noise(count * 10, 1)).repeat(3);
        peer.write_all(&wire).expect("room");
        drop(peer);
        for _ in 0..3 {
            assert_eq!(environment.message().1.len(), count * 10);
        }
        assert_eq!(environment.next(), (id, Delivery::Ended));
        let returned = environment.remote.remove(id).expect("it is here");
        assert!(returned.deliveries.is_empty() && returned.rest.is_empty());
    }
}

#[test]
fn tells_of_a_reset() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = tcp_pair();
    let id = environment.insert(&node);
    peer.write_all(&frame(b"before")).expect("room");
    assert_eq!(environment.message(), (id, b"before".to_vec()));
    let now = Some(Duration::ZERO);
    SockRef::from(&peer).set_linger(now).expect("an option");
    drop(peer);
    assert!(matches!(environment.next(), (_, Delivery::Lost(errno)) if errno > 0));
}

#[test]
fn keeps_what_it_cannot_send() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, peer) = unix_pair();
    let id = environment.insert(&node);
    drop(peer);
    assert_eq!(environment.next(), (id, Delivery::Ended));
    let mut expected = Vec::new();
    for part in 0..10 {
        encode_frame(&mut expected, &header(None), &[part]);
        environment.send(id, &[part]);
        environment.remote.flush();
    }
    assert!(matches!(environment.next(), (_, Delivery::SendFailed(errno)) if errno > 0));
    environment.send(id, b"more");
    encode_frame(&mut expected, &header(None), b"more");
    environment.remote.flush();
    assert_eq!(environment.remote.unsent(id), Some(expected.len()));
    let returned = environment.remote.remove(id).expect("it is here");
    assert_eq!(returned.unsent, expected);
    assert!(returned.deliveries.is_empty());
}

#[test]
fn stops_at_what_is_no_protocol() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = tcp_pair();
    let id = environment.insert(&node);
    let mut wire = frame(b"good").repeat(2);
    wire.extend_from_slice(b"\xff\xffbad");
    peer.write_all(&wire).expect("room");
    let ending = first_ending(&mut environment);
    assert!(matches!(ending, Delivery::Failed(_)), "{ending:?}");
    let before = environment.remote.received(id);
    peer.write_all(&frame(b"more")).expect("room");
    drop(peer);
    assert!(environment.poll().is_none());
    assert_eq!(environment.remote.received(id), before);
}
