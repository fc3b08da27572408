//! The user that a server runs as. PostgreSQL refuses to run as root, which containers often are.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
};

use super::read;

/// Who runs the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Account {
    /// Whoever runs the tests.
    Ours,
    /// `nobody`, since root runs them.
    Nobody { user: u32, group: u32 },
}

impl Account {
    pub(super) fn choose() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Ours;
        }
        let id = |kind| {
            read(Command::new("id").args([kind, "nobody"])).trim().parse().expect("a number")
        };
        Self::Nobody { user: id("-u"), group: id("-g") }
    }

    /// `program`, run as this user, at home in `home`.
    pub(super) fn command(self, program: &Path, home: &Path) -> Command {
        let mut command = match self {
            Self::Ours => Command::new(program),
            Self::Nobody { user, group } => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={user}")).arg(format!("--regid={group}"));
                command.arg("--clear-groups").arg(program);
                command
            }
        };
        command.current_dir(home).env("HOME", home);
        command
    }

    /// Makes a folder that this user alone may look into.
    pub(super) fn make_folder(self, folder: &Path) {
        fs::create_dir(folder).expect("a new folder");
        if let Self::Nobody { user, group } = self {
            chown(folder, Some(user), Some(group)).expect("root gives folders away");
        }
        fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).expect("our own folder");
    }
}
