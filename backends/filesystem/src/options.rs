//! How a folder is opened.

use std::{path::PathBuf, time::Duration};

use storehouse_runtime::{ChangeRetention, Error, Result, decode_path};

/// How a folder is opened; see [`FolderOptions::from_url`] for the form as a URL.
///
/// ```
/// use storehouse_filesystem::{FolderOptions, Noticing};
///
/// let options = FolderOptions::new("data").durable(false);
/// assert_eq!(options, FolderOptions::from_url("fs:data?durable=no")?);
/// let network = FolderOptions::from_url("fs:///mnt/share/data?noticing=scan")?;
/// assert_eq!(network, FolderOptions::new("/mnt/share/data").noticing(Noticing::Scan));
/// # Ok::<_, storehouse_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderOptions {
    pub(crate) path: PathBuf,
    pub(crate) durable: bool,
    pub(crate) noticing: Noticing,
    pub(crate) change_retention: ChangeRetention,
}

/// A log is a file for each write, of which a folder is not to have too many.
const RETENTION: ChangeRetention =
    ChangeRetention { age: Duration::from_hours(24), changes: 10_000 };

/// How what others write to a folder is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Noticing {
    /// By inotify where the file system is one of this machine's, on Linux; by looking otherwise.
    #[default]
    Auto,
    /// By looking: at a counter that those who use Storehouse turn on, and at the folder's own
    /// time, on every read; at each file once a second, for what others change in place.
    Scan,
}

impl FolderOptions {
    /// A folder, with the usual options.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            durable: true,
            noticing: Noticing::default(),
            change_retention: RETENTION,
        }
    }

    /// Whether a write is on the disk when it is done, which is so unless said otherwise. Without,
    /// it is quicker, and a power failure can lose the last writes, or leave files torn; the end of
    /// a process, however sudden, cannot.
    #[must_use]
    pub const fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// How what others write is noticed.
    #[must_use]
    pub const fn noticing(mut self, noticing: Noticing) -> Self {
        self.noticing = noticing;
        self
    }

    /// How much of a store's changes its log keeps, where it has one; a day and 10,000 changes
    /// unless set. The log is a file for each write.
    #[must_use]
    pub const fn change_retention(mut self, retention: ChangeRetention) -> Self {
        self.change_retention = retention;
        self
    }

    /// Reads a URL: `fs:data`, `fs://data` or `fs:///var/data`, followed by options as in
    /// `?durable=no&noticing=scan`.
    ///
    /// | option | values |
    /// | --- | --- |
    /// | `durable` | `yes` or `no`: see [`FolderOptions::durable`] |
    /// | `noticing` | `auto` or `scan`: see [`Noticing`] |
    ///
    /// In the path, `%` and two hexadecimal digits stand for a byte, so that any path can be
    /// written. Fails with [`Error::Validation`] when this is not such a URL.
    pub fn from_url(url: &str) -> Result<Self> {
        let rest = url
            .strip_prefix("fs:")
            .ok_or_else(|| Error::validation(format!("`{url}` does not begin with `fs:`")))?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        if path.is_empty() {
            return Err(Error::validation(format!(
                "`{url}` names no folder; write `fs:data` or `fs:///var/data`"
            )));
        }
        let mut parsed = Self::new(decode_path(path)?);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            parsed = parsed.with_option(name, value)?;
        }
        Ok(parsed)
    }

    fn with_option(self, name: &str, value: &str) -> Result<Self> {
        let refuse = |expected: &str| {
            Error::validation(format!("the URL's `{name}` is `{value}`; it can be {expected}"))
        };
        Ok(match (name, value) {
            ("durable", "yes") => self.durable(true),
            ("durable", "no") => self.durable(false),
            ("durable", _) => return Err(refuse("`yes` or `no`")),
            ("noticing", "auto") => self.noticing(Noticing::Auto),
            ("noticing", "scan") => self.noticing(Noticing::Scan),
            ("noticing", _) => return Err(refuse("`auto` or `scan`")),
            _ => {
                return Err(Error::validation(format!(
                    "a folder's URL has no option `{name}`; it has `durable` and `noticing`"
                )));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_way_to_name_a_folder() {
        for (url, path) in [
            ("fs:data", "data"),
            ("fs://data", "data"),
            ("fs:./data/x", "./data/x"),
            ("fs:///var/data", "/var/data"),
            ("fs:/var/data", "/var/data"),
            ("fs:a%20b%3f?durable=yes&noticing=auto&", "a b?"),
        ] {
            assert_eq!(FolderOptions::from_url(url).unwrap().path, Path::new(path), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refused = |url: &str| FolderOptions::from_url(url).unwrap_err().to_string();
        assert!(refused("fs:").contains("names no folder"));
        assert!(refused("sqlite:x").contains("does not begin with `fs:`"));
        assert!(refused("fs:x?sync=no").contains("`durable` and `noticing`"));
        assert!(refused("fs:x?durable=maybe").contains("`yes` or `no`"));
        assert!(refused("fs:x?noticing").contains("`auto` or `scan`"));
        assert!(refused("fs:100%").contains("%25"));
    }
}
