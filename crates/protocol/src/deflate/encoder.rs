//! An encoder made for messages: all input is there, and much like what came before.
//!
//! zlib looks for matches along chains, which wander through memory, and sets 200 KiB of tables up for
//! each stream. Here a place in a table is one word that names the last few positions with the same
//! first bytes; two such tables, one for 8 bytes and one for 4, find nearly what long chains find.
//! Tables grow with the stream, so that those of short messages stay in the cache.
//!
//! ```text
//!   window    | history, at most 32 KiB | part of the message, at most 32 KiB |
//!   matches   window -> literals, and lengths with distances        (LZ77)
//!   block     these -> bits, with the codes that make fewest        (Huffman)
//! ```

mod bits;
mod block;
mod codes;
mod matches;
mod symbols;
mod tree;

use std::sync::atomic::{AtomicU32, Ordering};

use self::bits::BitWriter;
use self::matches::Window;
use self::symbols::Symbols;

/// The state of one direction of a connection.
pub(super) struct MessageEncoder {
    window: Window,
    symbols: Symbols,
    /// What [`MESSAGES`] was after the last message.
    last_message: u32,
}

impl MessageEncoder {
    /// An encoder whose distances stay within a window of `2^window_bits` bytes.
    pub(super) fn new(window_bits: u8) -> Self {
        Self {
            window: Window::new(1 << window_bits),
            symbols: Symbols::default(),
            last_message: 0,
        }
    }

    /// Forgets everything but `history`, which data to come may refer to.
    pub(super) fn restart(&mut self, history: &[u8]) {
        self.window.restart(history);
        self.last_message = MESSAGES.load(Ordering::Relaxed);
    }

    /// Appends the compressed `data`, ended by the empty block of a flush, to `out`.
    ///
    /// Before each part `go_on` is asked; false says that it said no.
    pub(super) fn compress(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
        mut go_on: impl FnMut() -> bool,
    ) -> bool {
        let messages = MESSAGES.fetch_add(1, Ordering::Relaxed);
        let others = messages.wrapping_sub(self.last_message);
        self.last_message = messages.wrapping_add(1);
        if others >= MANY_OTHERS {
            if data.len() >= WORTH_READING {
                self.window.read_through();
            } else {
                self.window.read_entries(data);
            }
        }
        let mut bits = BitWriter::new(out);
        for part in data.chunks(matches::MAX_PART) {
            if !go_on() {
                return false;
            }
            self.symbols.clear();
            self.window.find_matches(part, &mut self.symbols);
            block::write(&self.symbols, part, &mut bits);
        }
        bits.flush();
        true
    }
}

/// Messages that the encoders of this process have been given; it begins anew at the end.
static MESSAGES: AtomicU32 = AtomicU32::new(0);

/// After so many messages of other encoders, what one holds has probably left the cache: that is up to
/// 230 KiB, and those of many processors have 512 KiB or 1 MiB.
const MANY_OTHERS: u32 = 2;

/// Bytes of a message from which on it pays to read all that its encoder holds; for a shorter one that
/// are the entries that it needs.
const WORTH_READING: usize = 512;
