//! When bytes are written that nobody has flushed, or that are wanted at once.

use super::*;

#[test]
fn writes_what_nobody_flushes_within_milliseconds() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = tcp_pair();
    let id = environment.insert(&node);
    for round in 0..20_u8 {
        // The second one is appended while the first is on its way, or was written.
        for text in [[round, 0], [round, 1]] {
            let start = Instant::now();
            environment.send(id, &text);
            let mut received = [0; 4];
            peer.read_exact(&mut received).expect("it is written");
            assert_eq!(received, [0x82, 2, text[0], text[1]]);
            assert!(start.elapsed() < SOON / 10);
        }
    }
}

#[test]
fn writes_at_once_what_the_kernel_takes() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = unix_pair();
    let id = environment.insert(&node);
    let payload = noise(3_000_000, 3);
    let mut expected = Vec::new();
    encode_frame(&mut expected, &header(None), b"small");
    encode_frame(&mut expected, &header(None), &payload);

    environment.send(id, b"small");
    assert_eq!(environment.remote.write_now(id), Some(0));
    assert_eq!(environment.remote.sent(id), Some(7));
    environment.send(id, &payload);
    let unsent = environment.remote.write_now(id).expect("it is here");
    let all = expected.len() as u64;
    assert_eq!(environment.remote.appended(id), Some(all));
    assert!(unsent > 0 && unsent < payload.len());
    assert_eq!(environment.remote.notify_sent(id, all), Some(true));
    environment.remote.flush();

    let mut received = vec![0; expected.len()];
    peer.read_exact(&mut received).expect("all of it");
    assert!(received == expected);
    assert_eq!(environment.next(), (id, Delivery::Sent { total: all }));
    let returned = environment.remote.remove(id).expect("it is here");
    assert_eq!((returned.received, returned.sent), (0, all));
    assert_eq!(environment.remote.write_now(id), None);
}

#[test]
fn tells_at_once_of_bytes_that_were_waited_for() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, _peer) = unix_pair();
    let id = environment.insert(&node);
    environment.send(id, b"small");
    if environment.remote.notify_sent(id, 7) == Some(true) {
        environment.remote.write_now(id);
        assert_eq!(environment.next(), (id, Delivery::Sent { total: 7 }));
    }
    assert_eq!(environment.remote.notify_sent(id, 7), Some(false));
}
