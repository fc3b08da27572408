//! The user that a server runs as. PostgreSQL refuses to run as root, which containers and CI often are.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Who stands in for root.
const NOBODY: &str = "nobody";

/// The user that the server's programs run as.
pub enum Account {
    /// The one we run as.
    Ours,
    /// `nobody`, since we are root.
    Nobody { user: u32, group: u32 },
}

impl Account {
    /// Ours, if it is not root.
    pub fn choose() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ours);
        }
        if process::find("setpriv").is_none() {
            bail!(
                "PostgreSQL does not run as root, and there is no setpriv (of util-linux) to start it as {NOBODY}; \
                 run this as another user"
            );
        }
        let id = |kind: &str| -> Result<u32> {
            Ok(process::read(Command::new("id").args([kind, NOBODY]))?.trim().parse()?)
        };
        Ok(Self::Nobody { user: id("-u")?, group: id("-g")? })
    }

    /// `program`, run as this user at home in `home`.
    pub fn command(&self, program: &Path, home: &Path) -> Command {
        let mut command = match self {
            Self::Ours => Command::new(program),
            Self::Nobody { user, group } => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={group}"))
                    .arg("--clear-groups")
                    .arg(program);
                command
            }
        };
        // Where we are, this user may not be allowed to be.
        command.current_dir(home).env("HOME", home);
        command
    }

    /// Makes a folder that this user alone may look into.
    pub fn make_folder(&self, folder: &Path) -> Result<()> {
        let made = fs::create_dir(folder).and_then(|()| {
            if let Self::Nobody { user, group } = self {
                chown(folder, Some(*user), Some(*group))?;
            }
            fs::set_permissions(folder, PermissionsExt::from_mode(0o700))
        });
        made.with_context(|| format!("cannot make {}", folder.display()))
    }

    /// `root`, or a copy of it below `folder` if this user cannot get there: a clone may lie in `/root`,
    /// or in another folder that is closed to others.
    pub fn reachable(&self, root: &Path, folder: &Path) -> Result<PathBuf> {
        if self.reads(root) {
            return Ok(root.to_owned());
        }
        let copy = folder.join("release");
        process::read(Command::new("cp").arg("-R").arg(root).arg(&copy))?;
        if !self.reads(&copy) {
            bail!(
                "the user {NOBODY} can read PostgreSQL neither in {} nor in {}; give TMPDIR a folder that \
                 others may pass through, or run this as another user than root",
                root.display(),
                copy.display()
            );
        }
        Ok(copy)
    }

    fn reads(&self, folder: &Path) -> bool {
        // Not through `process`: no is an ordinary answer.
        self.command(Path::new("test"), Path::new("/"))
            .arg("-r")
            .arg(folder)
            .status()
            .is_ok_and(|status| status.success())
    }
}
