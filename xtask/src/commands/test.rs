//! `cargo xtask test`.

mod backends;
mod servers;

use std::time::Instant;

use anyhow::Result;

use super::{ui, wasm};
use crate::process;
use crate::project::Project;
use crate::report::{Outcome, Step, heading, print_summary};
use crate::tools::postgres::Server;
use crate::tools::wasm_target::WasmTarget;

/// The backend, and its test in tests/conformance, that need a server.
const POSTGRES: &str = "postgres";

const UI_TESTS: &str = "storehouse-ui-tests";

/// Run the whole suite: workspace tests, doctests, compile-error tests, and wasm in a browser
///
/// A PostgreSQL server is started for the tests, unless `STOREHOUSE_TEST_POSTGRES_URL` names one. A step that fails does not stop the next. Nothing is skipped: a missing tool is installed, or its
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
    let all = args.backend.is_empty();
    let mut steps = Vec::new();
    // It ends with this function, after the last step.
    let mut server = None;
    if all || args.backend.iter().any(|backend| backend == POSTGRES) {
        let step = time("PostgreSQL".to_owned(), || {
            server = servers::start(project)?;
            Ok(Outcome::default())
        });
        steps.push(Step { name: servers::name(server.as_ref()), ..step });
    }
    let tests = Tests { project, filter, server: server.as_ref() };
    let mut parts = if all { whole_suite(&tests) } else { backends::parts(&tests, &args.backend)? };
    if !steps.is_empty() {
        parts.extend(servers::on_older_releases(&tests)?);
    }
    steps.extend(parts.into_iter().map(|(name, part)| time(name, part)));
    print_summary(&steps)
}

/// What every part of the suite goes by.
struct Tests<'a> {
    project: &'a Project,
    filter: Option<&'a str>,
    server: Option<&'a Server>,
}

impl Tests<'_> {
    /// `cargo test` on the server that was started for the suite, or on the one that the environment names.
    fn cargo(&self, selection: &[&str]) -> Result<Outcome> {
        self.cargo_on(self.server, selection)
    }

    /// `cargo test` that goes on after the first test program that fails.
    fn cargo_on(&self, server: Option<&Server>, selection: &[&str]) -> Result<Outcome> {
        let mut command = self.project.cargo(&["test", "--no-fail-fast"]);
        command.args(selection).env("INSTA_UPDATE", "no"); // a snapshot that differs fails, and writes nothing
        if let Some(server) = server {
            server.give_to(&mut command);
        }
        if let Some(filter) = self.filter {
            command.args(["--", filter]);
        }
        let finished = process::stream(&mut command)?;
        Ok(Outcome::of(&finished, self.filter))
    }
}

fn whole_suite<'a>(tests: &'a Tests<'a>) -> Vec<Part<'a>> {
    let &Tests { project, filter, .. } = tests;
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
                tests.cargo(&targets)
            }),
        ),
        (
            "doctests".into(),
            Box::new(move || tests.cargo(&["--workspace", "--exclude", UI_TESTS, "--doc"])),
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
fn time(name: String, part: impl FnOnce() -> Result<Outcome>) -> Step {
    heading(&name);
    let start = Instant::now();
    let outcome = part().unwrap_or_else(|error| Outcome {
        problems: vec![format!("{error:#}")],
        ..Outcome::default()
    });
    Step { name, outcome, time: start.elapsed() }
}
