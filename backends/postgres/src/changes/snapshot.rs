//! PostgreSQL's snapshots: which transactions had ended at some moment.
//!
//! A log is read by them and not by the numbers of its changes. Numbers are drawn before the
//! commit, so a change with a lower number can appear after one with a higher number was read; the
//! numbers of transactions are no better. What is visible in a later snapshot and was not in an
//! earlier one is exactly what was committed between them, also while a transaction stays open for
//! hours. Two changes of one row cannot be in the wrong order: the second waits for the commit of
//! the first, so it is in the same part or in a later one, and within a part the numbers tell.
//!
//! A crash takes back the numbers of transactions of which nothing had reached the disk, such as
//! those that were undone, and gives them again: a snapshot of before sees what is written
//! afterwards. So a [`Moment`] has the start of the server too, and each change in a log has the
//! start of the server that it was written on.

use std::{fmt, str::FromStr, sync::Arc};

use storehouse_runtime::{Error, LogPosition, Result};
use uuid::Uuid;

/// What a server saw, and since when it had been running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// When the server was started, in microseconds since 1970.
    pub(super) start: i64,
    pub(super) snapshot: Snapshot,
}

impl FromStr for Moment {
    type Err = Error;

    /// `start@snapshot`.
    fn from_str(text: &str) -> Result<Self> {
        let (start, snapshot) = text.split_once('@').ok_or_else(malformed)?;
        Ok(Self { start: start.parse().map_err(|_| malformed())?, snapshot: snapshot.parse()? })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.start, self.snapshot)
    }
}

impl Moment {
    /// Whether everything that `other` sees is seen here too.
    pub(super) fn includes(&self, other: &Self) -> bool {
        other.start <= self.start && self.snapshot.includes(&other.snapshot)
    }
}

/// `pg_current_snapshot()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// The first transaction that had not begun.
    xmax: u64,
    /// Those before it that had not ended.
    running: Vec<u64>,
}

impl FromStr for Snapshot {
    type Err = Error;

    /// `xmin:xmax:running,running`.
    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let mut parts = text.split(':');
            let _xmin: u64 = parts.next()?.parse().ok()?;
            let xmax = parts.next()?.parse().ok()?;
            let running = parts.next()?.split(',').filter(|number| !number.is_empty());
            let running = running.map(|number| number.parse().ok()).collect::<Option<_>>()?;
            parts.next().is_none().then_some(Self { xmax, running })
        };
        parse().ok_or_else(malformed)
    }
}

fn malformed() -> Error {
    Error::validation("this is not a cursor of a PostgreSQL table")
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let xmin = self.running.iter().min().unwrap_or(&self.xmax);
        let running = self.unseen().join(",");
        write!(f, "{xmin}:{}:{running}", self.xmax)
    }
}

impl Snapshot {
    /// Whether everything that `other` sees is seen here too.
    pub(super) fn includes(&self, other: &Self) -> bool {
        other.xmax <= self.xmax
            && (self.running.iter()).all(|one| *one >= other.xmax || other.running.contains(one))
    }

    /// The same of the transactions before `xmax` alone.
    pub(super) fn before(&self, xmax: u64) -> Self {
        let xmax = xmax.min(self.xmax);
        let running = self.running.iter().copied().filter(|one| *one < xmax).collect();
        Self { xmax, running }
    }

    pub(super) const fn xmax(&self) -> u64 {
        self.xmax
    }

    /// The first transaction of which nothing is seen, whatever becomes of it.
    pub(super) fn first_unseen(&self) -> String {
        self.xmax.to_string()
    }

    /// The others of which nothing is seen.
    pub(super) fn unseen(&self) -> Vec<String> {
        self.running.iter().map(u64::to_string).collect()
    }
}

/// A place in a log: behind all that is visible in the moment `seen`, and, where `part` is given,
/// behind what of that has numbers up to `id`. Both are written as a [`Moment`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) seen: Arc<str>,
    pub(super) part: Option<Arc<str>>,
    pub(super) id: i64,
}

impl Place {
    /// Behind everything that is seen in a moment.
    pub(super) fn behind(moment: impl Into<Arc<str>>) -> Self {
        Self { seen: moment.into(), part: None, id: 0 }
    }

    pub(super) fn of(position: &LogPosition) -> Self {
        let (seen, part) = position.detail().split_once('|').unwrap_or((position.detail(), ""));
        Self {
            seen: seen.into(),
            part: (!part.is_empty()).then(|| part.into()),
            id: i64::try_from(position.id).unwrap_or(i64::MAX),
        }
    }

    pub(super) fn position(&self, log: Uuid) -> LogPosition {
        let part = self.part.as_deref().unwrap_or_default();
        LogPosition {
            log,
            id: u64::try_from(self.id).unwrap_or_default(),
            detail: Some(format!("{}|{part}", self.seen).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        text.parse().unwrap()
    }

    #[test]
    fn a_snapshot_is_read() {
        let read = snapshot("10:20:10,14");
        assert_eq!(
            (read.first_unseen(), read.unseen()),
            ("20".into(), vec!["10".into(), "14".into()])
        );
        assert!(snapshot("7:7:").unseen().is_empty());
        for text in ["", "1:2", "1:2:x", "1:2:3:4", "a:2:"] {
            assert!(text.parse::<Snapshot>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_later_snapshot_includes_an_earlier_one() {
        for (later, earlier, expected) in [
            ("10:20:10", "10:20:10", true),
            ("20:20:", "10:20:10", true),
            ("10:20:10", "20:20:", false),
            ("10:30:10,25", "10:20:10", true),
            ("15:30:15", "10:20:10", false),
            ("10:19:10", "10:20:10", false),
        ] {
            assert_eq!(snapshot(later).includes(&snapshot(earlier)), expected, "{later} {earlier}");
        }
    }

    #[test]
    fn a_part_of_a_snapshot_is_told() {
        for (xmax, expected) in [(15, "10:15:10"), (10, "10:10:"), (30, "10:20:10,17")] {
            assert_eq!(snapshot("10:20:10,17").before(xmax).to_string(), expected);
        }
    }

    #[test]
    fn a_moment_after_a_restart_is_not_included() {
        let moment = |text: &str| text.parse::<Moment>().unwrap();
        assert_eq!(moment("7@10:20:10,17").to_string(), "7@10:20:10,17");
        assert!(moment("7@20:20:").includes(&moment("7@20:20:")));
        assert!(moment("8@20:20:").includes(&moment("7@20:20:")));
        assert!(!moment("7@20:20:").includes(&moment("8@19:19:")));
        for text in ["", "10:20:10", "@10:20:10", "x@10:20:10"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_comes_back_from_a_position() {
        let log = Uuid::from_u128(1);
        for place in [
            Place::behind("5@1:2:"),
            Place { seen: "5@1:2:1".into(), part: Some("5@2:9:3".into()), id: 7 },
        ] {
            assert_eq!(Place::of(&place.position(log)), place);
        }
    }
}
