//! Makes table and constant names from Rust names.

/// `OrderLine` gives `order_line`, `HTTPServer` gives `http_server`.
pub fn snake_case(name: &str) -> String {
    separate_words(name).to_lowercase()
}

/// `unit_price` and `unitPrice` give `UNIT_PRICE`.
pub fn screaming_snake_case(name: &str) -> String {
    separate_words(name).to_uppercase()
}

/// Puts an underscore where a capital letter begins a word.
fn separate_words(name: &str) -> String {
    let mut separated = String::with_capacity(name.len() + 4);
    let mut previous: Option<char> = None;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let begins_word = character.is_uppercase()
            && previous.is_some_and(|previous| {
                let ends_acronym = characters.peek().is_some_and(|next| next.is_lowercase());
                previous.is_lowercase()
                    || previous.is_ascii_digit()
                    || (previous.is_uppercase() && ends_acronym)
            });
        if begins_word {
            separated.push('_');
        }
        separated.push(character);
        previous = Some(character);
    }
    separated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_at_capitals() {
        assert_eq!(snake_case("OrderLine"), "order_line");
        assert_eq!(snake_case("HTTPServer"), "http_server");
        assert_eq!(snake_case("V2Api"), "v2_api");
        assert_eq!(snake_case("X"), "x");
        assert_eq!(screaming_snake_case("unit_price"), "UNIT_PRICE");
        assert_eq!(screaming_snake_case("unitPrice"), "UNIT_PRICE");
        assert_eq!(screaming_snake_case("_id"), "_ID");
    }
}
