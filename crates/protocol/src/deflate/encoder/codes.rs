//! Prefix codes (RFC 1951 section 3.2.2).

/// The codes of an alphabet, with those of unused symbols empty.
#[derive(Clone, Copy)]
pub(super) struct Codes<const N: usize> {
    /// Bits of each code; 0 for an unused symbol.
    pub(super) lengths: [u8; N],
    /// Each code as it is written, the first bit lowest.
    pub(super) bits: [u16; N],
}

impl<const N: usize> Codes<N> {
    /// The canonical codes with the given lengths, which must fit together.
    pub(super) const fn new(lengths: [u8; N]) -> Self {
        let mut next = [0_u16; MAX_LENGTH + 2];
        let mut symbol = 0;
        while symbol < N {
            next[lengths[symbol] as usize + 1] += 1;
            symbol += 1;
        }
        next[1] = 0;
        let mut length = 1;
        while length <= MAX_LENGTH {
            next[length + 1] = (next[length + 1] + next[length]) << 1;
            length += 1;
        }
        let mut bits = [0; N];
        symbol = 0;
        while symbol < N {
            let length = lengths[symbol] as usize;
            if length > 0 {
                bits[symbol] = next[length].reverse_bits() >> (16 - length);
                next[length] += 1;
            }
            symbol += 1;
        }
        Self { lengths, bits }
    }

    /// The codes that make fewest bits of symbols with these frequencies, of at most `max` bits each.
    ///
    /// There are always at least two, since some decoders want a complete code.
    pub(super) fn shortest(frequencies: &[u32; N], max: usize) -> Self {
        let mut lengths = [0; N];
        let mut leaves = [0_u32; N];
        let mut count = 0;
        for (symbol, &frequency) in frequencies.iter().enumerate() {
            leaves[count] = frequency << SYMBOL_BITS | symbol as u32;
            count += usize::from(frequency > 0);
        }
        if count < 2 {
            let only = if count == 1 { symbol_of(leaves[0]) } else { 0 };
            lengths[0] = 1;
            lengths[only.max(1)] = 1;
            return Self::new(lengths);
        }
        let leaves = &mut leaves[..count];
        leaves.sort_unstable();
        let mut counts = depths::<N>(leaves);
        limit(&mut counts, max);
        // The rarest are the longest.
        let mut length = max;
        for &leaf in &*leaves {
            while counts[length] == 0 && length > 1 {
                length -= 1;
            }
            lengths[symbol_of(leaf)] = length as u8;
            counts[length] = counts[length].saturating_sub(1);
        }
        Self::new(lengths)
    }

    /// Bits that symbols with these frequencies take.
    pub(super) fn cost(&self, frequencies: &[u32]) -> u64 {
        let pairs = self.lengths.iter().zip(frequencies);
        // At most 15 times the symbols of a block.
        let bits: u32 = pairs
            .map(|(&length, &frequency)| u32::from(length) * frequency)
            .sum();
        bits.into()
    }

    /// The number of symbols up to the last one that is used, and at least `min`.
    pub(super) fn used(&self, min: usize) -> usize {
        let last = self.lengths.iter().rposition(|&length| length > 0);
        last.map_or(min, |last| min.max(last + 1))
    }
}

/// How many leaves of Huffman's tree are at each depth, by the method of Moffat and Katajainen
/// ("In-place calculation of minimum-redundancy codes", 1995): `leaves`, two or more and rarest first,
/// and the inner nodes, which come in order as well, are two queues; the place of a node that is used
/// up holds its parent.
fn depths<const N: usize>(leaves: &[u32]) -> [u32; MAX_DEPTH + 1] {
    let count = leaves.len();
    let mut nodes = [0_u32; N];
    let (mut leaf, mut root) = (0, 0);
    for next in 0..count - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            if leaf < count && (root == next || weight_of(leaves[leaf]) <= nodes[root]) {
                weight += weight_of(leaves[leaf]);
                leaf += 1;
            } else {
                weight += nodes[root];
                nodes[root] = next as u32;
                root += 1;
            }
        }
        nodes[next] = weight;
    }
    let mut counts = [0; MAX_DEPTH + 1];
    let mut inner = [0_u32; MAX_DEPTH + 2];
    // From the last inner node, the tree's root, down: parents come before their children.
    nodes[count - 2] = 0;
    inner[0] = 1;
    for node in (0..count - 2).rev() {
        let depth = (nodes[nodes[node] as usize] as usize + 1).min(MAX_DEPTH);
        nodes[node] = depth as u32;
        inner[depth] += 1;
    }
    for depth in 1..=MAX_DEPTH {
        counts[depth] = (2 * inner[depth - 1]).saturating_sub(inner[depth]);
    }
    counts
}

/// Makes codes out of the depths that are no longer than `max`: leaves from below are moved up, and for
/// that others down, which costs little.
fn limit(counts: &mut [u32; MAX_DEPTH + 1], max: usize) {
    let below: u32 = counts[max + 1..].iter().sum();
    counts[max] += below;
    counts[max + 1..].fill(0);
    let mut room: u64 = (1..=max)
        .map(|length| u64::from(counts[length]) << (max - length))
        .sum();
    while room > 1 << max {
        counts[max] -= 1;
        if let Some(length) = (1..max).rev().find(|&length| counts[length] > 0) {
            counts[length] -= 1;
            counts[length + 1] += 2;
        }
        room -= 1;
    }
}

/// The frequency of a leaf, which comes first so that leaves are sorted by it.
#[inline(always)]
fn weight_of(leaf: u32) -> u32 {
    leaf >> SYMBOL_BITS
}

#[inline(always)]
fn symbol_of(leaf: u32) -> usize {
    (leaf % (1 << SYMBOL_BITS)) as usize
}

/// Bits that any symbol fits in.
const SYMBOL_BITS: u32 = 9;

/// Bits of the longest code.
const MAX_LENGTH: usize = 15;

/// No tree is deeper: its weights would be beyond 2^21, more than the symbols of a block.
const MAX_DEPTH: usize = 31;
