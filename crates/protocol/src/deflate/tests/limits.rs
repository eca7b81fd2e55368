//! How much a `Decompressor` makes.

use super::*;

const MIB: usize = 1 << 20;

fn limited(max_payload: u64) -> Decompressor {
    Decompressor::new(DecompressorSettings {
        max_payload,
        ..reading(&usual())
    })
}

/// A hundred million zeros.
fn bomb() -> Vec<u8> {
    let mut compressor = Compressor::new(usual());
    let mut payload = compress(&mut compressor, &vec![0; MIB], false);
    // Behind zeros, more of them are always the same.
    let more = compress(&mut compressor, &vec![0; MIB], false);
    payload.extend(more.repeat(99));
    payload.truncate(payload.len() - FLUSH_TAIL.len());
    assert!(payload.len() < 200_000);
    payload
}

#[test]
fn let_a_bomb_go_off_where_there_are_none() {
    let read = inflate(&mut decompressor(), &bomb()).unwrap();
    assert!(read.len() == 100 * MIB && read.iter().all(|&byte| byte == 0));
}

#[test]
fn allow_a_message_of_exactly_so_many_bytes() {
    let payload = compress(&mut Compressor::new(usual()), &json(1000), true);
    for limit in [1000, 1001, 4000, 0] {
        let read = inflate(&mut limited(limit), &payload);
        assert_eq!(read.unwrap(), json(1000), "{limit}");
    }
    for limit in [999, 998, 500, 100, 2, 1] {
        let mut out = Vec::new();
        let result = limited(limit).inflate(&payload, &mut 0, true, &mut out, usize::MAX);
        assert_eq!(result, Err(InflateError::TooLong), "{limit}");
        assert!(out.len() as u64 <= limit + 1 && json(1000).starts_with(&out));
    }
}

#[test]
fn count_the_bytes_of_all_frames_of_a_message() {
    let mut compressor = Compressor::new(usual());
    let mut frame = |fin| compress(&mut compressor, b"0123456789", fin);
    let frames = [frame(false), frame(false), frame(true)];
    let frames = frames.each_ref().map(Vec::as_slice);
    let read = inflate_frames(&mut limited(30), &frames);
    assert_eq!(read.unwrap(), b"0123456789".repeat(3));
    let read = inflate_frames(&mut limited(29), &frames);
    assert_eq!(read, Err(InflateError::TooLong));
    let read = inflate_frames(&mut limited(20), &frames[..2]);
    assert_eq!(read.unwrap(), b"0123456789".repeat(2));
}

#[test]
fn count_each_message_for_itself() {
    let (mut compressor, mut decompressor) = (Compressor::new(usual()), limited(500));
    for _ in 0..10 {
        let payload = compress(&mut compressor, &json(500), true);
        assert_eq!(inflate(&mut decompressor, &payload).unwrap(), json(500));
    }
}

#[test]
fn hold_against_a_bomb() {
    let bomb = bomb();
    for limit in [1, 100, 1000, MIB, MIB + 1, 3 * MIB] {
        for budget in [usize::MAX, 1 << 16] {
            let (mut out, mut at) = (Vec::new(), 0);
            let mut decompressor = limited(limit as u64);
            let error = loop {
                match decompressor.inflate(&bomb, &mut at, true, &mut out, budget) {
                    Ok(progress) => assert_eq!(progress, Progress::More),
                    Err(error) => break error,
                }
                assert!(out.len() <= limit && out.capacity() <= 2 * limit + 1024);
            };
            assert_eq!(error, InflateError::TooLong);
            assert!(out.len() <= limit + 1, "{}", out.len());
            assert!(out.capacity() <= 2 * limit + 1024, "{}", out.capacity());
        }
    }
}

#[test]
fn spend_no_memory_on_a_large_limit() {
    let payload = compress(&mut Compressor::new(usual()), &json(1000), true);
    let mut out = Vec::new();
    let result = limited(u64::MAX).inflate(&payload, &mut 0, true, &mut out, usize::MAX);
    assert_eq!(result, Ok(Progress::Done));
    assert!(out.capacity() <= 4000, "{}", out.capacity());
}

#[test]
fn let_a_new_stream_begin_when_they_are_exceeded() {
    let mut decompressor = limited(10);
    let payload = compress(&mut Compressor::new(usual()), &json(1000), true);
    assert_eq!(
        inflate(&mut decompressor, &payload),
        Err(InflateError::TooLong)
    );
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    assert_eq!(inflate(&mut decompressor, hello).unwrap(), b"Hello");
}

/// Inflates a payload in portions; gives what came of it and the number of calls.
fn portions(payload: &[u8], fin: bool, budget: usize) -> (Vec<u8>, usize) {
    let (mut decompressor, mut out) = (decompressor(), Vec::new());
    let (mut at, mut calls) = (0, 0);
    loop {
        let (before, was_at) = (out.len(), at);
        calls += 1;
        let result = decompressor.inflate(payload, &mut at, fin, &mut out, budget);
        let made = out.len() - before;
        assert!(made <= budget.max(1) && at >= was_at && at <= payload.len());
        if result.unwrap() == Progress::Done {
            return (out, calls);
        }
        assert_eq!(made, budget.max(1), "a call does what it may");
    }
}

#[test]
fn of_a_call_do_not_change_what_comes_out() {
    let mut message = json(3000);
    message.extend(noise(1000, 0));
    let payload = compress(&mut Compressor::new(usual()), &message, true);
    let open = compress(&mut Compressor::new(usual()), &message, false);
    for budget in [
        0,
        1,
        2,
        3,
        7,
        100,
        255,
        256,
        257,
        1000,
        3999,
        4000,
        4001,
        usize::MAX,
    ] {
        for (payload, fin) in [(&payload, true), (&open, false)] {
            let (out, calls) = portions(payload, fin, budget);
            assert!(out == message, "{budget}");
            assert!(calls <= message.len() / budget.max(1) + 1, "{budget}");
        }
    }
}

#[test]
fn of_a_call_hold_for_a_message_that_is_already_long() {
    let mut compressor = Compressor::new(usual());
    let first = compress(&mut compressor, &vec![b'a'; 100_000], false);
    let second = compress(&mut compressor, &vec![b'b'; 100_000], true);
    let (mut decompressor, mut out) = (decompressor(), Vec::new());
    let done = decompressor.inflate(&first, &mut 0, false, &mut out, usize::MAX);
    assert_eq!(done, Ok(Progress::Done));
    let more = decompressor.inflate(&second, &mut 0, true, &mut out, 10);
    assert_eq!((more, out.len()), (Ok(Progress::More), 100_010));
}
