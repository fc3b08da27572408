//! Debian's packages, for machines that have them.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Installs the packages with `apt-get`, as root or through a sudo that asks nothing.
pub fn install(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if process::find("apt-get").is_none() {
        bail!("this machine has no apt-get; install {list} by hand, so that PATH has the programs");
    }
    println!("installing {list}");
    // Without the update a fresh machine knows no packages, or only such as are gone.
    process::must(apt_get()?.args(["update", "-qq"]))
        .and_then(|()| {
            process::must(
                apt_get()?
                    .args(["install", "--yes", "-qq", "--no-install-recommends"])
                    .args(packages),
            )
        })
        .with_context(|| format!("cannot install {list}; install them by hand and run this again"))
}

fn apt_get() -> Result<Command> {
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("apt-get")
    } else if process::find("sudo").is_some() {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        sudo
    } else {
        bail!("installing packages needs root: run this as root, or install sudo");
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}
