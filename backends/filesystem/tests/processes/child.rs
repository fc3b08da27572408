//! Other processes for a test: this test program again, started with the name of one test and
//! variables in the environment that tell it which folder to work in.

use std::{
    env,
    io::BufReader,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use storehouse_filesystem::Noticing;

const FOLDER: &str = "STOREHOUSE_PROCESSES_FOLDER";
const RUN: &str = "STOREHOUSE_PROCESSES_RUN";
const NOTICING: &str = "STOREHOUSE_PROCESSES_NOTICING";
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// A process that is ended with its owner, and what it says.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) output: Option<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) fn start(test: &str, folder: &Path, run: i64, noticing: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder)
            .env(RUN, run.to_string())
            .env(NOTICING, noticing)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().map(BufReader::new);
        Self { child, output }
    }

    /// Waits for its end, and fails when it does not succeed in time.
    pub(crate) fn succeed(&mut self) {
        let begun = Instant::now();
        // Read to the end beside waiting, so that it never waits for a full pipe.
        let mut output = self.output.take().unwrap();
        let reader = thread::spawn(move || std::io::read_to_string(&mut output).unwrap());
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "the process does not end");
            thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "{}", reader.join().unwrap());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What this process was started for, if it was by a test of this file.
pub(crate) fn errand() -> Option<(String, i64)> {
    Some((env::var(FOLDER).ok()?, env::var(RUN).ok()?.parse().unwrap()))
}

pub(crate) fn noticing() -> Noticing {
    if env::var(NOTICING).is_ok_and(|how| how == "scan") { Noticing::Scan } else { Noticing::Auto }
}
