//! UTF-8 in text messages and close reasons.

use super::*;

const INVALID: ProtocolError = ProtocolError::InvalidUtf8;

#[test]
fn is_refused_at_the_first_byte_that_cannot_be_continued() {
    assert_eq!(error(CLIENT, b"\x81\x05ab\xff"), (INVALID, 5));
    assert_eq!(error(CLIENT, b"\x81\x05a\xf4\x90cd"), (INVALID, 5));
    assert_eq!(error(CLIENT, b"\x01\x02a\xe2\x00\x01a"), (INVALID, 7));
    let masked = b"\x81\x85\x01\x02\x03\x04\x60\xfd";
    assert_eq!(error(SERVER, masked), (INVALID, masked.len()));
    let long = [&b"\x01\x7e\x01\x00"[..], &[b'x'; 256], b"\x00\x05\xc3\x28"].concat();
    assert_eq!(error(CLIENT, &long), (INVALID, long.len()));
}

#[test]
fn is_refused_when_it_ends_inside_a_character() {
    assert_eq!(error(CLIENT, b"\x81\x01\xc3"), (INVALID, 3));
    assert_eq!(error(CLIENT, b"\x01\x02\xf0\x9f\x80\x01\x98"), (INVALID, 7));
    assert_eq!(error(CLIENT, b"\x01\x01\xc3\x80\x00"), (INVALID, 5));
}

#[test]
fn may_have_characters_split_over_fragments() {
    let stream = b"\x01\x03a\xf0\x9f\x00\x01\x98\x00\x00\x80\x03\x80\xc3\xa9";
    assert_eq!(events(CLIENT, stream), [text("a😀é")]);
}

#[test]
fn may_be_anything_when_validation_is_off() {
    let config = DecoderConfig {
        validate_utf8: false,
        ..CLIENT
    };
    let expected = [
        message(MessageKind::Text, b"\xff", &[]),
        message(MessageKind::Text, b"\xff\xc3", &[]),
        Event::Close {
            code: CloseCode::NORMAL,
            reason: Payload::Owned(b"\xff".to_vec()),
        },
    ];
    let stream = b"\x81\x01\xff\x01\x01\xff\x80\x01\xc3\x88\x03\x03\xe8\xff";
    assert_eq!(events(config, stream), expected);
}
