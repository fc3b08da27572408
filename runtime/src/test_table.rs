//! A small definition for this crate's unit tests.

use std::sync::Arc;

use crate::{
    column_type::ColumnType,
    definition::{ColumnDef, ColumnRole, DerivedSql, IndexDef, ManagedColumns, TableDef},
};

/// `products(id i64 auto key, sku text unique, price f64, note text null)`, price indexed.
pub(crate) fn definition() -> Arc<TableDef> {
    let column = |name: &'static str, column_type, nullable| ColumnDef {
        name: name.into(),
        column_type,
        nullable,
        description: None,
        default: None,
        role: ColumnRole::Plain,
        json_schema: None,
        rename_from: Vec::new().into(),
    };
    let index = |name: &'static str, columns: Vec<usize>, unique| IndexDef {
        name: name.into(),
        columns: columns.into(),
        unique,
    };
    Arc::new(TableDef {
        schema: None,
        name: "products".into(),
        description: None,
        columns: vec![
            column("id", ColumnType::I64, false),
            column("sku", ColumnType::Text, false),
            column("price", ColumnType::F64, false),
            column("note", ColumnType::Text, true),
        ]
        .into(),
        key: vec![0].into(),
        auto: Some(0),
        indexes: vec![
            index("products_sku", vec![1], true),
            index("products_price", vec![2], false),
        ]
        .into(),
        shard_by: None,
        references: Vec::new().into(),
        managed: ManagedColumns::NONE,
        rename_from: Vec::new().into(),
        changes: false,
        given_schema: None,
        sql: DerivedSql::default(),
    })
}
