//! Encoders that go from one `Compressor` to another.

use super::*;

/// An encoder that stands in the middle of another stream.
fn used(settings: &CompressorSettings) -> Encoder {
    let mut other = Compressor::new(settings.clone());
    compress(&mut other, &json(40_000)[300..], false);
    compress(&mut other, &noise(500, 0), false);
    other.take_encoder().expect("it was just used")
}

/// Settings of which none differs in how data is read.
fn of_each_kind() -> Vec<CompressorSettings> {
    let mut all = vec![usual()];
    all.extend((0..=9).map(|level| CompressorSettings { level, ..usual() }));
    all.extend([9, 12].map(|window_bits| CompressorSettings {
        window_bits,
        ..usual()
    }));
    all.push(CompressorSettings {
        mem_level: 9,
        strategy: Strategy::Filtered,
        ..usual()
    });
    all
}

#[test]
fn goes_unnoticed_in_a_stream() {
    for settings in of_each_kind() {
        let mut compressor = Compressor::new(settings.clone());
        let mut decompressor = Decompressor::new(reading(&settings));
        let other = CompressorSettings {
            level: (settings.level + 1) % 10,
            ..settings.clone()
        };
        for round in 0..12 {
            match round % 4 {
                0 => {}
                1 => drop(compressor.take_encoder()),
                2 => compressor.lend(used(&settings)),
                _ => {
                    compressor.take_encoder();
                    compressor.lend(used(&other));
                    assert!(!compressor.has_encoder(), "it was of no use");
                }
            }
            let message = json(700 * (round + 1));
            let (first, second) = message.split_at(300);
            let first = compress(&mut compressor, first, false);
            if round % 3 == 0 {
                let encoder = compressor.take_encoder().expect("it was just used");
                compressor.lend(encoder);
            }
            let second = compress(&mut compressor, second, true);
            let read = inflate_frames(&mut decompressor, &[&first, &second]);
            assert!(read == Ok(message), "round {round}, {settings:?}");
        }
    }
}

#[test]
fn leaves_no_trace_of_the_stream_before() {
    for settings in of_each_kind() {
        let mut lender = Compressor::new(settings.clone());
        let mut owner = Compressor::new(settings.clone());
        for length in [300, 50_000, 10, 2000] {
            lender.take_encoder();
            lender.lend(used(&settings));
            owner.take_encoder();
            let lent = compress(&mut lender, &json(length), true);
            let own = compress(&mut owner, &json(length), true);
            assert!(lent == own, "{length}, {settings:?}");
        }
    }
}

#[test]
fn leaves_no_trace_behind_the_end_of_a_message() {
    // The message goes on in several ways, if whatever lies behind it were a part of it.
    let history = [&[0; 20][..], b"1", &[0; 8], b"2"].concat();
    for settings in of_each_kind() {
        let settings = CompressorSettings {
            dictionary: history[..].into(),
            ..settings
        };
        let own = compress(&mut Compressor::new(settings.clone()), &[0; 6], true);
        for byte in [0, 1, b'1', b'2', 255] {
            let mut other = Compressor::new(settings.clone());
            compress(&mut other, &[byte; 500], true);
            let mut lender = Compressor::new(settings.clone());
            lender.lend(other.take_encoder().expect("it was just used"));
            let lent = compress(&mut lender, &[0; 6], true);
            assert_eq!(lent, own, "{byte}, level {}", settings.level);
        }
    }
}

#[test]
fn keeps_what_was_said_before() {
    let mut compressor = Compressor::new(usual());
    let first = compress(&mut compressor, &json(2000), true);
    compressor.take_encoder();
    compressor.lend(used(&usual()));
    let again = compress(&mut compressor, &json(2000), true);
    assert!(again.len() < first.len() / 4, "{}", again.len());
}

#[test]
fn needs_an_encoder_of_the_same_settings() {
    let strategy = Strategy::Rle;
    let others = [
        CompressorSettings {
            level: 5,
            ..usual()
        },
        CompressorSettings {
            mem_level: 7,
            ..usual()
        },
        CompressorSettings {
            strategy,
            ..usual()
        },
        CompressorSettings {
            window_bits: 14,
            ..usual()
        },
    ];
    let mut compressor = Compressor::new(usual());
    for other in &others {
        assert!(!compressor.accepts(&used(other)));
        compressor.lend(used(other));
        assert!(!compressor.has_encoder());
    }
    // What is not part of an encoder may differ.
    let sibling = CompressorSettings {
        context_takeover: false,
        dictionary: json(100).into(),
        ..usual()
    };
    assert!(compressor.accepts(&used(&sibling)));
}

#[test]
fn does_not_take_an_encoder_away_for_one_of_no_use() {
    let mut compressor = Compressor::new(usual());
    compress(&mut compressor, b"Hello", true);
    compressor.lend(used(&CompressorSettings {
        level: 1,
        ..usual()
    }));
    assert!(compressor.has_encoder() && !compressor.is_at_rest());
    assert!(compress(&mut compressor, b"Hello", true).len() <= 5);
}

#[test]
fn keeps_within_the_window_of_who_borrows() {
    let lender = CompressorSettings {
        window_bits: 9,
        ..usual()
    };
    let borrower = CompressorSettings {
        window_bits: 8,
        ..usual()
    };
    let mut compressor = Compressor::new(borrower);
    compressor.lend(used(&lender));
    let message = noise(400, 0).repeat(3);
    let mut payload = compress(&mut compressor, &message, true);
    payload.extend(FLUSH_TAIL);
    let read = Reference::new(&payload, b"");
    assert!(read.bytes == message);
    assert!(read.farthest <= 256, "{}", read.farthest);
}

#[test]
fn is_possible_while_nothing_in_an_encoder_is_needed() {
    for context_takeover in [true, false] {
        let mut compressor = Compressor::new(CompressorSettings {
            context_takeover,
            ..usual()
        });
        assert!(compressor.is_at_rest() && !compressor.has_encoder());
        compress(&mut compressor, b"fragment", false);
        assert!(!compressor.is_at_rest() && compressor.has_encoder());
        compress(&mut compressor, b"the end", true);
        assert_eq!(compressor.is_at_rest(), !context_takeover);
        compressor.lend(used(&usual()));
        assert!(compressor.is_at_rest());
    }
}

#[test]
fn costs_an_idle_connection_no_more_than_a_window() {
    let mut compressor = Compressor::new(usual());
    assert_eq!(compressor.memory(), 0);
    compress(&mut compressor, &json(100), true);
    compressor.take_encoder();
    assert_eq!(compressor.memory(), 128);
    compress(&mut compressor, &json(200_000), true);
    compressor.take_encoder();
    assert_eq!(compressor.memory(), 32 * 1024);

    let mut compressor = Compressor::new(CompressorSettings {
        context_takeover: false,
        ..usual()
    });
    compress(&mut compressor, &json(5000), false);
    assert!(compressor.memory() > 0);
    compress(&mut compressor, b"", true);
    assert_eq!(compressor.memory(), 0);
}
