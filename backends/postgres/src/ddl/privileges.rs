//! What a set-up may lack, and who can grant it.

use sqlx::postgres::PgConnectOptions;
use storehouse_runtime::{Error, TableDef};
use storehouse_sql::Dialect;

use crate::{backend::PUBLIC, error, pool::Failure};

/// What is set up, and as whom.
pub(super) struct Needs<'a> {
    pub(super) definition: &'a TableDef,
    pub(super) options: &'a PgConnectOptions,
}

impl Needs<'_> {
    /// Creating a schema needs the database.
    pub(super) fn the_database(&self, failure: Failure) -> Failure {
        let database = self.options.get_database().unwrap_or(self.options.get_username());
        let grant = format!("GRANT CREATE ON DATABASE {} TO {}", quoted(database), self.user());
        error::lacks(failure, &format!("CREATE on database `{database}`"), &grant)
    }

    /// Creating a table needs its schema.
    pub(super) fn a_schema(&self, failure: Failure) -> Failure {
        let schema = self.definition.schema.as_deref().unwrap_or(PUBLIC);
        let grant = format!("GRANT USAGE, CREATE ON SCHEMA {} TO {}", quoted(schema), self.user());
        error::lacks(failure, &format!("CREATE on schema `{schema}`"), &grant)
    }

    /// Creating an index needs the table itself.
    pub(super) fn the_table(&self, failure: Failure) -> Failure {
        let mut table = String::new();
        let definition = self.definition;
        Dialect::Postgres.push_table(&mut table, definition.schema.as_deref(), &definition.name);
        let grant = format!("ALTER TABLE {table} OWNER TO {}", self.user());
        let privilege = format!("to be the owner of table `{}`", definition.full_name());
        error::lacks(failure, &privilege, &grant)
    }

    /// Referring to a table needs a privilege on it.
    pub(super) fn to_refer_to(&self, target: &TableDef) -> Error {
        let mut table = String::new();
        Dialect::Postgres.push_table(&mut table, target.schema.as_deref(), &target.name);
        error::lack(
            "REFERENCES on table",
            &target.full_name(),
            &format!("GRANT REFERENCES ON {table} TO {}", self.user()),
        )
    }

    fn user(&self) -> String {
        quoted(self.options.get_username())
    }
}

/// Installing an extension needs more than most users have.
pub(super) fn the_extension(failure: Failure) -> Failure {
    error::lacks(failure, "to install the extension `vector`", "CREATE EXTENSION vector")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
