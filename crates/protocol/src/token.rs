//! Tokens and lists in header fields (RFC 9110 section 5.6).

use crate::HeaderError;

/// Whether `byte` may be in a token.
pub(crate) const fn is_token(byte: u8) -> bool {
    matches!(byte,
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*'
        | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// A position in a field.
pub(crate) struct Cursor<'a> {
    field: &'a str,
    /// In bytes, which are characters too: only ASCII is ever stepped over.
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the front of a field, where white space is an error.
    pub(crate) fn new(field: &'a str) -> Result<Self, HeaderError> {
        let cursor = Self { field, at: 0 };
        if cursor.peek().is_some_and(is_space) {
            Err(cursor.unexpected())
        } else {
            Ok(cursor)
        }
    }

    /// Steps over one of `separators` and white space before it, or gives `None` at the end of the
    /// field, where white space is an error.
    pub(crate) fn separator(&mut self, separators: &[u8]) -> Result<Option<u8>, HeaderError> {
        if self.peek().is_none() {
            return Ok(None);
        }
        self.skip_spaces();
        let separator = self.peek().filter(|byte| separators.contains(byte));
        self.at += usize::from(separator.is_some());
        separator.map(Some).ok_or_else(|| self.unexpected())
    }

    /// Steps over one or more token characters.
    pub(crate) fn token(&mut self) -> Result<&'a str, HeaderError> {
        let rest = &self.field[self.at..];
        let length = rest.bytes().take_while(|&byte| is_token(byte)).count();
        self.at += length;
        if length == 0 {
            Err(self.unexpected())
        } else {
            Ok(&rest[..length])
        }
    }

    /// Steps over exactly one token character.
    pub(crate) fn token_character(&mut self) -> Result<char, HeaderError> {
        match self.peek() {
            Some(byte) if is_token(byte) => {
                self.at += 1;
                Ok(char::from(byte))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Steps over `byte`, which is ASCII, if it is next.
    pub(crate) fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn skip_spaces(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.field.as_bytes().get(self.at).copied()
    }

    fn unexpected(&self) -> HeaderError {
        match self.peek() {
            Some(_) => HeaderError::UnexpectedCharacter(self.at),
            None => HeaderError::UnexpectedEnd,
        }
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
