//! Time to compress and to inflate JSON messages, and to lend an encoder.
//!
//! `cargo bench -p ferrows-protocol --bench deflate`: for each length of a message the nanoseconds per
//! message and the MB/s of plain data, best of several runs on one thread, with zlib's default settings;
//! `size` is what is left of a message. Each run sends different messages on one connection, from its
//! beginning; with takeover they refer to each other. Without the flag `--bench`, which cargo gives,
//! each body runs once, to see that it works.
//!
//! The second table is the time of a message of 200 bytes on a connection that has its encoder, and on
//! one to which it has to be lent, so that a history of a whole window goes through it again.
//!
//! The third one is the time to compress a message where connections take turns, whose encoders push
//! each other out of the cache.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ferrows_protocol::deflate::{
    Compressor, CompressorSettings, Decompressor, DecompressorSettings, MAX_WINDOW_BITS, Progress,
    Strategy,
};

fn main() {
    let once = !std::env::args().any(|argument| argument == "--bench");
    let names = ["size", "deflate", "MB/s", "inflate", "MB/s"];
    let names = names.map(|name| format!("{name:>10}")).join(" ");
    println!("{:>24} {names}  ns per message", "");
    for context_takeover in [true, false] {
        for (length, size) in [
            (200, "200 B"),
            (1 << 10, "1 KiB"),
            (1 << 14, "16 KiB"),
            (1 << 20, "1 MiB"),
        ] {
            measure(once, size, length, context_takeover);
        }
    }
    let names = ["own", "lent", "difference"];
    let names = names.map(|name| format!("{name:>10}")).join(" ");
    println!("\n{:>24} {names}  ns per message", "");
    for window_bits in [12, MAX_WINDOW_BITS] {
        measure_lending(once, window_bits);
    }
    let counts = [1, 32, 200];
    let names = counts.map(|count| format!("{count:>10}")).join(" ");
    println!("\n{:>24} {names}  ns per message", "connections");
    for (length, size) in [(200, "200 B"), (1 << 10, "1 KiB"), (1 << 14, "16 KiB")] {
        let times = counts.map(|count| measure_turns(once, length, count));
        let times = times.map(|time| format!("{time:>10.0}")).join(" ");
        println!("{size:>24} {times}");
    }
}

fn measure(once: bool, size: &str, length: usize, context_takeover: bool) {
    let settings = settings(context_takeover);
    let messages = json(length, (TOTAL / length).clamp(2, 256));
    let bytes = length * messages.len();
    let mut compressor = Compressor::new(settings.clone());
    let mut out = Vec::new();
    let deflate = time(once, bytes, || {
        compressor.reset();
        for message in &messages {
            out.clear();
            compressor.compress(black_box(message), true, &mut out, || true);
            black_box(&out);
        }
    });

    compressor.reset();
    let payloads: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| compress(&mut compressor, message))
        .collect();
    let compressed: usize = payloads.iter().map(Vec::len).sum();
    let mut decompressor = Decompressor::new(DecompressorSettings {
        window_bits: settings.window_bits,
        context_takeover,
        max_payload: 100 << 20,
        dictionary: settings.dictionary,
    });
    let inflate = time(once, bytes, || {
        decompressor.reset();
        for (payload, message) in payloads.iter().zip(&messages) {
            // The application owns what it gets, so each message has memory of its own.
            let mut out = Vec::new();
            let progress =
                decompressor.inflate(black_box(payload), &mut 0, true, &mut out, usize::MAX);
            assert_eq!(progress, Ok(Progress::Done));
            assert_eq!(black_box(out).len(), message.len());
        }
    });

    let takeover = if context_takeover { "" } else { "no " };
    let name = format!("{size}, {takeover}takeover");
    let count = messages.len() as f64;
    let speed = |time: f64| bytes as f64 * 1e3 / time;
    println!(
        "{name:>24} {:>9.1}% {:>10.0} {:>10.0} {:>10.0} {:>10.0}",
        compressed as f64 * 100.0 / bytes as f64,
        deflate / count,
        speed(deflate),
        inflate / count,
        speed(inflate),
    );
}

fn measure_lending(once: bool, window_bits: u8) {
    // More data than a window holds, so that the history is as long as the window.
    let history = json(1 << (window_bits + 1), 1).remove(0);
    let mut connections = [(); 2].map(|()| {
        let mut compressor = Compressor::new(CompressorSettings {
            window_bits,
            ..settings(true)
        });
        compress(&mut compressor, &history);
        compressor
    });
    let messages = json(200, 256);
    let mut out = Vec::new();
    let mut run = |lend: bool| {
        let bytes = 200 * messages.len();
        let total = time(once, bytes, || {
            for message in &messages {
                let [from, to] = &mut connections;
                if lend && let Some(encoder) = from.take_encoder() {
                    to.lend(encoder);
                }
                out.clear();
                to.compress(black_box(message), true, &mut out, || true);
                black_box(&out);
                if lend {
                    connections.swap(0, 1);
                }
            }
        });
        total / messages.len() as f64
    };
    let (own, lent) = (run(false), run(true));
    let name = format!("{} KiB history", (1 << window_bits) >> 10);
    println!("{name:>24} {own:>10.0} {lent:>10.0} {:>10.0}", lent - own);
}

/// Nanoseconds of a message where so many connections have windows that are full.
fn measure_turns(once: bool, length: usize, count: usize) -> f64 {
    let history = json(1 << MAX_WINDOW_BITS, 1).remove(0);
    let mut connections: Vec<Compressor> = (0..count)
        .map(|_| {
            let mut compressor = Compressor::new(settings(true));
            compress(&mut compressor, &history);
            compressor
        })
        .collect();
    let messages = json(length, 16);
    let mut out = Vec::new();
    let sent = messages.len() * count;
    let total = time(once, sent * length, || {
        for message in &messages {
            for compressor in &mut connections {
                out.clear();
                compressor.compress(black_box(message), true, &mut out, || true);
                black_box(&out);
            }
        }
    });
    total / sent as f64
}

fn settings(context_takeover: bool) -> CompressorSettings {
    CompressorSettings {
        level: 6,
        mem_level: 8,
        strategy: Strategy::Default,
        window_bits: MAX_WINDOW_BITS,
        context_takeover,
        dictionary: (*b"").into(),
    }
}

fn compress(compressor: &mut Compressor, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compressor.compress(message, true, &mut out, || true);
    out
}

/// Messages of a length, with values that differ.
fn json(length: usize, count: usize) -> Vec<Vec<u8>> {
    let mut state = 1_u32;
    let mut number = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let words = [
        "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf",
    ];
    let mut message = || {
        let mut out = String::from("[");
        while out.len() < length {
            let word = words[number(7) as usize];
            out.push_str(&format!(
                r#"{{"id":{},"user":"{word}{}","price":{}.{:02},"text":"{} {}","active":{}}},"#,
                number(1_000_000),
                number(1000),
                number(10_000),
                number(100),
                words[number(7) as usize],
                words[number(7) as usize],
                number(2) == 1,
            ));
        }
        out.truncate(length);
        out.into_bytes()
    };
    (0..count).map(|_| message()).collect()
}

/// Nanoseconds of the fastest run of a body that works on `bytes` bytes.
fn time(once: bool, bytes: usize, mut body: impl FnMut()) -> f64 {
    let (runs, calls) = if once {
        (1, 1)
    } else {
        (20, (BYTES_PER_RUN / bytes).clamp(1, 1000))
    };
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let start = Instant::now();
        (0..calls).for_each(|_| body());
        best = best.min(start.elapsed());
    }
    best.as_nanos() as f64 / calls as f64
}

/// Bytes of the messages of a connection.
const TOTAL: usize = 1 << 20;

/// Bytes worked on between two readings of the clock.
const BYTES_PER_RUN: usize = 4 << 20;
