//! Symbols into a block, in whichever form is shortest (RFC 1951 section 3.2.3).

use super::bits::BitWriter;
use super::codes::Codes;
use super::symbols::{
    DISTANCE_BASE, DISTANCE_CODES, DISTANCE_EXTRA, END_OF_BLOCK, FIRST_LENGTH_CODE, LENGTH_BASE,
    LENGTH_CODES, LENGTH_EXTRA, Symbol, Symbols, distance_code, length_code,
};
use super::tree::Tree;

/// Writes the block, not the last one of its stream, that `symbols` stand for; `data` is the same in
/// plain bytes.
pub(super) fn write(symbols: &Symbols, data: &[u8], bits: &mut BitWriter<'_>) {
    let extra = extra_bits(symbols);
    let fixed =
        extra + FIXED_LENGTHS.cost(&symbols.lengths) + FIXED_DISTANCES.cost(&symbols.distances);
    let stored = 8 * (data.len() as u64 + STORED_HEADER);
    let shortest = fixed.min(stored);
    if Tree::estimate(symbols) + extra < shortest {
        let tree = Tree::new(symbols);
        if tree.size + extra < shortest {
            bits.reserve(tree.size + extra + BLOCK_HEADER);
            bits.put(DYNAMIC, 3);
            tree.write(bits);
            return write_symbols(symbols, &tree.lengths, &tree.distances, bits);
        }
    }
    if fixed < stored {
        bits.reserve(fixed + BLOCK_HEADER);
        bits.put(FIXED, 3);
        write_symbols(symbols, &FIXED_LENGTHS, &FIXED_DISTANCES, bits);
    } else {
        write_stored(data, bits);
    }
}

/// Bits behind the codes of lengths and distances.
fn extra_bits(symbols: &Symbols) -> u64 {
    let count = |(&frequency, &extra): (&u32, &u8)| u64::from(frequency) * u64::from(extra);
    let lengths = symbols.lengths[FIRST_LENGTH_CODE..].iter();
    let distances = symbols.distances.iter();
    let sum: u64 = lengths.zip(&LENGTH_EXTRA).map(count).sum();
    sum + distances.zip(&DISTANCE_EXTRA).map(count).sum::<u64>()
}

fn write_symbols<const N: usize>(
    symbols: &Symbols,
    lengths: &Codes<N>,
    distances: &Codes<DISTANCE_CODES>,
    bits: &mut BitWriter<'_>,
) {
    for symbol in symbols.iter() {
        match symbol {
            Symbol::Literal(byte) => put(bits, lengths, byte.into()),
            Symbol::Match(length, distance) => {
                let code = length_code(length);
                let row = code - FIRST_LENGTH_CODE;
                // At most 15 + 5 + 15 + 13 bits, which are put in one go.
                let mut value = u64::from(lengths.bits[code]);
                let mut count = u32::from(lengths.lengths[code]);
                value |= u64::from(length - LENGTH_BASE[row]) << count;
                count += u32::from(LENGTH_EXTRA[row]);
                let code = distance_code(distance);
                value |= u64::from(distances.bits[code]) << count;
                count += u32::from(distances.lengths[code]);
                value |= u64::from(distance - DISTANCE_BASE[code]) << count;
                count += u32::from(DISTANCE_EXTRA[code]);
                bits.put(value, count);
            }
        }
    }
    put(bits, lengths, END_OF_BLOCK);
}

/// Writes one code.
#[inline(always)]
pub(super) fn put<const N: usize>(bits: &mut BitWriter<'_>, codes: &Codes<N>, symbol: usize) {
    bits.put(codes.bits[symbol].into(), codes.lengths[symbol].into());
}

fn write_stored(data: &[u8], bits: &mut BitWriter<'_>) {
    for part in data.chunks(MAX_STORED) {
        let length = part.len() as u16;
        bits.reserve(BLOCK_HEADER);
        bits.put(STORED, 3);
        bits.put_bytes(&length.to_le_bytes());
        bits.put_bytes(&(!length).to_le_bytes());
        bits.put_bytes(part);
    }
}

// The types of blocks, above the bit of the last one, which is 0.
const STORED: u64 = 0b000;
const FIXED: u64 = 0b010;
const DYNAMIC: u64 = 0b100;

/// Bytes that a stored block takes beside the data.
const STORED_HEADER: u64 = 5;

/// Bytes that one stored block holds at most.
const MAX_STORED: usize = 65_535;

/// Bits that suffice for what comes before the codes.
const BLOCK_HEADER: u64 = 64;

/// The codes that need not be sent (RFC 1951 section 3.2.6), two of them for symbols that are never used.
const FIXED_LENGTHS: Codes<{ LENGTH_CODES + 2 }> = {
    let mut lengths = [8; LENGTH_CODES + 2];
    let mut symbol = 144;
    while symbol < 256 {
        lengths[symbol] = 9;
        symbol += 1;
    }
    while symbol < 280 {
        lengths[symbol] = 7;
        symbol += 1;
    }
    Codes::new(lengths)
};

const FIXED_DISTANCES: Codes<DISTANCE_CODES> = Codes::new([5; DISTANCE_CODES]);
