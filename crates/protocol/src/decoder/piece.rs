//! Pieces of a header, which may be split over chunks.

/// The bytes so far of the piece that is awaited, and how many chunks hold them.
///
/// Only the chunks of a payload are counted here, its bytes are kept elsewhere.
#[derive(Debug, Default)]
pub(super) struct Piece {
    bytes: [u8; MAX_PIECE],
    /// How many of `bytes` are there; less than the piece needs.
    filled: u8,
    /// Chunks that have come since the piece began, with the one in which it did.
    chunks: u32,
}

impl Piece {
    /// Takes a piece of `N` bytes from `chunk[*at..]` on, or what there is of it.
    pub(super) fn take<const N: usize>(&mut self, chunk: &[u8], at: &mut usize) -> Option<[u8; N]> {
        let rest = &chunk[*at..];
        let piece = match rest.first_chunk() {
            Some(piece) if self.filled == 0 => {
                *at += N;
                *piece
            }
            _ => self.fill(rest, at)?,
        };
        self.complete(*at < chunk.len());
        Some(piece)
    }

    /// Says that the piece is complete; `more` whether the chunk holds bytes of the next one.
    pub(super) fn complete(&mut self, more: bool) {
        self.filled = 0;
        self.chunks = u32::from(more);
    }

    pub(super) fn add_chunk(&mut self) {
        self.chunks = self.chunks.saturating_add(1);
    }

    pub(super) fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Whether no byte of a header is kept here.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    #[cold]
    fn fill<const N: usize>(&mut self, rest: &[u8], at: &mut usize) -> Option<[u8; N]> {
        let filled = usize::from(self.filled);
        let count = rest.len().min(N - filled);
        self.bytes[filled..filled + count].copy_from_slice(&rest[..count]);
        self.filled += count as u8;
        *at += count;
        (filled + count == N).then(|| *self.bytes.first_chunk().expect("N is at most MAX_PIECE"))
    }
}

/// Longest piece of a header: the 64-bit length.
const MAX_PIECE: usize = 8;
