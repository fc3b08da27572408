//! `cargo xtask expand`.

use anyhow::Result;

use crate::process;
use crate::project::Project;
use crate::report::Outcome;

/// The module of the macro crate that holds the snapshot tests.
const MODULE: &str = "expansion_snapshots";

/// Compare the code that the derive emits with the stored snapshots
///
/// The snapshots are formatted Rust files beside the tests in macros/src/tests, so that a change to
/// the generated code shows in review.
#[derive(clap::Args)]
pub struct Args {
    /// Store what is emitted now as the new snapshots
    #[arg(long)]
    bless: bool,
}

/// Runs the command.
pub fn run(project: &Project, args: &Args) -> Result<()> {
    // "no" also keeps insta from leaving .snap.new files behind.
    let update = if args.bless { "always" } else { "no" };
    let mut command = project.cargo(&["test", "--package", "storehouse-macros", MODULE]);
    let finished = process::stream(command.env("INSTA_UPDATE", update))?;
    Outcome::of(&finished, None).into_result()
}
