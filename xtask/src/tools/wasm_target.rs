//! A cargo that can compile for `wasm32-unknown-unknown`.
//!
//! The workspace's toolchain with the target added is the way. Where rustup cannot download it,
//! Debian's compiler with the standard library's source serves as well.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::apt;
use crate::process;
use crate::project::Project;

const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_PACKAGES: [&str; 4] =
    ["rustc-web", "cargo-web", "rust-web-src", "libstd-rust-web-dev"];

/// Where the compiler for the target comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum WasmTarget {
    /// The workspace's own toolchain.
    Toolchain,
    /// Debian's `rustc-web`, linking with the given linker.
    Debian { linker: PathBuf },
}

impl WasmTarget {
    /// Finds the target, or adds it.
    pub fn ensure(project: &Project) -> Result<Self> {
        if in_toolchain(project)? {
            return Ok(Self::Toolchain);
        }
        if process::find("rustup").is_some() {
            let added = process::stream(project.command("rustup").args(["target", "add", TARGET]))?;
            if added.success && in_toolchain(project)? {
                return Ok(Self::Toolchain);
            }
        }
        println!("rustup cannot add {TARGET}; trying Debian's compiler");
        Self::debian(project).with_context(|| {
            format!("there is no compiler for {TARGET}; `rustup target add {TARGET}` where the network allows it is the simplest cure")
        })
    }

    /// Debian's compiler, installed if need be.
    pub fn debian(project: &Project) -> Result<Self> {
        let source = Path::new("/usr/lib/rustlib/src/rust/library");
        if !(Path::new("/usr/bin/cargo").exists()
            && Path::new("/usr/bin/rustc").exists()
            && source.exists())
        {
            apt::install(&DEBIAN_PACKAGES)?;
        }
        let sysroot = process::read(project.command("rustc").args(["--print", "sysroot"]))?;
        let host = process::read(project.command("rustc").args(["--print", "host-tuple"]))?;
        let linker =
            Path::new(sysroot.trim()).join("lib/rustlib").join(host.trim()).join("bin/rust-lld");
        if !linker.exists() {
            bail!(
                "the toolchain has no {}; install a linker with `apt-get install lld` or use rustup's toolchain",
                linker.display()
            );
        }
        Ok(Self::Debian { linker })
    }

    /// `cargo <subcommand> --target wasm32-unknown-unknown`.
    pub fn cargo(&self, project: &Project, subcommand: &str) -> Command {
        match self {
            Self::Toolchain => project.cargo(&[subcommand, "--target", TARGET]),
            Self::Debian { linker } => {
                let mut command = project.command("/usr/bin/cargo");
                let path = env::var_os("PATH").unwrap_or_default();
                let folders =
                    std::iter::once(PathBuf::from("/usr/bin")).chain(env::split_paths(&path));
                command
                    .args([subcommand, "--target", TARGET, "-Zbuild-std=std,panic_abort"])
                    .env("PATH", env::join_paths(folders).unwrap_or(path.clone()))
                    .env("RUSTC", "/usr/bin/rustc")
                    .env("RUSTC_BOOTSTRAP", "1") // building the standard library is unstable
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        }
    }
}

/// Whether the toolchain has the target's standard library. Asking rustc also answers for toolchains
/// that rustup does not know.
fn in_toolchain(project: &Project) -> Result<bool> {
    let folder = process::read(project.command("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        TARGET,
    ]))?;
    Ok(Path::new(folder.trim()).is_dir())
}
