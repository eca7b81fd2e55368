//! The checks of a header, and the byte after which each is made.

use super::*;
use ProtocolError::*;

fn invalid(opcode: u8) -> ProtocolError {
    InvalidOpCode(OpCode::new(opcode))
}

#[test]
fn are_checked_in_order_as_soon_as_their_bytes_are_there() {
    let cases: [(&[u8], ProtocolError, usize); 24] = [
        (b"\xf3\x00", UnexpectedRsv23, 2),
        (b"\xa2\x80", UnexpectedRsv23, 2),
        (b"\xc0\x80", UnexpectedRsv1, 2),
        (b"\xc3\x00", UnexpectedRsv1, 2),
        (b"\x49\x80", UnexpectedRsv1, 2),
        (b"\xcb\x80", UnexpectedRsv1, 2),
        (b"\x80\x80", invalid(0), 2),
        (b"\x00\x05", invalid(0), 2),
        (b"\x01\x80\0\0\0\0\x81\x80", invalid(1), 8),
        (b"\x02\x80\0\0\0\0\x02\x80", invalid(2), 8),
        (b"\x03\x80", invalid(3), 2),
        (b"\x87\x00", invalid(7), 2),
        (b"\x0b\xff", invalid(11), 2),
        (b"\x8f\x80", invalid(15), 2),
        (b"\x09\xfe", ExpectedFin, 2),
        (b"\x08\x01", ExpectedFin, 2),
        (b"\x89\xfe\0\0", InvalidControlPayloadLength(126), 2),
        (b"\x8a\x7f\0\0", InvalidControlPayloadLength(127), 2),
        (b"\x88\x81\0\0\0\0\0", InvalidControlPayloadLength(1), 2),
        (b"\x88\x01\0", InvalidControlPayloadLength(1), 2),
        (b"\x89\x00", ExpectedMask, 2),
        (b"\x81\x7f\0", ExpectedMask, 2),
        (
            b"\x82\xff\0\x20\0\0\0\0\0\0",
            UnsupportedPayloadLength(1 << 53),
            10,
        ),
        (
            b"\x82\xff\x80\0\0\0\0\0\0\0",
            UnsupportedPayloadLength(1 << 63),
            10,
        ),
    ];
    for (stream, expected, needed) in cases {
        assert_eq!(error(SERVER, stream), (expected, needed), "{stream:x?}");
    }
    assert_eq!(error(CLIENT, b"\x81\x85"), (UnexpectedMask, 2));
}

#[test]
fn may_have_rsv1_only_at_the_start_of_a_message() {
    assert_eq!(error(DEFLATE, b"\xc0\x00"), (UnexpectedRsv1, 2));
    assert_eq!(error(DEFLATE, b"\x41\x00\xc0\x00"), (UnexpectedRsv1, 4));
    assert_eq!(error(DEFLATE, b"\x01\x00\xc0\x00"), (UnexpectedRsv1, 4));
    assert_eq!(error(DEFLATE, b"\x41\x00\xc1\x00"), (invalid(1), 4));
    for control in [b"\xc8\x00", b"\xc9\x00", b"\xca\x00"] {
        assert_eq!(error(DEFLATE, control), (UnexpectedRsv1, 2));
    }
    assert_eq!(error(DEFLATE, b"\x49\x00"), (ExpectedFin, 2));
    assert_eq!(error(DEFLATE, b"\xc3\x00"), (invalid(3), 2));
    assert_eq!(error(DEFLATE, b"\xe1\x00"), (UnexpectedRsv23, 2));
    assert_eq!(error(DEFLATE, b"\xd1\x00"), (UnexpectedRsv23, 2));
}

#[test]
fn may_announce_2_to_the_53_minus_1_bytes() {
    let stream = b"\x82\x7f\0\x1f\xff\xff\xff\xff\xff\xffabc";
    assert_eq!(events(CLIENT, stream), []);
}
