//! Ending programs, and the programs they started.
//!
//! Killing a process group misses what has left it: chromedriver gives Chromium a group of its own.
//! On Linux this tool therefore adopts orphans and ends every descendant; elsewhere, the groups only.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group};

/// How long a program may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// Makes this process the parent of every descendant whose own parent has ended.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(getpid())) {
        eprintln!("warning: stray programs may outlive this run: {error}");
    }
}

/// Ends what is left of the groups: asks first, then insists. Returns at once if nothing is left.
///
/// The programs in `keep`, and what those have started, go on.
pub fn end(groups: &[u32], keep: &[u32]) {
    for sent in [Signal::TERM, Signal::KILL] {
        signal(groups, keep, sent);
        let deadline = Instant::now() + GRACE;
        while !descendants(keep).is_empty() {
            if Instant::now() >= deadline {
                break;
            }
            thread::sleep(Duration::from_millis(20));
            if sent == Signal::KILL {
                signal(groups, keep, sent); // for what was started while the list was read
            }
        }
    }
}

/// Ends what `program` has started, so that it goes on with what comes next, or if that is nothing,
/// itself.
pub fn end_work_of(program: u32) {
    let work = children().remove(&program).unwrap_or_default();
    let mut work = work.into_iter().filter_map(pid).peekable();
    if work.peek().is_none()
        && let Some(group) = pid(program)
    {
        let _ = kill_process_group(group, Signal::KILL);
    }
    for process in work {
        let _ = kill_process(process, Signal::KILL);
    }
}

fn signal(groups: &[u32], keep: &[u32], signal: Signal) {
    // The error ignored here is "no such process": it has ended, which is the aim.
    if cfg!(target_os = "linux") {
        for process in descendants(keep) {
            let _ = kill_process(process, signal);
        }
    } else {
        for group in groups.iter().filter_map(|group| pid(*group)) {
            let _ = kill_process_group(group, signal);
        }
    }
}

/// Every living process that this one started, directly or not, but for those in `keep` and theirs.
/// Empty where there is no `/proc`.
fn descendants(keep: &[u32]) -> Vec<Pid> {
    let mut children = children();
    let mut found = Vec::new();
    let mut parents = vec![std::process::id()];
    while let Some(parent) = parents.pop() {
        let mut own = children.remove(&parent).unwrap_or_default();
        own.retain(|process| !keep.contains(process));
        found.extend(own.iter().filter_map(|process| pid(*process)));
        parents.extend(own);
    }
    found
}

/// The living processes that each process has started. Empty where there is no `/proc`.
fn children() -> HashMap<u32, Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(parent) = std::fs::read_to_string(entry.path().join("stat"))
            .ok()
            .as_deref()
            .and_then(living_parent)
        {
            children.entry(parent).or_default().push(process);
        }
    }
    children
}

/// The parent named in a `/proc/*/stat` line, unless the process has ended and only waits to be reaped.
fn living_parent(stat: &str) -> Option<u32> {
    // "42 (a name) S 7 …": the name may hold anything, also brackets, so count from its end.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    (state != "Z" && state != "X").then(|| fields.next()?.parse().ok())?
}

fn pid(process: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(process).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::watchdog;
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::sync::mpsc;

    #[test]
    fn reads_the_parent_of_a_process_with_an_odd_name() {
        assert_eq!(living_parent("42 (a) (b) S 7 42 42"), Some(7));
        assert_eq!(living_parent("42 (sh) Z 7 42 42"), None);
    }

    // The only test of this crate that starts programs: `end` ends those of the whole process.
    #[test]
    #[cfg(target_os = "linux")]
    fn ends_also_what_left_the_group_and_lost_its_parent() {
        adopt_orphans();
        let mut child = Command::new("sh")
            .args(["-c", "setsid sh -c 'sleep 600 & sleep 600' & sleep 0.2"])
            .process_group(0)
            .spawn()
            .expect("sh is on every machine");
        child.wait().expect("it was started");
        let mut kept = Command::new("sleep")
            .arg("600")
            .process_group(0)
            .spawn()
            .expect("sleep is on every machine");
        assert!(!descendants(&[kept.id()]).is_empty(), "the orphans should have been adopted");
        end(&[child.id()], &[kept.id()]);
        assert!(descendants(&[kept.id()]).is_empty());
        assert!(matches!(kept.try_wait(), Ok(None)), "what is kept goes on");
        end(&[kept.id()], &[]);
        assert!(descendants(&[]).is_empty());
        kept.wait().expect("it was started");

        // What goes silent is ended, and whoever waits for it goes on.
        let (sign, signs) = mpsc::channel();
        let (warn, warned) = mpsc::channel();
        let mut runner = Command::new("sh")
            .args(["-c", "sleep 600; exit 7"])
            .process_group(0)
            .spawn()
            .expect("sh is on every machine");
        let patience = Duration::from_millis(200);
        watchdog::watch(runner.id(), signs, patience, move |warning| {
            warn.send(warning.to_owned()).expect("the test waits");
        });
        let status = runner.wait().expect("it was started");
        assert_eq!(status.code(), Some(7));
        let warning = warned.recv().expect("what is ended is told");
        assert!(warning.contains("nothing was printed"), "{warning}");
        drop(sign);
    }
}
