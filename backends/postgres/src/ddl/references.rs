//! Foreign keys: created with their table, and compared with those that are there.
//!
//! They can be deferred, so that a bulk of several statements can be looked at as a whole; by
//! themselves they are looked at after each statement.

use sqlx::PgConnection;
use storehouse_runtime::{Error, ReferenceDef, RenameFrom, TableDef};
use storehouse_sql::Dialect;

use super::{index_name, live::TABLE, privileges::Needs, push_table};
use crate::{pool::Failure, profile::Profile};

/// A foreign key of one column.
#[derive(sqlx::FromRow)]
pub(crate) struct LiveReference {
    pub(crate) name: String,
    column: String,
    schema: String,
    is_in_current_schema: bool,
    table: String,
    referenced: String,
    on_delete: String,
    on_update: String,
}

const REFERENCES: &str = "SELECT f.conname::text AS name, a.attname::text AS column, n.nspname::text AS schema, \
    n.nspname = current_schema() AS is_in_current_schema, c.relname::text AS table, \
    b.attname::text AS referenced, f.confdeltype::text AS on_delete, \
    f.confupdtype::text AS on_update \
    FROM pg_constraint AS f JOIN pg_class AS c ON c.oid = f.confrelid \
    JOIN pg_namespace AS n ON n.oid = c.relnamespace \
    JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1] \
    JOIN pg_attribute AS b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1] \
    WHERE f.conrelid = $1::bigint::oid AND f.contype = 'f' AND array_length(f.conkey, 1) = 1";

/// The foreign keys of the table of that number.
pub(super) async fn read(
    connection: &mut PgConnection,
    table: i64,
) -> Result<Vec<LiveReference>, Failure> {
    Ok(sqlx::query_as(REFERENCES).bind(table).persistent(false).fetch_all(connection).await?)
}

/// Adds what differs. A foreign key that the definition does not have is no difference: there are
/// some that it cannot say, such as those of several columns.
pub(super) fn compare(
    live: &[LiveReference],
    definition: &TableDef,
    differences: &mut Vec<String>,
) {
    for reference in &*definition.references {
        let column = &definition.columns[reference.column].name;
        let (_, differs) = difference(live, definition, reference, column, Names::Present);
        differences.extend(differs);
    }
}

/// By which names the tables and columns that are referred to are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Those that they have.
    Present,
    /// Also those that they had before, since they may be renamed.
    Previous,
}

/// The foreign key of a reference, whose column is called `column` now, and how it differs.
pub(crate) fn difference<'l>(
    live: &'l [LiveReference],
    definition: &TableDef,
    reference: &ReferenceDef,
    column: &str,
    names: Names,
) -> (Option<&'l LiveReference>, Vec<String>) {
    let target = reference.target(definition);
    let referenced = &target.columns[reference.referenced];
    let is = |live: &str, present: &str, previous: &RenameFrom| {
        live == present || (names == Names::Previous && previous.iter().any(|name| name == live))
    };
    let live = live.iter().find(|live| {
        let is_in_schema = match &target.schema {
            Some(schema) => live.schema == *schema,
            None => live.is_in_current_schema,
        };
        live.column == column
            && is_in_schema
            && is(&live.table, &target.name, &target.rename_from)
            && is(&live.referenced, &referenced.name, &referenced.rename_from)
    });
    let column = &definition.columns[reference.column].name;
    let Some(live) = live else {
        let missing = format!(
            "column `{column}` has no foreign key to `{}` of table `{}`",
            referenced.name,
            target.full_name()
        );
        return (None, vec![missing]);
    };
    let actions = [
        ("DELETE", reference.on_delete.sql(), action(&live.on_delete)),
        ("UPDATE", "NO ACTION", action(&live.on_update)),
    ];
    let differences = (actions.into_iter())
        // The two differ only in when they look.
        .filter(|(_, wanted, live)| wanted != live && (*wanted, *live) != ("NO ACTION", "RESTRICT"))
        .map(|(when, wanted, live)| {
            format!("the foreign key of column `{column}` is ON {when} {live}, not {wanted}")
        })
        .collect();
    (Some(live), differences)
}

/// What PostgreSQL's letter stands for.
fn action(letter: &str) -> &'static str {
    match letter {
        "r" => "RESTRICT",
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        _ => "NO ACTION",
    }
}

/// Fails when a table that is referred to is not there, or, where the foreign key has to be
/// created, must not be referred to.
pub(super) async fn check_targets(
    needs: &Needs<'_>,
    is_new: bool,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    let definition = needs.definition;
    for reference in &*definition.references {
        if reference.is_to_itself(definition) {
            continue;
        }
        let target = reference.target(definition);
        let found: Option<i64> = sqlx::query_scalar(TABLE)
            .bind(target.schema.as_deref())
            .bind(&*target.name)
            .persistent(false)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(found) = found else {
            return Err(Failure::from(Error::schema(format!(
                "table `{}` refers to table `{1}`, which does not exist; set up `{1}` first, or \
                 both together with `store.setup_database::<(..)>()`",
                definition.full_name(),
                target.full_name()
            ))));
        };
        let may_refer: bool =
            sqlx::query_scalar("SELECT has_table_privilege($1::bigint::oid, 'REFERENCES')")
                .bind(found)
                .persistent(false)
                .fetch_one(&mut *connection)
                .await?;
        if is_new && !may_refer {
            return Err(Failure::from(needs.to_refer_to(target)));
        }
    }
    Ok(())
}

/// The column that is referred to is not unique in the database.
pub(super) fn not_unique(failure: Failure, definition: &TableDef) -> Failure {
    match failure.code() {
        Some("42830") => Failure::from(Error::schema(format!(
            "table `{}` refers to a column that is not unique in the database, though its \
             definition says so; call `setup_database()` on the other table first",
            definition.full_name()
        ))),
        _ => failure,
    }
}

pub(super) fn push(
    sql: &mut String,
    definition: &TableDef,
    reference: &ReferenceDef,
    profile: Profile,
) {
    sql.push_str(", ");
    push_constraint(sql, definition, reference, profile);
}

/// Appends the foreign key with its name.
pub(crate) fn push_constraint(
    sql: &mut String,
    definition: &TableDef,
    reference: &ReferenceDef,
    profile: Profile,
) {
    let target = reference.target(definition);
    sql.push_str("CONSTRAINT ");
    Dialect::Postgres.push_identifier(sql, &index_name(&reference.name(definition)));
    sql.push_str(" FOREIGN KEY (");
    Dialect::Postgres.push_identifier(sql, &definition.columns[reference.column].name);
    sql.push_str(") REFERENCES ");
    push_table(sql, target);
    sql.push_str(" (");
    Dialect::Postgres.push_identifier(sql, &target.columns[reference.referenced].name);
    sql.push_str(") ON DELETE ");
    sql.push_str(reference.on_delete.sql());
    if profile.has_deferrable_keys() {
        sql.push_str(" DEFERRABLE");
    }
}
