//! Where the workspace is, and the cargo that builds it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The workspace this tool belongs to.
pub struct Project {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, wherever the environment or the configuration puts it.
    pub target: PathBuf,
}

impl Project {
    /// Finds the workspace: the folder above this crate's.
    pub fn find() -> Result<Self> {
        // The run-time value comes first: a binary built before the clone was moved still works.
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = here
            .parent()
            .with_context(|| {
                format!(
                    "{} has no folder above it; run `cargo xtask` inside the workspace",
                    here.display()
                )
            })?
            .to_path_buf();
        let target = MetadataCommand::new()
            .current_dir(&root)
            .no_deps()
            .exec()
            .context("cannot read the workspace; `cargo metadata` in its root tells more")?
            .target_directory
            .into_std_path_buf();
        Ok(Self { root, target })
    }

    /// A cargo of the workspace's toolchain, in the workspace's root.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments);
        command
    }

    /// A program run in the workspace's root, without what `cargo run` put into our environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // These describe the xtask package. Build scripts that watch them (ring's does) would
        // rebuild each time one switches between `cargo xtask test` and `cargo test`.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
            {
                command.env_remove(name.as_ref());
            }
        }
        command
    }

    /// The whole dependency graph, every platform and feature default included.
    pub fn graph(&self) -> Result<Metadata> {
        MetadataCommand::new().current_dir(&self.root).exec().context(
            "cannot resolve the dependencies; `cargo metadata` in the workspace's root tells more",
        )
    }

    /// The workspace's own package of that name.
    pub fn package(&self, name: &str) -> Result<Option<Package>> {
        let metadata = MetadataCommand::new().current_dir(&self.root).no_deps().exec()?;
        Ok(metadata.packages.into_iter().find(|package| package.name.as_str() == name))
    }

    /// `path` as a reader of a report wants it: from the workspace's root.
    pub fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}
