//! What a decoder holds, and what it does not copy.

use super::*;

fn poll(decoder: &mut Decoder, chunk: &[u8]) -> Option<Event> {
    decoder.poll_event(&mut chunk.to_vec(), &mut 0).unwrap()
}

#[test]
fn names_a_payload_in_the_chunk_and_unmasks_nothing_else() {
    let mut chunk = *b"\x82\x83\x01\x02\x03\x04abc\x89\x81\x01\x02\x03\x04d";
    let (mut decoder, mut at) = (Decoder::new(SERVER), 0);
    let Ok(Some(Event::Message { payload, .. })) = decoder.poll_event(&mut chunk, &mut at) else {
        panic!("no message");
    };
    assert_eq!((payload, at), (Payload::InChunk(6..9), 9));
    assert_eq!(
        chunk,
        *b"\x82\x83\x01\x02\x03\x04\x60\x60\x60\x89\x81\x01\x02\x03\x04d"
    );
    let ping = decoder.poll_event(&mut chunk, &mut at).unwrap();
    assert_eq!(ping, Some(Event::Ping(Payload::InChunk(15..16))));
    assert_eq!(chunk[15], b'd' ^ 0x01);
    assert_eq!((decoder.memory(), decoder.is_idle()), (0, true));
}

#[test]
fn is_little_between_messages() {
    assert!(size_of::<Decoder>() <= 120, "{}", size_of::<Decoder>());
    let mut decoder = Decoder::new(CLIENT);
    assert!(decoder.is_idle());
    assert_eq!(poll(&mut decoder, b"\x02\x03ab"), None);
    assert!(!decoder.is_idle() && decoder.memory() > 0);
    assert_eq!(decoder.buffered_bytes(), 2);
    assert_eq!(poll(&mut decoder, b"c"), None);
    assert!(!decoder.is_idle());
    assert!(poll(&mut decoder, b"\x80\x00").is_some());
    assert_eq!((decoder.memory(), decoder.is_idle()), (0, true));
    assert_eq!(poll(&mut decoder, b"\x82"), None);
    assert_eq!((decoder.memory(), decoder.is_idle()), (0, false));
}

#[test]
fn is_not_spent_on_an_announced_length() {
    let mut decoder = Decoder::new(CLIENT);
    assert_eq!(
        poll(&mut decoder, b"\x82\x7f\0\x1f\xff\xff\xff\xff\xff\xff"),
        None
    );
    assert_eq!(decoder.memory(), 0);
    assert_eq!(poll(&mut decoder, b"a"), None);
    assert!(decoder.memory() < 5000);
}

#[test]
fn fits_a_large_frame_exactly() {
    let mut decoder = Decoder::new(CLIENT);
    let stream = [&b"\x82\x7f\0\0\0\0\0\x10\0\0"[..], &[b'x'; 1 << 20]].concat();
    let mut last = None;
    for chunk in stream.chunks(1 << 16) {
        last = poll(&mut decoder, chunk);
    }
    let Some(Event::Message {
        payload: Payload::Owned(bytes),
        ..
    }) = last
    else {
        panic!("no message");
    };
    assert_eq!((bytes.len(), bytes.capacity()), (1 << 20, 1 << 20));
}

#[test]
fn stays_flat_under_a_million_empty_fragments() {
    let mut decoder = Decoder::new(CLIENT);
    poll(&mut decoder, b"\x02\x00");
    let before = decoder.memory();
    let mut fragments = b"\x00\x00".repeat(1_000_000);
    assert_eq!(decoder.poll_event(&mut fragments, &mut 0), Ok(None));
    assert_eq!(decoder.memory(), before);
}

#[test]
fn of_a_frame_over_the_fragment_limit_is_not_spent() {
    let mut decoder = Decoder::new(with_limits(CLIENT, |limits| limits.max_fragments = 1));
    poll(&mut decoder, b"\x02\x01a\x80\x7e\xff\xff");
    let before = decoder.memory();
    poll(&mut decoder, &[0; 60_000]);
    assert_eq!(decoder.memory(), before);
}
