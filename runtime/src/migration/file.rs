//! A plan as a file that sqlx's migrations run.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::PlannedSteps;
use crate::error::{Error, Result};

/// How a file's name begins.
const VERSION: &str = "%Y%m%d%H%M%S";

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationFile {
    /// Where it is.
    pub path: PathBuf,
    /// The number that it begins with, by which migrations are ordered.
    pub version: i64,
    /// What is in it.
    pub sql: String,
}

/// The text of a plan: each step with what there is to say of it as a comment, and its SQL.
pub(super) fn content(planned: &PlannedSteps) -> String {
    let mut text = planned.prologue.clone();
    for step in &planned.steps {
        if !text.is_empty() {
            text.push('\n');
        }
        for line in step.to_string().lines() {
            text.push_str("-- ");
            text.push_str(line);
            text.push('\n');
        }
        for statement in &step.sql {
            text.push_str(statement);
            text.push_str(";\n");
        }
    }
    if !planned.epilogue.is_empty() {
        text.push('\n');
        text.push_str(&planned.epilogue);
    }
    text
}

/// Writes a file, whole or not at all.
pub(super) fn write(
    folder: &Path,
    name: &str,
    now: DateTime<Utc>,
    sql: &str,
) -> Result<MigrationFile> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if name.is_empty() || name.len() > 200 || !name.chars().all(is_plain) {
        return Err(Error::validation(format!(
            "`{name}` cannot be a migration's name; write ASCII letters, digits and underscores, \
             such as `add_stock`"
        )));
    }
    let failed = |path: &Path, error: std::io::Error| {
        let message = format!(
            "the migration cannot be written to `{}`; check that the folder can be written to",
            path.display()
        );
        Error::backend(message, Some(Box::new(error)))
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let latest = latest(folder).map_err(|error| failed(folder, error))?;
    let version = version(now, latest)?;
    let path = folder.join(format!("{version}_{name}.sql"));
    // Under another name first, so that nobody finds a half of it.
    let unfinished = folder.join(format!(".{version}_{name}.unfinished"));
    let written = fs::File::create(&unfinished)
        .and_then(|mut file| file.write_all(sql.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, &path));
    if let Err(error) = written {
        let _ = fs::remove_file(&unfinished);
        return Err(failed(&path, error));
    }
    Ok(MigrationFile { path, version, sql: sql.to_owned() })
}

/// The version of the latest migration that is there.
fn latest(folder: &Path) -> std::io::Result<Option<i64>> {
    let mut latest = None;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if Path::new(&*name).extension().is_some_and(|extension| extension == "sql")
            && let Some((version, _)) = name.split_once('_')
            && let Ok(version) = version.parse::<i64>()
        {
            latest = latest.max(Some(version));
        }
    }
    Ok(latest)
}

/// The version of a new migration: the time, but later than all that are there.
fn version(now: DateTime<Utc>, latest: Option<i64>) -> Result<i64> {
    let of = |time: NaiveDateTime| time.format(VERSION).to_string().parse::<i64>().ok();
    let version = of(now.naive_utc()).filter(|version| latest.is_none_or(|last| last < *version));
    let next = || {
        let last = latest?.to_string();
        let second = TimeDelta::seconds(1);
        let last = NaiveDateTime::parse_from_str(&last, VERSION).ok()?;
        of(last.checked_add_signed(second)?)
    };
    version.or_else(next).or_else(|| latest?.checked_add(1)).ok_or_else(|| {
        Error::validation("no later migration can follow those that are there; check their names")
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    #[test]
    fn a_version_is_the_time_and_later_than_all_others() {
        let now = Utc.with_ymd_and_hms(2026, 1, 31, 23, 59, 59).unwrap();
        assert_eq!(version(now, None).unwrap(), 20_260_131_235_959);
        assert_eq!(version(now, Some(7)).unwrap(), 20_260_131_235_959);
        assert_eq!(version(now, Some(20_260_131_235_959)).unwrap(), 20_260_201_000_000);
        // Not a time, but later.
        assert_eq!(version(now, Some(99_999_999_999_999)).unwrap(), 100_000_000_000_000);
        assert!(version(now, Some(i64::MAX)).is_err());
    }
}
