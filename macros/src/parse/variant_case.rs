//! How serde makes the names of variants by `rename_all`. A variant's name is a value and not a
//! column's name, so it keeps its hyphens.

/// The rules, for messages.
pub const RULES: [&str; 8] = [
    "lowercase",
    "UPPERCASE",
    "PascalCase",
    "camelCase",
    "snake_case",
    "SCREAMING_SNAKE_CASE",
    "kebab-case",
    "SCREAMING-KEBAB-CASE",
];

/// The name of a variant by a rule; `None` when there is no such rule.
pub fn apply(rule: &str, variant: &str) -> Option<String> {
    Some(match rule {
        "lowercase" => variant.to_ascii_lowercase(),
        "UPPERCASE" => variant.to_ascii_uppercase(),
        "PascalCase" => variant.to_owned(),
        "camelCase" => {
            let first = variant.chars().next().map_or(0, char::len_utf8);
            variant[..first].to_ascii_lowercase() + &variant[first..]
        }
        "snake_case" => separated(variant, '_'),
        "SCREAMING_SNAKE_CASE" => separated(variant, '_').to_ascii_uppercase(),
        "kebab-case" => separated(variant, '-'),
        "SCREAMING-KEBAB-CASE" => separated(variant, '-').to_ascii_uppercase(),
        _ => return None,
    })
}

/// Every capital letter begins a word, in serde's eyes.
fn separated(variant: &str, separator: char) -> String {
    let mut separated = String::with_capacity(variant.len() + 4);
    for (position, character) in variant.char_indices() {
        if position > 0 && character.is_uppercase() {
            separated.push(separator);
        }
        separated.push(if character == '_' { separator } else { character.to_ascii_lowercase() });
    }
    separated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_that_of_serde() {
        let expected = [
            "inreview2a",
            "INREVIEW2A",
            "InReview2A",
            "inReview2A",
            "in_review2_a",
            "IN_REVIEW2_A",
            "in-review2-a",
            "IN-REVIEW2-A",
        ];
        for (rule, expected) in RULES.into_iter().zip(expected) {
            assert_eq!(apply(rule, "InReview2A").as_deref(), Some(expected), "{rule}");
        }
        assert_eq!(apply("Title Case", "A"), None);
        assert_eq!(apply("camelCase", "É").as_deref(), Some("É"));
    }
}
