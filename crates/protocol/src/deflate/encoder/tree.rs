//! Codes made to measure, and how they are sent (RFC 1951 section 3.2.7).

use super::bits::BitWriter;
use super::block::put;
use super::codes::Codes;
use super::symbols::{DISTANCE_CODES, FIRST_LENGTH_CODE, LENGTH_CODES, Symbols};

/// The codes for one block.
pub(super) struct Tree {
    pub(super) lengths: Codes<LENGTH_CODES>,
    pub(super) distances: Codes<DISTANCE_CODES>,
    /// Bits of the codes in the block, and of the lines below.
    pub(super) size: u64,
    /// How many codes of each alphabet are sent.
    length_count: usize,
    distance_count: usize,
    /// Their lengths, with repetitions put together.
    runs: Runs,
    /// The codes that the runs are sent with.
    run_codes: Codes<RUN_CODES>,
    run_code_count: usize,
}

/// Lengths of codes: symbols of the alphabet for lengths, each with its extra bits.
struct Runs {
    list: [(u8, u8); LENGTH_CODES + DISTANCE_CODES],
    count: usize,
    frequencies: [u32; RUN_CODES],
}

impl Tree {
    /// Bits that a block with codes made to measure will hardly fall below, without extra bits: what
    /// information theory asks for, and a guess at what the codes take to be sent.
    pub(super) fn estimate(symbols: &Symbols) -> u64 {
        let (lengths, length_kinds) = entropy(&symbols.lengths);
        let (distances, distance_kinds) = entropy(&symbols.distances);
        let kinds = (length_kinds + distance_kinds).min(MANY_KINDS);
        let sending = LEAST_HEADER + BITS_A_KIND * kinds;
        lengths + distances + sending
    }

    pub(super) fn new(symbols: &Symbols) -> Self {
        let lengths = Codes::shortest(&symbols.lengths, MAX_CODE);
        let distances = Codes::shortest(&symbols.distances, MAX_CODE);
        let length_count = lengths.used(FIRST_LENGTH_CODE);
        let distance_count = distances.used(1);
        let mut all = [0; LENGTH_CODES + DISTANCE_CODES];
        all[..length_count].copy_from_slice(&lengths.lengths[..length_count]);
        all[length_count..length_count + distance_count]
            .copy_from_slice(&distances.lengths[..distance_count]);
        let runs = Runs::new(&all[..length_count + distance_count]);
        let run_codes = Codes::shortest(&runs.frequencies, MAX_RUN_CODE);
        let used = RUN_ORDER
            .iter()
            .rposition(|&code| run_codes.lengths[code] > 0);
        let run_code_count = used.map_or(4, |last| (last + 1).max(4));
        let size = 17
            + 3 * run_code_count as u64
            + run_codes.cost(&runs.frequencies)
            + runs.extra_bits()
            + lengths.cost(&symbols.lengths)
            + distances.cost(&symbols.distances);
        Self {
            lengths,
            distances,
            size,
            length_count,
            distance_count,
            runs,
            run_codes,
            run_code_count,
        }
    }

    /// Writes what comes between the type of the block and its symbols.
    pub(super) fn write(&self, bits: &mut BitWriter<'_>) {
        bits.put((self.length_count - FIRST_LENGTH_CODE) as u64, 5);
        bits.put((self.distance_count - 1) as u64, 5);
        bits.put((self.run_code_count - 4) as u64, 4);
        for &code in &RUN_ORDER[..self.run_code_count] {
            bits.put(self.run_codes.lengths[code].into(), 3);
        }
        for &(code, extra) in &self.runs.list[..self.runs.count] {
            put(bits, &self.run_codes, code.into());
            bits.put(extra.into(), extra_bits(code.into()));
        }
    }
}

impl Runs {
    fn new(lengths: &[u8]) -> Self {
        let mut runs = Self {
            list: [(0, 0); LENGTH_CODES + DISTANCE_CODES],
            count: 0,
            frequencies: [0; RUN_CODES],
        };
        for run in lengths.chunk_by(|a, b| a == b) {
            let mut left = run.len();
            if run[0] == 0 {
                while left >= 3 {
                    let zeros = left.min(138);
                    match zeros {
                        ..=10 => runs.push(ZEROS, zeros - 3),
                        _ => runs.push(MANY_ZEROS, zeros - 11),
                    }
                    left -= zeros;
                }
            } else {
                runs.push(run[0], 0);
                left -= 1;
                while left >= 3 {
                    let repetitions = left.min(6);
                    runs.push(REPEAT, repetitions - 3);
                    left -= repetitions;
                }
            }
            for _ in 0..left {
                runs.push(run[0], 0);
            }
        }
        runs
    }

    fn push(&mut self, code: u8, extra: usize) {
        self.list[self.count] = (code, extra as u8);
        self.count += 1;
        self.frequencies[usize::from(code)] += 1;
    }

    fn extra_bits(&self) -> u64 {
        let codes = [REPEAT, ZEROS, MANY_ZEROS].map(usize::from);
        codes
            .map(|code| u64::from(self.frequencies[code]) * u64::from(extra_bits(code)))
            .iter()
            .sum()
    }
}

/// Bits behind a code for lengths.
fn extra_bits(code: usize) -> u32 {
    match code {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}

/// Bits that symbols need at least, and the number of different ones.
fn entropy(frequencies: &[u32]) -> (u64, u64) {
    let (mut sum, mut kinds) = (0.0, 0);
    let total: u32 = frequencies.iter().sum();
    for &frequency in frequencies.iter().filter(|&&frequency| frequency > 0) {
        sum += frequency as f32 * (frequency as f32).log2();
        kinds += 1;
    }
    let whole = total as f32 * (total.max(1) as f32).log2();
    ((whole - sum) as u64, kinds)
}

const MAX_CODE: usize = 15;
const MAX_RUN_CODE: usize = 7;

/// Codes for lengths: those themselves, and three for repetitions.
const RUN_CODES: usize = 19;

/// The length before, 3 to 6 times.
const REPEAT: u8 = 16;
/// 3 to 10 zeros.
const ZEROS: u8 = 17;
/// 11 to 138 zeros.
const MANY_ZEROS: u8 = 18;

/// The order in which the codes for lengths are sent.
const RUN_ORDER: [usize; RUN_CODES] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Bits of the shortest header seen with JSON of 200 bytes to 16 KiB, less those for the symbols that
/// occur. Most are 60 to 120 bits longer than the guess; making codes for nothing costs as much time
/// as all the rest of a short message.
const LEAST_HEADER: u64 = 56;

/// Bits by which each symbol that occurs makes the header longer.
const BITS_A_KIND: u64 = 4;

/// So many symbols are mostly neighbours, which share their bits.
const MANY_KINDS: u64 = 64;
