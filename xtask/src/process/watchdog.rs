//! Ending a program that has gone silent.
//!
//! A test that waits for ever would hold up the run until somebody ends it, and take with it what all
//! later tests would have said. Compilers and test runners print something for each small part of
//! their work, so a long silence means that.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::ending;

/// How long a program may print nothing. No part of the suite is silent for so long, not even on two
/// loaded cores.
pub const PATIENCE: Duration = Duration::from_mins(10);

/// Ends what `program` (a process id, and that of its group) runs whenever no `sign` of it came for
/// `patience`; until nobody can give a sign any more.
///
/// It is told with `tell`.
pub fn watch(
    program: u32,
    signs: Receiver<()>,
    patience: Duration,
    tell: impl Fn(&str) + Send + 'static,
) {
    thread::spawn(move || {
        loop {
            match signs.recv_timeout(patience) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    let minutes = patience.as_secs() / 60;
                    tell(&format!(
                        "error: nothing was printed for {minutes} minutes, so what runs is ended"
                    ));
                    ending::end_work_of(program);
                }
            }
        }
    });
}
