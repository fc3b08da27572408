//! A server of its own, for a test that ends it.

mod account;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use self::account::Account;
use crate::{PROGRAMS_VARIABLE, server};

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server with an empty database. Dropped, it ends, and its data goes.
///
/// What it has confirmed survives its own end, but not that of the machine.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    account: Account,
    port: u16,
    settings: Vec<String>,
    running: Option<Child>,
    folder: TempDir,
}

impl Cluster {
    /// Makes a database cluster and starts a server on it, with settings such as
    /// `max_connections=5`.
    pub async fn start(settings: &[&str]) -> Self {
        let account = Account::choose();
        let folder = tempfile::Builder::new()
            .prefix("storehouse-postgres-")
            // Who has the data may be somebody else than we are.
            .permissions(PermissionsExt::from_mode(0o711))
            .tempdir()
            .expect("a temporary folder");
        let mut cluster = Self {
            programs: programs().await,
            account,
            port: free_port(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            running: None,
            folder,
        };
        cluster.initialize();
        cluster.resume().await;
        cluster
    }

    /// A superuser's URL.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once, as a crash does: what is under way is lost, what was confirmed is not.
    pub fn crash(&mut self) {
        self.end(Signal::QUIT);
    }

    /// Ends it in good order, with a word to those that are connected.
    pub fn shut_down(&mut self) {
        self.end(Signal::INT);
    }

    /// Starts it again, on the same data and the same port, and waits until it answers.
    pub async fn resume(&mut self) {
        self.spawn();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match PgConnection::connect(&self.url()).await {
                Ok(connection) => return drop(connection.close().await),
                Err(error) if Instant::now() >= deadline => {
                    let says = fs::read_to_string(self.log()).unwrap_or_default();
                    panic!("the server does not answer ({error}); it says:\n{says}");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn initialize(&self) {
        let data = self.data();
        self.account.make_folder(&data);
        let output = self
            .account
            .command(&self.programs.join("initdb"), &data)
            .arg("--pgdata")
            .arg(&data)
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--no-instructions"])
            .output()
            .expect("initdb starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn spawn(&mut self) {
        let data = self.data();
        let mut command = self.account.command(&self.programs.join("postgres"), &data);
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        // No socket file, since its path may be too long.
        command.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log());
        let log = log.expect("a file for what the server says");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.running = Some(command.spawn().expect("the server starts"));
    }

    fn end(&mut self, signal: Signal) {
        let Some(mut child) = self.running.take() else { return };
        // One that has ended already cannot be told, which is as well.
        let _ = kill_process(Pid::from_child(&child), signal);
        child.wait().expect("the server ends");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
    }
}

/// The folder with PostgreSQL's programs: the one that is named, or where the server that is
/// given has them, which it tells a superuser.
async fn programs() -> PathBuf {
    if let Some(named) = std::env::var_os(PROGRAMS_VARIABLE) {
        return named.into();
    }
    let mut connection = PgConnection::connect(&server()).await.expect("the server answers");
    let told: String = sqlx::query_scalar("SELECT setting FROM pg_config WHERE name = 'BINDIR'")
        .fetch_one(&mut connection)
        .await
        .expect("the server tells where its programs are");
    assert!(
        Path::new(&told).join("postgres").exists(),
        "a test starts a server of its own, and the one that is given runs elsewhere, in {told}; \
         set {PROGRAMS_VARIABLE} to the folder with PostgreSQL's `initdb` and `postgres`"
    );
    told.into()
}

/// A port that nobody listens on. The server may lose it again, but hardly does.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Runs a program to its end and gives what it printed.
fn read(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).expect("plain text")
}
