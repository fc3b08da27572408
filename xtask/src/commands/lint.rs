//! `cargo xtask lint`.

mod duplicates;
mod features;
mod licences;
mod sizes;

use anyhow::Result;

use super::bench;
use crate::process;
use crate::project::Project;
use crate::report::{Outcome, heading};

/// Check format, clippy, each feature alone, duplicate dependencies and licences; hint at files that grow long
#[derive(clap::Args)]
pub struct Args {
    /// Reformat instead of complaining about the format
    #[arg(long)]
    fix: bool,
}

/// Runs the command. Every check runs, whatever the others found.
pub fn run(project: &Project, args: &Args) -> Result<()> {
    let mut problems = Vec::new();

    heading("Format");
    problems.extend(format(project, args.fix)?);

    heading("Clippy");
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    problems.extend(failure(&mut project.cargo(&clippy))?);

    heading("Features");
    problems.extend(features::check(project)?);

    heading("Dependencies");
    let graph = project.graph()?;
    problems.extend(duplicates::check(&graph));
    problems.extend(licences::check(&graph));
    println!("looked at {} packages", graph.packages.len());

    sizes::hint(project);
    Outcome { problems, ..Outcome::default() }.into_result()
}

/// The workspace, and what is under benches/, where each package is a workspace of its own.
fn format(project: &Project, fix: bool) -> Result<Vec<String>> {
    let mut commands = vec![project.cargo(&["fmt", "--all"])];
    for folder in bench::packages(project)? {
        let mut command = project.cargo(&["fmt", "--manifest-path"]);
        command.arg(project.relative(&folder.join("Cargo.toml")));
        commands.push(command);
    }
    let mut problems = Vec::new();
    for mut command in commands {
        if !fix {
            command.arg("--check");
        }
        problems.extend(failure(&mut command)?);
    }
    if !problems.is_empty() {
        problems.push("`cargo xtask lint --fix` formats everything".to_owned());
    }
    Ok(problems)
}

fn failure(command: &mut std::process::Command) -> Result<Option<String>> {
    let finished = process::stream(command)?;
    Ok((!finished.success).then(|| format!("`{}` failed; its output is above", finished.line)))
}
