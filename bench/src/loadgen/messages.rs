//! What a workload needs of its messages, whether they travel compressed or not.

use super::extension::Agreement;
use super::failure::Failure;
use super::frame::Keys;
use super::reader::Piece;

/// The messages of a run, by number.
pub(crate) trait Messages {
    /// What a connection remembers of the replies before.
    type Lane;

    fn new_lane(&self) -> Self::Lane;

    /// Appends message `number` as a masked frame. A connection sends them in order, from 0.
    fn append(&self, number: u32, keys: &mut Keys, out: &mut Vec<u8>);

    /// Fails unless `piece`, the next one of `lane`, is what message `number` has at that place.
    fn verify(
        &mut self,
        number: u32,
        lane: &mut Self::Lane,
        piece: &Piece<'_>,
    ) -> Result<(), Failure>;

    /// Bytes of a frame that carries a message, at most.
    fn max_frame(&self) -> usize;

    /// What was agreed on about compression, if anything.
    fn agreement(&self) -> Option<Agreement>;
}

/// The numbers of `count` messages, which wrap.
pub(crate) fn numbers(first: u32, count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(move |index| first.wrapping_add(index))
}
