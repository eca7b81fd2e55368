//! The field `Sec-WebSocket-Protocol` of a request (RFC 6455 section 4.1): tokens between commas.

use std::collections::HashSet;

use crate::HeaderError;
use crate::token::Cursor;

/// Reads the names in order.
///
/// White space may stand around a comma, but not at either end of the field. Indices in errors count
/// characters, as in [`crate::extension::parse`].
///
/// # Errors
///
/// The first of a wrong character, a name given before, and an end where a name must follow.
pub fn parse(header: &str) -> Result<Vec<String>, HeaderError> {
    let mut cursor = Cursor::new(header)?;
    let mut seen = HashSet::new();
    let mut names = Vec::new();
    loop {
        cursor.skip_spaces();
        let name = cursor.token()?;
        let separator = cursor.separator(b",")?;
        if !seen.insert(name) {
            return Err(HeaderError::Duplicate(name.to_owned()));
        }
        names.push(name.to_owned());
        if separator.is_none() {
            return Ok(names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unexpected(index: usize) -> Result<Vec<String>, HeaderError> {
        Err(HeaderError::UnexpectedCharacter(index))
    }

    #[test]
    fn reads_names_in_order() {
        assert_eq!(parse("chat").unwrap(), ["chat"]);
        assert_eq!(parse("b,a \t,\t c").unwrap(), ["b", "a", "c"]);
        assert_eq!(parse("A,a").unwrap(), ["A", "a"]);
    }

    #[test]
    fn names_the_character_that_cannot_be_there() {
        let cases = [
            (" a", 0),
            (",a", 0),
            ("a,,b", 2),
            ("a, ,b", 3),
            ("a b", 2),
            ("a;b", 1),
        ];
        for (header, index) in cases {
            assert_eq!(parse(header), unexpected(index), "{header}");
        }
        assert_eq!(parse("a,\u{e9}"), unexpected(2));
    }

    #[test]
    fn refuses_a_field_that_stops_too_early() {
        for header in ["", "a,", "a, ", "a ", "a,a "] {
            assert_eq!(parse(header), Err(HeaderError::UnexpectedEnd), "{header}");
        }
    }

    #[test]
    fn refuses_a_name_given_twice() {
        for header in ["a,b,a", "b,a , a,c", "a,a,;"] {
            assert_eq!(
                parse(header),
                Err(HeaderError::Duplicate("a".to_owned())),
                "{header}"
            );
        }
        assert_eq!(parse("a,a;"), unexpected(3));
    }
}
