//! Time to decode one masked frame, as a server does.
//!
//! `cargo bench -p ferrows-protocol --bench decoder`: for each payload length the nanoseconds per
//! frame, best of several runs on one thread. Small frames lie 16 to a chunk; `64 KiB in chunks` and
//! longer arrive in chunks of 64 KiB. Without the flag `--bench`, which cargo gives, each body runs
//! once, to see that it works.
//!
//! Decoding unmasks in place, so each chunk is copied afresh; `copy` is that part of the time.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ferrows_protocol::frame::{FrameHeader, encode_frame};
use ferrows_protocol::{Decoder, DecoderConfig, Limits, OpCode, Side};

fn main() {
    let once = !std::env::args().any(|argument| argument == "--bench");
    println!("{:>24} {:>10} {:>10}  ns per frame", "", "total", "copy");
    for (opcode, name) in [(OpCode::BINARY, "binary"), (OpCode::TEXT, "text")] {
        for length in [0, 8, 64, 125, 1024] {
            measure(
                once,
                &format!("{length} B {name} x 16"),
                opcode,
                length,
                16,
                usize::MAX,
            );
        }
        for (length, size) in [(1 << 16, "64 KiB"), (1 << 20, "1 MiB")] {
            measure(
                once,
                &format!("{size} {name} whole"),
                opcode,
                length,
                1,
                usize::MAX,
            );
            measure(
                once,
                &format!("{size} {name} in chunks"),
                opcode,
                length,
                1,
                1 << 16,
            );
        }
    }
}

fn measure(once: bool, name: &str, opcode: OpCode, length: usize, frames: usize, chunk: usize) {
    let mut stream = Vec::new();
    for _ in 0..frames {
        let mask = Some([0x12, 0x34, 0x56, 0x78]);
        let header = FrameHeader {
            fin: true,
            rsv1: false,
            opcode,
            mask,
            length: 0,
        };
        encode_frame(&mut stream, &header, &vec![b'a'; length]);
    }
    let config = DecoderConfig {
        side: Side::Server,
        limits: Limits {
            max_payload: 100 << 20,
            max_fragments: 16_384,
            max_buffered_chunks: 262_144,
        },
        validate_utf8: true,
        compression: false,
    };
    let mut decoder = Decoder::new(config);
    let mut buffer = vec![0; stream.len().min(chunk)];
    let mut decoded = 0;
    let total = time(once, stream.len(), || {
        for piece in stream.chunks(chunk) {
            let buffer = &mut buffer[..piece.len()];
            buffer.copy_from_slice(piece);
            decoded += decode(&mut decoder, black_box(buffer));
        }
    });
    assert!(decoded > 0 && decoded % frames == 0 && decoder.is_idle());
    let copy = time(once, stream.len(), || {
        for piece in stream.chunks(chunk) {
            let buffer = &mut buffer[..piece.len()];
            buffer.copy_from_slice(black_box(piece));
            black_box(buffer);
        }
    });
    let frames = frames as f64;
    println!(
        "{name:>24} {:>10.1} {:>10.1}",
        total / frames,
        copy / frames
    );
}

/// The number of events in a chunk.
fn decode(decoder: &mut Decoder, chunk: &mut [u8]) -> usize {
    let (mut at, mut events) = (0, 0);
    decoder.handle_chunk().expect("the stream is good");
    while let Some(event) = decoder
        .poll_event(chunk, &mut at)
        .expect("the stream is good")
    {
        black_box(&event);
        events += 1;
    }
    events
}

/// Nanoseconds of the fastest run of a body that works on `bytes` bytes.
fn time(once: bool, bytes: usize, mut body: impl FnMut()) -> f64 {
    let (runs, calls) = if once {
        (1, 1)
    } else {
        (20, (BYTES_PER_RUN / bytes).clamp(1, 10_000))
    };
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let start = Instant::now();
        (0..calls).for_each(|_| body());
        best = best.min(start.elapsed());
    }
    best.as_nanos() as f64 / calls as f64
}

/// Bytes decoded between two readings of the clock.
const BYTES_PER_RUN: usize = 16 << 20;
