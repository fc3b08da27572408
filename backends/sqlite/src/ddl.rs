//! Creates tables, and compares those that are there with their definitions.
//!
//! Tables are STRICT, so that a value has the type of its column whoever wrote it. A float column
//! is `ANY`: a `REAL` column stores whole numbers as integers and so turns -0.0 into 0.0.

pub(crate) mod live;

use rusqlite::{Connection, ErrorCode};
use storehouse_runtime::{
    ColumnDef, ColumnRole, ColumnType, Error, IndexDef, ReferenceDef, Result, TableDef, kv::KvDef,
};
use storehouse_sql::Dialect;

use crate::{
    changes, error,
    ids::{CREATE_SEQUENCES, Ids},
    references,
    table::Table,
};

/// Creates the table and its indexes where they are missing, inside a transaction.
pub(crate) fn set_up(connection: &Connection, table: &Table) -> Result<()> {
    let definition = &*table.definition;
    let run = |sql: &str| connection.execute_batch(sql).map_err(error::of_database);
    references::check_targets(connection, definition)?;
    run(&create_table(definition))?;
    if matches!(table.ids, Ids::Sequence(_)) {
        run(CREATE_SEQUENCES)?;
    }
    let indexes = indexes(definition);
    let live = live::LiveTable::read(connection, &table.name).map_err(error::of_database)?;
    let differences = live.differences(definition, &indexes);
    if !differences.is_empty() {
        return Err(Error::schema(format!(
            "table `{}` differs from its definition: {}. Change the definition to match, or \
             migrate the table, with the steps that `store.migration().table::<T>().plan()` shows; \
             nothing was changed",
            table.name,
            differences.join("; ")
        )));
    }
    for index in indexes.iter().filter(|index| !live.has_index(definition, index)) {
        let created = connection.execute_batch(&create_index(definition, index));
        created.map_err(|error| index_error(error, index, table))?;
    }
    if definition.changes {
        changes::ddl::set_up(connection, table)?;
    }
    Ok(())
}

fn index_error(error: rusqlite::Error, index: &IndexDef, table: &Table) -> Error {
    let is_taken = error.to_string().contains("already exists");
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::schema(format!(
            "index `{}` cannot be made unique, since rows of table `{}` share its values \
             ({error}); change those rows first",
            index.name, table.name
        )),
        _ if is_taken => Error::schema(format!(
            "table `{}` needs an index `{}`, but another table has one of that name; rename one \
             of them",
            table.name, index.name
        )),
        _ => error::of_table(error, table),
    }
}

/// The type that a column is declared with.
pub(crate) const fn declared_type(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::F32 | ColumnType::F64 => "ANY",
        ColumnType::Text | ColumnType::Json | ColumnType::TextList => "TEXT",
        ColumnType::Bytes
        | ColumnType::Uuid
        | ColumnType::Decimal
        | ColumnType::FloatList
        | ColumnType::F16List
        | ColumnType::I8List
        | ColumnType::Vector(_) => "BLOB",
        // Bool, the integers, and dates and times as numbers.
        _ => "INTEGER",
    }
}

/// Whether the key is one integer, which is then the number that SQLite finds rows by.
fn has_row_number(definition: &TableDef) -> bool {
    match *definition.key {
        [column] => definition.columns[column].column_type.integer_range().is_some(),
        _ => false,
    }
}

/// Whether rows are kept in the order of the key, without a number of their own: it saves an
/// index, and suits rows that are short.
fn is_without_rowid(definition: &TableDef) -> bool {
    let is_short = |column: &ColumnDef| {
        column.role != ColumnRole::Text
            && !matches!(
                column.column_type,
                ColumnType::Bytes
                    | ColumnType::Json
                    | ColumnType::TextList
                    | ColumnType::FloatList
                    | ColumnType::F16List
                    | ColumnType::I8List
                    | ColumnType::Vector(_)
            )
    };
    !has_row_number(definition) && definition.columns.iter().all(is_short)
}

pub(crate) fn create_table(definition: &TableDef) -> String {
    let mut sql = String::from("CREATE TABLE IF NOT EXISTS ");
    push_table(&mut sql, definition, &definition.name);
    sql.push_str(" (");
    let has_row_number = has_row_number(definition);
    for (position, column) in definition.columns.iter().enumerate() {
        if position > 0 {
            sql.push_str(", ");
        }
        Dialect::Sqlite.push_identifier(&mut sql, &column.name);
        sql.push(' ');
        sql.push_str(declared_type(column.column_type));
        let is_key = definition.key.contains(&position);
        if is_key || !column.nullable {
            sql.push_str(" NOT NULL");
        }
        if is_key && has_row_number {
            sql.push_str(" PRIMARY KEY");
            if definition.auto == Some(position) {
                sql.push_str(" AUTOINCREMENT");
            }
        }
    }
    if !has_row_number {
        sql.push_str(", PRIMARY KEY (");
        push_columns(&mut sql, definition, &definition.key);
        sql.push(')');
    }
    for reference in &*definition.references {
        push_reference(&mut sql, definition, reference);
    }
    sql.push_str(") STRICT");
    if is_without_rowid(definition) {
        sql.push_str(", WITHOUT ROWID");
    }
    sql
}

fn push_reference(sql: &mut String, definition: &TableDef, reference: &ReferenceDef) {
    sql.push_str(", FOREIGN KEY (");
    push_columns(sql, definition, &[reference.column]);
    sql.push(')');
    push_target(sql, definition, reference);
}

/// Appends what a column refers to, as it also stands behind a column alone.
pub(crate) fn push_target(sql: &mut String, definition: &TableDef, reference: &ReferenceDef) {
    let target = reference.target(definition);
    sql.push_str(" REFERENCES ");
    push_table(sql, target, &target.name);
    sql.push_str(" (");
    push_columns(sql, target, &[reference.referenced]);
    sql.push_str(") ON DELETE ");
    sql.push_str(reference.on_delete.sql());
}

/// The declared indexes, and one that finds the greatest id of a table whose id is a part of its
/// key but not the first.
pub(crate) fn indexes(definition: &TableDef) -> Vec<IndexDef> {
    let mut indexes = definition.indexes.to_vec();
    if let Some(column) = definition.auto_integer()
        && definition.key.first() != Some(&column)
    {
        let name = format!("{}_{}_auto", definition.name, definition.columns[column].name);
        indexes.push(IndexDef { name: name.into(), columns: vec![column].into(), unique: false });
    }
    indexes
}

pub(crate) fn create_index(definition: &TableDef, index: &IndexDef) -> String {
    let mut sql = String::from("CREATE ");
    sql.push_str(if index.unique { "UNIQUE INDEX" } else { "INDEX" });
    sql.push(' ');
    push_table(&mut sql, definition, &index.name);
    sql.push_str(" ON ");
    push_table(&mut sql, definition, &definition.name);
    sql.push_str(" (");
    push_columns(&mut sql, definition, &index.columns);
    sql.push(')');
    if leaves_out_nulls(definition, index) {
        sql.push_str(" WHERE ");
        push_columns(&mut sql, definition, &index.columns);
        sql.push_str(" IS NOT NULL");
    }
    sql
}

/// Whether an index is only of the rows that have a value in its column. That of a key-value store's
/// expiry is: nobody looks for the entries that stay, and a write of one need not touch it.
pub(crate) fn leaves_out_nulls(definition: &TableDef, index: &IndexDef) -> bool {
    KvDef::is_table(definition) && definition.indexes.contains(index)
}

/// Index names share the space of the table names, so they take the schema's prefix too.
fn push_table(sql: &mut String, definition: &TableDef, name: &str) {
    Dialect::Sqlite.push_table(sql, definition.schema.as_deref(), name);
}

fn push_columns(sql: &mut String, definition: &TableDef, columns: &[usize]) {
    for (position, &column) in columns.iter().enumerate() {
        if position > 0 {
            sql.push_str(", ");
        }
        Dialect::Sqlite.push_identifier(sql, &definition.columns[column].name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storehouse_runtime::{
        DerivedSql, ManagedColumns, Metric, OnDelete, ReferencedTable, VectorElement, VectorType,
    };

    fn column(name: &'static str, column_type: ColumnType) -> ColumnDef {
        ColumnDef {
            name: name.into(),
            column_type,
            nullable: false,
            description: None,
            default: None,
            role: ColumnRole::Plain,
            json_schema: None,
            rename_from: Vec::new().into(),
        }
    }

    fn table(columns: Vec<ColumnDef>, key: Vec<usize>, auto: Option<usize>) -> TableDef {
        TableDef {
            schema: None,
            name: "t".into(),
            description: None,
            columns: columns.into(),
            key: key.into(),
            auto,
            indexes: Vec::new().into(),
            shard_by: None,
            references: Vec::new().into(),
            managed: ManagedColumns::NONE,
            rename_from: Vec::new().into(),
            changes: false,
            given_schema: None,
            sql: DerivedSql::default(),
        }
    }

    #[test]
    fn integer_keys() {
        let columns = || vec![column("id", ColumnType::U32), column("name", ColumnType::Text)];
        let auto = table(columns(), vec![0], Some(0));
        assert_eq!(
            create_table(&auto),
            r#"CREATE TABLE IF NOT EXISTS "t" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "name" TEXT NOT NULL) STRICT"#
        );
        let given = table(columns(), vec![0], None);
        assert_eq!(
            create_table(&given),
            r#"CREATE TABLE IF NOT EXISTS "t" ("id" INTEGER NOT NULL PRIMARY KEY, "name" TEXT NOT NULL) STRICT"#
        );
        assert!(indexes(&auto).is_empty());
    }

    #[test]
    fn other_keys() {
        let mut definition = table(
            vec![column("id", ColumnType::I64), column("tenant", ColumnType::Text)],
            vec![1, 0],
            Some(0),
        );
        definition.schema = Some("shop".into());
        assert_eq!(
            create_table(&definition),
            r#"CREATE TABLE IF NOT EXISTS "shop.t" ("id" INTEGER NOT NULL, "tenant" TEXT NOT NULL, PRIMARY KEY ("tenant", "id")) STRICT, WITHOUT ROWID"#
        );
        let [auto] = indexes(&definition).try_into().unwrap();
        assert_eq!(
            create_index(&definition, &auto),
            r#"CREATE INDEX "shop.t_id_auto" ON "shop.t" ("id")"#
        );
        definition.key = vec![0, 1].into();
        assert!(indexes(&definition).is_empty());
        definition.key = vec![1, 0].into();
        definition.auto = None;
        assert!(indexes(&definition).is_empty());
    }

    #[test]
    fn foreign_keys() {
        let columns = || {
            let parent = ColumnDef { nullable: true, ..column("parent_id", ColumnType::I64) };
            vec![column("id", ColumnType::I64), parent]
        };
        let mut definition = table(columns(), vec![0], None);
        let reference =
            |table, on_delete| ReferenceDef { column: 1, table, referenced: 0, on_delete };
        let mut shop = table(columns(), vec![0], None);
        shop.schema = Some("shop".into());
        definition.references = vec![
            reference(ReferencedTable::Itself, OnDelete::SetNull),
            reference(ReferencedTable::Defined(shop.into()), OnDelete::Restrict),
        ]
        .into();
        assert_eq!(
            create_table(&definition),
            r#"CREATE TABLE IF NOT EXISTS "t" ("id" INTEGER NOT NULL PRIMARY KEY, "parent_id" INTEGER, FOREIGN KEY ("parent_id") REFERENCES "t" ("id") ON DELETE SET NULL, FOREIGN KEY ("parent_id") REFERENCES "shop.t" ("id") ON DELETE NO ACTION) STRICT"#
        );
    }

    #[test]
    fn long_rows_keep_their_number() {
        let vector =
            VectorType { dimension: 2, metric: Metric::Cosine, element: VectorElement::F32 };
        for long in [
            ColumnType::Bytes,
            ColumnType::Json,
            ColumnType::TextList,
            ColumnType::FloatList,
            ColumnType::F16List,
            ColumnType::I8List,
            ColumnType::Vector(vector),
        ] {
            let columns = vec![column("id", ColumnType::Uuid), column("long", long)];
            assert!(create_table(&table(columns, vec![0], None)).ends_with("STRICT"), "{long:?}");
        }
        let mut searched = column("text", ColumnType::Text);
        searched.role = ColumnRole::Text;
        let columns = vec![column("id", ColumnType::Uuid), searched];
        assert!(create_table(&table(columns, vec![0], None)).ends_with("STRICT"));
    }

    #[test]
    fn every_type() {
        let mut columns = vec![column("id", ColumnType::Uuid)];
        for (name, column_type) in [
            ("bool", ColumnType::Bool),
            ("float", ColumnType::F32),
            ("double", ColumnType::F64),
            ("bytes", ColumnType::Bytes),
            ("date_time", ColumnType::DateTime),
            ("local", ColumnType::LocalDateTime),
            ("date", ColumnType::Date),
            ("time", ColumnType::Time),
            ("json", ColumnType::Json),
            ("texts", ColumnType::TextList),
            ("floats", ColumnType::FloatList),
            ("decimal", ColumnType::Decimal),
        ] {
            columns.push(ColumnDef { nullable: true, ..column(name, column_type) });
        }
        assert_eq!(
            create_table(&table(columns, vec![0], None)),
            r#"CREATE TABLE IF NOT EXISTS "t" ("id" BLOB NOT NULL, "bool" INTEGER, "float" ANY, "double" ANY, "bytes" BLOB, "date_time" INTEGER, "local" INTEGER, "date" INTEGER, "time" INTEGER, "json" TEXT, "texts" TEXT, "floats" BLOB, "decimal" BLOB, PRIMARY KEY ("id")) STRICT"#
        );
    }

    #[test]
    fn a_key_value_store_finds_what_expires_and_nothing_else() {
        let definition = KvDef::new("kv", ColumnType::Text, ColumnType::Bytes).unwrap();
        let definition = definition.table();
        assert_eq!(
            create_index(definition, &definition.indexes[0]),
            r#"CREATE INDEX "kv_expires_at_idx" ON "kv" ("expires_at") WHERE "expires_at" IS NOT NULL"#
        );
    }

    #[test]
    fn a_unique_index() {
        let mut definition =
            table(vec![column("a", ColumnType::Text), column("b", ColumnType::I64)], vec![0], None);
        let index = IndexDef { name: "t_b_a".into(), columns: vec![1, 0].into(), unique: true };
        definition.indexes = vec![index.clone()].into();
        assert_eq!(indexes(&definition), std::slice::from_ref(&index));
        assert_eq!(
            create_index(&definition, &index),
            r#"CREATE UNIQUE INDEX "t_b_a" ON "t" ("b", "a")"#
        );
    }
}
