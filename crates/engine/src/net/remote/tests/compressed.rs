//! Messages that are inflated on the I/O threads.

use ferrows_protocol::ProtocolError;
use ferrows_protocol::deflate::{Compressor, CompressorSettings, DecompressorSettings, Strategy};

use super::*;

fn compressor() -> Compressor {
    Compressor::new(CompressorSettings {
        level: 6,
        mem_level: 8,
        strategy: Strategy::Default,
        window_bits: 15,
        context_takeover: true,
        dictionary: (*b"").into(),
    })
}

fn decompressor(max_payload: u64) -> Box<Decompressor> {
    Box::new(Decompressor::new(DecompressorSettings {
        window_bits: 15,
        context_takeover: true,
        max_payload,
        dictionary: (*b"").into(),
    }))
}

/// A message as a peer sends it.
fn compressed(compressor: &mut Compressor, data: &[u8]) -> Vec<u8> {
    let (mut payload, mut wire) = (Vec::new(), Vec::new());
    compressor.compress(data, true, &mut payload, || true);
    let header = FrameHeader {
        rsv1: true,
        ..header(Some([9, 8, 7, 6]))
    };
    encode_frame(&mut wire, &header, &payload);
    wire
}

/// Messages of all sizes, some of which become much longer when they are inflated.
fn samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for round in 0..30 {
        samples.push(format!("{{\"round\":{round},\"of\":30}}").into_bytes());
        samples.push(noise(round * 700, 3));
        samples.push(vec![b'x'; round * 20_000]);
    }
    samples.push(vec![0; 8_000_000]);
    samples.push(noise(300_000, 9));
    samples.push(b"the last".to_vec());
    samples
}

#[test]
fn inflates_in_order_on_many_connections() {
    let _alone = alone();
    let mut environment = Environment::new(2);
    let samples = samples();
    let mut compressor = compressor();
    let wire: Vec<u8> = samples
        .iter()
        .flat_map(|data| compressed(&mut compressor, data))
        .collect();
    let pairs: Vec<_> = (0..4).map(|_| tcp_pair()).collect();
    let mut peers = Vec::new();
    for (node, peer) in &pairs {
        let decompressor = Some(decompressor(0));
        let inbound = Inbound::new(CONFIG);
        environment.insert_codec(
            node,
            Codec {
                inbound,
                decompressor,
            },
        );
        let (mut peer, wire) = (peer.try_clone().expect("a descriptor"), wire.clone());
        peers.push(thread::spawn(move || peer.write_all(&wire).expect("room")));
    }
    let mut next = [0; 4];
    for _ in 0..4 * samples.len() {
        let (id, message) = environment.message();
        assert!(message == samples[next[id]]);
        next[id] += 1;
    }
    peers
        .into_iter()
        .for_each(|peer| peer.join().expect("all is written"));
}

#[test]
fn asks_for_something_to_inflate_with() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = tcp_pair();
    let id = environment.insert(&node);
    let mut compressor = compressor();
    let mut wire = frame(b"plain");
    wire.extend(compressed(&mut compressor, b"compressed"));
    wire.extend(frame(b"plain again"));
    peer.write_all(&wire).expect("room");
    assert_eq!(environment.message(), (id, b"plain".to_vec()));
    assert_eq!(environment.next(), (id, Delivery::NeedsInflater));
    environment.remote.set_decompressor(id, decompressor(0));
    assert_eq!(environment.message(), (id, b"compressed".to_vec()));
    assert_eq!(environment.message(), (id, b"plain again".to_vec()));
}

#[test]
fn gives_back_a_message_in_the_midst_of_it() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    for last in [false, true] {
        let (node, mut peer) = tcp_pair();
        let id = environment.insert(&node);
        let mut wire = compressed(&mut compressor(), &vec![7; 100_000]);
        if !last {
            wire.extend(frame(b"behind"));
        }
        peer.write_all(&wire).expect("room");
        assert_eq!(environment.next(), (id, Delivery::NeedsInflater));
        let Returned {
            mut codec,
            mut rest,
            ..
        } = environment.remote.remove(id).expect("it is here");
        assert!(!rest.is_empty());
        let (mut at, mut found) = (1, Vec::new());
        let mut decompressor = decompressor(0);
        while found.len() < 2 - usize::from(last) {
            let inbound = &mut codec.inbound;
            match inbound.poll(&mut rest, &mut at, Some(&mut decompressor)) {
                Ok(Polled::Event(event)) => found.push(Delivery::Event(owned(event, &rest))),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(messages(found)[0], vec![7; 100_000]);
    }
}

#[test]
fn stops_inflating_at_the_limit() {
    let _alone = alone();
    let mut environment = Environment::new(1);
    let (node, mut peer) = tcp_pair();
    let limit = 1_000_000;
    let mut config = CONFIG;
    config.limits.max_payload = limit;
    let id = environment.insert_codec(
        &node,
        Codec {
            inbound: Inbound::new(config),
            decompressor: Some(decompressor(limit)),
        },
    );
    let mut wire = compressed(&mut compressor(), &vec![0; 5_000_000]);
    wire.extend(frame(b"never seen"));
    peer.write_all(&wire).expect("room");
    let failure = Delivery::Failed(ProtocolError::MessageTooLong);
    assert_eq!(environment.next(), (id, failure));
}
