//! `cargo xtask postgres`.

use anyhow::Result;

use crate::process;
use crate::project::Project;
use crate::tools::postgres::{Durability, Release, Server, URL_VARIABLE};

/// Run an empty PostgreSQL with pgvector until Ctrl-C, and print its URL
///
/// It is the server that `cargo xtask test` starts for itself: fetched if need be, on a free port,
/// without durability unless asked for, and gone afterwards with all its data. With the printed variable set, `cargo
/// test` and `cargo xtask test` use it, and start faster.
#[derive(clap::Args)]
pub struct Args {
    /// Let confirmed writes survive a loss of power, as they do by default in PostgreSQL: to measure
    #[arg(long)]
    durable: bool,
}

/// Runs the command.
pub fn run(project: &Project, args: &Args) -> Result<()> {
    let release = Release::ensure(project)?;
    let durability = if args.durable { Durability::Full } else { Durability::None };
    let mut server = Server::start(&release, durability, &process::scratch()?)?;
    println!("{} runs until Ctrl-C. In another terminal:", server.description());
    println!("export {URL_VARIABLE}={}", server.url());
    server.wait()
}
