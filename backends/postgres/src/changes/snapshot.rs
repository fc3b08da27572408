//! PostgreSQL's snapshots: which transactions had ended at some moment.
//!
//! A log is read by them and not by the numbers of its changes. Numbers are drawn before the
//! commit, so a change with a lower number can appear after one with a higher number was read; the
//! numbers of transactions are no better. What is visible in a later snapshot and was not in an
//! earlier one is exactly what was committed between them, also while a transaction stays open for
//! hours. Two changes of one row cannot be in the wrong order: the second waits for the commit of
//! the first, so it is in the same part or in a later one, and within a part the numbers tell.

use std::{str::FromStr, sync::Arc};

use storehouse_runtime::{Error, LogPosition, Result};
use uuid::Uuid;

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
        parse().ok_or_else(|| Error::validation("this is not a cursor of a PostgreSQL table"))
    }
}

impl Snapshot {
    /// Whether everything that `other` sees is seen here too.
    pub(super) fn includes(&self, other: &Self) -> bool {
        other.xmax <= self.xmax
            && (self.running.iter()).all(|one| *one >= other.xmax || other.running.contains(one))
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

/// A place in a log: behind all that is visible in `seen`, and, where `part` is given, behind what
/// of that has numbers up to `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) seen: Arc<str>,
    pub(super) part: Option<Arc<str>>,
    pub(super) id: i64,
}

impl Place {
    /// Behind everything that a snapshot sees.
    pub(super) fn behind(snapshot: impl Into<Arc<str>>) -> Self {
        Self { seen: snapshot.into(), part: None, id: 0 }
    }

    pub(super) fn of(position: &LogPosition) -> Self {
        let (seen, part) = position.detail.split_once('|').unwrap_or((&position.detail, ""));
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
            detail: format!("{}|{part}", self.seen).into(),
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
    fn a_place_comes_back_from_a_position() {
        let log = Uuid::from_u128(1);
        for place in [
            Place::behind("1:2:"),
            Place { seen: "1:2:1".into(), part: Some("2:9:3".into()), id: 7 },
        ] {
            assert_eq!(Place::of(&place.position(log)), place);
        }
    }
}
