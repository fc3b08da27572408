//! The names that every database can hold.

use std::fmt::Write as _;

/// The longest name that no database cuts.
const LONGEST: usize = 63;

/// Why `name` cannot name a `what`, and what to write instead; `None` when it can.
pub fn problem(what: &str, name: &str) -> Option<String> {
    if name.is_empty() {
        return Some(format!(
            "a {what}'s name cannot be empty; write one, or leave the attribute out"
        ));
    }
    if name.len() > LONGEST {
        return Some(format!(
            "a {what}'s name can have {LONGEST} bytes, this one has {}; shorten it",
            name.len()
        ));
    }
    let repaired = repair(name);
    (repaired != name).then(|| {
        let mut message = format!(
            "`{name}` cannot be a {what}'s name: \
             it takes ASCII letters, digits and `_`, and no digit first"
        );
        if repaired.chars().any(|character| character != '_') {
            let _ = write!(message, "; write `{repaired}`");
        }
        message
    })
}

/// The nearest name that is allowed.
fn repair(name: &str) -> String {
    let mut repaired: String = (name.chars())
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '_' })
        .collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        repaired.insert(0, '_');
    }
    repaired
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_cannot_be_comes_with_one_that_can() {
        assert_eq!(problem("column", "unit_price2"), None);
        assert!(problem("column", "unit price").unwrap().contains("write `unit_price`"));
        assert!(problem("column", "2nd").unwrap().contains("write `_2nd`"));
        assert!(!problem("column", "é").unwrap().contains("write"));
        assert!(problem("table", "").unwrap().contains("empty"));
        assert_eq!(problem("table", &"x".repeat(63)), None);
        assert!(problem("table", &"x".repeat(64)).unwrap().contains("64"));
    }
}
