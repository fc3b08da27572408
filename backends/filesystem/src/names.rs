//! Names of files: readable, one for each key, and the same key again from each.
//!
//! A name consists of characters that every file system keeps apart and gives back as they are:
//! those that do not ignore case, those that do, those that compose characters, and Windows.
//! Everything else is escaped: `+a` is `A`, `%2f` is a slash. Nothing is ever looked up, so two keys
//! never share a name, and no name leads out of its folder.

mod keys;
mod paths;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

pub use self::{
    keys::{key_from_name, key_name},
    paths::{key_from_path, key_path},
};

/// A name that would be longer than this is shortened, so that there is room for an ending below
/// the 255 bytes that file systems allow, and below the 143 of those that encrypt names.
const LONGEST: usize = 128;

/// So much of a shortened name is the key's; 64 characters more tell it from others.
const PREFIX: usize = 60;

/// Stands before the digest in a shortened name. It is escaped everywhere else.
const SHORTENED: char = '~';

/// How much of a text is escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// What some file system would change.
    Needed,
    /// Dots and spaces too, so that the name can be cut anywhere.
    Strict,
}

/// Writes text so that it can be a part of a file's name.
///
/// ```
/// use storehouse_filesystem::names::{decode, encode};
///
/// assert_eq!(encode("2026-report_v1.5"), "2026-report_v1.5");
/// assert_eq!(encode("Größe"), "+grö%c3%9fe");
/// assert_eq!(encode("../etc/passwd"), "%2e.%2fetc%2fpasswd");
/// assert_eq!(encode("con"), "%63on");
/// assert_eq!(decode("%2e.%2fetc%2fpasswd").as_deref(), Some("../etc/passwd"));
/// ```
pub fn encode(text: &str) -> String {
    encode_with(text, Escape::Needed)
}

fn encode_with(text: &str, escape: Escape) -> String {
    if text.is_empty() {
        return "%".to_owned();
    }
    let mut name = String::with_capacity(text.len() + 8);
    let last = text.char_indices().next_back().map_or(0, |(place, _)| place);
    let is_reserved = is_reserved(text);
    for (place, character) in text.char_indices() {
        let is_at_an_end = place == 0 || place == last;
        match character {
            'A'..='Z' => name.extend(['+', character.to_ascii_lowercase()]),
            // What begins with a dot is hidden; Windows drops dots and spaces at the end.
            '.' | ' ' if is_at_an_end || escape == Escape::Strict => {
                escape_char(&mut name, character);
            }
            _ if place == 0 && is_reserved => escape_char(&mut name, character),
            character if is_plain(character) => name.push(character),
            character => escape_char(&mut name, character),
        }
    }
    name
}

fn escape_char(name: &mut String, character: char) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        name.push('%');
        push_hex(name, byte);
    }
}

fn push_hex(text: &mut String, byte: u8) {
    // Writing to a string does not fail.
    let _ = write!(text, "{byte:02x}");
}

/// Characters that stay as they are. No two texts of them are one to a file system that ignores
/// case or composes characters.
fn is_plain(character: char) -> bool {
    match character {
        // Chinese characters have no case, and nothing composes them.
        'a'..='z' | '0'..='9' | '\u{4e00}'..='\u{9fa5}' => true,
        // These are joined of two letters, and some file systems part them.
        'ĳ' | 'ŀ' | 'ŉ' | 'ª' | 'º' => false,
        // Lower-case letters of Latin, Greek and Cyrillic that come back from their upper case.
        '\u{df}'..='\u{17f}' | '\u{3ac}'..='\u{3ce}' | '\u{430}'..='\u{45f}' => {
            character.is_lowercase() && comes_back(character)
        }
        _ => "-_. =@()[]{}!#".contains(character),
    }
}

/// Whether a letter's upper case is one letter, whose lower case is this one.
fn comes_back(character: char) -> bool {
    let mut upper = character.to_uppercase();
    let (Some(upper), None) = (upper.next(), upper.next()) else { return false };
    let mut lower = upper.to_lowercase();
    (lower.next(), lower.next()) == (Some(character), None)
}

/// Whether Windows takes the name for a device, whatever follows its first dot.
fn is_reserved(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let is = |name: &str| stem.eq_ignore_ascii_case(name);
    if ["con", "prn", "aux", "nul"].into_iter().any(is) {
        return true;
    }
    let numbered = |name: &str| {
        stem.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
            && matches!(stem.as_bytes()[3..], [b'0'..=b'9'])
    };
    numbered("com") || numbered("lpt")
}

/// The text that a name was made of; `None` where [`encode`] does not make that name of any text.
pub fn decode(name: &str) -> Option<String> {
    let text = unescape(name)?;
    (encode(&text) == name).then_some(text)
}

/// Takes the escapes out. More than one name can give one text, of which one is right.
fn unescape(name: &str) -> Option<String> {
    if name == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => match rest.next()? {
                letter @ b'a'..=b'z' => bytes.push(letter.to_ascii_uppercase()),
                _ => return None,
            },
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                bytes.push(u8::try_from(value).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// A name of at most [`LONGEST`] bytes, which begins as `name` does and stands for no other.
fn shortened(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let mut short = name[..cut(&name, PREFIX)].to_owned();
    short.push(SHORTENED);
    for byte in Sha256::digest(&name) {
        push_hex(&mut short, byte);
    }
    short
}

/// The last place up to `most` bytes at which no escape and no character is cut through.
fn cut(name: &str, most: usize) -> usize {
    let mut place = 0;
    while let Some(character) = name[place..].chars().next() {
        let step = match character {
            '+' => 2,
            '%' if name[place + 1..].starts_with(|next: char| next.is_ascii_hexdigit()) => 3,
            // By itself it is an empty text.
            '%' => 1,
            character => character.len_utf8(),
        };
        if place + step > most || place + step > name.len() {
            break;
        }
        place += step;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["a", "report_2026-01", "a.b.c", "grün", "ёлка", "产品", "a b", "v1=x@y(2)"]
        {
            assert_eq!(encode(text), text);
        }
    }

    #[test]
    fn what_would_not_come_back_is_escaped() {
        for (text, name) in [
            ("", "%"),
            ("%", "%25"),
            ("+", "%2b"),
            ("~", "%7e"),
            (",", "%2c"),
            ("A1", "+a1"),
            (".", "%2e"),
            ("..", "%2e%2e"),
            (" ", "%20"),
            ("a ", "a%20"),
            (".hidden", "%2ehidden"),
            ("a/b\\c", "a%2fb%5cc"),
            ("a\0b", "a%00b"),
            ("CON", "+c+o+n"),
            ("nul.txt", "%6eul.txt"),
            ("com1", "%63om1"),
            ("com10", "com10"),
            ("u\u{308}", "u%cc%88"),
            ("ﬁ", "%ef%ac%81"),
            ("Ü", "%c3%9c"),
            ("ß", "%c3%9f"),
        ] {
            assert_eq!(encode(text), name);
            assert_eq!(decode(name).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_name_that_is_written_otherwise_is_nobodys() {
        for name in
            ["", "A", "%61", "%2F", "+1", "+", "%2", "%zz", "%ff", ".a", "a.", "con", "a/b", "~"]
        {
            assert_eq!(decode(name), None, "{name}");
        }
    }

    #[test]
    fn a_cut_goes_through_no_escape() {
        assert_eq!(cut("ab%2fcd", 4), 2);
        assert_eq!(cut("ab%2fcd", 5), 5);
        assert_eq!(cut("+a+b", 3), 2);
        assert_eq!(cut("üü", 3), 2);
        assert_eq!(cut("ab", 9), 2);
        assert_eq!(cut("%,吝,%", 4), 2);
        assert_eq!(cut("%,吝,%", 9), 7);
    }
}
