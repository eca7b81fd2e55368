//! Conversations between a client and a server, over wires that cut the bytes anywhere.

mod support;

use ferrows_protocol::deflate::{CompressorSettings, Strategy};
use ferrows_protocol::{CloseCode, OpCode, ProtocolError};
use support::{Pair, Told};

/// Runs a conversation over wires of several widths.
fn at_each_width(conversation: impl Fn(&mut Pair)) {
    for chunk in [1, 2, 3, 7, 64, 1 << 16, usize::MAX] {
        conversation(&mut Pair::new(chunk));
    }
}

#[test]
fn carries_messages_of_all_lengths_both_ways() {
    at_each_width(|pair| {
        let payload: Vec<u8> = (0..70_000_u32).map(|i| i as u8).collect();
        let lengths = [0, 1, 3, 124, 125, 126, 127, 0xfffe, 0xffff, 0x1_0000];
        for length in lengths {
            pair.client.send(true, OpCode::BINARY, &payload[..length]);
            pair.server.send(true, OpCode::BINARY, &payload[..length]);
        }
        pair.deliver();
        let expected = lengths.map(|length| Told::Binary(payload[..length].to_vec()));
        assert_eq!(pair.client.told, expected);
        assert_eq!(pair.server.told, expected);
    });
}

#[test]
fn answers_pings_between_fragments() {
    at_each_width(|pair| {
        pair.client.send(false, OpCode::TEXT, "Grüße, ".as_bytes());
        pair.client.send(true, OpCode::PING, b"still there?");
        pair.client.send(false, OpCode::CONTINUATION, b"");
        pair.client
            .send(true, OpCode::CONTINUATION, "Welt".as_bytes());
        pair.deliver();
        assert_eq!(pair.server.told, [Told::Text("Grüße, Welt".to_owned())]);
        assert_eq!(pair.client.told, [Told::Pong(b"still there?".to_vec())]);
    });
}

#[test]
fn closes_with_the_same_code_on_both_sides() {
    at_each_width(|pair| {
        pair.server.send(true, OpCode::TEXT, b"last words");
        pair.server.close(Some(CloseCode::GOING_AWAY), "bye");
        pair.server.send(true, OpCode::TEXT, b"too late");
        pair.deliver();
        let close = || Told::Close(CloseCode::GOING_AWAY, "bye".to_owned());
        assert_eq!(
            pair.client.told,
            [Told::Text("last words".to_owned()), close()]
        );
        assert_eq!(pair.server.told, [close()]);
    });
}

#[test]
fn closes_without_a_code() {
    at_each_width(|pair| {
        pair.client.close(None, "");
        pair.deliver();
        let close = || Told::Close(CloseCode::NO_STATUS, String::new());
        assert_eq!(
            (&pair.client.told[..], &pair.server.told[..]),
            (&[close()][..], &[close()][..])
        );
    });
}

#[test]
fn survives_both_sides_closing_at_once() {
    at_each_width(|pair| {
        pair.client.close(Some(CloseCode::NORMAL), "mine");
        pair.server.close(Some(CloseCode::new(4000)), "yours");
        pair.deliver();
        let yours = Told::Close(CloseCode::new(4000), "yours".to_owned());
        assert_eq!(pair.client.told, [yours]);
        assert_eq!(
            pair.server.told,
            [Told::Close(CloseCode::NORMAL, "mine".to_owned())]
        );
    });
}

#[test]
fn tells_the_peer_why_a_connection_fails() {
    at_each_width(|pair| {
        pair.client.send(false, OpCode::TEXT, b"started");
        pair.client.send(true, OpCode::TEXT, b"started again");
        pair.client.send(true, OpCode::TEXT, b"never read");
        pair.deliver();
        let error = ProtocolError::InvalidOpCode(OpCode::TEXT);
        assert_eq!(pair.server.told, [Told::Failed(error)]);
        assert_eq!(
            pair.client.told,
            [Told::Close(CloseCode::PROTOCOL_ERROR, String::new())]
        );
    });
}

/// Runs a conversation in which messages may be compressed, with and without context takeover.
fn at_each_width_compressed(conversation: impl Fn(&mut Pair)) {
    for chunk in [1, 2, 3, 7, 64, 1 << 16, usize::MAX] {
        for (level, context_takeover) in [(6, true), (6, false), (1, true)] {
            let settings = CompressorSettings {
                level,
                mem_level: 8,
                strategy: Strategy::Default,
                window_bits: 10,
                context_takeover,
                dictionary: (*b"what both know already").into(),
            };
            conversation(&mut Pair::compressing(chunk, &settings));
        }
    }
}

#[test]
fn carries_compressed_messages_both_ways() {
    at_each_width_compressed(|pair| {
        let payload: Vec<u8> = (0..20_000_u32).map(|i| (i * i / 999) as u8).collect();
        let lengths = [0, 1, 22, 300, 20_000, 300, 0, 5000];
        for length in lengths {
            let payload = &payload[..length];
            pair.client.send_compressed(true, OpCode::BINARY, payload);
            pair.server.send_compressed(true, OpCode::BINARY, payload);
        }
        pair.deliver();
        let expected = lengths.map(|length| Told::Binary(payload[..length].to_vec()));
        assert_eq!(pair.client.told, expected);
        assert_eq!(pair.server.told, expected);
    });
}

#[test]
fn mixes_compressed_messages_with_others_and_pings() {
    at_each_width_compressed(|pair| {
        let client = &mut pair.client;
        client.send_compressed(true, OpCode::TEXT, "Grüße".as_bytes());
        client.send(true, OpCode::TEXT, "Grüße".as_bytes());
        client.send_compressed(false, OpCode::TEXT, b"what both ");
        client.send(true, OpCode::PING, b"1");
        client.send_compressed(false, OpCode::CONTINUATION, b"");
        client.send_compressed(false, OpCode::CONTINUATION, &"ü".as_bytes()[..1]);
        client.send(true, OpCode::PING, b"2");
        client.send_compressed(true, OpCode::CONTINUATION, &"ü".as_bytes()[1..]);
        client.send(false, OpCode::BINARY, b"pl");
        client.send(true, OpCode::CONTINUATION, b"ain");
        client.send_compressed(true, OpCode::TEXT, "Grüße".as_bytes());
        pair.deliver();
        let text = |text: &str| Told::Text(text.to_owned());
        let told = [
            text("Grüße"),
            text("Grüße"),
            text("what both ü"),
            Told::Binary(b"plain".to_vec()),
            text("Grüße"),
        ];
        assert_eq!(pair.server.told, told);
        let pongs = [b"1", b"2"].map(|payload| Told::Pong(payload.to_vec()));
        assert_eq!(pair.client.told, pongs);
    });
}

#[test]
fn tells_the_peer_that_it_cannot_inflate() {
    at_each_width_compressed(|pair| {
        let client = &mut pair.client;
        client.send_compressed(true, OpCode::TEXT, b"good");
        client.send_frame(true, true, OpCode::TEXT, b"\x06");
        client.send_compressed(true, OpCode::TEXT, b"never read");
        pair.deliver();
        let error = ProtocolError::InvalidDeflateData("invalid block type");
        let told = [Told::Text("good".to_owned()), Told::Failed(error)];
        assert_eq!(pair.server.told, told);
        let close = Told::Close(CloseCode::INVALID_PAYLOAD, String::new());
        assert_eq!(pair.client.told, [close]);
    });
}

#[test]
fn tells_the_peer_that_compressed_text_is_not_utf_8() {
    at_each_width_compressed(|pair| {
        let server = &mut pair.server;
        server.send_compressed(false, OpCode::TEXT, b"a\xff");
        server.send(true, OpCode::PING, b"");
        server.send_compressed(true, OpCode::CONTINUATION, b"b");
        pair.deliver();
        assert_eq!(pair.client.told, [Told::Failed(ProtocolError::InvalidUtf8)]);
        let close = Told::Close(CloseCode::INVALID_PAYLOAD, String::new());
        assert_eq!(pair.server.told, [Told::Pong(Vec::new()), close]);
    });
}

#[test]
fn gives_each_kind_of_error_its_close_code() {
    let cases = [
        (ProtocolError::UnexpectedRsv23, 1002),
        (ProtocolError::UnexpectedRsv1, 1002),
        (ProtocolError::InvalidOpCode(OpCode::new(3)), 1002),
        (ProtocolError::ExpectedFin, 1002),
        (ProtocolError::InvalidControlPayloadLength(126), 1002),
        (ProtocolError::ExpectedMask, 1002),
        (ProtocolError::UnexpectedMask, 1002),
        (ProtocolError::UnsupportedPayloadLength(1 << 53), 1009),
        (ProtocolError::MessageTooLong, 1009),
        (ProtocolError::TooManyFragments, 1008),
        (ProtocolError::InvalidUtf8, 1007),
        (
            ProtocolError::InvalidDeflateData("invalid block type"),
            1007,
        ),
        (ProtocolError::InvalidCloseCode(CloseCode::NO_STATUS), 1002),
        (ProtocolError::TooManyBufferedChunks, 1008),
    ];
    for (error, code) in cases {
        assert_eq!(error.close_code().value(), code, "{error}");
    }
}
