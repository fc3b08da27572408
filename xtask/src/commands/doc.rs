//! `cargo xtask doc`.

use anyhow::Result;

use crate::process;
use crate::project::Project;

/// Build the documentation; a warning, such as a broken link, is an error
#[derive(clap::Args)]
pub struct Args {
    /// Open it in a browser afterwards
    #[arg(long)]
    open: bool,
}

/// Runs the command.
pub fn run(project: &Project, args: &Args) -> Result<()> {
    let mut command = project.cargo(&["doc", "--workspace", "--no-deps"]);
    if args.open {
        command.arg("--open");
    }
    process::must(command.env("RUSTDOCFLAGS", "-D warnings"))
}
