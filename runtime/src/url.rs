//! Reading what the URLs of databases have in common, for [`Connector`](crate::Connector)s.

use crate::error::{Error, Result};

/// The path in a URL, with `%` and two hexadecimal digits replaced by the byte that they stand for, so
/// that any path can be written.
///
/// Fails with [`Error::Validation`] for any other `%`, since a mistyped escape would otherwise make a
/// file of another name, and when the bytes are no text.
///
/// ```
/// use storehouse_runtime::decode_path;
///
/// assert_eq!(decode_path("a%20b%3f.db")?, "a b?.db");
/// assert!(decode_path("100%").is_err());
/// # Ok::<_, storehouse_runtime::Error>(())
/// ```
pub fn decode_path(path: &str) -> Result<String> {
    let malformed = || {
        Error::validation(format!(
            "the path `{path}` has a `%` without two hexadecimal digits, or one that does not \
             give text; write `%25` for a `%`"
        ))
    };
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let (high, low) = digit().zip(digit()).ok_or_else(malformed)?;
            bytes.push(u8::try_from(high * 16 + low).map_err(|_| malformed())?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}
