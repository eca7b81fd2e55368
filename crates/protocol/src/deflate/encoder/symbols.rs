//! What a part of a message consists of: literals, and matches with what came before.

/// Literals and matches in order, and how often each code is needed for them.
pub(super) struct Symbols {
    /// A literal byte, or [`MATCH`] with the length less 3 above 16 bits with the distance less 1.
    list: Vec<u32>,
    pub(super) lengths: [u32; LENGTH_CODES],
    pub(super) distances: [u32; DISTANCE_CODES],
}

impl Default for Symbols {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            lengths: [0; LENGTH_CODES],
            distances: [0; DISTANCE_CODES],
        }
    }
}

/// One element of the list, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Literal(u8),
    /// The length less 3, and the distance less 1.
    Match(u8, u16),
}

impl Symbols {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.lengths = [0; LENGTH_CODES];
        self.distances = [0; DISTANCE_CODES];
        // Each block has one end.
        self.lengths[END_OF_BLOCK] = 1;
    }

    #[inline(always)]
    pub(super) fn push_literal(&mut self, byte: u8) {
        self.list.push(byte.into());
        self.lengths[usize::from(byte)] += 1;
    }

    /// Adds a match of 3 to 258 bytes, 1 to 32,768 bytes back.
    #[inline(always)]
    pub(super) fn push_match(&mut self, length: usize, distance: usize) {
        let (length, distance) = ((length - MIN_MATCH) as u8, (distance - 1) as u16);
        self.list
            .push(MATCH | u32::from(length) << 16 | u32::from(distance));
        self.lengths[length_code(length)] += 1;
        self.distances[distance_code(distance)] += 1;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Symbol> {
        self.list.iter().map(|&symbol| {
            if symbol < MATCH {
                Symbol::Literal(symbol as u8)
            } else {
                Symbol::Match((symbol >> 16) as u8, symbol as u16)
            }
        })
    }
}

/// The code of a length, in the alphabet of literals (RFC 1951 section 3.2.5).
#[inline(always)]
pub(super) fn length_code(length: u8) -> usize {
    FIRST_LENGTH_CODE + usize::from(LENGTH_CODE[usize::from(length)])
}

/// The code of a distance.
#[inline(always)]
pub(super) fn distance_code(distance: u16) -> usize {
    if distance < 4 {
        return distance.into();
    }
    let log = distance.ilog2() as usize;
    2 * log + usize::from(distance >> (log - 1) & 1)
}

pub(super) const MIN_MATCH: usize = 3;
pub(super) const MAX_MATCH: usize = 258;

/// Codes of literals, the end of a block, and lengths.
pub(super) const LENGTH_CODES: usize = 286;
pub(super) const DISTANCE_CODES: usize = 30;
pub(super) const END_OF_BLOCK: usize = 256;
pub(super) const FIRST_LENGTH_CODE: usize = 257;

/// Bits that follow each length code.
pub(super) const LENGTH_EXTRA: [u8; 29] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];

/// Bits that follow each distance code.
pub(super) const DISTANCE_EXTRA: [u8; 30] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
    13,
];

/// The first length, less 3, of each length code. The last one stands for 258 alone.
pub(super) const LENGTH_BASE: [u8; 29] = {
    let mut bases = [0; 29];
    let mut code = 1;
    while code < 28 {
        bases[code] = bases[code - 1] + (1 << LENGTH_EXTRA[code - 1]);
        code += 1;
    }
    bases[28] = 255;
    bases
};

/// The first distance, less 1, of each distance code.
pub(super) const DISTANCE_BASE: [u16; 30] = {
    let mut bases = [0; 30];
    let mut code = 1;
    while code < 30 {
        bases[code] = bases[code - 1] + (1 << DISTANCE_EXTRA[code - 1]);
        code += 1;
    }
    bases
};

/// The number of the length code for each length less 3.
const LENGTH_CODE: [u8; 256] = {
    let mut codes = [0; 256];
    let mut length = 0;
    let mut code = 0;
    while length < 256 {
        if code < 28 && length >= LENGTH_BASE[code + 1] as usize {
            code += 1;
        }
        codes[length] = code as u8;
        length += 1;
    }
    codes
};

/// Marks a match.
const MATCH: u32 = 0x8000_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_length_and_distance_the_code_of_rfc_1951() {
        for (length, code) in [
            (3, 257),
            (10, 264),
            (11, 265),
            (12, 265),
            (114, 279),
            (115, 280),
            (227, 284),
            (257, 284),
            (258, 285),
        ] {
            assert_eq!(length_code((length - 3) as u8), code, "{length}");
        }
        for (distance, code) in [
            (1, 0),
            (4, 3),
            (5, 4),
            (6, 4),
            (7, 5),
            (192, 14),
            (193, 15),
            (24_576, 28),
            (24_577, 29),
            (32_768, 29),
        ] {
            assert_eq!(distance_code((distance - 1) as u16), code, "{distance}");
        }
    }

    #[test]
    fn reaches_every_length_and_distance_with_base_and_extra_bits() {
        for length in 0..=255_u8 {
            let code = length_code(length) - FIRST_LENGTH_CODE;
            let extra = u32::from(length - LENGTH_BASE[code]);
            assert!(extra < 1 << LENGTH_EXTRA[code], "{length}");
        }
        for distance in 0..32_768_u32 {
            let code = distance_code(distance as u16);
            let extra = distance - u32::from(DISTANCE_BASE[code]);
            assert!(extra < 1 << DISTANCE_EXTRA[code], "{distance}");
        }
    }
}
