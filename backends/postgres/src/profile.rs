//! Servers that speak PostgreSQL, and where they differ.

use sqlx::PgConnection;

use crate::pool::Failure;

/// What kind of server it is, where that matters. Found out when the database is opened, unless
/// [`PostgresOptions::profile`](crate::PostgresOptions::profile) says it.
///
/// The conformance suite is run on PostgreSQL itself. For the others, what they document is
/// followed and the statements are tested as text, but they have not been tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// PostgreSQL 14 or later, and what is PostgreSQL under another name.
    #[default]
    Postgres,
    /// PostgreSQL with the extension Citus. A table with
    /// [`shard_by`](storehouse_runtime::TableDef::shard_by) is spread over its servers when it is
    /// created; any other stays on one.
    Citus,
    /// `CockroachDB` 23.2 or later. It compares text by bytes, and has no advisory locks.
    CockroachDb,
    /// `YugabyteDB` 2.20 or later. Keys and indexes are ordered instead of hashed, so that
    /// paging reads no more than a page.
    YugabyteDb,
}

impl Profile {
    /// Asks the server.
    pub(crate) async fn detect(connection: &mut PgConnection) -> Result<Self, Failure> {
        let (version, has_citus): (String, bool) = sqlx::query_as(
            "SELECT version(), EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')",
        )
        .persistent(false)
        .fetch_one(connection)
        .await?;
        Ok(Self::of(&version, has_citus))
    }

    fn of(version: &str, has_citus: bool) -> Self {
        if version.starts_with("CockroachDB") {
            Self::CockroachDb
        } else if version.contains("-YB-") {
            Self::YugabyteDb
        } else if has_citus {
            Self::Citus
        } else {
            Self::Postgres
        }
    }

    /// Whether set-ups can take turns by a lock. Where they cannot, one that meets another
    /// begins again.
    pub(crate) const fn has_advisory_locks(self) -> bool {
        matches!(self, Self::Postgres | Self::Citus)
    }

    /// What a text column is declared with, so that it compares by bytes.
    pub(crate) const fn collation(self) -> &'static str {
        match self {
            Self::CockroachDb => "",
            _ => " COLLATE \"C\"",
        }
    }

    /// What stands after the first column of a key or an index, so that it is ordered.
    pub(crate) const fn ascending(self) -> &'static str {
        match self {
            Self::YugabyteDb => " ASC",
            _ => "",
        }
    }

    /// Whether foreign keys can be looked at later than after each statement.
    pub(crate) const fn has_deferrable_keys(self) -> bool {
        !matches!(self, Self::CockroachDb)
    }

    /// Whether rows can be copied in, in PostgreSQL's binary format.
    pub(crate) const fn has_copy(self) -> bool {
        matches!(self, Self::Postgres | Self::Citus)
    }

    /// Whether there are snapshots, transition tables and notifications as PostgreSQL has them, which
    /// logs of changes are made of.
    pub(crate) const fn has_snapshots(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether tables can be spread over servers.
    pub(crate) const fn spreads(self) -> bool {
        matches!(self, Self::Citus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_known_by_what_they_say() {
        let of = |version| Profile::of(version, false);
        let postgres = "PostgreSQL 18.6 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit";
        assert_eq!(of(postgres), Profile::Postgres);
        assert_eq!(Profile::of(postgres, true), Profile::Citus);
        assert_eq!(
            of("CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu, built 2024/05/15 21:28:29)"),
            Profile::CockroachDb
        );
        assert_eq!(
            of("PostgreSQL 11.2-YB-2.20.1.0-b0 on x86_64-pc-linux-gnu, compiled by clang"),
            Profile::YugabyteDb
        );
    }
}
