//! `like`, `starts_with` and `contains`: bytes, not languages, and one escape character.

use storehouse::{Filter, Table, Tabular};
use storehouse_runtime::{Error, Store};

use crate::{behaviour::Outcome, expect::set_up};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "words")]
struct Word {
    #[table(key)]
    text: String,
    #[table(index)]
    copy: String,
}

async fn words(store: &Store, texts: &[&str]) -> Result<Tabular<Word>, Error> {
    let words = set_up::<Word>(store).await?;
    let word = |text: &&str| Word { text: (*text).to_owned(), copy: (*text).to_owned() };
    words.put_bulk(texts.iter().map(word)).await?;
    Ok(words)
}

/// The words that match, both where the text is the key and where it is in an index.
async fn matching(words: &Tabular<Word>, filters: [Filter<Word>; 2]) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for filter in filters {
        let rows = words.query(filter).await?;
        found.push(rows.into_iter().map(|word| word.text).collect::<Vec<_>>());
    }
    assert_eq!(found[0], found[1], "the key and the index disagree");
    Ok(found.remove(0))
}

async fn like(words: &Tabular<Word>, pattern: &str) -> Result<Vec<String>, Error> {
    matching(words, [Word::TEXT.like(pattern), Word::COPY.like(pattern)]).await
}

pub(crate) async fn like_has_two_wildcards(store: &Store) -> Outcome {
    let words = words(store, &["", "a", "ab", "abc", "ba", "b\na"]).await?;
    let all = ["", "a", "ab", "abc", "b\na", "ba"];
    for (pattern, expected) in [
        ("", &all[..1]),
        ("%", &all[..]),
        ("%%", &all[..]),
        ("_", &["a"][..]),
        ("__", &["ab", "ba"]),
        ("_%", &all[1..]),
        ("a%", &["a", "ab", "abc"]),
        ("%a", &["a", "b\na", "ba"]),
        ("%b%", &["ab", "abc", "b\na", "ba"]),
        ("a_c", &["abc"]),
        ("b_a", &["b\na"]),
        ("abc%", &["abc"]),
        ("abcd", &[]),
    ] {
        assert_eq!(like(&words, pattern).await?, expected, "like {pattern:?}");
    }
    Ok(())
}

pub(crate) async fn like_takes_the_meaning_away_by_a_backslash(store: &Store) -> Outcome {
    let words = words(store, &["100", "100%", "1000", "a_b", "axb", "a\\b", "\\"]).await?;
    for (pattern, expected) in [
        (r"100\%", &["100%"][..]),
        (r"100%", &["100", "100%", "1000"]),
        (r"a\_b", &["a_b"]),
        (r"a\\b", &[r"a\b"]),
        (r"\\", &[r"\"]),
        (r"%\\%", &[r"\", r"a\b"]),
        // A backslash before another character stands for that character.
        (r"\a\x\b", &["axb"]),
        (r"%\%", &["100%"]),
    ] {
        assert_eq!(like(&words, pattern).await?, expected, "like {pattern:?}");
    }
    Ok(())
}

/// What other pattern languages give a meaning has none here.
pub(crate) async fn like_has_no_other_wildcards(store: &Store) -> Outcome {
    let special = ["*", "?", "[a]", "[^a]", "a", "^a$", ".*", "(a|b)", "a-z", "]", "["];
    let words = words(store, &special).await?;
    for text in special {
        assert_eq!(like(&words, text).await?, [text], "like {text:?}");
        let around = format!("%{text}%");
        let expected = special.iter().filter(|word| word.contains(text)).count();
        assert_eq!(like(&words, &around).await?.len(), expected, "like {around:?}");
    }
    Ok(())
}

pub(crate) async fn like_tells_cases_apart(store: &Store) -> Outcome {
    let words = words(store, &["abc", "ABC", "Abc", "é", "É", "ß"]).await?;
    assert_eq!(like(&words, "abc").await?, ["abc"]);
    assert_eq!(like(&words, "A%").await?, ["ABC", "Abc"]);
    assert_eq!(like(&words, "É").await?, ["É"]);
    assert_eq!(like(&words, "ss").await?.len(), 0);
    Ok(())
}

pub(crate) async fn like_counts_characters(store: &Store) -> Outcome {
    let words = words(store, &["é", "日", "🦀", "e\u{301}", "xy"]).await?;
    assert_eq!(like(&words, "_").await?, ["é", "日", "🦀"]);
    assert_eq!(like(&words, "__").await?, ["e\u{301}", "xy"]);
    assert_eq!(like(&words, "%\u{301}").await?, ["e\u{301}"]);
    Ok(())
}

/// Many wildcards on a text that almost matches take no exponential time.
pub(crate) async fn like_is_quick_on_hard_patterns(store: &Store) -> Outcome {
    let almost = "a".repeat(2_000);
    let words = words(store, &[&almost]).await?;
    let pattern = "%a".repeat(20) + "%b";
    assert_eq!(like(&words, &pattern).await?.len(), 0);
    Ok(())
}

pub(crate) async fn starts_with_and_contains_take_text_as_it_is(store: &Store) -> Outcome {
    // Beside each text those that come right before and right after all that begin with it, since
    // a prefix is most often looked up as a range.
    let texts = [
        "",
        "'a",
        "*",
        "+",
        "?",
        "@",
        "A",
        "B",
        "[a]",
        "\\",
        "`",
        "a",
        "a%b",
        "a*",
        "a\\b",
        "a_b",
        "ab",
        "ac",
        "b",
        "bb",
        "c",
        "é",
        "éa",
        "ê",
        "日",
        "日本",
        "旦",
        "\u{d7ff}",
        "\u{d7ff}a",
        "\u{e000}",
        "\u{ffff}",
        "\u{10000}",
        "\u{10fffe}",
        "\u{10ffff}",
        "\u{10ffff}a",
        "\u{10ffff}\u{10ffff}",
    ];
    assert!(texts.is_sorted());
    let words = words(store, &texts).await?;
    let parts = ["a%", "a_", "a\\", "%", "_", "a]", "本", "aa", "x"];
    for part in texts.into_iter().chain(parts) {
        let starting: Vec<&str> =
            texts.iter().copied().filter(|text| text.starts_with(part)).collect();
        let found =
            matching(&words, [Word::TEXT.starts_with(part), Word::COPY.starts_with(part)]).await?;
        assert_eq!(found, starting, "starts with {part:?}");
        let containing: Vec<&str> =
            texts.iter().copied().filter(|text| text.contains(part)).collect();
        let found =
            matching(&words, [Word::TEXT.contains(part), Word::COPY.contains(part)]).await?;
        assert_eq!(found, containing, "contains {part:?}");
    }
    Ok(())
}
