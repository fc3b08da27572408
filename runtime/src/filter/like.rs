//! `like` patterns: one parser, so that every backend means the same by a pattern.

use crate::error::{Error, Result};

/// The longest pattern, in bytes. SQLite refuses patterns above 50,000 bytes, and a translated
/// pattern can be three times as long.
const LONGEST: usize = 16_384;

/// A parsed pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LikePattern(Vec<LikeToken>);

/// One part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikeToken {
    /// `%`: any text, also none.
    AnyText,
    /// `_`: any one character.
    AnyCharacter,
    /// This character.
    Literal(char),
}

impl LikePattern {
    /// Reads a pattern in which `\` takes away the meaning of what follows it.
    ///
    /// Fails with [`Error::Validation`] when the pattern ends with a lone `\` or is longer than
    /// 16,384 bytes.
    pub fn parse(pattern: &str) -> Result<Self> {
        if pattern.len() > LONGEST {
            return Err(Error::validation(format!(
                "a `like` pattern can have {LONGEST} bytes, this one has {}; \
                 use `starts_with` or `contains` for long texts",
                pattern.len()
            )));
        }
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            tokens.push(match character {
                '%' => LikeToken::AnyText,
                '_' => LikeToken::AnyCharacter,
                '\\' => LikeToken::Literal(characters.next().ok_or_else(|| {
                    Error::validation(
                        "a `like` pattern ends with a lone `\\`; write `\\\\` for a backslash",
                    )
                })?),
                other => LikeToken::Literal(other),
            });
        }
        Ok(Self(tokens))
    }

    /// The parts of the pattern.
    pub fn tokens(&self) -> &[LikeToken] {
        &self.0
    }

    /// Whether `text` matches, in time proportional to the text's length times the pattern's
    /// at worst.
    ///
    /// After a mismatch only the last `%` has to take one character more, which is why no
    /// recursion is needed.
    pub fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut position = 0;
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let here = rest.clone();
            match (self.0.get(position), rest.next()) {
                (Some(LikeToken::AnyText), _) => {
                    position += 1;
                    rest = here.clone();
                    retry = Some((position, here));
                    continue;
                }
                (Some(LikeToken::AnyCharacter), Some(_)) => {
                    position += 1;
                    continue;
                }
                (Some(LikeToken::Literal(literal)), Some(character)) if *literal == character => {
                    position += 1;
                    continue;
                }
                (None, None) => return true,
                // Text is used up but the pattern is not: no retry can make it longer.
                (Some(_), None) => return false,
                (None | Some(_), Some(_)) => {}
            }
            let Some((after, from)) = &mut retry else { return false };
            from.next();
            position = *after;
            rest = from.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        LikePattern::parse(pattern).unwrap().matches(text)
    }

    #[test]
    fn wildcards() {
        assert!(matches("", ""));
        assert!(!matches("", "a"));
        assert!(matches("%", ""));
        assert!(matches("%", "abc"));
        assert!(matches("a%", "abc"));
        assert!(!matches("a%", "ba"));
        assert!(matches("%c", "abcc"));
        assert!(matches("%b%", "abc"));
        assert!(!matches("%d%", "abc"));
        assert!(matches("_b_", "abc"));
        assert!(!matches("_", ""));
        assert!(!matches("__", "a"));
        assert!(matches("_", "é"));
        assert!(matches("a%b%c", "a-b-b-c-c"));
        assert!(!matches("a%b%c", "a-c-b"));
        assert!(matches("%aab", "aaaab"));
        assert!(matches("%%", "x"));
    }

    #[test]
    fn case_and_escapes() {
        assert!(!matches("A", "a"));
        assert!(matches(r"100\%", "100%"));
        assert!(!matches(r"100\%", "1000"));
        assert!(matches(r"a\_b", "a_b"));
        assert!(!matches(r"a\_b", "axb"));
        assert!(matches(r"a\\b", r"a\b"));
        assert!(matches(r"\a", "a"));
        assert!(LikePattern::parse(r"a\").is_err());
        assert!(LikePattern::parse(&"a".repeat(LONGEST)).is_ok());
        assert!(LikePattern::parse(&"a".repeat(LONGEST + 1)).is_err());
    }
}
