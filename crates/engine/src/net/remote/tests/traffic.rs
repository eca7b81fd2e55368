//! Messages in both directions.

use ferrows_protocol::CloseCode;

use super::*;

/// Sends messages in odd portions, and reads their echoes, which have no mask.
fn run_peer<S: Read + Write + Send + 'static>(
    mut reader: S,
    mut writer: S,
    sent: Vec<Vec<u8>>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let wire: Vec<u8> = sent.iter().flat_map(|payload| frame(payload)).collect();
        let mut expected = Vec::new();
        for payload in &sent {
            encode_frame(&mut expected, &header(None), payload);
        }
        let reading = thread::spawn(move || {
            let mut echoed = vec![0; expected.len()];
            reader.read_exact(&mut echoed).expect("the echoes");
            assert!(echoed == expected);
        });
        for part in wire.chunks(1 + wire.len() / 7) {
            writer.write_all(part).expect("room");
        }
        reading.join().expect("the same");
    })
}

fn echo(environment: &mut Environment, mut count: usize) {
    while count > 0 {
        let (id, payload) = environment.message();
        environment.send(id, &payload);
        count -= 1;
        if count.is_multiple_of(7) || !environment.remote.has_more() {
            environment.remote.flush();
        }
    }
    environment.remote.flush();
}

#[test]
fn echoes_many_messages_over_many_connections() {
    let _alone = alone();
    let mut environment = Environment::new(3);
    let mut random = Random(7);
    let (mut peers, mut nodes) = (Vec::new(), Vec::new());
    for index in 0..40 {
        let sent = (0..200)
            .map(|seed| noise(random.below(300), seed + index * 1000))
            .collect();
        if index % 2 == 0 {
            let (node, peer) = tcp_pair();
            environment.insert(&node);
            let reader = peer.try_clone().expect("a descriptor");
            peers.push(run_peer(reader, peer, sent));
            nodes.push(Box::new(node) as Box<dyn AsFd>);
        } else {
            let (node, peer) = unix_pair();
            environment.insert(&node);
            let reader = peer.try_clone().expect("a descriptor");
            peers.push(run_peer(reader, peer, sent));
            nodes.push(Box::new(node));
        }
    }
    echo(&mut environment, 40 * 200);
    peers
        .into_iter()
        .for_each(|peer| peer.join().expect("all echoes"));
    environment.assert_empty();
    drop(nodes);
    assert!(environment.wakes.load(Ordering::SeqCst) <= 40 * 201);
}

#[test]
fn passes_large_messages_on() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, peer) = tcp_pair();
    let id = environment.insert(&node);
    let sizes = [
        16 * 1024,
        16 * 1024 + 1,
        64 * 1024,
        5_000_000,
        0,
        9_000_000,
        3,
    ];
    let sent = sizes.iter().map(|&size| noise(size, 3)).collect();
    let reader = peer.try_clone().expect("a descriptor");
    let peer = run_peer(reader, peer, sent);
    echo(&mut environment, sizes.len());
    peer.join().expect("all echoes");
    let wire: usize = sizes.iter().map(|&size| frame(&vec![0; size]).len()).sum();
    assert_eq!(environment.remote.received(id), Some(wire as u64));
    let masks = 4 * sizes.len();
    until(|| environment.remote.sent(id) == Some((wire - masks) as u64));
    assert_eq!(environment.remote.unsent(id), Some(0));
}

#[test]
fn tells_of_fragments_pings_and_the_end() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = unix_pair();
    environment.insert(&node);
    let mut wire = Vec::new();
    let mut part = |opcode, fin, payload: &[u8]| {
        let header = FrameHeader {
            fin,
            opcode,
            ..header(Some([1, 2, 3, 4]))
        };
        encode_frame(&mut wire, &header, payload);
    };
    part(OpCode::BINARY, false, b"ab");
    part(OpCode::PING, true, b"ping");
    part(OpCode::CONTINUATION, true, b"cde");
    part(OpCode::TEXT, true, "hällo".as_bytes());
    part(OpCode::CLOSE, true, b"\x03\xe8bye");
    wire.extend_from_slice(b"ignored");
    peer.write_all(&wire).expect("room");
    let found: Vec<Delivery> = (0..4).map(|_| environment.next().1).collect();
    let Delivery::Event(Event::Message { frames, .. }) = &found[1] else {
        panic!("{found:?}");
    };
    assert_eq!(frames.iter().collect::<Vec<_>>(), [2, 3]);
    let text = Event::Message {
        kind: MessageKind::Text,
        payload: Payload::Owned("hällo".into()),
        frames: Default::default(),
    };
    let close = Event::Close {
        code: CloseCode::new(1000),
        reason: Payload::Owned(b"bye".to_vec()),
    };
    let ping = Event::Ping(Payload::Owned(b"ping".to_vec()));
    assert_eq!(found[0], Delivery::Event(ping));
    assert_eq!(found[2], Delivery::Event(text));
    assert_eq!(found[3], Delivery::Event(close));
}

#[test]
fn serves_two_environments_at_once() {
    let _alone = alone();
    let threads: Vec<_> = (0..2)
        .map(|seed| {
            thread::spawn(move || {
                let mut environment = Environment::new(2);
                let pairs: Vec<_> = (0..8).map(|_| tcp_pair()).collect();
                let mut peers = Vec::new();
                for (node, peer) in &pairs {
                    environment.insert(node);
                    let sent = (0..300).map(|each| noise(each, seed * 99 + 1)).collect();
                    let [reader, writer] = [peer, peer].map(|peer| peer.try_clone().expect("one"));
                    peers.push(run_peer(reader, writer, sent));
                }
                echo(&mut environment, 8 * 300);
                peers
                    .into_iter()
                    .for_each(|peer| peer.join().expect("all echoes"));
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("all echoes");
    }
}

#[test]
fn wakes_once_until_nothing_is_left() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = unix_pair();
    environment.insert(&node);
    for round in 1..50 {
        for part in 0..4 {
            peer.write_all(&frame(&[part])).expect("room");
        }
        for part in 0..4 {
            assert_eq!(environment.message().1, [part]);
        }
        assert!(!environment.remote.has_more());
        assert!(environment.wakes.load(Ordering::SeqCst) <= 4 * round);
    }
    peer.write_all(&frame(b"1")).expect("room");
    environment.woken.recv_timeout(SOON).expect("a wake");
    let wakes = environment.wakes.load(Ordering::SeqCst);
    let received = |environment: &Environment| environment.remote.received(0).expect("it is here");
    let before = received(&environment);
    for part in 0..50 {
        peer.write_all(&frame(&[part])).expect("room");
    }
    until(|| received(&environment) == before + 50 * 7);
    assert_eq!(environment.wakes.load(Ordering::SeqCst), wakes);
}
