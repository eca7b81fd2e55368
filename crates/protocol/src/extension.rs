//! The field `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).
//!
//! ```text
//!   extensions = extension *( "," extension )
//!   extension  = token *( ";" param )
//!   param      = token [ "=" ( token | <"> 1*( [ "\" ] token-char ) <"> ) ]
//! ```
//!
//! White space may stand around `,` and `;`, but not at either end of the field.

use crate::HeaderError;
use crate::token::Cursor;

/// One element of the field: an extension offered or accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The registered name.
    pub name: String,
    /// The parameters in order, repetitions included; the value is `None` without `=`.
    pub params: Vec<(String, Option<String>)>,
}

/// Reads the field; an extension named more than once comes as often.
///
/// Indices in errors count characters; the first one that is not ASCII is always an error, so bytes
/// and characters agree up to there.
///
/// # Errors
///
/// [`HeaderError::UnexpectedCharacter`] or [`HeaderError::UnexpectedEnd`].
pub fn parse(header: &str) -> Result<Vec<Extension>, HeaderError> {
    let mut cursor = Cursor::new(header)?;
    let mut extensions = Vec::new();
    loop {
        cursor.skip_spaces();
        let name = cursor.token()?.to_owned();
        let mut params = Vec::new();
        let mut separator = cursor.separator(b",;")?;
        while separator == Some(b';') {
            cursor.skip_spaces();
            params.push(param(&mut cursor)?);
            separator = cursor.separator(b",;")?;
        }
        extensions.push(Extension { name, params });
        if separator.is_none() {
            return Ok(extensions);
        }
    }
}

/// Writes extensions as a field.
pub fn format(extensions: &[Extension]) -> String {
    let mut field = String::new();
    for extension in extensions {
        if !field.is_empty() {
            field.push_str(", ");
        }
        field.push_str(&extension.name);
        for (name, value) in &extension.params {
            field.push_str("; ");
            field.push_str(name);
            if let Some(value) = value {
                field.push('=');
                field.push_str(value);
            }
        }
    }
    field
}

fn param(cursor: &mut Cursor<'_>) -> Result<(String, Option<String>), HeaderError> {
    let name = cursor.token()?.to_owned();
    if !cursor.skip(b'=') {
        return Ok((name, None));
    }
    let value = if cursor.skip(b'"') {
        quoted(cursor)?
    } else {
        cursor.token()?.to_owned()
    };
    Ok((name, Some(value)))
}

/// The rest of a quoted value, its first quote being read.
fn quoted(cursor: &mut Cursor<'_>) -> Result<String, HeaderError> {
    let mut value = String::new();
    while value.is_empty() || !cursor.skip(b'"') {
        cursor.skip(b'\\');
        value.push(cursor.token_character()?);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(name: &str, params: &[(&str, Option<&str>)]) -> Extension {
        let owned =
            |&(name, value): &(&str, Option<&str>)| (str::to_owned(name), value.map(str::to_owned));
        Extension {
            name: name.to_owned(),
            params: params.iter().map(owned).collect(),
        }
    }

    #[test]
    fn reads_extensions_and_parameters_in_order() {
        assert_eq!(parse("foo").unwrap(), [extension("foo", &[])]);
        assert_eq!(
            parse("foo;\tb;a=1 , bar,foo; b=\"2\"; b").unwrap(),
            [
                extension("foo", &[("b", None), ("a", Some("1"))]),
                extension("bar", &[]),
                extension("foo", &[("b", Some("2")), ("b", None)]),
            ],
        );
    }

    #[test]
    fn takes_backslashes_out_of_quoted_values() {
        let expected = [extension("a", &[("b", Some("cde"))])];
        assert_eq!(parse(r#"a;b="c\de""#).unwrap(), expected);
        assert_eq!(parse(r#"a;b="\c\d\e""#).unwrap(), expected);
    }

    #[test]
    fn reads_names_that_javascript_objects_have() {
        let expected = [
            extension("__proto__", &[("constructor", None)]),
            extension("toString", &[]),
        ];
        assert_eq!(parse("__proto__;constructor,toString").unwrap(), expected);
    }

    #[test]
    fn names_the_character_that_cannot_be_there() {
        for (header, index) in [
            (" a", 0),
            (",a", 0),
            ("a,,b", 2),
            ("a b", 2),
            ("a=b", 1),
            ("a;=", 2),
            ("a;b =c", 4),
            ("a;b= c", 4),
            ("a;b=\"\"", 5),
            ("a;b=\"c d\"", 6),
            ("a;b=\"\\\"\"", 6),
            ("a;b=\"c\"d", 7),
            ("a;b=c\"", 5),
            ("a,\u{e9}", 2),
            ("a;b=\"\u{e9}\"", 5),
        ] {
            assert_eq!(
                parse(header),
                Err(HeaderError::UnexpectedCharacter(index)),
                "{header}"
            );
        }
    }

    #[test]
    fn refuses_a_field_that_stops_too_early() {
        for header in [
            "", "a ", "a,", "a, ", "a;", "a;b=", "a;b ", "a;b=\"", "a;b=\"c", "a;b=\"\\",
        ] {
            assert_eq!(parse(header), Err(HeaderError::UnexpectedEnd), "{header}");
        }
    }

    #[test]
    fn formats_what_it_parses() {
        let field = "foo; b; a=1, bar, foo; b=2; b";
        assert_eq!(format(&parse(field).unwrap()), field);
        assert_eq!(format(&[]), "");
    }
}
