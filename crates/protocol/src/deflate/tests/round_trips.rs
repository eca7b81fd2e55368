//! Messages through a `Compressor`, a `Decompressor` and a reader that knows nothing but RFC 1951.

use super::*;

const STRATEGIES: [Strategy; 5] = [
    Strategy::Default,
    Strategy::Filtered,
    Strategy::HuffmanOnly,
    Strategy::Rle,
    Strategy::Fixed,
];

/// Sends messages, each cut into three frames, and reads them. No match may reach back farther than
/// the window that was agreed on.
fn check(settings: &CompressorSettings, messages: &[Vec<u8>]) {
    let mut compressor = Compressor::new(settings.clone());
    let mut decompressor = Decompressor::new(reading(settings));
    let mut streams = vec![(Vec::new(), Vec::new())];
    for message in messages {
        let (first, rest) = message.split_at(message.len() / 3);
        let (second, third) = rest.split_at(rest.len() / 2);
        let first = compress(&mut compressor, first, false);
        let second = compress(&mut compressor, second, false);
        let third = compress(&mut compressor, third, true);
        let read = inflate_frames(&mut decompressor, &[&first, &second, &third]);
        assert!(read.as_ref() == Ok(message), "{settings:?}");

        if !settings.context_takeover {
            streams.push(Default::default());
        }
        let (stream, plain) = streams.last_mut().expect("there is always one");
        stream.extend([first, second, third, FLUSH_TAIL.to_vec()].concat());
        plain.extend_from_slice(message);
    }
    for (stream, plain) in streams {
        let read = Reference::new(&stream, &settings.dictionary);
        assert!(read.bytes == plain && read.end == End::Open, "{settings:?}");
        let window = 1 << settings.window_bits;
        assert!(read.farthest <= window, "{} {settings:?}", read.farthest);
    }
    assert!(compressor.memory() <= 1 << settings.window_bits.max(9));
}

#[test]
fn hold_with_all_settings() {
    let repeated = noise(150, 0).repeat(4);
    let messages = [json(700), b"x".to_vec(), repeated, json(300)];
    for level in 0..=9 {
        for mem_level in [1, 2, 5, 8, 9] {
            for strategy in STRATEGIES {
                for window_bits in 8..=15 {
                    let settings = CompressorSettings {
                        level,
                        mem_level,
                        strategy,
                        window_bits,
                        context_takeover: (level + mem_level + window_bits) % 2 == 0,
                        dictionary: json(usize::from(mem_level / 5) * 600).into(),
                    };
                    check(&settings, &messages);
                }
            }
        }
    }
}

#[test]
fn hold_with_the_usual_settings_in_each_window() {
    let messages = [
        json(3000),
        noise(600, 0),
        json(10),
        noise(300, 144),
        b"a".repeat(70_000),
        json(3000),
    ];
    for window_bits in 8..=15 {
        for context_takeover in [true, false] {
            let settings = CompressorSettings {
                window_bits,
                context_takeover,
                ..usual()
            };
            check(&settings, &messages);
        }
    }
}

#[test]
fn hold_for_each_byte() {
    let all: Vec<u8> = (0..=255).collect();
    let pairs: Vec<u8> = all.iter().flat_map(|&byte| [byte, byte]).collect();
    let single = all.iter().map(|&byte| vec![byte]);
    let messages: Vec<Vec<u8>> = single.chain([all.clone(), pairs]).collect();
    for level in [0, 1, 6, 9] {
        for context_takeover in [true, false] {
            let settings = CompressorSettings {
                level,
                context_takeover,
                ..usual()
            };
            check(&settings, &messages);
        }
    }
}

#[test]
fn hold_for_each_length_of_a_match() {
    let lengths = (1..40).chain(250..=262).chain(512..=520);
    let messages: Vec<Vec<u8>> = lengths
        .flat_map(|length| [noise(length + 1, 0).repeat(2), b"z".repeat(length)])
        .collect();
    for level in [1, 6, 9] {
        check(&CompressorSettings { level, ..usual() }, &messages);
    }
}

#[test]
fn hold_for_messages_that_are_longer_than_any_buffer() {
    let (incompressible, text) = (noise(70_000, 144), json(90_000));
    let mixed = [&text[..35_000], &incompressible[..40_000], &text[..35_000]].concat();
    let messages = [incompressible, mixed, text];
    for (level, mem_level, strategy) in [
        (0, 8, Strategy::Default),
        (1, 8, Strategy::Default),
        (1, 1, Strategy::Default),
        (1, 9, Strategy::Fixed),
        (4, 1, Strategy::Default),
        (6, 8, Strategy::Default),
        (6, 2, Strategy::HuffmanOnly),
        (6, 9, Strategy::Fixed),
        (9, 9, Strategy::Default),
    ] {
        let settings = CompressorSettings {
            level,
            mem_level,
            strategy,
            ..usual()
        };
        check(&settings, &messages);
    }
}

#[test]
fn hold_for_matches_at_the_edge_of_the_window() {
    // What is sought lies about as far back as a window is long, in messages that end anywhere.
    let needle = noise(60, 0);
    for window_bits in 8..=15 {
        let window = 1_usize << window_bits;
        for offset in [0, 1, 60, 61, 200, 261, 262, 263] {
            let between = noise(window.saturating_sub(offset).max(1), 100);
            let messages = [needle.clone(), between, needle.clone()];
            for level in [1, 6, 9] {
                let settings = CompressorSettings {
                    level,
                    window_bits,
                    ..usual()
                };
                check(&settings, &messages);
            }
        }
    }
}
