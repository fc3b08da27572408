//! How long a crate of 40 tables of 10 fields takes to compile, for each derive.
//!
//! One crate is generated for each system, the same structs in each. Their dependencies are built
//! first; then the crate alone is checked and built several times, without incremental compilation,
//! and the fastest run counts, since what disturbs a compiler only makes it slower. From each time
//! that of plain serde is taken off, which every system's structs derive too.

mod crates;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crates::{System, TABLES};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// The two things that a developer waits for.
const COMMANDS: [&str; 2] = ["check", "build"];

fn main() -> Result {
    let repetitions = if std::env::var_os("STOREHOUSE_BENCH_QUICK").is_some() { 1 } else { 5 };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let folder = root.join("target/bench/compile-tables-crates");
    let mut crates = Vec::new();
    for system in crates::systems(&root) {
        eprintln!("preparing {}", system.name);
        crates.push(Crate::prepare(&folder, system)?);
    }
    for command in COMMANDS {
        // One after the other in each round, so that a slow minute is slow for all.
        for _ in 0..repetitions {
            for each in &mut crates {
                each.time(command)?;
            }
        }
        let base = crates[0].fastest(command)?;
        for each in &crates[1..] {
            let fastest = each.fastest(command)?;
            // Where one run of each is compared, the noise can be greater than the difference.
            let table = (fastest.saturating_sub(base) / TABLES).max(Duration::from_nanos(1));
            println!(
                "{}",
                serde_json::json!({
                    "group": "compile",
                    "case": format!("{command}: a table, on top of serde"),
                    "system": each.system.name,
                    "median_ns": table.as_nanos() as f64,
                })
            );
            eprintln!(
                "{command} of {}: {fastest:.2?}, of serde alone: {base:.2?}",
                each.system.name
            );
        }
    }
    for each in &crates {
        println!("{}: {} lines a table when expanded", each.system.name, each.expanded_lines()?);
    }
    Ok(())
}

/// A generated crate, and the times that it took.
struct Crate {
    system: System,
    folder: PathBuf,
    times: Vec<(&'static str, Duration)>,
    round: usize,
}

impl Crate {
    /// Writes the crate and builds everything that it depends on.
    fn prepare(folder: &Path, system: System) -> Result<Self> {
        let folder = folder.join(system.name);
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("Cargo.toml"), &system.manifest)?;
        let mut this = Self { system, folder, times: Vec::new(), round: 0 };
        for command in COMMANDS {
            this.run(command)?;
        }
        Ok(this)
    }

    fn time(&mut self, command: &'static str) -> Result {
        let taken = self.run(command)?;
        self.times.push((command, taken));
        Ok(())
    }

    fn fastest(&self, command: &str) -> Result<Duration> {
        let times = self.times.iter().filter(|(of, _)| *of == command).map(|(_, time)| *time);
        times.min().ok_or_else(|| "nothing was measured".into())
    }

    /// Compiles the crate anew; its dependencies are there.
    fn run(&mut self, command: &str) -> Result<Duration> {
        self.round += 1;
        let source = format!("// {}\n{}", self.round, self.system.source);
        fs::write(self.folder.join("src/lib.rs"), source)?;
        let start = Instant::now();
        let status = self.cargo(&[command, "--quiet"]).status()?;
        let taken = start.elapsed();
        if !status.success() {
            return Err(format!("the crate of {} does not compile", self.system.name).into());
        }
        Ok(taken)
    }

    /// How many lines the compiler sees for one table, in its own formatting.
    fn expanded_lines(&self) -> Result<usize> {
        let mut command = self.cargo(&["rustc", "--quiet", "--profile", "check", "--lib", "--"]);
        // The option is one of nightly's; a stable compiler takes it when it is told to.
        let output = command.arg("-Zunpretty=expanded").env("RUSTC_BOOTSTRAP", "1").output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(output.stdout.iter().filter(|byte| **byte == b'\n').count() / TABLES as usize)
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", self.folder.join("target"));
        command
    }
}
