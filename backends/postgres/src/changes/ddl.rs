//! The table, the function and the triggers of a log.
//!
//! The triggers fire once for each statement, with the rows before and after it, so that a load of
//! a million rows fires one. They use nothing but what PostgreSQL brings along, and run with the
//! privileges of whoever set them up, since programs fire them that know nothing of Storehouse.

use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr as _};
use storehouse_runtime::TableDef;
use storehouse_sql::Dialect;

use crate::{
    backend::PUBLIC,
    ddl::index_name,
    pool::Failure,
    types::{Pgvector, declared},
};

/// So many columns of an answer come before the old row.
pub(super) const HEAD: usize = 7;
/// How a log says what happened.
pub(super) const INSERT: i64 = 1;
pub(super) const UPDATE: i64 = 2;

const TRIGGERS: [&str; 4] = [
    "storehouse_changes_insert",
    "storehouse_changes_update",
    "storehouse_changes_delete",
    "storehouse_changes_truncate",
];

/// The names of what belongs to the log of a table.
pub(crate) struct Names {
    /// The schema, in quotes and with a dot, as everything here is named: those who fire the
    /// triggers may look elsewhere.
    schema: String,
    /// The table's own name.
    pub(crate) name: String,
}

impl Names {
    /// The names for a table that is called `name`, in the schema of its definition or the one in
    /// which new tables are made.
    pub(crate) async fn of(
        definition: &TableDef,
        name: &str,
        connection: &mut PgConnection,
    ) -> Result<Self, Failure> {
        let schema = if let Some(schema) = definition.schema.as_deref() {
            schema.to_owned()
        } else {
            let current: Option<String> = sqlx::query_scalar("SELECT current_schema()::text")
                .persistent(false)
                .fetch_one(connection)
                .await?;
            current.unwrap_or_else(|| PUBLIC.to_owned())
        };
        Ok(Self { schema: format!("{}.", quoted(&schema)), name: name.to_owned() })
    }

    /// The names as statements have them that look where the table itself is looked for.
    pub(crate) fn nearby(definition: &TableDef) -> Self {
        let schema = definition.schema.as_deref();
        let schema = schema.map_or_else(String::new, |schema| format!("{}.", quoted(schema)));
        Self { schema, name: definition.name.to_string() }
    }

    fn table(&self) -> String {
        format!("{}{}", self.schema, quoted(&self.name))
    }

    pub(super) fn log(&self) -> String {
        let name = index_name(&format!("storehouse_changes_{}", self.name));
        format!("{}{}", self.schema, quoted(&name))
    }

    pub(super) fn logs(&self) -> String {
        format!("{}storehouse_change_logs", self.schema)
    }

    pub(super) fn checkpoints(&self) -> String {
        format!("{}storehouse_change_checkpoints", self.schema)
    }

    /// The statements that make the log, in order.
    pub(crate) fn create(&self, definition: &TableDef, pgvector: Pgvector) -> Vec<String> {
        let (table, log) = (self.table(), self.log());
        let held = |prefix: char| {
            let columns = definition.columns.iter().enumerate().map(|(position, column)| {
                format!("{prefix}{position} {}", declared(column.column_type, pgvector))
            });
            columns.collect::<Vec<_>>().join(", ")
        };
        let mut statements = vec![
            // One for all logs of the schema.
            format!(
                "CREATE TABLE IF NOT EXISTS {} (name text PRIMARY KEY, identity uuid NOT NULL, \
                 columns text NOT NULL, floor text, pruned bigint NOT NULL DEFAULT 0)",
                self.logs()
            ),
            format!(
                "CREATE TABLE IF NOT EXISTS {} (name text NOT NULL, at timestamptz NOT NULL, \
                 snapshot text NOT NULL, last bigint NOT NULL, PRIMARY KEY (name, at))",
                self.checkpoints()
            ),
            format!(
                "CREATE TABLE {log} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
                 xid xid8 NOT NULL DEFAULT pg_current_xact_id(), \
                 start timestamptz NOT NULL DEFAULT pg_postmaster_start_time(), \
                 at timestamptz NOT NULL DEFAULT clock_timestamp(), kind smallint NOT NULL, \
                 {}, {})",
                held('o'),
                held('n')
            ),
            format!("CREATE INDEX ON {log} (xid)"),
            self.function(definition),
        ];
        let triggers = [
            "AFTER INSERT ON {} REFERENCING NEW TABLE AS new_rows",
            "AFTER UPDATE ON {} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
            "AFTER DELETE ON {} REFERENCING OLD TABLE AS old_rows",
            "BEFORE TRUNCATE ON {}",
        ];
        for (name, event) in TRIGGERS.into_iter().zip(triggers) {
            let event = event.replace("{}", &table);
            statements.push(format!(
                "CREATE TRIGGER {name} {event} FOR EACH STATEMENT EXECUTE FUNCTION {log}()"
            ));
        }
        // Only now, so that what is in order is so as a whole.
        statements.push(format!(
            "INSERT INTO {} (name, identity, columns) VALUES ({}, gen_random_uuid(), {}) \
             ON CONFLICT (name) DO UPDATE SET identity = excluded.identity, \
             columns = excluded.columns, floor = NULL, pruned = 0",
            self.logs(),
            literal(&self.name),
            literal(&columns(definition, pgvector))
        ));
        statements
    }

    fn function(&self, definition: &TableDef) -> String {
        let (table, log) = (self.table(), self.log());
        let into = |prefix: char| {
            let names = (0..definition.columns.len()).map(|column| format!("{prefix}{column}"));
            names.collect::<Vec<_>>().join(", ")
        };
        let from = |row: &str| {
            let columns = definition.columns.iter();
            let names = columns.map(|column| format!("{row}.{}", quoted(&column.name)));
            names.collect::<Vec<_>>().join(", ")
        };
        let key = |&column: &usize| quoted(&definition.columns[column].name);
        let same = definition.key.iter().map(key);
        let same = same.map(|key| format!("o.{key} OPERATOR(pg_catalog.=) n.{key}"));
        let same = same.collect::<Vec<_>>().join(" AND ");
        let first = definition.key.first().map(key).unwrap_or_default();
        let (old, new) = (into('o'), into('n'));
        let (from_old, from_new) = (from("o"), from("n"));
        // A row with another key is another row, so an update can delete and insert as well.
        format!(
            "CREATE FUNCTION {log}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$\n\
             BEGIN\n\
             IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN\n\
             INSERT INTO {log} (kind, {new}) SELECT 1, {from_new} FROM new_rows AS n;\n\
             ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN\n\
             INSERT INTO {log} (kind, {old}, {new}) SELECT CASE WHEN o.{first} IS NULL THEN 1 \
             WHEN n.{first} IS NULL THEN 3 ELSE 2 END, {from_old}, {from_new} \
             FROM old_rows AS o FULL JOIN new_rows AS n ON {same};\n\
             ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN\n\
             INSERT INTO {log} (kind, {old}) SELECT 3, {from_old} FROM old_rows AS o;\n\
             ELSE\n\
             INSERT INTO {log} (kind, {old}) SELECT 3, {from_old} FROM {table} AS o;\n\
             END IF;\n\
             RETURN NULL;\n\
             END $$"
        )
    }

    /// The statements that remove the log, where there is one.
    pub(crate) fn drop(&self) -> Vec<String> {
        let (table, log) = (self.table(), self.log());
        let mut statements: Vec<_> = TRIGGERS
            .into_iter()
            .map(|name| format!("DROP TRIGGER IF EXISTS {name} ON {table}"))
            .collect();
        statements.push(format!("DROP FUNCTION IF EXISTS {log}()"));
        statements.push(format!("DROP TABLE IF EXISTS {log}"));
        for known in [self.logs(), self.checkpoints()] {
            statements.push(format!("DELETE FROM {known} WHERE name = {}", literal(&self.name)));
        }
        statements
    }

    /// Looks for the log.
    pub(crate) async fn find(
        &self,
        definition: &TableDef,
        pgvector: Pgvector,
        connection: &mut PgConnection,
    ) -> Result<Found, Failure> {
        let (has_logs, has_log, triggers): (bool, bool, i64) = sqlx::query_as(
            "SELECT to_regclass($1) IS NOT NULL, to_regclass($2) IS NOT NULL, \
             (SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass($3) \
              AND tgname = ANY($4) AND tgenabled <> 'D')",
        )
        .bind(self.logs())
        .bind(self.log())
        .bind(self.table())
        .bind(TRIGGERS.map(str::to_owned).to_vec())
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
        if !has_logs {
            return Ok(Found::Nothing);
        }
        let known = format!("SELECT columns FROM {} WHERE name = $1", self.logs());
        let known: Option<String> = sqlx::query_scalar(AssertSqlSafe(known).into_sql_str())
            .bind(&self.name)
            .persistent(false)
            .fetch_optional(connection)
            .await?;
        let fits = known.as_deref() == Some(&*columns(definition, pgvector));
        Ok(if has_log && fits && triggers == 4 {
            Found::Fitting
        } else if has_log || known.is_some() || triggers > 0 {
            Found::Other
        } else {
            Found::Nothing
        })
    }

    /// Makes the log, unless there is one that fits; inside a transaction.
    pub(crate) async fn set_up(
        &self,
        definition: &TableDef,
        pgvector: Pgvector,
        connection: &mut PgConnection,
    ) -> Result<(), Failure> {
        let found = self.find(definition, pgvector, connection).await?;
        if found == Found::Other {
            run(&self.drop(), connection).await?;
        }
        if found != Found::Fitting {
            run(&self.create(definition, pgvector), connection).await?;
        }
        Ok(())
    }

    /// Removes the log, where there is one; inside a transaction.
    pub(crate) async fn remove(&self, connection: &mut PgConnection) -> Result<(), Failure> {
        let has_logs: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(self.logs())
            .persistent(false)
            .fetch_one(&mut *connection)
            .await?;
        if has_logs { run(&self.drop(), connection).await } else { Ok(()) }
    }
}

/// What a database has of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// All of it, and it fits the definition.
    Fitting,
    /// Some of it, or one that fits another definition.
    Other,
    Nothing,
}

async fn run(statements: &[String], connection: &mut PgConnection) -> Result<(), Failure> {
    for sql in statements {
        sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut *connection).await?;
    }
    Ok(())
}

/// What a log is about, in words: the columns of its table, in order, and the key.
fn columns(definition: &TableDef, pgvector: Pgvector) -> String {
    let mut text = String::new();
    for column in &*definition.columns {
        text.push_str(&column.name);
        text.push(' ');
        text.push_str(&declared(column.column_type, pgvector));
        text.push(',');
    }
    for &column in &*definition.key {
        text.push_str(&definition.columns[column].name);
        text.push(',');
    }
    text
}

/// This moment, as a place has it.
pub(super) const NOW: &str = "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint \
     || '@' || pg_current_snapshot()::text";

/// What statement reads from a place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// A part is begun, and changes can be anywhere in the log.
    Part,
    /// The same, after the server was started again.
    Restarted,
    /// A part is gone on with, behind a number.
    Within,
}

/// Reads so many changes at most (`$3`), of those that are visible in a snapshot (`$2`), or else
/// now.
///
/// What is not seen yet is told by the parts of a snapshot (`$4`, `$5`), or by a snapshot, the start
/// of its server, and a number (`$4` to `$6`).
pub(super) fn select(names: &Names, definition: &TableDef, begin: Begin) -> String {
    let held = |prefix: char| {
        let names = (0..definition.columns.len()).map(|column| format!("l.{prefix}{column}"));
        names.collect::<Vec<_>>().join(", ")
    };
    // Subqueries, which are computed once and not for each row.
    let seen = "(SELECT $4::text::pg_snapshot)";
    let moment = |start: &str| {
        format!("(SELECT 'epoch'::timestamptz + {start}::bigint * interval '1 microsecond')")
    };
    let (start, server) = (moment("$5"), "(SELECT pg_postmaster_start_time())");
    let (part, part_start) =
        ("(SELECT split_part($2, '@', 2)::pg_snapshot)", moment("split_part($2, '@', 1)"));
    // The last condition is for a server that took over, and was started earlier.
    let later = format!(
        "(NOT pg_visible_in_snapshot(l.xid, {seen}) OR l.start > {start} \
         OR {start} <> {server} AND l.start = {server})"
    );
    // Each is written so that it cannot use the index of the other, with which it would read all
    // of a long log for a few changes at its end, or for each few on the way there.
    let (unseen, order) = match begin {
        Begin::Part => {
            ("(l.xid >= $4::text::xid8 OR l.xid = ANY($5::text[]::xid8[]))".to_owned(), "l.id + 0")
        }
        Begin::Restarted => (format!("l.id + 0 > $6 AND {later}"), "l.id + 0"),
        Begin::Within => (format!("l.id > $6 AND {later}"), "l.id"),
    };
    format!(
        "SELECT s.identity, s.floor, s.now, s.pruned, l.id, l.kind, l.at, {}, {} FROM \
         (SELECT identity, floor, {NOW} AS now, pruned FROM {} WHERE name = $1) \
         AS s LEFT JOIN LATERAL (SELECT * FROM {} AS l WHERE {unseen} AND ($2::text IS NULL \
         OR pg_visible_in_snapshot(l.xid, {part}) AND l.start <= {part_start}) \
         ORDER BY {order} LIMIT $3) AS l ON true ORDER BY l.id",
        held('o'),
        held('n'),
        names.logs(),
        names.log()
    )
}

fn quoted(name: &str) -> String {
    let mut sql = String::new();
    Dialect::Postgres.push_identifier(&mut sql, name);
    sql
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
