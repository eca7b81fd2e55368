//! What is no DEFLATE data, in zlib's words.

use super::hand_made::Bits;
use super::*;

/// "Hello" by itself.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

/// A code for lengths with the symbols 0 (`0`) and 16 (`1`), 17 or 18 (`1`).
fn zeros_and(symbol: usize) -> [(usize, usize); 2] {
    [(0, 1), (symbol, 1)]
}

/// Payloads, each with what is wrong with it.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    // 0 is `10`, 2 is `11`, 18 is `0`.
    let twos = [(18, 1), (0, 2), (2, 2)];
    // 1 is `10`, 2 is `11`, 18 is `0`.
    let ones_and_twos = [(18, 1), (1, 2), (2, 2)];
    vec![
        ("invalid block type", vec![0x06]),
        (
            "invalid stored block lengths",
            vec![0x00, 0x05, 0x00, 0xfa, 0xfe],
        ),
        (
            "too many length or distance symbols",
            Bits::dynamic_block(287, 1, &[]).bytes(),
        ),
        (
            "too many length or distance symbols",
            Bits::dynamic_block(257, 31, &[]).bytes(),
        ),
        (
            "invalid code lengths set",
            Bits::dynamic_block(257, 1, &[(0, 1), (1, 1), (2, 1)]).bytes(),
        ),
        (
            "invalid code lengths set",
            Bits::dynamic_block(257, 1, &[(0, 1)]).bytes(),
        ),
        (
            "invalid bit length repeat",
            Bits::dynamic_block(257, 1, &zeros_and(16))
                .code("1")
                .number(0, 2)
                .bytes(),
        ),
        (
            "invalid bit length repeat",
            Bits::dynamic_block(257, 1, &zeros_and(18))
                .code("1")
                .number(127, 7)
                .code("1")
                .number(127, 7)
                .bytes(),
        ),
        (
            "invalid code -- missing end-of-block",
            Bits::dynamic_block(257, 1, &zeros_and(18))
                .code("1")
                .number(127, 7)
                .code("1")
                .number(109, 7)
                .bytes(),
        ),
        (
            "invalid literal/lengths set",
            Bits::dynamic_block(257, 1, &twos)
                .code("0")
                .number(127, 7)
                .code("0")
                .number(107, 7)
                .code("11")
                .code("10")
                .bytes(),
        ),
        (
            "invalid distances set",
            Bits::dynamic_block(257, 1, &ones_and_twos)
                .code("10")
                .code("0")
                .number(127, 7)
                .code("0")
                .number(106, 7)
                .code("10")
                .code("11")
                .bytes(),
        ),
        (
            "invalid literal/length code",
            Bits::fixed_block().code("11000110").bytes(),
        ),
        (
            "invalid distance code",
            Bits::fixed_block()
                .literals(b"a")
                .code("0000001")
                .code("11110")
                .bytes(),
        ),
        (
            "invalid distance too far back",
            Bits::fixed_block()
                .literals(b"a")
                .code("0000001")
                .code("00001")
                .bytes(),
        ),
    ]
}

#[test]
fn is_named() {
    for (reason, payload) in broken() {
        for fin in [true, false] {
            let mut out = Vec::new();
            let result = decompressor().inflate(&payload, &mut 0, fin, &mut out, usize::MAX);
            let expected = Err(InflateError::Data(reason));
            assert!(result == expected, "{reason}: {result:?}, fin {fin}");
        }
    }
}

#[test]
fn is_named_wherever_the_payload_is_cut() {
    for (reason, payload) in broken() {
        for cut in 0..payload.len() {
            let (first, second) = payload.split_at(cut);
            let read = inflate_frames(&mut decompressor(), &[first, second]);
            assert_eq!(read, Err(InflateError::Data(reason)), "{cut}");
        }
    }
}

/// The fast path of zlib-rs forgets which of three it was; when this fails, it does not any more.
#[test]
fn is_named_in_general_in_the_middle_of_a_long_payload() {
    for [first, second] in [["11000110", ""], ["0000001", "11110"], ["0000001", "11100"]] {
        let start = Bits::fixed_block().literals(&[b'a'; 200]);
        let payload = start
            .code(first)
            .code(second)
            .literals(&[b'a'; 200])
            .bytes();
        let read = inflate(&mut decompressor(), &payload);
        assert_eq!(read, Err(InflateError::Data("invalid code or distance")));
    }
}

#[test]
fn ends_the_stream_and_a_new_one_begins() {
    let dictionary = json(300);
    let settings = CompressorSettings {
        dictionary: dictionary[..].into(),
        ..usual()
    };
    let mut compressor = Compressor::new(settings.clone());
    let message = b"not in the dictionary".to_vec();
    let first = compress(&mut compressor, &message, true);
    let second = compress(&mut compressor, &message, true);
    let mut decompressor = Decompressor::new(reading(&settings));
    for error in [b"\x06\x00", b"\x02\xff"] {
        assert!(inflate(&mut decompressor, error).is_err());
        // The dictionary is there again, and what was said before the error is not.
        assert_ne!(inflate(&mut decompressor, &second).as_ref(), Ok(&message));
        decompressor.reset();
        for payload in [&first, &second] {
            assert_eq!(inflate(&mut decompressor, payload).as_ref(), Ok(&message));
        }
    }
    for (_, payload) in broken() {
        let mut decompressor = Decompressor::new(reading(&usual()));
        assert!(inflate(&mut decompressor, &payload).is_err());
        assert_eq!(inflate(&mut decompressor, HELLO).unwrap(), b"Hello");
    }
}

#[test]
fn is_no_error_before_it_is_reached() {
    let start = Bits::fixed_block().literals(b"good so far");
    let payload = start.code("11000110").bytes();
    let (mut decompressor, mut out, mut at) = (decompressor(), Vec::new(), 0);
    let result = decompressor.inflate(&payload, &mut at, true, &mut out, 4);
    assert_eq!((result, &out[..]), (Ok(Progress::More), &b"good"[..]));
    let result = decompressor.inflate(&payload, &mut at, true, &mut out, 100);
    let expected = InflateError::Data("invalid literal/length code");
    assert_eq!(result, Err(expected));
}

#[test]
fn has_a_close_code() {
    let data = crate::ProtocolError::from(InflateError::Data("invalid block type"));
    assert_eq!(data.close_code(), crate::CloseCode::INVALID_PAYLOAD);
    assert_eq!(data.to_string(), "not DEFLATE data: invalid block type");
    let long = crate::ProtocolError::from(InflateError::TooLong);
    assert_eq!(long.close_code(), crate::CloseCode::MESSAGE_TOO_BIG);
}
