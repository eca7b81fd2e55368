//! Data into literals and matches (RFC 1951 section 2), with lazy evaluation: a match is put off for a
//! literal if a better one begins a byte later.
//!
//! All places are 16 bits wide, as is the window, so that none needs a check whether it is within.

use std::hint::black_box;

use super::symbols::{MAX_MATCH, Symbols};

/// What matches are looked for in.
pub(super) struct Window {
    /// What the stream ends with, and behind it the part that is being worked on. The padding is never
    /// looked at for what it holds.
    bytes: Box<[u8; MAX_WINDOW + MAX_PART + PADDING]>,
    /// Bytes that are there.
    filled: usize,
    /// The place in the stream of `bytes[0]`, as far as the tables know it.
    base: u16,
    /// Bytes before this one are in the tables.
    indexed: usize,
    /// How far back a match may begin.
    size: usize,
    tables: Tables,
}

/// Where the first bytes of a match were seen last. An entry is a queue of places in the stream, 16 bits
/// each, the latest lowest. What lies there is compared before it is believed, so that one that is out
/// of date, or was never entered, does no harm.
struct Tables {
    /// By a hash of 8 bytes, eight places.
    long: Box<[u128; MAX_ENTRIES]>,
    /// By a hash of 4 bytes, two places.
    short: Box<[u32; MAX_ENTRIES]>,
    /// log2 of the entries that are in use of each.
    bits: u32,
}

/// A match; a length of 0 stands for none.
#[derive(Clone, Copy)]
struct Match {
    length: usize,
    distance: usize,
}

impl Window {
    pub(super) fn new(size: usize) -> Self {
        Self {
            bytes: boxed(0),
            filled: 0,
            base: 0,
            indexed: 0,
            size,
            tables: Tables {
                long: boxed(0),
                short: boxed(0),
                bits: MIN_TABLE_BITS,
            },
        }
    }

    /// Begins anew behind `history`.
    pub(super) fn restart(&mut self, history: &[u8]) {
        self.tables.clear();
        self.filled = 0;
        self.base = 0;
        self.indexed = 0;
        self.append(history);
        self.index_history();
    }

    /// Reads all that matches are looked for in, once and in order.
    ///
    /// To be called when it has probably left the cache: each look into the tables would then wait for
    /// memory by itself, while the processor fetches ahead what is read in order. That takes a tenth of
    /// the time.
    #[inline(never)]
    pub(super) fn read_through(&self) {
        let in_reach = &self.bytes[self.filled.saturating_sub(self.size)..self.filled];
        let Tables { long, short, bits } = &self.tables;
        let mut sum = 0_u8;
        for &byte in in_reach.iter().step_by(LINE) {
            sum ^= byte;
        }
        for &places in long[..1 << bits].iter().step_by(LINE / size_of::<u128>()) {
            sum ^= places as u8;
        }
        for &places in short[..1 << bits].iter().step_by(LINE / size_of::<u32>()) {
            sum ^= places as u8;
        }
        // Or the compiler would leave all of it out.
        black_box(sum);
    }

    /// Reads what will be asked of the tables for `part`, which comes next: none of it depends on
    /// another, so the processor fetches several entries at a time. To be called in place of
    /// [`Self::read_through`] for a part that needs few.
    #[inline(never)]
    pub(super) fn read_entries(&self, part: &[u8]) {
        let Tables { long, short, bits } = &self.tables;
        let shift = 64 - bits;
        let mut sum = 0_u8;
        for word in part.windows(LONG) {
            let word = u64::from_le_bytes(word.try_into().expect("as many bytes"));
            sum ^= long[long_hash(word, shift)] as u8;
            sum ^= short[short_hash(word, shift)] as u8;
        }
        black_box(sum);
    }

    /// Adds the literals and matches that make up `part`, at most [`MAX_PART`] bytes.
    pub(super) fn find_matches(&mut self, part: &[u8], symbols: &mut Symbols) {
        let mut at = self.append(part);
        let end = self.filled;
        let good_length = if part.len() > LARGE {
            GOOD_LENGTH_IN_LARGE
        } else {
            GOOD_LENGTH
        };
        self.index_to(at);
        while at < end {
            let mut best = self.search(at, MIN_LENGTH - 1);
            if best.length == 0 {
                symbols.push_literal(self.bytes[at]);
                at += 1;
                continue;
            }
            while best.length < good_length && at + 1 < end {
                let later = self.search(at + 1, best.length - 1);
                if !later.is_better_than(best) {
                    break;
                }
                symbols.push_literal(self.bytes[at]);
                at += 1;
                best = later;
            }
            symbols.push_match(best.length, best.distance);
            at += best.length;
            self.index_to(at);
        }
    }

    /// Puts data behind what is there, and gives the place where it begins. What is out of reach is
    /// forgotten, and tables that have become too small are made anew.
    fn append(&mut self, data: &[u8]) -> usize {
        if self.filled + data.len() > MAX_WINDOW + MAX_PART {
            let excess = self.filled - self.size.min(self.filled);
            self.bytes.copy_within(excess..self.filled, 0);
            self.filled -= excess;
            self.indexed = self.indexed.saturating_sub(excess);
            self.base = self.base.wrapping_add(excess as u16);
        }
        let start = self.filled;
        self.filled += data.len();
        self.bytes[start..self.filled].copy_from_slice(data);
        // What was there before must not decide anything.
        self.bytes[self.filled..self.filled + PADDING].fill(0);
        if self.tables.grow(self.filled) {
            self.indexed = start.saturating_sub(self.size);
        }
        start
    }

    /// Enters what comes before `end` into the tables, but for the last bytes, which need others
    /// behind them.
    #[inline(always)]
    fn index_to(&mut self, end: usize) {
        let end = end.min(self.filled.saturating_sub(LONG - 1));
        let shift = 64 - self.tables.bits;
        for at in self.indexed..end {
            let word = word_at(&self.bytes, at as u16);
            let place = self.base.wrapping_add(at as u16);
            self.tables.enter(word, shift, place);
        }
        self.indexed = self.indexed.max(end);
    }

    /// Enters some of the places into the tables, every fourth of those further back: what comes again
    /// is mostly longer than a word and so much more, and an encoder is lent in a third of the time.
    fn index_history(&mut self) {
        let end = self.filled.saturating_sub(LONG - 1);
        let near = end.saturating_sub(NEAR);
        let shift = 64 - self.tables.bits;
        for at in (0..near).step_by(4).chain((near..end).step_by(2)) {
            let word = word_at(&self.bytes, at as u16);
            self.tables
                .enter(word, shift, self.base.wrapping_add(at as u16));
        }
        self.indexed = end;
    }

    /// The best match at `at` that is longer than `longer_than`, which is 3 at least.
    ///
    /// Enters the place into the tables if it is the next one.
    #[inline(always)]
    fn search(&mut self, at: usize, longer_than: usize) -> Match {
        let mut best = Match {
            length: 0,
            distance: 0,
        };
        let left = self.filled - at;
        let max = left.min(MAX_MATCH);
        if max <= longer_than {
            return best;
        }
        let bytes = &*self.bytes;
        let here = at as u16;
        let word = word_at(bytes, here);
        let place = self.base.wrapping_add(here);
        let reach = at.min(self.size) as u16;
        let shift = 64 - self.tables.bits;
        let long = &mut self.tables.long[long_hash(word, shift)];
        let short = &mut self.tables.short[short_hash(word, shift)];
        let mut length = longer_than;
        let places = *long;
        // All eight are compared before anything is decided: rarely none, rarely all are equal. Hardly
        // ever one is out of reach that is equal.
        let mut equal = 0_u32;
        for index in 0..8 {
            let from = ((places >> (16 * index)) as u16).wrapping_sub(self.base);
            equal |= u32::from(word_at(bytes, from) == word) << index;
        }
        while equal != 0 {
            let index = equal.trailing_zeros();
            equal &= equal - 1;
            let from = ((places >> (16 * index)) as u16).wrapping_sub(self.base);
            let distance = here.wrapping_sub(from);
            let at_end = length.max(LONG) as u16 - (LONG as u16 - 1);
            let is_longer = word_at(bytes, from.wrapping_add(at_end))
                == word_at(bytes, here.wrapping_add(at_end))
                || length < LONG;
            if !is_longer || distance.wrapping_sub(1) >= reach {
                continue;
            }
            let found = (LONG + common(bytes, from, here)).min(max);
            if found > length {
                length = found;
                best = Match {
                    length,
                    distance: distance.into(),
                };
            }
        }
        if length < LONG {
            let places = *short;
            let [latest, before] = [0, 16].map(|shift| {
                let from = ((places >> shift) as u16).wrapping_sub(self.base);
                let distance = here.wrapping_sub(from);
                let different = word_at(bytes, from) ^ word;
                let found = (different.trailing_zeros() / 8) as usize;
                let reached = distance.wrapping_sub(1) < reach;
                (if reached { found } else { 0 }, distance)
            });
            let (found, distance) = if before.0 > latest.0 { before } else { latest };
            if found > length {
                best = Match {
                    length: found.min(max),
                    distance: distance.into(),
                };
            }
        }
        if self.indexed == at && left >= LONG {
            *long = *long << 16 | u128::from(place);
            *short = *short << 16 | u32::from(place);
            self.indexed = at + 1;
        }
        if best.is_worth_it() { best } else { NONE }
    }
}

impl Match {
    /// Whether it is worth a literal to begin a byte later with this one: a byte is worth about 4 bits.
    #[inline(always)]
    fn is_better_than(self, earlier: Self) -> bool {
        if self.length == 0 {
            return false;
        }
        let bytes = self.length as i32 - earlier.length as i32;
        let bits = earlier.distance.ilog2() as i32 - self.distance.ilog2() as i32;
        4 * bytes + bits > 2
    }

    /// Far away, four bytes cost about as much as literals.
    #[inline(always)]
    fn is_worth_it(self) -> bool {
        self.length > MIN_LENGTH || self.distance <= FAR
    }
}

impl Tables {
    /// Forgets everything.
    fn clear(&mut self) {
        self.long[..1 << self.bits].fill(0);
        self.short[..1 << self.bits].fill(0);
        self.bits = MIN_TABLE_BITS;
    }

    /// Makes room for a stream of so many bytes; true if that has emptied the tables.
    fn grow(&mut self, bytes: usize) -> bool {
        let wanted = bytes.next_power_of_two().ilog2();
        let bits = wanted
            .saturating_sub(3)
            .clamp(MIN_TABLE_BITS, MAX_TABLE_BITS);
        let grows = bits > self.bits;
        if grows {
            self.clear();
            self.bits = bits;
        }
        grows
    }

    #[inline(always)]
    fn enter(&mut self, word: u64, shift: u32, place: u16) {
        let long = &mut self.long[long_hash(word, shift)];
        *long = *long << 16 | u128::from(place);
        let short = &mut self.short[short_hash(word, shift)];
        *short = *short << 16 | u32::from(place);
    }
}

/// Bytes that two places have in common behind the first 8, and at most up to the longest match; the
/// later one may run into the padding.
#[inline(always)]
fn common(bytes: &Bytes, from: u16, at: u16) -> usize {
    let mut length = 0;
    let (mut from, mut at) = (from, at);
    // 2^16 - 8 and what is above would leave the array.
    while length < MAX_MATCH - LONG && at < u16::MAX - 2 * LONG as u16 {
        (from, at) = (from + LONG as u16, at + LONG as u16);
        let different = word_at(bytes, from) ^ word_at(bytes, at);
        if different != 0 {
            return length + (different.trailing_zeros() / 8) as usize;
        }
        length += LONG;
    }
    length
}

#[inline(always)]
fn long_hash(word: u64, shift: u32) -> usize {
    (word.wrapping_mul(MULTIPLIER) >> shift) as usize % MAX_ENTRIES
}

#[inline(always)]
fn short_hash(word: u64, shift: u32) -> usize {
    ((word << 32).wrapping_mul(MULTIPLIER) >> shift) as usize % MAX_ENTRIES
}

#[inline(always)]
fn word_at(bytes: &Bytes, at: u16) -> u64 {
    let at = usize::from(at);
    u64::from_le_bytes(bytes[at..at + LONG].try_into().expect("as many bytes"))
}

/// An array that never was on the stack.
fn boxed<T: Clone, const N: usize>(value: T) -> Box<[T; N]> {
    let array = vec![value; N].into_boxed_slice().try_into();
    array.unwrap_or_else(|_| unreachable!("it has that length"))
}

type Bytes = [u8; MAX_WINDOW + MAX_PART + PADDING];

const NONE: Match = Match {
    length: 0,
    distance: 0,
};

/// Bytes that are worked on at a time.
pub(super) const MAX_PART: usize = 32 * 1024;

/// The largest window of DEFLATE. With a part it makes up just what 16 bits can name.
const MAX_WINDOW: usize = 32 * 1024;

/// A word may be read at any place.
const PADDING: usize = LONG;

/// Bytes of a word, by which the long table is indexed.
const LONG: usize = 8;

/// The shortest match that is looked for.
const MIN_LENGTH: usize = 4;

/// A match of this length is taken without a look at the next byte.
const GOOD_LENGTH: usize = 48;

/// The same in parts of more than [`LARGE`] bytes: 7 % less work for half a percent more bytes, while
/// those of short messages become one percent more.
const GOOD_LENGTH_IN_LARGE: usize = 16;

const LARGE: usize = 4 * 1024;

const FAR: usize = 8 * 1024;

/// Bytes of a history of which more places are entered.
const NEAR: usize = 8 * 1024;

const MIN_TABLE_BITS: u32 = 8;
const MAX_TABLE_BITS: u32 = 13;
const MAX_ENTRIES: usize = 1 << MAX_TABLE_BITS;

/// Bytes of a cache's line on most processors; on others some lines are read twice.
const LINE: usize = 64;

/// 2^64 divided by the golden ratio, whose upper bits depend on all of a word.
const MULTIPLIER: u64 = 0x9e37_79b1_85eb_ca87;
