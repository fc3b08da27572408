//! What a step came to, and the summary of many steps.

use std::fmt;
use std::time::Duration;

use anyhow::{Error, Result, bail};

use crate::process::Finished;
use crate::tally::Tally;

/// What one step of the suite came to.
#[derive(Default)]
pub struct Outcome {
    pub tally: Tally,
    /// What is wrong, each entry complete in itself. Empty if all is well.
    pub problems: Vec<String>,
}

impl Outcome {
    /// The outcome of a test runner: its counts, and a problem if it failed. If nobody asked for some
    /// tests only (`filter`), it is also a problem if none ran: something has been renamed or emptied.
    pub fn of(finished: &Finished, filter: Option<&str>) -> Self {
        let tally = Tally::read(&finished.output);
        let problem = match (finished.success, tally.failed) {
            (true, _) if filter.is_some() || tally.total() > 0 => None,
            (true, _) => Some(format!("`{}` ran no test", finished.line)),
            (false, 0) => {
                Some(format!("`{}` failed, but not in a test; its output is above", finished.line))
            }
            (false, failed) => Some(format!("`{}`: {failed} failed", finished.line)),
        };
        Self { tally, problems: problem.into_iter().collect() }
    }

    /// Adds what another part of the same step came to.
    pub fn add(&mut self, other: Self) {
        self.tally.add(other.tally);
        self.problems.extend(other.problems);
    }

    /// An error that lists the problems, if there are any.
    pub fn into_result(self) -> Result<()> {
        if self.problems.is_empty() {
            return Ok(());
        }
        bail!("{}", self.problems.join("\n\n"));
    }
}

/// One line of the summary.
pub struct Step {
    pub name: String,
    pub outcome: Outcome,
    pub time: Duration,
}

/// The error of a suite whose summary has said everything, so that nothing follows its last line.
#[derive(Debug)]
pub struct Reported;

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the suite failed")
    }
}

impl std::error::Error for Reported {}

/// Prints the summary, and closes with the line `N passed, N failed`.
pub fn print_summary(steps: &[Step]) -> Result<()> {
    heading("Summary");
    println!(
        "{:<28} {:>7} {:>7} {:>7} {:>9}  result",
        "step", "passed", "failed", "ignored", "time"
    );
    for Step { name, outcome, time } in steps {
        let Outcome { tally, problems } = outcome;
        let result = if problems.is_empty() { "ok" } else { "FAILED" };
        let (passed, failed, ignored) = (tally.passed, tally.failed, tally.ignored.len());
        println!(
            "{name:<28} {passed:>7} {failed:>7} {ignored:>7} {:>8.1}s  {result}",
            time.as_secs_f64()
        );
    }

    let ignored: Vec<_> = steps.iter().flat_map(|step| &step.outcome.tally.ignored).collect();
    if !ignored.is_empty() {
        println!("\nIgnored, so not run:");
        for test in &ignored {
            println!("  {test}");
        }
    }
    for step in steps.iter().filter(|step| !step.outcome.problems.is_empty()) {
        println!("\n{} FAILED:", step.name);
        for problem in &step.outcome.problems {
            println!("  {}", problem.replace('\n', "\n  "));
        }
    }

    let (passed, failed) = totals(steps);
    let skipped =
        if ignored.is_empty() { String::new() } else { format!(", {} skipped", ignored.len()) };
    println!("\n{passed} passed, {failed} failed{skipped}");
    if failed == 0 { Ok(()) } else { Err(Error::new(Reported)) }
}

/// A heading that stands out in a long log.
pub fn heading(title: &str) {
    println!("\n=== {title} ===");
}

/// Tests passed and failed. A step that failed without a failing test (a compile error, say) counts
/// as one, so that no reader of the last line takes it for a success.
fn totals(steps: &[Step]) -> (u64, u64) {
    steps.iter().fold((0, 0), |(passed, failed), step| {
        let hidden = u64::from(step.outcome.tally.failed == 0 && !step.outcome.problems.is_empty());
        (passed + step.outcome.tally.passed, failed + step.outcome.tally.failed + hidden)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(passed: u64, failed: u64, problems: &[&str]) -> Step {
        let tally = Tally { passed, failed, ignored: Vec::new() };
        let problems = problems.iter().map(ToString::to_string).collect();
        Step {
            name: "a step".to_owned(),
            outcome: Outcome { tally, problems },
            time: Duration::ZERO,
        }
    }

    #[test]
    fn a_step_that_fails_without_a_failing_test_is_one_failure() {
        assert_eq!(
            totals(&[step(3, 0, &[]), step(2, 0, &["does not compile"]), step(4, 2, &["2 tests"])]),
            (9, 3)
        );
    }
}
