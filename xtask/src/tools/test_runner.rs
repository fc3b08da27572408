//! `wasm-bindgen-test-runner`, which runs wasm tests in a browser.
//!
//! It reads a format that changes with every release of wasm-bindgen, so its version must be exactly
//! the one in `Cargo.lock`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::project::Project;

const NAME: &str = "wasm-bindgen-test-runner";

/// Finds the runner of the right version in `PATH` or in `target/tools`, or builds it there.
pub fn ensure(project: &Project) -> Result<PathBuf> {
    let version = locked_version(project)?;
    if let Some(found) = process::find(NAME).filter(|program| reports(program, &version)) {
        return Ok(found);
    }
    let tools = project.target.join("tools");
    let home = tools.join(format!("wasm-bindgen-{version}"));
    let program = home.join("bin").join(NAME);
    if reports(&program, &version) {
        return Ok(program);
    }

    println!(
        "building {NAME} {version} into {} (once, about two minutes)",
        project.relative(&home).display()
    );
    let build = tools.join("build");
    // Its own lock file may name a release that a registry mirror does not carry yet.
    if !process::stream(&mut install(project, &version, &home, &build, true))?.success {
        println!(
            "its own Cargo.lock does not resolve here; taking the newest compatible dependencies"
        );
        process::must(&mut install(project, &version, &home, &build, false))?;
    }
    // Half a gigabyte that nobody needs again. If it stays, nothing is lost but space.
    let _ = fs::remove_dir_all(&build);
    if !reports(&program, &version) {
        bail!(
            "{} was built, but does not report version {version}; remove {} and try again",
            program.display(),
            home.display()
        );
    }
    Ok(program)
}

fn install(project: &Project, version: &str, home: &Path, build: &Path, locked: bool) -> Command {
    let mut command = project.command("nice"); // other work on the machine goes first
    command
        .args([
            "cargo",
            "install",
            "wasm-bindgen-cli",
            "--bin",
            NAME,
            "--version",
            version,
        ])
        .arg("--no-default-features") // that is TLS, and the runner speaks to this machine only
        .arg("--root")
        .arg(home)
        .arg("--target-dir")
        .arg(build);
    if locked {
        command.arg("--locked");
    }
    command
}

fn locked_version(project: &Project) -> Result<String> {
    let graph = project.graph()?;
    let package = graph.packages.iter().find(|package| package.name.as_str() == "wasm-bindgen");
    Ok(package
        .context("Cargo.lock has no wasm-bindgen; storehouse-conformance should have wasm-bindgen-test as a dev-dependency")?
        .version
        .to_string())
}

fn reports(program: &Path, version: &str) -> bool {
    // Not through `process`: absence is an ordinary answer here, and it ends at once.
    Command::new(program).arg("--version").output().is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).split_whitespace().any(|word| word == version)
    })
}
