//! Each feature by itself.
//!
//! Everything else builds the workspace with all of them at once, which hides what the code of one needs
//! and only another brings.

use anyhow::{Context, Result};

use super::failure;
use crate::project::Project;

/// A problem for each feature of `storehouse` with which alone it does not compile without a warning.
pub fn check(project: &Project) -> Result<Vec<String>> {
    let package = project.package("storehouse")?.context("the workspace has no storehouse")?;
    let features = package.features.keys().filter(|feature| *feature != "default");
    let mut problems = Vec::new();
    for feature in std::iter::once(None).chain(features.map(Some)) {
        let mut command = project.cargo(&["clippy", "--quiet", "--lib", "--no-default-features"]);
        command.args(["--package", "storehouse", "--package", "storehouse-runtime"]);
        if let Some(feature) = feature {
            command.arg("--features").arg(format!("storehouse/{feature}"));
        }
        command.args(["--", "-D", "warnings"]);
        problems.extend(failure(&mut command)?);
    }
    Ok(problems)
}
