//! The whole suite in one go, and what it came to.

use std::fmt;

use storehouse_runtime::Store;

use crate::behaviour::behaviours;

/// What came of each behaviour.
#[derive(Clone, Debug)]
pub struct Report {
    /// The behaviours by full name, in the suite's order.
    pub verdicts: Vec<(String, Verdict)>,
}

/// What came of one behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The backend behaves so.
    Passed,
    /// It does not; this is what happened instead.
    Failed(String),
    /// The backend lacks these capabilities, and says so.
    NotApplicable(Vec<&'static str>),
}

impl Report {
    /// Whether nothing failed.
    pub fn is_ok(&self) -> bool {
        self.failed().next().is_none()
    }

    /// How many behaviours the backend has.
    pub fn passed(&self) -> usize {
        self.verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Passed).count()
    }

    /// The behaviours that it has not, with what happened instead.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.verdicts.iter().filter_map(|(name, verdict)| match verdict {
            Verdict::Failed(message) => Some((&**name, &**message)),
            _ => None,
        })
    }

    /// The behaviours that were left out, with the capabilities that are missing.
    pub fn not_applicable(&self) -> impl Iterator<Item = (&str, &[&'static str])> {
        self.verdicts.iter().filter_map(|(name, verdict)| match verdict {
            Verdict::NotApplicable(missing) => Some((&**name, &**missing)),
            _ => None,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, message) in self.failed() {
            writeln!(f, "FAILED {name}: {message}")?;
        }
        for (name, missing) in self.not_applicable() {
            writeln!(f, "not applicable, for want of {}: {name}", missing.join(" and "))?;
        }
        write!(
            f,
            "{} passed, {} failed, {} not applicable",
            self.passed(),
            self.failed().count(),
            self.not_applicable().count()
        )
    }
}

/// Holds a backend to every behaviour, each on a database of its own. `open` opens the database of
/// the given name: a new one when it has not been opened before, else, where the backend is
/// persistent, the same one again.
///
/// Where panics abort, as in a browser, the first behaviour that fails ends the program;
/// [`conformance_tests!`](crate::conformance_tests) goes on.
pub async fn run(open: impl AsyncFn(&str) -> Store) -> Report {
    let mut verdicts = Vec::new();
    for behaviour in behaviours() {
        verdicts.push((behaviour.full_name(), behaviour.check(&open).await));
    }
    Report { verdicts }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use crate::native::block_on;

    #[test]
    fn a_panic_is_a_verdict() {
        let report = block_on(run(async |database: &str| panic!("cannot open {database}")));
        assert!(!report.is_ok());
        assert_eq!(report.failed().count(), behaviours().len());
        let text = report.to_string();
        assert!(text.contains("FAILED bulk::of_nothing_is_nothing: cannot open bulk_of_nothing"));
        assert!(
            text.ends_with(&format!("0 passed, {} failed, 0 not applicable", behaviours().len()))
        );
    }
}
