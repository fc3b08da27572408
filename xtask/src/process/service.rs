//! Programs that run beside the others: a database server, while tests run.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::{scratch_in, started};

/// How long a service may take to end in order.
const GRACE: Duration = Duration::from_secs(10);

/// A running program. It is ended when this is dropped, and whenever this tool ends.
pub struct Service {
    child: Child,
}

impl Service {
    /// Starts `command`, which writes what it has to say into `log`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        // Held while starting, as for any other program.
        let mut started = started();
        if started.stopping {
            bail!("interrupted");
        }
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .env("TMPDIR", scratch_in(&mut started)?);
        let child = command.spawn().with_context(|| {
            format!("cannot start `{}`", command.get_program().to_string_lossy())
        })?;
        started.services.push(child.id());
        Ok(Self { child })
    }

    /// Whether it has ended, and how. Does not wait.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let id = self.child.id();
        // What `try_wait` has seen the end of may have given its id to another program.
        if let Ok(None) = self.child.try_wait() {
            // As Ctrl-C would: PostgreSQL then ends without waiting for its clients.
            if let Some(process) = i32::try_from(id).ok().and_then(Pid::from_raw) {
                let _ = kill_process(process, Signal::INT);
            }
            let deadline = Instant::now() + GRACE;
            while let Ok(None) = self.child.try_wait() {
                if Instant::now() >= deadline {
                    let _ = self.child.kill();
                    let _ = self.child.wait();
                    break;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        started().services.retain(|service| *service != id);
    }
}
