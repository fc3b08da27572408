//! What a walk over a command gives off, and the three things that are made of it: the text, the
//! text for a person, and the key under which the text is kept.

use storehouse_sql::Dialect;

use super::parameter::Parameter;
use crate::{definition::TableDef, storage::Statement};

/// Takes a statement piece by piece.
pub(super) trait Pieces<'a> {
    /// The engine that the statement is for.
    fn dialect(&self) -> Dialect;
    /// SQL as it stands, in ASCII.
    fn text(&mut self, text: &'static str);
    /// The table's name.
    fn table(&mut self);
    /// The name of one column.
    fn column(&mut self, column: usize);
    /// The place of a parameter; for a list, with the operator before it.
    fn parameter(&mut self, parameter: Parameter<'a>);
}

/// Writes the text that is prepared and run.
pub(super) struct Text<'d> {
    dialect: Dialect,
    definition: &'d TableDef,
    sql: String,
    parameters: usize,
}

impl<'d> Text<'d> {
    pub(super) fn new(dialect: Dialect, definition: &'d TableDef) -> Self {
        Self { dialect, definition, sql: String::with_capacity(256), parameters: 0 }
    }

    pub(super) fn into_sql(self) -> String {
        self.sql
    }

    fn placeholder(&mut self) {
        self.parameters += 1;
        self.dialect.push_placeholder(&mut self.sql, self.parameters);
    }
}

impl<'a> Pieces<'a> for Text<'_> {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn text(&mut self, text: &'static str) {
        self.sql.push_str(text);
    }

    fn table(&mut self) {
        let schema = self.definition.schema.as_deref();
        self.dialect.push_table(&mut self.sql, schema, &self.definition.name);
    }

    fn column(&mut self, column: usize) {
        self.dialect.push_identifier(&mut self.sql, &self.definition.columns[column].name);
    }

    fn parameter(&mut self, parameter: Parameter<'a>) {
        if parameter.is_list() {
            self.sql.push_str(match self.dialect {
                // The table-valued function that rusqlite provides for bound arrays.
                Dialect::Sqlite => " IN rarray(",
                _ => " = ANY(",
            });
            self.placeholder();
            self.sql.push(')');
        } else {
            self.placeholder();
        }
    }
}

/// Writes a statement that a person can run anywhere: a list has a placeholder for each value.
pub(super) struct Portable<'d> {
    text: Text<'d>,
    statement: Statement,
}

impl<'d> Portable<'d> {
    pub(super) fn new(dialect: Dialect, definition: &'d TableDef) -> Self {
        let statement = Statement { sql: String::new(), parameters: Vec::new() };
        Self { text: Text::new(dialect, definition), statement }
    }

    pub(super) fn into_statement(self) -> Statement {
        Statement { sql: self.text.into_sql(), ..self.statement }
    }
}

impl<'a> Pieces<'a> for Portable<'_> {
    fn dialect(&self) -> Dialect {
        self.text.dialect
    }

    fn text(&mut self, text: &'static str) {
        self.text.text(text);
    }

    fn table(&mut self) {
        self.text.table();
    }

    fn column(&mut self, column: usize) {
        self.text.column(column);
    }

    fn parameter(&mut self, parameter: Parameter<'a>) {
        if let Parameter::List { values, .. } | Parameter::TypedList { values, .. } = parameter {
            self.text.text(" IN (");
            for position in 0..values.len() {
                if position > 0 {
                    self.text.text(", ");
                }
                self.text.placeholder();
            }
            self.text.text(")");
        } else {
            self.text.placeholder();
        }
        self.statement.parameters.extend(parameter.into_values());
    }
}

/// Makes the key of the text and gathers the parameters.
///
/// The key is the text itself with a mark in place of each name and parameter. The marks are
/// bytes that ASCII does not have, and a column's number has a fixed length, so that two texts
/// have one key only when they are the same.
pub(super) struct Shape<'a> {
    dialect: Dialect,
    pub(super) key: Vec<u8>,
    pub(super) parameters: Vec<Parameter<'a>>,
}

const TABLE: u8 = 0x80;
const COLUMN: u8 = 0x81;
const ONE: u8 = 0x82;
const LIST: u8 = 0x83;

impl Shape<'_> {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, key: Vec::with_capacity(128), parameters: Vec::with_capacity(8) }
    }
}

impl<'a> Pieces<'a> for Shape<'a> {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn text(&mut self, text: &'static str) {
        self.key.extend_from_slice(text.as_bytes());
    }

    fn table(&mut self) {
        self.key.push(TABLE);
    }

    fn column(&mut self, column: usize) {
        self.key.push(COLUMN);
        self.key.extend_from_slice(&column.to_le_bytes());
    }

    fn parameter(&mut self, parameter: Parameter<'a>) {
        self.key.push(if parameter.is_list() { LIST } else { ONE });
        self.parameters.push(parameter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{test_table, value::Value};

    /// Every kind of piece, in an order that no command has.
    fn walk<'a>(list: &'a [Value], one: &'a Value, pieces: &mut impl Pieces<'a>) {
        pieces.text("a ");
        pieces.table();
        pieces.parameter(Parameter::List { column: 0, values: list });
        pieces.column(3);
        pieces.parameter(Parameter::Value { column: 0, value: one });
        pieces.parameter(Parameter::Integer(7));
        pieces.parameter(Parameter::Text("t".into()));
    }

    #[test]
    fn all_three_say_the_same() {
        let definition = test_table::definition();
        let list = [Value::Int(1), Value::Int(2)];
        let one = Value::Bool(true);

        let mut text = Text::new(Dialect::Sqlite, &definition);
        walk(&list, &one, &mut text);
        assert_eq!(text.parameters, 4);
        assert_eq!(text.into_sql(), r#"a "products" IN rarray(?)"note"???"#);

        let mut text = Text::new(Dialect::Postgres, &definition);
        walk(&list, &one, &mut text);
        assert_eq!(text.into_sql(), r#"a "products" = ANY($1)"note"$2$3$4"#);

        let mut portable = Portable::new(Dialect::Sqlite, &definition);
        walk(&list, &one, &mut portable);
        let statement = portable.into_statement();
        assert_eq!(statement.sql, r#"a "products" IN (?, ?)"note"???"#);
        let [first, second] = list.clone();
        let expected = [first, second, one.clone(), Value::Int(7), Value::Text("t".into())];
        assert_eq!(statement.parameters, expected);

        let mut shape = Shape::new(Dialect::Sqlite);
        walk(&list, &one, &mut shape);
        let mut key = b"a ".to_vec();
        key.extend([TABLE, LIST, COLUMN]);
        key.extend(3_usize.to_le_bytes());
        key.extend([ONE, ONE, ONE]);
        assert_eq!(shape.key, key);
        let expected = [
            Parameter::List { column: 0, values: &list },
            Parameter::Value { column: 0, value: &one },
            Parameter::Integer(7),
            Parameter::Text("t".into()),
        ];
        assert_eq!(shape.parameters, expected);
    }
}
