//! DEFLATE (RFC 1951) read bit by bit, to compare with. Short and slow, after Mark Adler's `puff`.

/// What a stream holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Reference {
    /// What it inflates to, or the part of it that lies before an error.
    pub(crate) bytes: Vec<u8>,
    /// How far back the farthest match reaches.
    pub(crate) farthest: usize,
    pub(crate) end: End,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It does not; more could follow.
    Open,
    /// With a final block, and this many bytes behind it.
    Final(usize),
    /// In something that is no DEFLATE data.
    Invalid,
}

impl Reference {
    /// Reads `data`, which may refer back to `dictionary`.
    pub(crate) fn new(data: &[u8], dictionary: &[u8]) -> Self {
        let mut reader = Reader {
            data,
            bit: 0,
            out: dictionary.to_vec(),
            farthest: 0,
        };
        let end = loop {
            match reader.block() {
                Ok(false) => {}
                Ok(true) => break End::Final(data.len() - reader.bit.div_ceil(8)),
                Err(end) => break end,
            }
        };
        Self {
            bytes: reader.out.split_off(dictionary.len()),
            farthest: reader.farthest,
            end,
        }
    }
}

struct Reader<'a> {
    data: &'a [u8],
    /// The position in `data`.
    bit: usize,
    out: Vec<u8>,
    farthest: usize,
}

impl Reader<'_> {
    /// Reads a block; true if it was the final one.
    fn block(&mut self) -> Result<bool, End> {
        let last = self.bits(1)? == 1;
        match self.bits(2)? {
            0 => self.stored()?,
            1 => {
                let lengths: Vec<u8> = (0..288).map(fixed_length).collect();
                self.codes(&Code::new(&lengths), &Code::new(&[5; 32]))?;
            }
            2 => {
                let (literals, distances) = self.tables()?;
                self.codes(&literals, &distances)?;
            }
            _ => return Err(End::Invalid),
        }
        Ok(last)
    }

    fn stored(&mut self) -> Result<(), End> {
        self.bit = self.bit.next_multiple_of(8);
        let (length, complement) = (self.bits(16)?, self.bits(16)?);
        if length != complement ^ 0xffff {
            return Err(End::Invalid);
        }
        for _ in 0..length {
            let byte = self.bits(8)? as u8;
            self.out.push(byte);
        }
        Ok(())
    }

    /// The codes that a dynamic block begins with.
    fn tables(&mut self) -> Result<(Code, Code), End> {
        let literals = self.bits(5)? + 257;
        let distances = self.bits(5)? + 1;
        let count = self.bits(4)? + 4;
        if literals > 286 || distances > 30 {
            return Err(End::Invalid);
        }
        let mut lengths = [0; 19];
        for place in ORDER.into_iter().take(count) {
            lengths[place] = self.bits(3)? as u8;
        }
        let code = Code::new(&lengths);
        if code.symbols.is_empty() {
            // zlib reads this as a code of which each bit stands for a length of 0.
            (0..literals + distances).try_for_each(|_| self.bits(1).map(drop))?;
        }
        if code.left != 0 {
            return Err(End::Invalid);
        }
        let mut lengths = Vec::new();
        while lengths.len() < literals + distances {
            let (value, times) = match self.symbol(&code)? {
                16 => (lengths.last().copied(), 3 + self.bits(2)?),
                17 => (Some(0), 3 + self.bits(3)?),
                18 => (Some(0), 11 + self.bits(7)?),
                length => (Some(length as u8), 1),
            };
            let value = value.ok_or(End::Invalid)?;
            if lengths.len() + times > literals + distances {
                return Err(End::Invalid);
            }
            lengths.resize(lengths.len() + times, value);
        }
        let (first, second) = lengths.split_at(literals);
        let (first, second) = (Code::new(first), Code::new(second));
        if lengths[256] == 0 || !first.is_usable() || !second.is_usable() {
            return Err(End::Invalid);
        }
        Ok((first, second))
    }

    fn codes(&mut self, literals: &Code, distances: &Code) -> Result<(), End> {
        loop {
            let symbol = self.symbol(literals)?;
            match symbol {
                0..=255 => self.out.push(symbol as u8),
                256 => return Ok(()),
                _ => {
                    let &(base, extra) = LENGTHS.get(symbol - 257).ok_or(End::Invalid)?;
                    let length = base + self.bits(extra)?;
                    let symbol = self.symbol(distances)?;
                    if symbol >= 30 {
                        return Err(End::Invalid);
                    }
                    let extra = (symbol / 2).saturating_sub(1);
                    let base = match symbol {
                        0..2 => symbol + 1,
                        _ => ((2 + symbol % 2) << extra) + 1,
                    };
                    let distance = base + self.bits(extra)?;
                    let from = self.out.len().checked_sub(distance).ok_or(End::Invalid)?;
                    self.farthest = self.farthest.max(distance);
                    (from..from + length).for_each(|at| self.out.push(self.out[at]));
                }
            }
        }
    }

    fn symbol(&mut self, code: &Code) -> Result<usize, End> {
        let (mut value, mut first, mut index) = (0, 0, 0);
        for count in &code.counts[1..=code.longest] {
            value |= self.bits(1)?;
            if value < first + count {
                return Ok(code.symbols[index + value - first]);
            }
            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        Err(End::Invalid)
    }

    /// Reads a number of `count` bits, or leaves the position alone if there are not as many.
    fn bits(&mut self, count: usize) -> Result<usize, End> {
        if self.bit + count > 8 * self.data.len() {
            return Err(End::Open);
        }
        let bit = |at: usize| usize::from(self.data[at / 8] >> (at % 8) & 1);
        let value = (0..count).map(|n| bit(self.bit + n) << n).sum();
        self.bit += count;
        Ok(value)
    }
}

/// A canonical Huffman code (RFC 1951 section 3.2.2).
struct Code {
    /// How many symbols have a code of each length.
    counts: [usize; 16],
    /// The bits that it takes to see that they are no code.
    longest: usize,
    /// In the order of their codes.
    symbols: Vec<usize>,
    /// Codes of 15 bits that stand for nothing; negative if there are too few of them.
    left: isize,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        lengths
            .iter()
            .for_each(|&length| counts[usize::from(length)] += 1);
        let used = (1..16).map(|length| counts[length] << (15 - length));
        let left = (1 << 15) - used.sum::<usize>() as isize;
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|&n| lengths[n] > 0).collect();
        symbols.sort_by_key(|&symbol| lengths[symbol]);
        let longest = lengths.iter().copied().max().map_or(1, |n| n.max(1));
        Self {
            counts,
            longest: longest.into(),
            symbols,
            left,
        }
    }

    /// Whether it is complete, or has at most one symbol, of one bit.
    fn is_usable(&self) -> bool {
        let longer: usize = self.counts[2..].iter().sum();
        self.left == 0 || (self.left > 0 && longer == 0)
    }
}

/// The lengths of the fixed code (RFC 1951 section 3.2.6).
fn fixed_length(symbol: usize) -> u8 {
    match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

/// The order in which the lengths of a code for lengths come.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Base and number of extra bits for each length symbol, from 257 on.
const LENGTHS: [(usize, usize); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
