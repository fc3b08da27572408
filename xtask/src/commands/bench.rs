//! `cargo xtask bench`.

mod results;

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::project::Project;
use crate::report::heading;
use crate::tools::postgres::{Durability, Release, Server};
use results::Measurement;

/// Programs read the URL of a server from it.
const POSTGRES_VARIABLE: &str = "STOREHOUSE_BENCH_POSTGRES_URL";

/// Programs read from it how often they are run, and may do less each time.
const ROUNDS_VARIABLE: &str = "STOREHOUSE_BENCH_ROUNDS";

/// What is said of the server: what its figures depend on.
const SETTINGS: [&str; 6] =
    ["fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "jit"];

/// Measure this project and its peers side by side, in one go on one machine
///
/// A benchmark NAME is all programs `benches/NAME-*`, each a workspace of its own. They are built in
/// release mode first, then run one after another. Each prints a JSON object per case on a line, with
/// `group`, `case`, `system` and `median_ns`. The results are shown as tables, those of each group by
/// themselves, and written to target/bench/NAME.json.
///
/// Where the machine is shared, its speed changes within minutes, and what ran in a slow minute looks slow. With
/// `--rounds` the programs take turns, and of each case the median of all rounds counts.
///
/// Programs `benches/NAME-postgres-*` get a PostgreSQL that is started for them, with the settings that
/// it comes with. Set `STOREHOUSE_BENCH_POSTGRES_URL` to the URL of a superuser to measure on another.
#[derive(clap::Args)]
pub struct Args {
    /// The benchmark: compile, tabular ...
    name: String,

    /// Few repetitions: shows that everything runs, not how fast
    #[arg(long)]
    quick: bool,

    /// How often each program runs, in turn with the others
    #[arg(long, value_name = "N", default_value = "1")]
    rounds: NonZeroUsize,

    /// Only programs whose name contains this
    #[arg(long, value_name = "SUBSTRING")]
    only: Option<String>,
}

/// Runs the command.
pub fn run(project: &Project, args: &Args) -> Result<()> {
    let all = programs(project, &format!("{}-", args.name))?;
    let chosen: Vec<_> = all
        .iter()
        .filter(|folder| args.only.as_ref().is_none_or(|only| name(folder).contains(only)))
        .collect();
    if chosen.is_empty() {
        let only = args
            .only
            .as_ref()
            .map(|only| format!(" with `{only}` in its name"))
            .unwrap_or_default();
        bail!(
            "there is no program benches/{}-*{only}; benchmarks are {}",
            args.name,
            benchmarks(project)?
        );
    }

    // All before the first run, so that no build warms the machine between two measurements.
    for folder in &chosen {
        heading(&format!("Building {}", name(folder)));
        process::must(&mut cargo(project, "build", folder))?;
    }
    let server = if chosen.iter().any(|folder| needs_postgres(folder)) {
        start_postgres(project)?
    } else {
        None
    };
    let (mut rounds, mut measurements) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds.get() {
        heading(&format!("Round {round} of {}", args.rounds));
        rounds.push(measure(project, args, &chosen, server.as_ref())?);
        measurements = results::compare(results::merge(&rounds)?);
        // What was measured is there, should a later round fail.
        write(project, &args.name, &measurements)?;
    }
    results::print(&measurements);
    Ok(())
}

/// Runs each program once.
fn measure(
    project: &Project,
    args: &Args,
    programs: &[&PathBuf],
    server: Option<&Server>,
) -> Result<Vec<Measurement>> {
    let mut measurements = Vec::new();
    for folder in programs {
        heading(&format!("Running {}", name(folder)));
        let mut command = cargo(project, "run", folder);
        command.env(ROUNDS_VARIABLE, args.rounds.to_string());
        if let Some(server) = server.filter(|_| needs_postgres(folder)) {
            command.env(POSTGRES_VARIABLE, server.url());
        }
        if args.quick {
            command.env("STOREHOUSE_BENCH_QUICK", "1");
        }
        let output = process::read(&mut command)?;
        measurements.extend(results::read(&output).with_context(|| name(folder))?);
    }
    Ok(measurements)
}

/// The packages under benches/, by name.
pub fn packages(project: &Project) -> Result<Vec<PathBuf>> {
    let folder = project.root.join("benches");
    let mut found = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.join("Cargo.toml").exists() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The packages `benches/<prefix>*` that are programs; others hold what several of them share.
fn programs(project: &Project, prefix: &str) -> Result<Vec<PathBuf>> {
    let mut found = packages(project)?;
    found.retain(|folder| name(folder).starts_with(prefix) && folder.join("src/main.rs").exists());
    Ok(found)
}

/// Whether a program measures on PostgreSQL.
fn needs_postgres(folder: &Path) -> bool {
    name(folder).contains("-postgres-")
}

/// A server to measure on, unless there is one already.
fn start_postgres(project: &Project) -> Result<Option<Server>> {
    heading("PostgreSQL");
    if let Ok(url) = std::env::var(POSTGRES_VARIABLE) {
        println!("measuring on {url}, as {POSTGRES_VARIABLE} says");
        return Ok(None);
    }
    let release = Release::ensure(project)?;
    let server = Server::start(&release, Durability::Full, &process::scratch()?)?;
    println!("{} with {}", server.description(), server.settings(&SETTINGS)?);
    Ok(Some(server))
}

fn cargo(project: &Project, subcommand: &str, folder: &PathBuf) -> std::process::Command {
    let mut command = project.cargo(&[subcommand, "--release", "--quiet"]);
    command
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", project.target.join("bench").join(name(folder)));
    command
}

fn write(project: &Project, name: &str, measurements: &[Measurement]) -> Result<()> {
    let file = project.target.join("bench").join(format!("{name}.json"));
    fs::write(&file, serde_json::to_string_pretty(measurements)? + "\n")
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("\nwritten to {}", file.display());
    Ok(())
}

/// What can be given as a name.
fn benchmarks(project: &Project) -> Result<String> {
    let names: BTreeSet<_> = programs(project, "")?
        .iter()
        .filter_map(|folder| Some(name(folder).split_once('-')?.0.to_owned()))
        .collect();
    Ok(names.into_iter().collect::<Vec<_>>().join(", "))
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
