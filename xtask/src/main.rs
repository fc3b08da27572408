//! The project's own commands, run as `cargo xtask <command>`.
//!
//! Each command has a file under `commands/` and each tool it needs one under `tools/`. Everything
//! started goes through `process`, which also ends it.

#![allow(clippy::print_stdout, reason = "a command-line tool speaks on stdout")]

mod commands;
mod process;
mod project;
mod report;
mod tally;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{bench, doc, expand, lint, postgres, setup, test, ui, wasm};
use crate::project::Project;
use crate::report::Reported;

/// The project's own commands.
///
/// Tools that a command needs (PostgreSQL, the wasm target, Chromium ...) are installed
/// when they are missing; a command that cannot have them fails and says what to do.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Test(test::Args),
    Ui(ui::Args),
    Expand(expand::Args),
    Bench(bench::Args),
    Wasm(wasm::Args),
    Lint(lint::Args),
    Doc(doc::Args),
    Postgres(postgres::Args),
    Setup(setup::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = process::prepare().and_then(|_cleanup| {
        let project = Project::find()?;
        match cli.command {
            Command::Test(args) => test::run(&project, &args),
            Command::Ui(args) => ui::run(&project, &args),
            Command::Expand(args) => expand::run(&project, &args),
            Command::Bench(args) => bench::run(&project, &args),
            Command::Wasm(args) => wasm::run(&project, &args),
            Command::Lint(args) => lint::run(&project, &args),
            Command::Doc(args) => doc::run(&project, &args),
            Command::Postgres(args) => postgres::run(&project, &args),
            Command::Setup(args) => setup::run(&project, &args),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is::<Reported>() {
                eprintln!("\nerror: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
