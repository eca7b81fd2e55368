//! DEFLATE data written bit by bit (RFC 1951 section 3.1.1).

/// A stream in the making.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    /// The start of a block that is not final, with fixed codes.
    pub(super) fn fixed_block() -> Self {
        Self::default().number(0, 1).number(1, 2)
    }

    /// The start of a block that is not final and has codes of its own: `lengths` are those of the code
    /// for lengths, by symbol.
    pub(super) fn dynamic_block(
        literals: usize,
        distances: usize,
        lengths: &[(usize, usize)],
    ) -> Self {
        let bits = Self::default().number(0, 1).number(2, 2);
        let bits = bits.number(literals - 257, 5).number(distances - 1, 5);
        let bits = bits.number(ORDER.len() - 4, 4);
        ORDER.iter().fold(bits, |bits, symbol| {
            let length = lengths.iter().find(|(other, _)| other == symbol);
            bits.number(length.map_or(0, |&(_, length)| length), 3)
        })
    }

    /// A number, lowest bit first.
    pub(super) fn number(mut self, value: usize, count: usize) -> Self {
        (0..count).for_each(|n| self.push(value >> n & 1));
        self
    }

    /// A code, as it is written in RFC 1951.
    pub(super) fn code(mut self, code: &str) -> Self {
        code.bytes()
            .for_each(|bit| self.push(usize::from(bit == b'1')));
        self
    }

    /// Bytes up to 143 with their fixed codes.
    pub(super) fn literals(self, literals: &[u8]) -> Self {
        literals.iter().fold(self, |bits, byte| {
            bits.code(&format!("{:08b}", 0x30 + byte))
        })
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn push(&mut self, bit: usize) {
        if self.count.is_multiple_of(8) {
            self.bytes.push(0);
        }
        self.bytes[self.count / 8] |= (bit as u8) << (self.count % 8);
        self.count += 1;
    }
}

/// The order in which the lengths of a code for lengths come.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];
