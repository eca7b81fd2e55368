//! Payloads: whole, masked, fragmented.

use super::*;

#[test]
fn unmasks_the_hello_of_rfc_6455() {
    let stream = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(events(SERVER, stream), [text("Hello")]);
}

#[test]
fn takes_frames_of_a_server_unmasked() {
    assert_eq!(
        events(CLIENT, b"\x81\x05Hello\x82\x01\xff"),
        [text("Hello"), binary(b"\xff")]
    );
}

#[test]
fn takes_empty_messages() {
    assert_eq!(events(CLIENT, b"\x81\x00\x82\x00"), [text(""), binary(b"")]);
    assert_eq!(events(SERVER, b"\x81\x80abcd"), [text("")]);
}

#[test]
fn takes_lengths_in_any_form() {
    assert_eq!(events(CLIENT, b"\x82\x7e\x00\x01A"), [binary(b"A")]);
    assert_eq!(
        events(CLIENT, b"\x82\x7f\0\0\0\0\0\0\0\x01A"),
        [binary(b"A")]
    );
    let long = [b'x'; 70_000];
    let stream = [&b"\x82\x7f\0\0\0\0\0\x01\x11\x70"[..], &long].concat();
    assert_eq!(events(CLIENT, &stream), [binary(&long)]);
    let stream = [&b"\x82\x7e\x01\x00"[..], &long[..256]].concat();
    assert_eq!(events(CLIENT, &stream), [binary(&long[..256])]);
}

#[test]
fn joins_fragments_and_gives_pings_between_them_at_once() {
    let stream = b"\x01\x02He\x89\x01!\x00\x00\x8a\x00\x80\x03llo\x81\x01.";
    let pong = Event::Pong(Payload::Owned(Vec::new()));
    assert_eq!(
        events(CLIENT, stream),
        [ping(b"!"), pong, text("Hello"), text(".")]
    );
}

#[test]
fn unmasks_each_fragment_with_its_own_key() {
    let stream = b"\x02\x83\x01\x02\x03\x04\x00\x00\x00\x80\x83\x10\x20\x30\x40\x00\x00\x00";
    let expected = message(MessageKind::Binary, b"\x01\x02\x03\x10\x20\x30", &[3, 3]);
    assert_eq!(events(SERVER, stream), [expected]);
}

#[test]
fn names_the_lengths_of_a_binary_messages_non_empty_frames() {
    let stream = b"\x02\x00\x00\x01a\x00\x00\x00\x02bc\x80\x00\x02\x00\x80\x01a";
    let first = message(MessageKind::Binary, b"abc", &[1, 2]);
    assert_eq!(
        events(CLIENT, stream),
        [first, message(MessageKind::Binary, b"a", &[1])]
    );
}
