//! Events come in the order of their frames, however they come about.

use super::*;

/// Messages and control frames of all kinds, and what is to be found in them.
fn conversation() -> (Vec<u8>, Vec<Found>) {
    let large = noise(30_000);
    let zeros = vec![0; 2 * ALLOWANCE];
    let peer = Peer::new()
        .binary(b"first")
        .ping(b"1")
        .binary(&large)
        .ping(b"2")
        .plain(OpCode::TEXT, b"plain")
        .compressed(OpCode::BINARY, b"small", false)
        .ping(b"3")
        .compressed(OpCode::BINARY, &large, false)
        .compressed(OpCode::BINARY, b"", false)
        .ping(b"4")
        .compressed(OpCode::BINARY, &zeros, true)
        .compressed(OpCode::TEXT, b"t", false)
        .compressed(OpCode::TEXT, "€".as_bytes(), true)
        .binary(&large)
        .binary(&zeros)
        .ping(b"5")
        .plain(OpCode::CLOSE, &CloseCode::NORMAL.value().to_be_bytes())
        .ping(b"after the end");
    let fragmented = [b"small", &large[..], &zeros].concat();
    let frames = [5, large.len() as u64, zeros.len() as u64];
    let expected = vec![
        binary(b"first"),
        ping(b"1"),
        binary(&large),
        ping(b"2"),
        Found::Text("plain".to_owned()),
        ping(b"3"),
        ping(b"4"),
        Found::Binary(fragmented, frames.to_vec()),
        Found::Text("t€".to_owned()),
        binary(&large),
        binary(&zeros),
        ping(b"5"),
        Found::Close(1000),
    ];
    (peer.wire, expected)
}

#[test]
fn whatever_is_suspended_at_any_chunking() {
    let (wire, expected) = conversation();
    for length in [1, 2, 3, 7, 100, 4096, 50_000, wire.len()] {
        for with_decompressor in [true, false] {
            let mut receiver = Receiver::new(CONFIG);
            let mut all = Vec::new();
            for chunk in wire.chunks(length) {
                all.extend(receiver.all(chunk, with_decompressor));
            }
            all.retain(|found| !matches!(found, Found::Suspended | Found::Nothing));
            assert!(all == expected, "{length} {with_decompressor}");
        }
    }
}

#[test]
fn if_the_decompressor_comes_and_goes() {
    let (wire, expected) = conversation();
    for pattern in 1..32_u32 {
        let mut receiver = Receiver::new(CONFIG);
        let (mut all, mut turn) = (Vec::new(), 0);
        for chunk in wire.chunks(10_000) {
            receiver.chunk(chunk);
            loop {
                turn += 1;
                assert!(turn < 1000, "there is an end");
                match receiver.poll(pattern >> (turn % 5) & 1 == 1) {
                    // Sometimes it is only asked again.
                    Found::Suspended if turn % 3 == 0 => {}
                    Found::Suspended => receiver.work(),
                    Found::Nothing => break,
                    found => all.push(found),
                }
            }
        }
        assert!(all == expected, "{pattern:b}");
    }
}

#[test]
fn ends_with_a_close_frame() {
    let close = CloseCode::GOING_AWAY.value().to_be_bytes();
    let wire = Peer::new()
        .binary(&noise(10_000))
        .plain(OpCode::CLOSE, &close)
        .binary(b"too late")
        .ping(b"too late")
        .wire;
    let mut receiver = Receiver::new(CONFIG);
    let all = receiver.all(&wire, true);
    let expected = [
        Found::Suspended,
        binary(&noise(10_000)),
        Found::Close(1001),
        Found::Nothing,
    ];
    assert_eq!(all, expected);
    let more = Peer::new().binary(b"more").wire;
    assert_eq!(receiver.all(&more, true), [Found::Nothing]);
}

#[test]
fn leaves_nothing_of_a_message_that_a_close_frame_cuts_off() {
    let wire = Peer::new()
        .compressed(OpCode::BINARY, &[0; 100_000], false)
        .plain(OpCode::CLOSE, b"")
        .wire;
    let mut receiver = Receiver::new(CONFIG);
    let expected = [Found::Close(1005), Found::Nothing];
    assert_eq!(receiver.all(&wire, true), expected);
    assert!(receiver.inbound.message.is_none(), "it takes memory");
}
