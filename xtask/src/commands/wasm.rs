//! `cargo xtask wasm`.

use anyhow::Result;

use crate::process;
use crate::project::Project;
use crate::report::Outcome;
use crate::tools::browser::Browser;
use crate::tools::test_runner;
use crate::tools::wasm_target::WasmTarget;

/// The runner gives up after 20 seconds by itself, which a busy machine needs to start a browser.
const TIMEOUT_SECONDS: &str = "300";

/// Check that the crates compile for wasm, and run the conformance suite in headless Chromium
///
/// Adds the wasm32-unknown-unknown target, installs Chromium with its driver and builds
/// wasm-bindgen-test-runner where they are missing.
#[derive(clap::Args)]
pub struct Args {
    /// Only check that the crates compile
    #[arg(long)]
    no_browser: bool,

    /// Use Debian's compiler even if the toolchain has the target
    #[arg(long)]
    debian: bool,
}

/// Runs the command.
pub fn run(project: &Project, args: &Args) -> Result<()> {
    let target =
        if args.debian { WasmTarget::debian(project)? } else { WasmTarget::ensure(project)? };
    let mut outcome = check(project, &target)?;
    if !args.no_browser && outcome.problems.is_empty() {
        outcome.add(in_browser(project, &target, None)?);
    }
    outcome.into_result()
}

/// Compiles what must compile for wasm, without features: those of the backends are not for wasm.
pub fn check(project: &Project, target: &WasmTarget) -> Result<Outcome> {
    let mut command = target.cargo(project, "check");
    command.args([
        "--package",
        "storehouse-runtime",
        "--package",
        "storehouse",
        "--no-default-features",
    ]);
    let finished = process::stream(&mut command)?;
    let problems =
        if finished.success { Vec::new() } else { vec![format!("`{}` failed", finished.line)] };
    Ok(Outcome { problems, ..Outcome::default() })
}

/// Runs `tests/conformance/tests/browser` in headless Chromium; `filter` selects tests by name.
pub fn in_browser(project: &Project, target: &WasmTarget, filter: Option<&str>) -> Result<Outcome> {
    let browser = Browser::ensure()?;
    let runner = test_runner::ensure(project)?;
    let scratch = process::scratch()?;
    let mut command = target.cargo(project, "test");
    command
        .args(["--package", "storehouse-conformance", "--no-default-features", "--test", "browser"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("CHROMEDRIVER", &browser.driver)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", browser.write_capabilities(&scratch)?)
        .env("WASM_BINDGEN_TEST_TIMEOUT", TIMEOUT_SECONDS)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", TIMEOUT_SECONDS)
        // Chromium keeps crash reports and caches there, whatever its profile folder is.
        .env("XDG_CONFIG_HOME", scratch.join("config"))
        .env("XDG_CACHE_HOME", scratch.join("cache"));
    if let Some(filter) = filter {
        command.args(["--", filter]);
    }
    let finished = process::stream(&mut command)?;
    Ok(Outcome::of(&finished, filter))
}
