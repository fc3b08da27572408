//! Counting tests: what `cargo test` and wasm-bindgen's runner say about them, read from their output.

/// How many tests passed, failed and were ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    /// Names, with the reason where one is given, so that the summary can show them.
    pub ignored: Vec<String>,
}

impl Tally {
    /// Reads every `test result:` line of the output; both runners print the same form.
    pub fn read(output: &str) -> Self {
        let mut tally = Self::default();
        let mut unnamed = 0;
        for line in plain(output).lines() {
            if let Some(counts) = line.strip_prefix("test result: ") {
                tally.passed += count(counts, "passed");
                tally.failed += count(counts, "failed");
                unnamed += count(counts, "ignored");
            } else if let Some((name, outcome)) =
                line.strip_prefix("test ").and_then(|test| test.rsplit_once(" ... ignored"))
            {
                tally.ignored.push(format!("{name}{}", outcome.replacen(", ", ": ", 1)));
            }
        }
        // A name may be lost when a test prints in the middle of the line; the number never is.
        for _ in tally.ignored.len() as u64..unnamed {
            tally.ignored.push("(name not shown)".to_owned());
        }
        tally
    }

    /// How many tests were looked at.
    pub fn total(&self) -> u64 {
        self.passed + self.failed + self.ignored.len() as u64
    }

    /// Adds what another run came to.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored.extend(other.ignored);
    }
}

/// The number before `word` in "ok. 3 passed; 1 failed; …".
fn count(counts: &str, word: &str) -> u64 {
    counts
        .split([';', '.'])
        .filter_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u64>().ok())
        .sum()
}

/// The text without terminal colours.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out.push_str(before);
        // "[32m": everything up to the first letter belongs to the escape.
        rest = after.find(|c: char| c.is_ascii_alphabetic()).map_or("", |end| &after[end + 1..]);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_all_results() {
        let output = "\
running 3 tests
test a::b ... ok
test a::c ... ignored
test src/lib.rs - x (line 3) ... ignored, needs a server
test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s
\u{1b}[0mtest result: \u{1b}[31mFAILED\u{1b}[0m. 1 passed; 2 failed; 0 ignored; 0 measured; 3 filtered out
";
        let tally = Tally::read(output);
        assert_eq!((tally.passed, tally.failed), (13, 2));
        assert_eq!(tally.ignored, ["a::c", "src/lib.rs - x (line 3): needs a server"]);
        assert_eq!(tally.total(), 17);
    }

    #[test]
    fn an_ignored_test_is_counted_even_if_its_name_is_lost() {
        let tally = Tally::read(
            "test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
        );
        assert_eq!(tally.ignored, ["(name not shown)"]);
    }
}
