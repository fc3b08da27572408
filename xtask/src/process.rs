//! Starting programs, and ending them.
//!
//! Every program gets its own process group, no input and a private temporary folder. Whatever it
//! leaves behind is ended when it exits, on Ctrl-C or SIGTERM, and when this tool ends for any reason.
//! They run one at a time, but for a [`Service`], which runs beside the others.

mod ending;
mod service;
mod watchdog;

use std::io::{self, IsTerminal, PipeReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

pub use service::Service;

/// What this run has started and not yet seen the end of.
static STARTED: Mutex<Started> = Mutex::new(Started {
    groups: Vec::new(),
    services: Vec::new(),
    scratch: None,
    stopping: false,
});

struct Started {
    groups: Vec<u32>,
    /// Process ids, each that of its group too.
    services: Vec<u32>,
    scratch: Option<TempDir>,
    /// Set once by the signal handler: nothing more may start.
    stopping: bool,
}

/// Ends everything that is still running when it is dropped.
pub struct Cleanup(());

impl Drop for Cleanup {
    fn drop(&mut self) {
        end_all(&mut started());
    }
}

/// What a program printed, and whether it succeeded.
pub struct Finished {
    /// The command line, for messages.
    pub line: String,
    /// Whether it exited with 0.
    pub success: bool,
    /// Its stdout and stderr, in the order written.
    pub output: String,
}

/// Must be called first: arranges that nothing started outlives this tool.
pub fn prepare() -> Result<Cleanup> {
    ending::adopt_orphans();
    ctrlc::set_handler(|| {
        let mut started = started();
        started.stopping = true;
        eprintln!("\ninterrupted: ending what was started");
        end_all(&mut started);
        std::process::exit(130);
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(Cleanup(()))
}

/// The private temporary folder of this run.
pub fn scratch() -> Result<PathBuf> {
    scratch_in(&mut started())
}

/// Runs `command`, showing what it prints as it prints it. What it runs is ended if nothing is printed
/// for long; `cargo test --no-fail-fast` then goes on with its next test program.
pub fn stream(command: &mut Command) -> Result<Finished> {
    let (reader, writer) = io::pipe().context("cannot make a pipe")?;
    // One pipe for both streams keeps their lines in order.
    command.stdout(writer.try_clone()?).stderr(writer);
    if io::stdout().is_terminal() && std::env::var_os("CARGO_TERM_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always"); // cargo sees a pipe, we show a terminal
    }
    println!("$ {}", line(command));
    finish(command, reader, true)
}

/// Runs `command`, showing what it prints; its failure is an error.
pub fn must(command: &mut Command) -> Result<()> {
    let finished = stream(command)?;
    if !finished.success {
        bail!("`{}` failed; its output is above", finished.line);
    }
    Ok(())
}

/// Runs `command` and gives what it wrote to stdout; its failure is an error.
pub fn read(command: &mut Command) -> Result<String> {
    let (reader, writer) = io::pipe().context("cannot make a pipe")?;
    command.stdout(writer).stderr(Stdio::inherit());
    let finished = finish(command, reader, false)?;
    if !finished.success {
        bail!("`{}` failed; its output is above", finished.line);
    }
    Ok(finished.output)
}

/// The path of `program`, if `PATH` has it.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| {
        file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    })
}

fn finish(command: &mut Command, mut reader: PipeReader, show: bool) -> Result<Finished> {
    let child = start(command)?;
    // The command holds our ends for writing; while it does, the reader would wait for ever.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (sign, signs) = mpsc::channel();
    if show {
        watchdog::watch(child.id(), signs, watchdog::PATIENCE, |warning| eprintln!("{warning}"));
    }
    let reading = thread::spawn(move || collect(&mut reader, show.then_some(&sign)));
    let status = wait(child)?;
    let output = reading.join().unwrap_or_default();
    Ok(Finished { line: line(command), success: status.success(), output })
}

fn start(command: &mut Command) -> Result<Child> {
    // Held while starting, so that a signal finds a program either not started or listed.
    let mut started = started();
    if started.stopping {
        bail!("interrupted");
    }
    command.process_group(0).stdin(Stdio::null()).env("TMPDIR", scratch_in(&mut started)?);
    let child = command.spawn().with_context(|| {
        format!(
            "cannot start `{}`; is it installed and in PATH?",
            command.get_program().to_string_lossy()
        )
    })?;
    started.groups.push(child.id());
    Ok(child)
}

fn wait(mut child: Child) -> Result<ExitStatus> {
    let status = child.wait().context("cannot wait for a program")?;
    // One program runs at a time: what is left now beside the services is what this one left behind.
    // It may also hold the pipe that our reader waits for.
    let mut started = started();
    ending::end(&started.groups, &started.services);
    started.groups.clear();
    Ok(status)
}

/// Reads everything; shows it, and gives a sign for each part, if there is somebody to give it to.
fn collect(reader: &mut PipeReader, sign: Option<&mpsc::Sender<()>>) -> String {
    let mut all = Vec::new();
    let mut part = [0; 8192];
    while let Ok(size @ 1..) = reader.read(&mut part) {
        all.extend_from_slice(&part[..size]);
        if let Some(sign) = sign {
            let _ = sign.send(()); // nobody watches any more once the program has ended
            let mut stdout = io::stdout().lock();
            // A closed stdout (`| head`) must not end the suite halfway.
            let _ = stdout.write_all(&part[..size]).and_then(|()| stdout.flush());
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn end_all(started: &mut Started) {
    let groups: Vec<u32> = started.groups.drain(..).chain(started.services.drain(..)).collect();
    ending::end(&groups, &[]);
    started.scratch = None; // dropping it removes the folder
}

fn scratch_in(started: &mut Started) -> Result<PathBuf> {
    if started.scratch.is_none() {
        // Others may pass through but not look: a server run as another user has its data below.
        let folder = tempfile::Builder::new()
            .prefix("storehouse-")
            .permissions(PermissionsExt::from_mode(0o711))
            .tempdir()
            .context("cannot make a temporary folder; is there space in it?")?;
        started.scratch = Some(folder);
    }
    started
        .scratch
        .as_ref()
        .map(|folder| folder.path().to_path_buf())
        .context("no temporary folder")
}

fn started() -> MutexGuard<'static, Started> {
    // A list of process ids is as true after a panic as before it.
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn line(command: &Command) -> String {
    let program =
        std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
