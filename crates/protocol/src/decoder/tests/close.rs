//! Close frames.

use super::*;

fn close(code: u16, reason: &str) -> Event {
    let reason = Payload::Owned(reason.as_bytes().to_vec());
    Event::Close {
        code: CloseCode::new(code),
        reason,
    }
}

#[test]
fn gives_code_and_reason() {
    assert_eq!(events(CLIENT, b"\x88\x00"), [close(1005, "")]);
    assert_eq!(events(CLIENT, b"\x88\x02\x03\xe8"), [close(1000, "")]);
    assert_eq!(events(CLIENT, b"\x88\x05\x0b\xb8bye"), [close(3000, "bye")]);
    let masked = b"\x88\x85\x01\x01\x01\x01\x0a\xb9\x63\x78\x64";
    assert_eq!(events(SERVER, masked), [close(3000, "bye")]);
}

#[test]
fn ends_the_stream_and_drops_an_unfinished_message() {
    assert_eq!(
        events(CLIENT, b"\x01\x01a\x88\x00\xff\xff\x80\x01b"),
        [close(1005, "")]
    );
}

#[test]
fn refuses_a_bad_code_before_a_bad_reason() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535_u16] {
        let stream = [&b"\x88\x03"[..], &code.to_be_bytes(), b"\xff"].concat();
        let expected = ProtocolError::InvalidCloseCode(CloseCode::new(code));
        assert_eq!(error(CLIENT, &stream), (expected, 5));
    }
}

#[test]
fn refuses_a_reason_that_is_not_text_once_it_is_complete() {
    assert_eq!(
        error(CLIENT, b"\x88\x04\x03\xe8\xffa"),
        (ProtocolError::InvalidUtf8, 6)
    );
    assert_eq!(
        error(CLIENT, b"\x88\x03\x03\xe8\xc3"),
        (ProtocolError::InvalidUtf8, 5)
    );
}
