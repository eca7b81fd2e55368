//! Messages that travel compressed: JSON, made before anything is measured.

use super::deflate::{Deflator, Inflator};
use super::extension::Agreement;
use super::failure::Failure;
use super::frame::{Keys, MAX_HEADER, Opcode, append_compressed};
use super::messages::Messages;
use super::reader::Piece;
use super::records;

/// The texts of a run, which come round again: message `number` has the text at its number modulo
/// how many there are.
///
/// All connections send the same bytes, which are compressed beforehand: with a context from the
/// first text to the last, if it is taken over at all, and from there anew. All texts together are
/// longer than a window, so that even then no repetition could be referred to.
pub(crate) struct Corpus {
    agreement: Agreement,
    texts: Vec<Vec<u8>>,
    compressed: Vec<Vec<u8>>,
    /// Where replies are decompressed to, part by part.
    buffer: Vec<u8>,
}

impl Corpus {
    /// Makes texts of `length` bytes for connections with the same `agreement`.
    pub(crate) fn new(length: usize, agreement: Agreement) -> Corpus {
        let count = (TOTAL / length).clamp(MIN_TEXTS, MAX_TEXTS) as u32;
        let texts = (0..count).map(|number| records::text(number, length));
        Corpus::of(texts.collect(), agreement)
    }

    fn of(texts: Vec<Vec<u8>>, agreement: Agreement) -> Corpus {
        let mut deflator = Deflator::new(agreement.client_window_bits);
        let deflate = |text: &Vec<u8>| {
            if !agreement.client_takeover {
                deflator.reset();
            }
            deflator.deflate(text)
        };
        Corpus {
            agreement,
            compressed: texts.iter().map(deflate).collect(),
            texts,
            buffer: vec![0; BUFFER],
        }
    }
}

impl Messages for Corpus {
    type Lane = Lane;

    fn new_lane(&self) -> Lane {
        Lane {
            inflator: None,
            compared: 0,
        }
    }

    fn append(&self, number: u32, keys: &mut Keys, out: &mut Vec<u8>) {
        let bytes = &self.compressed[number as usize % self.compressed.len()];
        append_compressed(out, keys.next(), bytes);
    }

    fn verify(&mut self, number: u32, lane: &mut Lane, piece: &Piece<'_>) -> Result<(), Failure> {
        piece.check_opcode(Opcode::TEXT)?;
        let text = &self.texts[number as usize % self.texts.len()];
        let mut check = |part: &[u8]| compare(part, text, &mut lane.compared);
        if piece.compressed {
            let inflator = lane.inflator.get_or_insert_with(Inflator::new);
            inflate(piece, inflator, &mut self.buffer, check)?;
            if piece.is_last() && !self.agreement.server_takeover {
                inflator.reset();
            }
        } else {
            check(piece.bytes)?;
        }
        if piece.is_last() && std::mem::take(&mut lane.compared) != text.len() {
            return Err(Failure::Peer("a reply is shorter than its message"));
        }
        Ok(())
    }

    fn max_frame(&self) -> usize {
        MAX_HEADER + self.compressed.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn agreement(&self) -> Option<Agreement> {
        Some(self.agreement)
    }
}

/// The replies of a connection.
pub(crate) struct Lane {
    /// Made when it is first used.
    inflator: Option<Inflator>,
    /// Bytes of the present reply's text that have come.
    compared: usize,
}

/// Decompresses `piece` and hands the text to `check`, part by part.
fn inflate(
    piece: &Piece<'_>,
    inflator: &mut Inflator,
    buffer: &mut [u8],
    mut check: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    let mut take = |part: &[u8]| {
        if outcome.is_ok() {
            outcome = check(part);
        }
        outcome.is_ok()
    };
    inflator
        .inflate(piece.bytes, buffer, &mut take)
        .and_then(|()| match piece.is_last() {
            true => inflator.finish(buffer, &mut take),
            false => Ok(()),
        })
        .map_err(|_| Failure::Peer("a reply cannot be decompressed"))?;
    outcome
}

/// Compares the next `part` of a reply with that of `text`, which begins at `start`.
fn compare(part: &[u8], text: &[u8], start: &mut usize) -> Result<(), Failure> {
    if !text[*start..].starts_with(part) {
        return Err(Failure::Peer(
            "a reply has another content than its message",
        ));
    }
    *start += part.len();
    Ok(())
}

/// Bytes of all texts together, as far as the limits of their number allow.
const TOTAL: usize = 1 << 20;

/// So many texts there are at least, and at most.
const MIN_TEXTS: usize = 8;
const MAX_TEXTS: usize = 1024;

/// Bytes that are decompressed before they are compared.
const BUFFER: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(client_takeover: bool, server_takeover: bool) -> Corpus {
        let agreement = Agreement {
            client_takeover,
            server_takeover,
            client_window_bits: 15,
        };
        let texts = (0..10).map(|number| records::text(number, 300));
        Corpus::of(texts.collect(), agreement)
    }

    /// Verifies a reply that comes in chunks of `size`.
    fn verify(
        corpus: &mut Corpus,
        number: u32,
        lane: &mut Lane,
        compressed: bool,
        reply: &[u8],
        size: usize,
    ) -> Result<(), Failure> {
        let mut offset = 0;
        for bytes in reply.chunks(size) {
            let piece = Piece {
                opcode: Opcode::TEXT,
                compressed,
                length: reply.len(),
                offset,
                bytes,
            };
            corpus.verify(number, lane, &piece)?;
            offset += bytes.len();
        }
        Ok(())
    }

    #[test]
    fn accepts_its_own_messages_at_any_chunking() {
        for takeover in [true, false] {
            let mut corpus = corpus(takeover, takeover);
            for size in [1, 2, 50, 1000] {
                let mut lane = corpus.new_lane();
                for number in 0..2 * corpus.texts.len() as u32 {
                    let reply = corpus.compressed[number as usize % corpus.texts.len()].clone();
                    verify(&mut corpus, number, &mut lane, true, &reply, size).unwrap();
                }
            }
        }
    }

    #[test]
    fn accepts_plain_replies_between_compressed_ones() {
        let mut corpus = corpus(true, true);
        let mut lane = corpus.new_lane();
        let (first, second) = (corpus.compressed[0].clone(), corpus.compressed[1].clone());
        let plain = corpus.texts[7].clone();
        verify(&mut corpus, 0, &mut lane, true, &first, 9).unwrap();
        verify(&mut corpus, 7, &mut lane, false, &plain, 9).unwrap();
        verify(&mut corpus, 1, &mut lane, true, &second, 9).unwrap();
    }

    #[test]
    fn refers_to_earlier_messages_only_if_the_context_is_taken_over() {
        let with = corpus(true, true);
        let without = corpus(false, true);
        assert_eq!(with.compressed[0], without.compressed[0]);
        assert!(2 * with.compressed[9].len() < without.compressed[9].len());
    }

    #[test]
    fn forgets_a_reply_unless_the_context_is_taken_over() {
        let mut corpus = corpus(true, false);
        let mut lane = corpus.new_lane();
        let (first, second) = (corpus.compressed[0].clone(), corpus.compressed[1].clone());
        verify(&mut corpus, 0, &mut lane, true, &first, 99).unwrap();
        assert!(verify(&mut corpus, 1, &mut lane, true, &second, 99).is_err());
    }

    #[test]
    fn rejects_another_text_and_a_cut_or_longer_one() {
        let mut corpus = corpus(false, false);
        let text = corpus.texts[3].clone();
        let longer = [&text[..], b" "].concat();
        let mut deflator = Deflator::new(15);
        for (number, bad) in [
            (2, &text[..]),
            (3, &text[1..]),
            (3, &text[..9]),
            (3, &longer),
        ] {
            deflator.reset();
            let bytes = deflator.deflate(bad);
            for (compressed, reply) in [(true, &bytes[..]), (false, bad)] {
                let mut lane = corpus.new_lane();
                assert!(verify(&mut corpus, number, &mut lane, compressed, reply, 50).is_err());
            }
        }
    }

    #[test]
    fn fills_a_frame_of_the_size_that_it_promises() {
        let corpus = corpus(true, true);
        let mut keys = Keys::new();
        for number in 0..20 {
            let mut out = Vec::new();
            corpus.append(number, &mut keys, &mut out);
            assert!(out.len() <= corpus.max_frame());
        }
    }
}
