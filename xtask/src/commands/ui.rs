//! `cargo xtask ui`.

mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;
use crate::project::Project;
use crate::report::Outcome;

/// Run the compile-error tests, and check that every message is short and says what to do
///
/// The expected messages are the .stderr files under ui-tests/fail. Beyond matching, each must report
/// a mistake once, in at most 14 lines, name nothing internal and propose a way out. A test with
/// several mistakes says `// mistakes: N` on its first line; one whose message must be longer says
/// why in a line `// long: <reason>`.
#[derive(clap::Args)]
pub struct Args {
    /// Store the messages of today as the expected ones (then read the diff)
    #[arg(long)]
    bless: bool,

    /// Only the tests whose path contains this
    filter: Option<String>,
}

/// Runs the command.
pub fn run(project: &Project, args: &Args) -> Result<()> {
    check(project, args.filter.as_deref(), args.bless)?.into_result()
}

/// Runs the tests, then checks all messages, also when a test failed: both lists are useful at once.
pub fn check(project: &Project, filter: Option<&str>, bless: bool) -> Result<Outcome> {
    let mut command = project.cargo(&["test", "--package", "storehouse-ui-tests", "--tests"]);
    if bless {
        command.env("TRYBUILD", "overwrite");
    }
    if let Some(filter) = filter {
        // To libtest both are names of tests: the first is in every name, the second is for trybuild.
        command.args(["--", "", &format!("trybuild={filter}")]);
    }
    let finished = process::stream(&mut command)?;
    let mut outcome = Outcome::of(&finished, filter);

    let folder = project.root.join("ui-tests/fail");
    let wanted =
        |path: &PathBuf| filter.is_none_or(|filter| path.to_string_lossy().contains(filter));
    let messages: Vec<_> = files(&folder, "stderr")?.into_iter().filter(wanted).collect();
    let violations = violations(project, &folder, &messages)?;
    println!("checked {} messages: {} violations", messages.len(), violations.len());
    if messages.is_empty() && filter.is_none() {
        outcome.problems.push(format!(
            "{} has no .stderr file, so nothing was checked",
            project.relative(&folder).display()
        ));
    }
    if !violations.is_empty() {
        outcome
            .problems
            .push(format!("messages that would not help a user:\n{}", violations.join("\n")));
    }
    Ok(outcome)
}

/// Everything wrong with the messages, one line each, beginning with the file.
fn violations(project: &Project, folder: &Path, messages: &[PathBuf]) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for test in files(folder, "rs")? {
        if !test.with_extension("stderr").exists() {
            violations.push(format!(
                "{}: has no .stderr beside it; `cargo xtask ui --bless` writes it",
                project.relative(&test).display()
            ));
        }
    }
    for message in messages {
        let name = project.relative(message).display();
        let test = message.with_extension("rs");
        if !test.exists() {
            violations.push(format!("{name}: belongs to no test; remove it"));
            continue;
        }
        let found = rules::check(&read(&test)?, &read(message)?);
        violations.extend(found.into_iter().map(|violation| format!("{name}: {violation}")));
    }
    Ok(violations)
}

/// All files with that extension in the folder and below, sorted.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|actual| actual == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
