use proptest::prelude::*;

use super::*;
use crate::deflate::{Compressor, CompressorSettings};

/// Bytes that look like frames more often than random ones.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let first = prop::sample::select(vec![
        0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0x41, 0x0f,
    ]);
    let length = prop_oneof![4 => 0..6_u8, 1 => 0..=127_u8];
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..6),
        ".{0,6}".prop_map(String::into_bytes),
    ];
    let frame =
        (first, length, any::<bool>(), payload).prop_map(|(first, length, masked, payload)| {
            match masked {
                true => [&[first, 0x80 | length, 0, 0, 0, 0], &payload[..]].concat(),
                false => [&[first, length], &payload[..]].concat(),
            }
        });
    prop::collection::vec(frame, 0..12).prop_map(|frames| frames.concat())
}

/// A stream of frames that mostly agree with their headers, of the given side.
fn frames() -> impl Strategy<Value = (Side, Vec<u8>)> {
    let payload = prop_oneof![
        8 => ".{0,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (100..70_000_usize).prop_map(|length| vec![b'x'; length]),
    ];
    let frame = (
        any::<bool>(),
        prop::sample::select(vec![0, 0, 1, 2, 8, 9, 9, 10]),
        payload,
    );
    let key = prop::option::of(any::<[u8; 4]>());
    (key, prop::collection::vec(frame, 1..12)).prop_map(|(mask, frames)| {
        let (mut out, mut open) = (Vec::new(), false);
        for (fin, opcode, payload) in frames {
            let opcode = OpCode::new(match opcode {
                0..=2 if open => 0,
                0 => 1,
                other => other,
            });
            let fin = fin || opcode.is_control();
            open = if opcode.is_control() { open } else { !fin };
            let room = if opcode.is_control() { 125 } else { usize::MAX };
            let header = FrameHeader {
                fin,
                rsv1: false,
                opcode,
                mask,
                length: 0,
            };
            encode_frame(&mut out, &header, &payload[..payload.len().min(room)]);
        }
        (
            if mask.is_some() {
                Side::Server
            } else {
                Side::Client
            },
            out,
        )
    })
}

/// A frame's length and flags as `inflate` takes them, and DEFLATE data of which some bits are wrong.
fn deflate_data() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[a-d{}:\",]{0,300}".prop_map(String::into_bytes),
    ];
    let flips = prop_oneof![
        1 => Just(Vec::new()),
        2 => prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ];
    (any::<u8>(), any::<[u8; 5]>(), text, flips).prop_map(|(head, settings, text, flips)| {
        let mut data = compress(settings, &text);
        for flip in flips {
            let bit = flip.index(8 * data.len());
            data[bit / 8] ^= 1 << (bit % 8);
        }
        // Sometimes the frame ends with the data.
        let length = data.len().min(0x3f) as u8 | head & 0x20;
        [&[head & 0xc0 | length], &data[..]].concat()
    })
}

/// DEFLATE data made with settings chosen as `deflate` does.
fn compress(settings: [u8; 5], text: &[u8]) -> Vec<u8> {
    let [level, mem_level, strategy, window, end] = settings;
    let mut compressor = Compressor::new(CompressorSettings {
        level: level % 10,
        mem_level: 1 + mem_level % 9,
        strategy: match strategy % 4 {
            0 => crate::deflate::Strategy::Default,
            1 => crate::deflate::Strategy::Fixed,
            2 => crate::deflate::Strategy::HuffmanOnly,
            _ => crate::deflate::Strategy::Rle,
        },
        window_bits: 8 + window % 8,
        context_takeover: true,
        dictionary: (*b"").into(),
    });
    let mut out = Vec::new();
    compressor.compress(text, true, &mut out, || true);
    // The bit that says that a block is the last one.
    out[0] |= end & 0x01;
    out
}

/// A frame as `deflate` takes it.
fn frame_to_compress() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        3 => "[a-d{}:\",]{0,250}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..250),
        1 => prop::collection::vec(144..=255_u8, 0..250),
    ];
    (any::<u8>(), payload)
        .prop_map(|(ops, payload)| [&[ops, payload.len() as u8], &payload[..]].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn decodes_any_bytes_alike_at_any_chunking(data: Vec<u8>) {
        decoder(&data);
    }

    #[test]
    fn decodes_odd_frames_alike_at_any_chunking(
        flags in 0..16_u8,
        step in 1..20_u8,
        stream in stream(),
    ) {
        decoder(&[&[flags, step], &stream[..]].concat());
    }

    #[test]
    fn decodes_good_frames_alike_at_any_chunking(
        (side, stream) in frames(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let config = DecoderConfig {
            side,
            limits: Limits::default(),
            validate_utf8: true,
            compression: false,
        };
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
        let whole = Transcript::new(config, [&stream[..]]);
        prop_assert_eq!(Transcript::new(config, chunks), whole);
    }

    #[test]
    fn reads_any_header_field(data: Vec<u8>, text in "[a-c;,=\"\\\\ \t]{0,24}") {
        headers(&data);
        headers(text.as_bytes());
    }

    #[test]
    fn gives_back_what_was_encoded(data in prop::collection::vec(any::<u8>(), 0..2000)) {
        round_trip(&data);
    }

    #[test]
    fn inflates_any_bytes_alike_at_any_chunking(data in prop::collection::vec(any::<u8>(), 0..200)) {
        inflate(&data);
    }

    #[test]
    fn inflates_what_looks_like_deflate_data_alike(
        settings: [u8; 3],
        data in prop::collection::vec(deflate_data(), 1..4),
    ) {
        inflate(&[&settings, &data.concat()[..]].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn gives_back_what_was_compressed(
        settings: [u8; 5],
        frames in prop::collection::vec(frame_to_compress(), 0..10),
    ) {
        deflate(&[&settings, &frames.concat()[..]].concat());
    }
}
