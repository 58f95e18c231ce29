//! URLs of databases: what drivers read alike.

use crate::{Error, Result};

/// A URL that can't be used: "the URL of the database" and what is wrong with it.
pub fn wrong(what: &str) -> Error {
    Error::invalid_input(format!("the URL of the database {what}"))
}

/// A part of a URL, with the characters that `%20` and its like stand for.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a `%` without two hexadecimal digits, and for bytes that
/// are not UTF-8.
pub fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(wrong("holds a % that two hexadecimal digits don't follow; write it as %25"));
        };
        // Two hexadecimal digits are one byte.
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| wrong("holds percent-encoded bytes that are not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn percent_signs_are_decoded_or_refused() {
        assert_eq!(decoded("a%20b%C3%A9+").unwrap(), "a bé+");
        for text in ["100%", "%2", "%zz", "%FF"] {
            assert!(decoded(text).is_err(), "{text}");
        }
    }
}
