//! What makes a compile error a good one, as far as a program can tell.

/// Lines that one mistake may take before it is a wall of text.
const LINES_PER_MISTAKE: usize = 14;

/// Names that a user has never written and cannot act on.
const INTERNAL: [&str; 4] = ["__private", "storehouse_runtime::", "storehouse_macros::", "$CARGO"];

/// A message with none of these states a problem and leaves the user with it. Ours say what to do
/// after a semicolon; the rest is how rustc, or a message that is its own remedy, says it.
const PROPOSALS: [&str; 20] = [
    "help:",
    "note:",
    "did you mean",
    "instead",
    "; add ",
    "; choose ",
    "; give ",
    "; index ",
    "; keep ",
    "; remove ",
    "; rename ",
    "; shorten ",
    "; use ",
    "; write ",
    "such as",
    "the fields are",
    "a field can have",
    "go on the struct:",
    "expected names",
    "write `",
];

/// Errors of rustc's own that need no proposal: a missing field is named, and a moved transaction
/// is shown with what borrows it.
const SPEAK_FOR_THEMSELVES: [&str; 2] = ["error[E0063]", "error[E0505]"];

/// Everything wrong with the message that rustc gave for the source.
pub fn check(source: &str, message: &str) -> Vec<String> {
    let mistakes = match mistakes(source) {
        Ok(mistakes) => mistakes,
        Err(problem) => return vec![problem],
    };
    let mut violations = Vec::new();

    let errors = message.lines().filter(|line| is_error(line)).count();
    if errors != mistakes {
        violations.push(format!("{errors} errors for {mistakes} mistakes (the .rs says how many in `// mistakes: N`, 1 by default)"));
    }

    let lines = message.trim_end().lines().count();
    let limit = LINES_PER_MISTAKE * mistakes;
    if lines > limit && !has_reason_to_be_long(source) {
        violations.push(format!("{lines} lines, more than {limit} (if it must be, say why in the .rs: `// long: <reason>`)"));
    }

    for (number, line) in message.lines().enumerate() {
        let number = number + 1;
        if let Some(name) = INTERNAL.iter().find(|name| line.contains(**name)) {
            violations
                .push(format!("line {number} names `{name}`, which is internal: {}", line.trim()));
        } else if let Some(path) = absolute_path(line) {
            violations.push(format!("line {number} names the absolute path {path}"));
        }
    }

    let speaks_for_itself = SPEAK_FOR_THEMSELVES.iter().any(|code| message.starts_with(code));
    if !speaks_for_itself && !PROPOSALS.iter().any(|proposal| message.contains(proposal)) {
        violations.push(format!("proposes nothing: it has none of {}", PROPOSALS.join(", ")));
    }
    violations
}

/// The number on the first line's `// mistakes: N`, else 1.
fn mistakes(source: &str) -> Result<usize, String> {
    let first = source.lines().next().unwrap_or_default();
    match first.strip_prefix("// mistakes:") {
        None => Ok(1),
        Some(number) => match number.trim().parse() {
            Ok(number @ 1..) => Ok(number),
            _ => Err(format!(
                "the first line of the .rs should be `// mistakes: N`, with N from 1 up, not `{first}`"
            )),
        },
    }
}

fn is_error(line: &str) -> bool {
    line.starts_with("error")
        && !line.starts_with("error: aborting")
        && !line.starts_with("error: could not compile")
}

fn has_reason_to_be_long(source: &str) -> bool {
    source.lines().any(|line| {
        line.trim().strip_prefix("// long:").is_some_and(|reason| !reason.trim().is_empty())
    })
}

/// A path such as `/root/x`: a slash that begins a word and has another one after a name.
fn absolute_path(line: &str) -> Option<&str> {
    line.split(|c: char| c.is_whitespace() || "`'\"(<[".contains(c)).find(|word| {
        word.strip_prefix('/').and_then(|rest| rest.split_once('/')).is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    const GOOD: &str = "\
error: unknown attribute `colum`
 --> ui-tests/fail/attribute.rs:5:13
  |
5 |     #[table(colum = \"x\")]
  |             ^^^^^ did you mean `column`?
";

    #[test]
    fn a_short_message_with_a_proposal_passes() {
        assert_eq!(check("fn main() {}", GOOD), [""; 0]);
    }

    #[test]
    fn one_mistake_is_reported_once() {
        let twice = format!("{GOOD}\n{GOOD}\nerror: aborting due to 2 previous errors\n");
        assert!(check("fn main() {}", &twice)[0].starts_with("2 errors for 1 mistakes"));
        assert_eq!(check("// mistakes: 2\nfn main() {}", &twice), [""; 0]);
        assert!(
            check("// mistakes: 3\nfn main() {}", &twice)[0].starts_with("2 errors for 3 mistakes")
        );
    }

    #[test]
    fn the_number_of_mistakes_must_be_a_number() {
        for first in ["// mistakes: two", "// mistakes: 0", "// mistakes:"] {
            assert!(check(first, GOOD)[0].contains("should be `// mistakes: N`"));
        }
    }

    #[test]
    fn a_long_message_needs_a_reason() {
        let long = format!("{GOOD}{}", "  = note: and so on\n".repeat(10));
        assert!(check("fn main() {}", &long)[0].starts_with("15 lines, more than 14"));
        assert_eq!(check("// long: rustc lists the columns\nfn main() {}", &long), [""; 0]);
        assert_eq!(check("// long: \nfn main() {}", &long).len(), 1, "an empty reason is none");
        let shorter = format!("{GOOD}{}", "  = note: and so on\n".repeat(9));
        assert_eq!(check("fn main() {}", &shorter), [""; 0]);
    }

    #[test]
    fn internal_names_are_named_with_their_line() {
        for name in [
            "__private::Column",
            "storehouse_runtime::Table",
            "storehouse_macros::x",
            "$CARGO/serde-1.0.0/src/lib.rs",
        ] {
            let message = format!("{GOOD}  = help: implement `{name}`\n");
            let violations = check("", &message);
            assert_eq!(violations.len(), 1, "{name}");
            assert!(violations[0].starts_with("line 6 names"), "{violations:?}");
        }
    }

    #[test]
    fn absolute_paths_are_found_and_code_is_not() {
        for path in ["  --> /root/.rustup/lib.rs:1:1", "see `/usr/lib/x`", "(/tmp/a.txt/)"] {
            assert_eq!(check("", &format!("{GOOD}{path}\n")).len(), 1, "{path}");
        }
        for fine in [
            "a / b",
            "// a comment",
            "/// docs",
            "https://example.org/x",
            "$WORKSPACE/src/lib.rs",
            "/*! x */",
            "1/2/3",
        ] {
            assert_eq!(check("", &format!("{GOOD}{fine}\n")), [""; 0], "{fine}");
        }
    }

    #[test]
    fn a_message_must_propose_something() {
        let bare = "error: bad attribute\n --> ui-tests/fail/x.rs:1:1\n";
        assert!(check("", bare)[0].starts_with("proposes nothing"));
    }

    #[test]
    fn all_violations_are_reported_at_once() {
        let bad = "error: a `__private` thing\nerror: bad\n".to_owned() + &"  |\n".repeat(20);
        assert_eq!(check("", &bad).len(), 4);
    }
}
