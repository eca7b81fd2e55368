//! Text as an API sends it: records in JSON, of any length, from nothing but a number.

use std::io::Write;

/// The text of message `number`: an array of records, `length` bytes of valid JSON.
///
/// `length` is at least [`MIN_LENGTH`].
pub(crate) fn text(number: u32, length: usize) -> Vec<u8> {
    assert!(length >= MIN_LENGTH, "a record has to fit in");
    let mut dice = Dice::new(number);
    let mut out = Vec::with_capacity(length);
    out.push(b'[');
    loop {
        write_fields(&mut out, &mut dice);
        let room = length - out.len() - END.len();
        let words = 20 + dice.below(80);
        let is_last = room < words + MIN_LENGTH;
        write_words(&mut out, &mut dice, if is_last { room } else { words });
        if is_last {
            out.extend_from_slice(END);
            return out;
        }
        out.extend_from_slice(b"\"},");
    }
}

/// Writes a record up to its last field, which is a text.
fn write_fields(out: &mut Vec<u8>, dice: &mut Dice) {
    let id = 1_000_000 + dice.below(1 << 20);
    let kind = dice.choose(&KINDS);
    let user = dice.choose(&USERS);
    let verified = dice.below(4) > 0;
    let (price, cents) = (dice.below(500), dice.below(100));
    let (hour, minute, second) = (dice.below(24), dice.below(60), dice.below(60));
    let read = dice.below(2) > 0;
    write!(
        out,
        "{{\"id\":{id},\"type\":\"{kind}\",\"user\":{{\"name\":\"{user}\",\"ok\":{verified}}},\
         \"price\":{price}.{cents:02},\"at\":\"2025-03-14T{hour:02}:{minute:02}:{second:02}Z\",\
         \"read\":{read},\"text\":\""
    )
    .expect("a Vec takes everything");
}

/// Writes `length` bytes of words.
fn write_words(out: &mut Vec<u8>, dice: &mut Dice, length: usize) {
    let end = out.len() + length;
    while out.len() < end {
        out.extend_from_slice(dice.choose(&WORDS).as_bytes());
        out.push(b' ');
    }
    out.truncate(end);
}

/// Repeatable chance: a xorshift generator.
struct Dice(u64);

impl Dice {
    fn new(seed: u32) -> Dice {
        let mut dice = Dice((u64::from(seed) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // The first numbers of neighbouring seeds are alike.
        for _ in 0..8 {
            dice.next();
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 32) as usize % limit
    }

    fn choose<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// Length of the shortest text: a record without words is no longer.
pub(crate) const MIN_LENGTH: usize = 144;

/// The end of the last record and of the array.
const END: &[u8] = b"\"}]";

const KINDS: [&str; 6] = [
    "message",
    "order.created",
    "order.shipped",
    "payment",
    "comment",
    "status",
];

const USERS: [&str; 12] = [
    "anna", "bruno", "carla", "dimitri", "elena", "farid", "greta", "hiroshi", "ines", "jonas",
    "kamala", "luis",
];

const WORDS: [&str; 48] = [
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "is",
    "for",
    "on",
    "with",
    "your",
    "order",
    "has",
    "been",
    "sent",
    "today",
    "tomorrow",
    "please",
    "check",
    "delivery",
    "address",
    "price",
    "changed",
    "new",
    "update",
    "available",
    "thanks",
    "customer",
    "waiting",
    "answer",
    "meeting",
    "moved",
    "room",
    "server",
    "restarted",
    "after",
    "failure",
    "report",
    "weekly",
    "numbers",
    "attached",
    "invoice",
    "paid",
    "confirm",
    "item",
    "returned",
    "warehouse",
    "soon",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether every bracket and quote of a text without escapes is closed.
    fn is_balanced(text: &[u8]) -> bool {
        let mut open = Vec::new();
        let mut in_string = false;
        for &byte in text {
            match byte {
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'[' | b'{' => open.push(byte + 2),
                b']' | b'}' if open.pop() != Some(byte) => return false,
                _ => {}
            }
        }
        open.is_empty() && !in_string
    }

    #[test]
    fn has_exactly_the_length_that_was_asked_for() {
        for number in 0..50 {
            for length in [MIN_LENGTH, 145, 200, 333, 1024, 16384] {
                let text = text(number, length);
                assert_eq!(text.len(), length);
                assert!(text.starts_with(b"[{\"id\":") && text.ends_with(END));
                assert!(is_balanced(&text), "{}", String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn leaves_room_for_the_longest_record() {
        let mut fields = Vec::new();
        for number in 0..10_000 {
            fields.clear();
            write_fields(&mut fields, &mut Dice::new(number));
            assert!(1 + fields.len() + END.len() <= MIN_LENGTH);
        }
    }

    #[test]
    fn is_the_same_for_the_same_number_only() {
        assert_eq!(text(7, 400), text(7, 400));
        assert_ne!(text(7, 400), text(8, 400));
        assert_ne!(text(0, 400), text(256, 400));
    }
}
