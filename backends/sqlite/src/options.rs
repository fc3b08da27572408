//! How a database is opened: by a builder, or by the options of a URL.

use std::{path::PathBuf, thread, time::Duration};

use storehouse_runtime::{ChangeRetention, Error, Result, decode_path};

/// How long one waits for another writer, unless told otherwise.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest that SQLite can count, 24 days.
const LONGEST_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);
/// How many connections read at once, at most, unless told otherwise: a page cache each.
const READERS: usize = 8;

/// Where a database is and how it is opened.
///
/// ```
/// use std::time::Duration;
/// use storehouse_sqlite::{SqliteOptions, Synchronous};
///
/// let options = SqliteOptions::new("shop.db")
///     .synchronous(Synchronous::Full)
///     .busy_timeout(Duration::from_secs(10));
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The file; none for a database in memory.
    pub(crate) path: Option<PathBuf>,
    pub(crate) synchronous: Synchronous,
    pub(crate) busy_timeout: Duration,
    pub(crate) readers: usize,
    pub(crate) create: bool,
    pub(crate) change_retention: ChangeRetention,
}

/// When a commit counts as done (SQLite's `PRAGMA synchronous`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The file stays sound whatever happens, and a commit outlives a crash of the program. The
    /// last commits can be lost when the machine loses power.
    #[default]
    Normal,
    /// A commit outlives a loss of power.
    Full,
    /// A loss of power can damage the file. For data that can be made again.
    Off,
}

impl Synchronous {
    pub(crate) const fn pragma(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Full => "FULL",
            Self::Off => "OFF",
        }
    }
}

impl SqliteOptions {
    /// The database in the file at `path`, which is made where it is missing.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::at(Some(path.into()))
    }

    /// A database in memory, which ends with its last handle.
    pub fn in_memory() -> Self {
        Self::at(None)
    }

    fn at(path: Option<PathBuf>) -> Self {
        let readers = thread::available_parallelism().map_or(1, usize::from).clamp(2, READERS);
        Self {
            path,
            synchronous: Synchronous::default(),
            busy_timeout: BUSY_TIMEOUT,
            readers,
            create: true,
            change_retention: ChangeRetention::default(),
        }
    }

    /// When a commit counts as done; [`Synchronous::Normal`] unless set.
    #[must_use]
    pub const fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How long to wait for another process that writes, and for a transaction of this one; 5
    /// seconds unless set.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(LONGEST_TIMEOUT);
        self
    }

    /// How many short reads, and how many longer ones, run at once; at least 1. As many as the
    /// machine has cores unless set, between 2 and 8. Connections are opened when needed: one for
    /// each of both, and for short reads that turned out to be long.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Whether a missing file is made; it is unless set.
    #[must_use]
    pub const fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// How much of a table's changes its log keeps, where it has one.
    #[must_use]
    pub const fn change_retention(mut self, retention: ChangeRetention) -> Self {
        self.change_retention = retention;
        self
    }

    /// Reads a URL: `sqlite:shop.db`, `sqlite://shop.db`, `sqlite:///var/shop.db` or
    /// `sqlite::memory:`, followed by options as in `?synchronous=full&busy_timeout=1000`.
    ///
    /// | option | values |
    /// | --- | --- |
    /// | `synchronous` | `normal`, `full` or `off`: see [`Synchronous`] |
    /// | `busy_timeout` | milliseconds |
    /// | `readers` | a number, 1 or more |
    /// | `mode` | `rwc` to make a missing file, which is the default; `rw` to fail |
    ///
    /// In the path, `%` and two hexadecimal digits stand for a byte, so that any path can be
    /// written. Fails with [`Error::Validation`] when this is not such a URL.
    pub fn from_url(url: &str) -> Result<Self> {
        let rest = url
            .strip_prefix("sqlite:")
            .ok_or_else(|| Error::validation(format!("`{url}` does not begin with `sqlite:`")))?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        let mut parsed = match path {
            "" => {
                return Err(Error::validation(format!(
                    "`{url}` names no file; write `sqlite:shop.db`, `sqlite:///var/shop.db` \
                     or `sqlite::memory:`"
                )));
            }
            ":memory:" => Self::in_memory(),
            path => Self::new(decode_path(path)?),
        };
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
        Ok(match name {
            "synchronous" => self.synchronous(match value {
                "normal" => Synchronous::Normal,
                "full" => Synchronous::Full,
                "off" => Synchronous::Off,
                _ => return Err(refuse("`normal`, `full` or `off`")),
            }),
            "busy_timeout" => {
                let milliseconds = value.parse().map_err(|_| refuse("a number of milliseconds"))?;
                self.busy_timeout(Duration::from_millis(milliseconds))
            }
            "readers" => match value.parse() {
                Ok(readers) if readers > 0 => self.readers(readers),
                _ => return Err(refuse("a number, 1 or more")),
            },
            "mode" => self.create(match value {
                "rwc" => true,
                "rw" => false,
                _ => return Err(refuse("`rw` or `rwc`")),
            }),
            _ => {
                return Err(Error::validation(format!(
                    "a SQLite URL has no option `{name}`; it has `synchronous`, `busy_timeout`, \
                     `readers` and `mode`"
                )));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn options(url: &str) -> SqliteOptions {
        SqliteOptions::from_url(url).unwrap()
    }

    fn refused(url: &str) -> String {
        SqliteOptions::from_url(url).unwrap_err().to_string()
    }

    #[test]
    fn every_way_to_name_a_database() {
        for (url, path) in [
            ("sqlite:shop.db", "shop.db"),
            ("sqlite://shop.db", "shop.db"),
            ("sqlite:///var/shop.db", "/var/shop.db"),
            ("sqlite:/var/shop.db", "/var/shop.db"),
            ("sqlite:a%20b%3f.db?mode=rw", "a b?.db"),
            ("sqlite:%C3%A9.db", "é.db"),
            ("sqlite:é.db?", "é.db"),
        ] {
            assert_eq!(options(url).path.as_deref(), Some(Path::new(path)), "{url}");
        }
        assert_eq!(options("sqlite::memory:").path, None);
        assert_eq!(options("sqlite://:memory:").path, None);
    }

    #[test]
    fn every_option() {
        let plain = options("sqlite:a.db");
        assert_eq!(plain, SqliteOptions::new("a.db"));
        assert_eq!(plain.synchronous, Synchronous::Normal);
        assert_eq!(plain.busy_timeout, Duration::from_secs(5));
        assert!(plain.create);
        assert!((2..=8).contains(&plain.readers));

        let all = options("sqlite:a.db?synchronous=full&busy_timeout=250&readers=3&mode=rw");
        assert_eq!(all.synchronous, Synchronous::Full);
        assert_eq!(all.busy_timeout, Duration::from_millis(250));
        assert_eq!(all.readers, 3);
        assert!(!all.create);
        assert_eq!(options("sqlite:a.db?synchronous=off").synchronous, Synchronous::Off);
        assert_eq!(options("sqlite:a.db?synchronous=normal").synchronous, Synchronous::Normal);
        assert!(options("sqlite:a.db?mode=rwc&").create);
        assert_eq!(SqliteOptions::new("a.db").readers(0).readers, 1);
        let patient = SqliteOptions::new("a.db").busy_timeout(Duration::MAX);
        assert_eq!(patient.busy_timeout.as_millis(), 2_147_483_647);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(refused("sqlite:").contains("names no file"));
        assert!(refused("sqlite://?mode=rw").contains("names no file"));
        assert!(refused("postgres:x").contains("does not begin with `sqlite:`"));
        let unknown = refused("sqlite:a.db?sync=full");
        assert!(unknown.contains("no option `sync`"), "{unknown}");
        assert!(unknown.contains("`synchronous`, `busy_timeout`, `readers` and `mode`"));
        assert!(refused("sqlite:a.db?synchronous=extra").contains("`normal`, `full` or `off`"));
        assert!(refused("sqlite:a.db?busy_timeout=1s").contains("milliseconds"));
        assert!(refused("sqlite:a.db?readers=0").contains("1 or more"));
        assert!(refused("sqlite:a.db?mode=ro").contains("`rw` or `rwc`"));
        assert!(refused("sqlite:a.db?mode").contains("`rw` or `rwc`"));
        for path in ["100%.db", "%4", "%zz", "%ff"] {
            assert!(refused(&format!("sqlite:{path}")).contains("%25"), "{path}");
        }
    }

    #[test]
    fn pragmas() {
        assert_eq!(Synchronous::Normal.pragma(), "NORMAL");
        assert_eq!(Synchronous::Full.pragma(), "FULL");
        assert_eq!(Synchronous::Off.pragma(), "OFF");
    }
}
