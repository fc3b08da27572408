//! Definitions on their way between tabs: as much of a table as its rows depend on, so that a tab can keep
//! up a table that nobody has opened there yet, its references and unique values included.

use std::sync::Arc;

use super::codec::{Malformed, Read, Reader, Writer};
use crate::{
    column_type::{ColumnType, Metric, VectorElement, VectorType},
    definition::{ColumnDef, ColumnRole, IndexDef, ManagedColumns, TableDef},
    kv::KvDef,
    reference::{OnDelete, ReferenceDef, ReferencedTable},
};

/// Gives the definition of a table that is there.
pub(super) type Find<'a> = &'a dyn Fn(&str) -> Option<Arc<TableDef>>;

pub(super) fn write_table(to: &mut Writer, table: &TableDef) {
    to.option(table.schema.as_deref(), Writer::text);
    to.text(&table.name);
    to.list(&*table.columns, |to, column| {
        to.text(&column.name);
        write_type(to, column.column_type);
        to.truth(column.nullable);
    });
    to.list(&*table.key, |to, column| to.count(*column));
    to.option(table.auto, Writer::count);
    to.list(&*table.indexes, |to, index| {
        to.text(&index.name);
        to.list(&*index.columns, |to, column| to.count(*column));
        to.truth(index.unique);
    });
    to.list(&*table.references, |to, reference| {
        let is_to_another = !reference.is_to_itself(table);
        let target = is_to_another.then(|| reference.target(table).full_name());
        to.option(target.as_deref(), Writer::text);
        to.count(reference.column);
        to.count(reference.referenced);
        to.byte(match reference.on_delete {
            OnDelete::Restrict => 0,
            OnDelete::Cascade => 1,
            OnDelete::SetNull => 2,
        });
    });
    let ManagedColumns { created_at, updated_at, version, soft_delete } = table.managed;
    for column in [created_at, updated_at, version, soft_delete] {
        to.option(column, Writer::count);
    }
}

/// Reads a table's definition. `find` finds those that it refers to, which have to be there.
pub(super) fn read_table(from: &mut Reader<'_>, find: Find<'_>) -> Read<Arc<TableDef>> {
    let schema = from.option(Reader::text)?;
    let name = from.text()?;
    let columns = from.list(|from| {
        Ok(ColumnDef {
            name: from.text()?.into(),
            column_type: read_type(from)?,
            nullable: from.truth()?,
            description: None,
            default: None,
            role: ColumnRole::Plain,
            json_schema: None,
            rename_from: (&[]).into(),
        })
    })?;
    let column = |from: &mut Reader<'_>| {
        let column = from.position()?;
        if column < columns.len() { Ok(column) } else { Err(Malformed) }
    };
    let key = from.list(column)?;
    let auto = from.option(column)?;
    let indexes = from.list(|from| {
        let name = from.text()?.into();
        Ok(IndexDef { name, columns: from.list(column)?.into(), unique: from.truth()? })
    })?;
    let references = from.list(|from| {
        let table = match from.option(Reader::text)? {
            Some(target) => ReferencedTable::Defined(find(&target).ok_or(Malformed)?),
            None => ReferencedTable::Itself,
        };
        let (column, referenced) = (column(from)?, from.position()?);
        let on_delete = match from.byte()? {
            0 => OnDelete::Restrict,
            1 => OnDelete::Cascade,
            2 => OnDelete::SetNull,
            _ => return Err(Malformed),
        };
        Ok(ReferenceDef { column, table, referenced, on_delete })
    })?;
    let mut managed = || from.option(column);
    let managed = ManagedColumns {
        created_at: managed()?,
        updated_at: managed()?,
        version: managed()?,
        soft_delete: managed()?,
    };
    if key.is_empty() {
        return Err(Malformed);
    }
    let definition = TableDef {
        schema: schema.map(Into::into),
        name: name.into(),
        description: None,
        columns: columns.into(),
        key: key.into(),
        auto,
        indexes: indexes.into(),
        shard_by: None,
        references: references.into(),
        managed,
        rename_from: (&[]).into(),
        changes: false,
        given_schema: None,
        sql: crate::definition::DerivedSql::default(),
    };
    let fits = |reference: &ReferenceDef| {
        reference.referenced < reference.target(&definition).columns.len()
    };
    if definition.references.iter().all(fits) { Ok(Arc::new(definition)) } else { Err(Malformed) }
}

pub(super) fn write_kv(to: &mut Writer, kv: &KvDef) {
    to.text(kv.name());
    write_type(to, kv.key_type());
    write_type(to, kv.value_type());
}

pub(super) fn read_kv(from: &mut Reader<'_>) -> Read<Arc<KvDef>> {
    let (name, key, value) = (from.text()?, read_type(from)?, read_type(from)?);
    KvDef::new(name, key, value).map_err(|_| Malformed)
}

fn write_type(to: &mut Writer, column_type: ColumnType) {
    let tag = match column_type {
        ColumnType::Vector(VectorType { dimension, metric, element }) => {
            to.byte(VECTOR);
            to.number(dimension.into());
            to.byte(match metric {
                Metric::Cosine => 0,
                Metric::L2 => 1,
                Metric::Dot => 2,
            });
            to.byte(match element {
                VectorElement::F32 => 0,
                VectorElement::F16 => 1,
                VectorElement::I8 => 2,
            });
            return;
        }
        ColumnType::Bool => 1,
        ColumnType::I8 => 2,
        ColumnType::I16 => 3,
        ColumnType::I32 => 4,
        ColumnType::I64 => 5,
        ColumnType::U8 => 6,
        ColumnType::U16 => 7,
        ColumnType::U32 => 8,
        ColumnType::F32 => 9,
        ColumnType::F64 => 10,
        ColumnType::Decimal => 11,
        ColumnType::Text => 12,
        ColumnType::Bytes => 13,
        ColumnType::Uuid => 14,
        ColumnType::DateTime => 15,
        ColumnType::LocalDateTime => 16,
        ColumnType::Date => 17,
        ColumnType::Time => 18,
        ColumnType::Json => 19,
        ColumnType::TextList => 20,
        ColumnType::FloatList => 21,
        ColumnType::F16List => 22,
        ColumnType::I8List => 23,
    };
    to.byte(tag);
}

const VECTOR: u8 = 0;

fn read_type(from: &mut Reader<'_>) -> Read<ColumnType> {
    Ok(match from.byte()? {
        VECTOR => ColumnType::Vector(VectorType {
            dimension: u32::try_from(from.number()?).map_err(|_| Malformed)?,
            metric: match from.byte()? {
                0 => Metric::Cosine,
                1 => Metric::L2,
                2 => Metric::Dot,
                _ => return Err(Malformed),
            },
            element: match from.byte()? {
                0 => VectorElement::F32,
                1 => VectorElement::F16,
                2 => VectorElement::I8,
                _ => return Err(Malformed),
            },
        }),
        1 => ColumnType::Bool,
        2 => ColumnType::I8,
        3 => ColumnType::I16,
        4 => ColumnType::I32,
        5 => ColumnType::I64,
        6 => ColumnType::U8,
        7 => ColumnType::U16,
        8 => ColumnType::U32,
        9 => ColumnType::F32,
        10 => ColumnType::F64,
        11 => ColumnType::Decimal,
        12 => ColumnType::Text,
        13 => ColumnType::Bytes,
        14 => ColumnType::Uuid,
        15 => ColumnType::DateTime,
        16 => ColumnType::LocalDateTime,
        17 => ColumnType::Date,
        18 => ColumnType::Time,
        19 => ColumnType::Json,
        20 => ColumnType::TextList,
        21 => ColumnType::FloatList,
        22 => ColumnType::F16List,
        23 => ColumnType::I8List,
        _ => return Err(Malformed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::table::Table;

    fn there_and_back(table: &TableDef, find: Find<'_>) -> Arc<TableDef> {
        let mut writer = Writer::default();
        write_table(&mut writer, table);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        let back = read_table(&mut reader, find).unwrap();
        reader.end().unwrap();
        back
    }

    #[test]
    fn a_definition_comes_back_as_the_same_table() {
        let vector =
            VectorType { dimension: 384, metric: Metric::Dot, element: VectorElement::F16 };
        let customers = TableDef::builder("customers")
            .column("id", ColumnType::I64)
            .column("name", ColumnType::Text)
            .nullable("embedding", ColumnType::Vector(vector))
            .key(["id"])
            .auto("id")
            .unique(["name"])
            .build()
            .unwrap();
        let orders = TableDef::builder("orders")
            .column("id", ColumnType::Uuid)
            .nullable("customer", ColumnType::I64)
            .nullable("follows", ColumnType::Uuid)
            .key(["id"])
            .build()
            .unwrap();
        let reference =
            |column, table, on_delete| ReferenceDef { column, table, referenced: 0, on_delete };
        let to_customers = ReferencedTable::Defined(Arc::clone(&customers));
        let references = vec![
            reference(1, to_customers, OnDelete::Cascade),
            reference(2, ReferencedTable::Itself, OnDelete::SetNull),
        ];
        let orders = TableDef { references: references.into(), ..TableDef::clone(&orders) };
        let orders = Arc::new(orders);
        let nobody = |_: &str| None;
        let back = there_and_back(&customers, &nobody);
        Table::new(Arc::clone(&customers)).check_same(&back).unwrap();
        let found = |name: &str| (name == "customers").then(|| Arc::clone(&back));
        Table::new(Arc::clone(&orders)).check_same(&there_and_back(&orders, &found)).unwrap();
        assert!(Table::new(customers).check_same(&orders).is_err());
    }

    #[test]
    fn a_key_value_store_comes_back_as_the_same() {
        let settings = KvDef::new("settings", ColumnType::Text, ColumnType::Json).unwrap();
        let mut writer = Writer::default();
        write_kv(&mut writer, &settings);
        let back = read_kv(&mut Reader::new(&writer.finish())).unwrap();
        assert!(back.is_same(&settings));
    }
}
