//! Throughput of masking in GB/s against a byte loop and a plain copy.
//!
//! `cargo bench -p ferrows-protocol --bench mask`: one line for each length, best of several runs on
//! one thread, data in the cache up to its size. Lengths are odd by three bytes, as those of real
//! messages. Without the flag `--bench`, which cargo gives, each body runs once, to see that it works.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ferrows_protocol::mask;

fn main() {
    let once = !std::env::args().any(|argument| argument == "--bench");
    let names = ["bytes", "apply", "append", "copy_into", "byte loop", "copy"];
    println!(
        "{}  GB/s",
        names.map(|name| format!("{name:>10}")).join(" ")
    );
    for length in [8, 64, 128, 1 << 10, 1 << 12, 1 << 16, 1 << 20] {
        let length = length + 3;
        let source = vec![0x5a_u8; length];
        let mut bytes = source.clone();
        let mut out = Vec::with_capacity(length);
        let apply = throughput(once, length, || {
            mask::apply(black_box(&mut bytes), black_box(KEY), 0);
        });
        let append = throughput(once, length, || {
            out.clear();
            mask::append(black_box(&mut out), black_box(&source), black_box(KEY), 0);
        });
        let mut copied = vec![0; length];
        let copy_into = throughput(once, length, || {
            mask::copy_into(
                black_box(&mut copied),
                black_box(&source),
                black_box(KEY),
                0,
            );
        });
        let scalar = throughput(once, length, || {
            byte_loop(black_box(&mut bytes), black_box(KEY))
        });
        let copy = throughput(once, length, || {
            out.clear();
            black_box(&mut out).extend_from_slice(black_box(&source));
        });
        println!(
            "{length:>10} {apply:>10.2} {append:>10.2} {copy_into:>10.2} {scalar:>10.2} {copy:>10.2}"
        );
    }
}

/// The definition of RFC 6455 section 5.3.
fn byte_loop(bytes: &mut [u8], key: [u8; 4]) {
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[i % 4];
    }
}

/// Bytes per nanosecond, which is GB/s, of the fastest run.
fn throughput(once: bool, length: usize, mut body: impl FnMut()) -> f64 {
    let (runs, calls) = if once {
        (1, 1)
    } else {
        (20, (BYTES_PER_RUN / length).max(1))
    };
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let start = Instant::now();
        (0..calls).for_each(|_| body());
        best = best.min(start.elapsed());
    }
    (length * calls) as f64 / best.as_nanos().max(1) as f64
}

const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// Bytes masked between two readings of the clock.
const BYTES_PER_RUN: usize = 8 << 20;
