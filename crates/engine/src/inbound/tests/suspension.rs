//! When work is put off, and who does it.

use super::*;

#[test]
fn does_not_come_up_with_small_payloads() {
    let wire = Peer::new()
        .binary(b"one")
        .compressed(OpCode::TEXT, "zwei €".as_bytes(), true)
        .plain(OpCode::BINARY, b"plain")
        .binary(b"")
        .wire;
    let expected = [
        binary(b"one"),
        Found::Text("zwei €".to_owned()),
        binary(b"plain"),
        binary(b""),
        Found::Nothing,
    ];
    assert_eq!(Receiver::new(CONFIG).all(&wire, true), expected);
}

#[test]
fn is_for_all_compressed_messages_if_there_is_no_decompressor() {
    let wire = Peer::new()
        .plain(OpCode::BINARY, b"plain")
        .binary(b"one")
        .binary(b"two")
        .wire;
    let expected = [
        binary(b"plain"),
        Found::Suspended,
        binary(b"one"),
        Found::Suspended,
        binary(b"two"),
        Found::Nothing,
    ];
    assert_eq!(Receiver::new(CONFIG).all(&wire, false), expected);
}

#[test]
fn ends_when_there_is_a_decompressor_after_all() {
    let wire = Peer::new().binary(b"one").binary(b"two").wire;
    let mut receiver = Receiver::new(CONFIG);
    receiver.chunk(&wire);
    assert_eq!(receiver.poll(false), Found::Suspended);
    assert_eq!(receiver.poll(false), Found::Suspended);
    assert_eq!(receiver.poll(true), binary(b"one"));
    assert_eq!(receiver.poll(true), binary(b"two"));
    assert!(receiver.inbound.take_work().is_none());
}

#[test]
fn is_for_payloads_that_are_long_themselves() {
    for (length, suspended) in [(INLINE_PAYLOAD, false), (INLINE_PAYLOAD + 1, true)] {
        // A stored block takes six bytes beside the data.
        let (data, mut receiver) = (noise(length - 6), Receiver::new(CONFIG));
        let count = data.len() as u16;
        let header = [&[0x00], &count.to_le_bytes()[..], &(!count).to_le_bytes()].concat();
        let payload = [&header[..], &data, &[0x00]].concat();
        assert_eq!(payload.len(), length);
        receiver.chunk(&Peer::new().raw(OpCode::BINARY, &payload, true).wire);
        if suspended {
            assert_eq!(receiver.poll(true), Found::Suspended);
            receiver.work();
        }
        assert_eq!(receiver.poll(true), binary(&data));
    }
}

#[test]
fn is_for_the_last_of_a_chunk_where_others_may_do_it() {
    let short = noise(SMALL_PAYLOAD - 100);
    let middle = noise(INLINE_PAYLOAD - 100);
    let last: Vec<u8> = middle.iter().rev().copied().collect();
    let all = Peer::new().binary(&middle).binary(&short).binary(&last);
    let mut receiver = Receiver::new(CONFIG);
    receiver.inbound.set_helpers(true);
    receiver.chunk(&all.wire);
    assert_eq!(receiver.poll(true), binary(&middle), "others follow");
    assert_eq!(receiver.poll(true), binary(&short));
    assert_eq!(receiver.poll(true), Found::Suspended);
    let bytes = receiver.inbound.work_bytes();
    assert!((last.len()..=INLINE_PAYLOAD).contains(&bytes));
    assert!(receiver.inbound.may_work_here());
    // Whoever has nobody else do it polls again.
    assert_eq!(receiver.poll(true), binary(&last));
    assert_eq!(receiver.poll(true), Found::Nothing);
}

#[test]
fn says_whether_polling_again_would_help() {
    let zeros = vec![0; 2 * ALLOWANCE];
    let peer = Peer::new().binary(&zeros);
    assert!(peer.wire.len() < SMALL_PAYLOAD);
    let mut receiver = Receiver::new(CONFIG);
    receiver.chunk(&peer.wire);
    for _ in 0..3 {
        assert_eq!(receiver.poll(true), Found::Suspended);
        assert!(!receiver.inbound.may_work_here());
    }
    receiver.work();
    assert!(receiver.poll(true) == binary(&zeros));
}

#[test]
fn is_for_what_becomes_longer_than_the_allowance_of_a_chunk() {
    let large = vec![b'x'; 3 * ALLOWANCE];
    let mut peer = Peer::new().binary(&large);
    let wire = std::mem::take(&mut peer.wire);
    assert!(wire.len() < INLINE_PAYLOAD);
    let mut receiver = Receiver::new(CONFIG);
    receiver.chunk(&wire);
    assert_eq!(receiver.poll(true), Found::Suspended);
    let work = receiver.inbound.work.as_ref().expect("it was suspended");
    assert_eq!(work.message.len(), ALLOWANCE, "so much was done at once");
    receiver.work();
    assert_eq!(receiver.poll(true), binary(&large));
    assert_eq!(receiver.poll(true), Found::Nothing);

    // Each chunk has an allowance of its own.
    let half = vec![b'y'; ALLOWANCE / 2];
    for _ in 0..4 {
        peer = peer.binary(&half);
        let wire = std::mem::take(&mut peer.wire);
        let expected = [binary(&half), Found::Nothing];
        assert!(receiver.all(&wire, true) == expected);
    }
}

#[test]
fn is_for_many_small_payloads_of_one_chunk_too() {
    let data = vec![b'x'; ALLOWANCE / 4 + 1];
    let peer = (0..6).fold(Peer::new(), |peer, _| peer.binary(&data));
    let all = Receiver::new(CONFIG).all(&peer.wire, true);
    let suspended = all.iter().position(|found| *found == Found::Suspended);
    assert_eq!(suspended, Some(3));
    let messages = all.iter().filter(|&found| *found == binary(&data));
    assert_eq!(messages.count(), 6);
}

#[test]
fn holds_everything_up_while_the_work_is_away() {
    let wire = Peer::new().binary(&noise(20_000)).ping(b"behind").wire;
    let mut receiver = Receiver::new(CONFIG);
    receiver.chunk(&wire);
    assert_eq!(receiver.inbound.work_bytes(), 0);
    assert_eq!(receiver.poll(true), Found::Suspended);
    let at = receiver.at;
    assert!((20_000..21_000).contains(&receiver.inbound.work_bytes()));
    assert!(!receiver.inbound.may_work_here());
    let mut work = receiver.inbound.take_work().unwrap();
    assert!(receiver.inbound.take_work().is_none(), "it is there once");
    for _ in 0..3 {
        assert_eq!(receiver.poll(true), Found::Suspended);
        assert_eq!(receiver.at, at);
    }
    work.run(&mut receiver.decompressor, || true);
    assert_eq!(receiver.poll(true), Found::Suspended);
    receiver.inbound.handle_work(work);
    assert_eq!(receiver.poll(true), binary(&noise(20_000)));
    assert_eq!(receiver.poll(true), ping(b"behind"));
    assert_eq!(receiver.poll(true), Found::Nothing);
}

#[test]
fn leaves_work_that_owns_what_it_needs() {
    fn owned<T: Send + 'static>(value: T) -> T {
        value
    }
    let data = noise(20_000);
    let wire = Peer::new().binary(&data).wire;
    // In one chunk, and spread over three.
    for pieces in [1, 3] {
        let mut receiver = Receiver::new(CONFIG);
        for piece in wire.chunks(wire.len().div_ceil(pieces)) {
            receiver.chunk(piece);
            receiver.poll(true);
        }
        receiver.chunk.fill(0);
        let mut work = owned(receiver.inbound.take_work().unwrap());
        work.run(&mut receiver.decompressor, || true);
        receiver.inbound.handle_work(work);
        assert_eq!(receiver.poll(true), binary(&data));
    }
}

#[test]
fn lets_work_be_stopped() {
    let mut receiver = Receiver::new(CONFIG);
    receiver.chunk(&Peer::new().binary(&vec![0; 10 * SLICE]).wire);
    assert_eq!(receiver.poll(false), Found::Suspended);
    let mut work = receiver.inbound.take_work().unwrap();
    let asked = Cell::new(0);
    work.run(&mut receiver.decompressor, || {
        asked.replace(asked.get() + 1) < 3
    });
    assert_eq!((asked.get(), work.message.len()), (4, 3 * SLICE));
}

#[test]
fn goes_on_where_work_was_stopped() {
    let data = vec![7; 3 * SLICE];
    let mut receiver = Receiver::new(CONFIG);
    receiver.chunk(&Peer::new().binary(&data).wire);
    assert_eq!(receiver.poll(false), Found::Suspended);
    let mut work = receiver.inbound.take_work().unwrap();
    let asked = Cell::new(false);
    work.run(&mut receiver.decompressor, || !asked.replace(true));
    receiver.inbound.handle_work(work);
    assert_eq!(receiver.poll(true), Found::Suspended);
    receiver.work();
    assert!(receiver.poll(false) == binary(&data));
}
