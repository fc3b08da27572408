//! What a member of a document names: a column, or a place in a JSON column.

use super::operator::{Operator, SCALAR, TEXT};
use crate::{
    column_type::ColumnType,
    definition::{ColumnDef, TableDef},
    error::{Error, Result},
    json_path::JsonPath,
    suggest::{did_you_mean, list, shortened},
};

/// A column, or a place in it.
pub(super) struct Place<'d> {
    pub(super) column: usize,
    pub(super) definition: &'d ColumnDef,
    /// `None` for the column itself.
    pub(super) path: Option<JsonPath>,
}

impl<'d> Place<'d> {
    /// What `name` names: `price`, `attributes.size.width`, `attributes["a.b"][0]`, or
    /// `attributes.` for the document itself.
    pub(super) fn named(table: &'d TableDef, name: &str) -> Result<Self> {
        // No column's name has these.
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (column_name, rest) = name.split_at(end);
        let Some(column) = table.column(column_name) else {
            let names = || table.columns.iter().map(|column| &*column.name);
            return Err(Error::validation(format!(
                "`{}` has no column `{}`{}",
                table.name,
                shortened(column_name),
                did_you_mean(column_name, names(), || format!("; it has {}", list(names())))
            )));
        };
        let definition = &table.columns[column];
        if rest.is_empty() {
            return Ok(Self { column, definition, path: None });
        }
        if definition.column_type != ColumnType::Json {
            return Err(Error::validation(format!(
                "column `{}` holds {}, which no path leads into; write its name alone",
                definition.name,
                definition.column_type.rust_name()
            )));
        }
        let path = match rest.strip_prefix('.') {
            Some("") => JsonPath::root(),
            Some(path) => JsonPath::parse(path)?,
            None => JsonPath::parse(rest)?,
        };
        path.check()?;
        Ok(Self { column, definition, path: Some(path) })
    }

    /// The name, for messages and documents.
    pub(super) fn name(&self) -> String {
        name(self.definition, self.path.as_ref())
    }

    /// The operators that there are for it.
    pub(super) fn operators(&self) -> Vec<Operator> {
        if self.path.is_some() {
            return [
                &SCALAR[..],
                &TEXT,
                &[Operator::IsNull, Operator::IsNotNull, Operator::Exists],
            ]
            .concat();
        }
        let mut operators = Vec::new();
        if self.definition.column_type.is_ordered() {
            operators.extend(SCALAR);
        }
        if self.definition.column_type == ColumnType::Text {
            operators.extend(TEXT);
        }
        if self.definition.nullable {
            operators.extend([Operator::IsNull, Operator::IsNotNull]);
        }
        operators
    }

    /// Fails when there is no such operator for it, and says which there are.
    pub(super) fn check_operator(&self, operator: Operator) -> Result<()> {
        let operators = self.operators();
        if operators.contains(&operator) {
            return Ok(());
        }
        let name = self.name();
        if matches!(operator, Operator::IsNull | Operator::IsNotNull) {
            return Err(Error::validation(format!(
                "column `{name}` is never NULL; leave the condition out"
            )));
        }
        let holds = self.definition.column_type.rust_name();
        let instead = if self.definition.column_type == ColumnType::Json {
            format!("; name a place in it, such as `{name}.size`")
        } else if operators.is_empty() {
            "; it cannot be filtered by".to_owned()
        } else {
            format!("; it takes {}", list(operators.iter().map(|operator| operator.name())))
        };
        Err(Error::validation(format!(
            "column `{name}` holds {holds} and has no operator `{}`{instead}",
            operator.name()
        )))
    }
}

/// The name of a column, or of a place in it.
pub(super) fn name(column: &ColumnDef, path: Option<&JsonPath>) -> String {
    match path.map(ToString::to_string) {
        None => column.name.to_string(),
        Some(path) if path.starts_with('[') => format!("{}{path}", column.name),
        Some(path) => format!("{}.{path}", column.name),
    }
}
