//! Frame opcodes (RFC 6455 section 5.2).

use std::fmt;

/// The four-bit opcode of a frame, reserved values included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpCode(u8);

impl OpCode {
    /// A further frame of a fragmented message.
    pub const CONTINUATION: Self = Self(0x0);
    /// The first frame of a text message.
    pub const TEXT: Self = Self(0x1);
    /// The first frame of a binary message.
    pub const BINARY: Self = Self(0x2);
    /// The closing handshake.
    pub const CLOSE: Self = Self(0x8);
    /// A ping.
    pub const PING: Self = Self(0x9);
    /// The answer to a ping, or an unsolicited one.
    pub const PONG: Self = Self(0xa);

    /// The opcode in the low four bits of `bits`; the others are ignored.
    pub const fn new(bits: u8) -> Self {
        Self(bits & 0x0f)
    }

    /// The opcode as a number, 0 to 15.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// Whether the opcode is in the range of control frames, of which 11 to 15 are reserved.
    pub const fn is_control(self) -> bool {
        self.0 & 0x8 != 0
    }

    /// Whether RFC 6455 leaves the opcode undefined: 3 to 7 and 11 to 15.
    pub const fn is_reserved(self) -> bool {
        matches!(self.0, 0x3..=0x7 | 0xb..=0xf)
    }
}

impl fmt::Display for OpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_the_low_four_bits() {
        assert_eq!(OpCode::new(0x81), OpCode::TEXT);
        assert_eq!(OpCode::new(0xff).value(), 0xf);
    }

    #[test]
    fn tells_control_and_reserved_opcodes_apart() {
        for value in 0..16 {
            let opcode = OpCode::new(value);
            assert_eq!(opcode.is_control(), value >= 8);
            assert_eq!(opcode.is_reserved(), ![0, 1, 2, 8, 9, 10].contains(&value));
        }
    }
}
