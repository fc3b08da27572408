//! `cargo xtask test`.

mod backends;

use std::time::Instant;

use anyhow::Result;

use super::{ui, wasm};
use crate::process;
use crate::project::Project;
use crate::report::{Outcome, Step, heading, print_summary};
use crate::tools::wasm_target::WasmTarget;

const UI_TESTS: &str = "storehouse-ui-tests";

/// Run the whole suite: workspace tests, doctests, compile-error tests, and wasm in a browser
///
/// A step that fails does not stop the next. Nothing is skipped: a missing tool is installed, or its
/// step fails. The summary names ignored tests, and the last line is `N passed, N failed`.
#[derive(clap::Args)]
pub struct Args {
    /// Only tests whose name contains this (compile-error tests: whose path does)
    filter: Option<String>,

    /// Only what tests this backend: memory, sqlite, browser ... (can be repeated)
    ///
    /// That is the test of that name in tests/conformance, and the crate of the backend if it has one.
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
}

/// A part of the suite: its heading, and what runs it.
type Part<'a> = (String, Box<dyn Fn() -> Result<Outcome> + 'a>);

/// Runs the command.
pub fn run(project: &Project, args: &Args) -> Result<()> {
    let filter = args.filter.as_deref();
    let parts = if args.backend.is_empty() {
        whole_suite(project, filter)
    } else {
        backends::parts(project, &args.backend, filter)?
    };
    let steps: Vec<Step> = parts.into_iter().map(|(name, part)| time(name, part)).collect();
    print_summary(&steps)
}

fn whole_suite<'a>(project: &'a Project, filter: Option<&'a str>) -> Vec<Part<'a>> {
    vec![
        (
            "workspace tests".into(),
            Box::new(move || {
                // All targets but benches, which are built by `cargo xtask bench`, for speed.
                let targets = [
                    "--workspace",
                    "--exclude",
                    UI_TESTS,
                    "--lib",
                    "--bins",
                    "--tests",
                    "--examples",
                ];
                cargo_test(project, &targets, filter)
            }),
        ),
        (
            "doctests".into(),
            Box::new(move || {
                cargo_test(project, &["--workspace", "--exclude", UI_TESTS, "--doc"], filter)
            }),
        ),
        ("compile-error tests".into(), Box::new(move || ui::check(project, filter, false))),
        (
            "wasm: check".into(),
            Box::new(move || wasm::check(project, &WasmTarget::ensure(project)?)),
        ),
        (
            "wasm: tests in Chromium".into(),
            Box::new(move || wasm::in_browser(project, &WasmTarget::ensure(project)?, filter)),
        ),
    ]
}

/// Runs a part; an error in it is its outcome, so that the other parts still run.
fn time(name: String, part: impl Fn() -> Result<Outcome>) -> Step {
    heading(&name);
    let start = Instant::now();
    let outcome = part().unwrap_or_else(|error| Outcome {
        problems: vec![format!("{error:#}")],
        ..Outcome::default()
    });
    Step { name, outcome, time: start.elapsed() }
}

/// `cargo test` that goes on after the first test program that fails.
fn cargo_test(project: &Project, selection: &[&str], filter: Option<&str>) -> Result<Outcome> {
    let mut command = project.cargo(&["test", "--no-fail-fast"]);
    command.args(selection).env("INSTA_UPDATE", "no"); // a snapshot that differs fails, and writes nothing
    if let Some(filter) = filter {
        command.args(["--", filter]);
    }
    let finished = process::stream(&mut command)?;
    Ok(Outcome::of(&finished, filter))
}
