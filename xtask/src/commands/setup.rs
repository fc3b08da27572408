//! `cargo xtask setup`.

use anyhow::Result;

use crate::project::Project;
use crate::tools::browser::Browser;
use crate::tools::postgres::Release;
use crate::tools::test_runner;
use crate::tools::wasm_target::WasmTarget;

/// Install every tool the other commands need, so that they need not stop for it
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(project: &Project, Args {}: &Args) -> Result<()> {
    match WasmTarget::ensure(project)? {
        WasmTarget::Toolchain => println!("wasm target: the workspace's toolchain has it"),
        WasmTarget::Debian { .. } => println!("wasm target: Debian's compiler"),
    }
    println!("browser: driven by {}", Browser::ensure()?.driver.display());
    println!("test runner: {}", test_runner::ensure(project)?.display());
    println!("PostgreSQL: {}", Release::ensure(project)?.version);
    Ok(())
}
