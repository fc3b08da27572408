//! Text tests in the forms that an index can serve and that compare by bytes.
//!
//! SQLite's `LIKE` folds the case of ASCII letters, so patterns become `GLOB` patterns, which do
//! not. A prefix becomes a range, since that is what any index can look up.

use crate::filter::{LikePattern, LikeToken};

/// A `GLOB` pattern that matches no text: its class is never closed.
const NOTHING: &str = "[";

/// The `GLOB` pattern that matches what the `like` pattern does.
///
/// A malformed pattern, which the handle refuses, matches nothing, as in the memory backend.
pub(super) fn glob(pattern: &str) -> String {
    let Ok(pattern) = LikePattern::parse(pattern) else {
        return NOTHING.to_owned();
    };
    let mut glob = String::with_capacity(pattern.tokens().len() + 8);
    for token in pattern.tokens() {
        match token {
            LikeToken::AnyText => glob.push('*'),
            LikeToken::AnyCharacter => glob.push('?'),
            LikeToken::Literal(special @ ('*' | '?' | '[')) => {
                glob.push('[');
                glob.push(*special);
                glob.push(']');
            }
            LikeToken::Literal(literal) => glob.push(*literal),
        }
    }
    glob
}

/// The least text that comes after every text with this prefix; `None` when there is none.
///
/// Texts are compared by their bytes, and UTF-8 keeps the order of the characters, so the last
/// character that has a successor takes it, and what follows it is cut.
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let kept = prefix.trim_end_matches(char::MAX);
    let last = kept.chars().next_back()?;
    let mut after = kept[..kept.len() - last.len_utf8()].to_owned();
    // A range of characters steps over the surrogates, which are none.
    after.extend((last..=char::MAX).nth(1));
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_globs() {
        assert_eq!(glob("a%b_c"), "a*b?c");
        assert_eq!(glob(r"\%\_\\"), r"%_\");
        assert_eq!(glob("*?[]"), "[*][?][[]]");
        assert_eq!(glob("é%"), "é*");
        assert_eq!(glob(""), "");
        assert_eq!(glob(r"a\"), "[");
    }

    #[test]
    fn the_end_of_a_prefix() {
        let after = |prefix: &str| after_prefix(prefix);
        assert_eq!(after("ab").as_deref(), Some("ac"));
        assert_eq!(after("é").as_deref(), Some("ê"));
        assert_eq!(after("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(after("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after("a\u{10ffff}\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after("\u{7f}").as_deref(), Some("\u{80}"));
        assert_eq!(after("\u{10fffe}").as_deref(), Some("\u{10ffff}"));
        assert_eq!(after("\u{10ffff}"), None);
        assert_eq!(after(""), None);
    }
}
