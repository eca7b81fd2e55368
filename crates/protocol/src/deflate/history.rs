//! The end of a stream: what later data may refer back to.

/// The last bytes of a stream, up to the size of a window.
#[derive(Debug)]
pub(super) struct History {
    /// Grows to `window` bytes and is a ring from then on.
    bytes: Vec<u8>,
    /// The oldest byte; 0 until the ring is full.
    start: usize,
    window: usize,
}

impl History {
    pub(super) fn new(window_bits: u8) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            window: 1 << window_bits,
        }
    }

    /// Adds what comes next in the stream.
    pub(super) fn push(&mut self, data: &[u8]) {
        let data = &data[data.len().saturating_sub(self.window)..];
        let growth = data.len().min(self.window - self.bytes.len());
        let (front, rest) = data.split_at(growth);
        if growth > 0 {
            self.reserve(growth);
            self.bytes.extend_from_slice(front);
        }
        // What is left goes over the oldest bytes, at most once around.
        let (first, second) = rest.split_at(rest.len().min(self.bytes.len() - self.start));
        self.bytes[self.start..self.start + first.len()].copy_from_slice(first);
        self.bytes[..second.len()].copy_from_slice(second);
        if !rest.is_empty() {
            self.start = (self.start + rest.len()) % self.window;
        }
    }

    /// The bytes in order, oldest first.
    pub(super) fn in_order(&mut self) -> &[u8] {
        self.bytes.rotate_left(self.start);
        self.start = 0;
        &self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.bytes = Vec::new();
        self.start = 0;
    }

    /// Bytes of heap memory.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Doubles the room as a `Vec` does, but never beyond the window.
    fn reserve(&mut self, growth: usize) {
        let needed = self.bytes.len() + growth;
        if needed > self.bytes.capacity() {
            let wanted = needed.next_power_of_two().min(self.window);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_bytes_at_any_chunking() {
        let stream: Vec<u8> = (0..5000_u32).map(|n| (n % 251) as u8).collect();
        for chunk in [1, 2, 255, 256, 257, 511, 600, 5000] {
            let mut history = History::new(8);
            let mut end = 0;
            for part in stream.chunks(chunk) {
                history.push(part);
                end += part.len();
                let start = end.saturating_sub(256);
                if end % 7 < 3 {
                    assert_eq!(history.in_order(), &stream[start..end], "{chunk} {end}");
                }
            }
            assert_eq!(history.in_order(), &stream[stream.len() - 256..]);
            assert!(history.memory() <= 256);
        }
    }

    #[test]
    fn takes_little_memory_for_little_data() {
        let mut history = History::new(15);
        assert_eq!(history.memory(), 0);
        history.push(&[1; 100]);
        assert_eq!(history.memory(), 128);
        history.clear();
        assert_eq!(history.memory(), 0);
        assert_eq!(history.in_order(), []);
    }
}
