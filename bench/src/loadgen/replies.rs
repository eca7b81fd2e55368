//! How well the server compresses.

use super::extension::Agreement;

/// Counts the replies of the measured time.
pub(crate) struct Replies {
    /// Length of the message that each reply repeats.
    length: usize,
    agreement: Agreement,
    count: u64,
    /// Bytes of their payloads as they travelled.
    bytes: u64,
    /// How many came without compression.
    plain: u64,
}

impl Replies {
    pub(crate) fn new(length: usize, agreement: Agreement) -> Replies {
        Replies {
            length,
            agreement,
            count: 0,
            bytes: 0,
            plain: 0,
        }
    }

    pub(crate) fn record(&mut self, bytes: usize, compressed: bool) {
        self.count += 1;
        self.bytes += bytes as u64;
        self.plain += u64::from(!compressed);
    }

    /// Forgets what was counted.
    pub(crate) fn clear(&mut self) {
        *self = Replies::new(self.length, self.agreement);
    }

    /// The figures, once there is a reply.
    pub(crate) fn figures(&self) -> [(&'static str, f64); 5] {
        let reply_bytes = self.bytes as f64 / self.count as f64;
        let flag = |takeover| f64::from(u8::from(takeover));
        [
            ("replyBytes", reply_bytes),
            ("compressionRatio", self.length as f64 / reply_bytes),
            ("plainReplies", self.plain as f64 / self.count as f64),
            ("clientTakeover", flag(self.agreement.client_takeover)),
            ("serverTakeover", flag(self.agreement.server_takeover)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_means_of_what_came_since_it_was_cleared() {
        let agreement = Agreement {
            client_takeover: false,
            server_takeover: true,
            client_window_bits: 15,
        };
        let mut replies = Replies::new(200, agreement);
        replies.record(7, true);
        replies.clear();
        replies.record(60, true);
        replies.record(60, true);
        replies.record(20, true);
        replies.record(60, false);
        let expected = [
            ("replyBytes", 50.0),
            ("compressionRatio", 4.0),
            ("plainReplies", 0.25),
            ("clientTakeover", 0.0),
            ("serverTakeover", 1.0),
        ];
        assert_eq!(replies.figures(), expected);
    }
}
