//! Bits into bytes, the lowest first (RFC 1951 section 3.1.1).

/// Appends bits to a vector.
pub(super) struct BitWriter<'a> {
    /// Longer than what is written; cut to size by [`BitWriter::flush`].
    out: &'a mut Vec<u8>,
    /// Bytes written.
    length: usize,
    /// Fewer than 8 bits that do not fill a byte yet.
    pending: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        let length = out.len();
        Self {
            out,
            length,
            pending: 0,
            count: 0,
        }
    }

    /// Makes room for so many bits; to be called before they are put.
    pub(super) fn reserve(&mut self, bits: u64) {
        let needed = self.length + (bits / 8) as usize + 2 * size_of::<u64>();
        if self.out.len() < needed {
            self.out.resize(needed, 0);
        }
    }

    /// Writes the lowest `count` bits of `value`, of which the others are 0; at most 56.
    #[inline(always)]
    pub(super) fn put(&mut self, value: u64, count: u32) {
        self.pending |= value << self.count;
        self.count += count;
        self.out[self.length..self.length + 8].copy_from_slice(&self.pending.to_le_bytes());
        let whole = self.count / 8;
        self.length += whole as usize;
        self.pending >>= whole * 8;
        self.count %= 8;
    }

    /// Fills up the last byte and appends bytes.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) {
        self.align();
        self.reserve(bytes.len() as u64 * 8);
        self.out[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Ends the data with an empty stored block (RFC 7692 section 7.2.1), and cuts `out` to size.
    pub(super) fn flush(mut self) {
        self.reserve(64);
        self.put(0, 3);
        self.put_bytes(&super::super::FLUSH_TAIL);
        self.out.truncate(self.length);
    }

    fn align(&mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
    }
}
