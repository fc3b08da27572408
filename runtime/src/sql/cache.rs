//! Keeps the texts of one table's statements, so that a statement that was put together before
//! is not written again.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use storehouse_sql::Dialect;

use super::{command::Command, parameter::Parameter, pieces::Shape};
use crate::definition::TableDef;

/// How many texts are kept. A program has few forms of query; one that makes them up as it goes
/// must not fill the memory.
const CAPACITY: usize = 256;

/// The texts of one table's statements in one dialect, each under the shape of its command.
pub struct StatementCache {
    dialect: Dialect,
    texts: Mutex<HashMap<Vec<u8>, Arc<str>>>,
}

/// A statement's text and what to bind to it, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered<'a> {
    /// The text; the same for every command of one shape.
    pub sql: Arc<str>,
    /// The parameters, one for each placeholder.
    pub parameters: Vec<Parameter<'a>>,
}

impl StatementCache {
    /// An empty cache.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, texts: Mutex::default() }
    }

    /// The text and the parameters of `command`, which is about the table of `definition`: always
    /// the same table for one cache.
    pub fn render<'a>(&self, definition: &TableDef, command: Command<'a>) -> Rendered<'a> {
        let mut shape = Shape::new(self.dialect);
        command.walk(definition, &mut shape);
        let Shape { key, parameters, .. } = shape;
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sql) = texts.get(&key) {
            return Rendered { sql: Arc::clone(sql), parameters };
        }
        let sql: Arc<str> = command.sql(self.dialect, definition).into();
        if texts.len() >= CAPACITY {
            // Beginning again is simpler than finding the oldest, and costs little.
            texts.clear();
        }
        texts.insert(key, Arc::clone(&sql));
        Rendered { sql, parameters }
    }
}

impl fmt::Debug for StatementCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementCache").field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::{Comparison, FilterTree},
        order::{Direction, OrderTerm},
        selection::Selection,
        test_table,
        value::Value,
    };

    fn kept(cache: &StatementCache) -> usize {
        cache.texts.lock().unwrap().len()
    }

    fn price(value: f64) -> FilterTree {
        let comparison = Comparison::Less;
        FilterTree::Compare { column: 2, comparison, value: Value::Float(value) }
    }

    #[test]
    fn one_text_for_one_shape() {
        let definition = test_table::definition();
        let cache = StatementCache::new(Dialect::Sqlite);
        let (cheap, dear) = (price(1.0), price(100.0));
        let first = cache.render(&definition, Command::Count(&cheap));
        let again = cache.render(&definition, Command::Count(&dear));
        assert!(Arc::ptr_eq(&first.sql, &again.sql));
        assert_eq!(&*first.sql, r#"SELECT count(*) FROM "products" WHERE "price" < ?"#);
        assert_eq!(first.parameters, [Parameter::Value { column: 2, value: &Value::Float(1.0) }]);
        assert_eq!(again.parameters, [Parameter::Value { column: 2, value: &Value::Float(100.0) }]);
        assert_eq!(kept(&cache), 1);
    }

    #[test]
    fn a_list_has_one_text_for_every_length() {
        let definition = test_table::definition();
        let cache = StatementCache::new(Dialect::Sqlite);
        let list = |values: &[i64]| {
            let values = values.iter().copied().map(Value::Int).collect();
            FilterTree::InList { column: 0, values }
        };
        let (short, long) = (list(&[1]), list(&[1, 2, 3]));
        let first = cache.render(&definition, Command::Delete(&short));
        let again = cache.render(&definition, Command::Delete(&long));
        assert!(Arc::ptr_eq(&first.sql, &again.sql));
        assert_eq!(&*first.sql, r#"DELETE FROM "products" WHERE "id" IN rarray(?)"#);
        let FilterTree::InList { values, .. } = &long else { unreachable!() };
        assert_eq!(again.parameters, [Parameter::List { column: 0, values }]);
    }

    #[test]
    fn every_other_shape_has_a_text_of_its_own() {
        let definition = test_table::definition();
        let cache = StatementCache::new(Dialect::Sqlite);
        let plain = Selection {
            filter: FilterTree::all(),
            order: vec![OrderTerm { column: 3, direction: Direction::Ascending }],
            after: None,
            limit: None,
            offset: 0,
            lock: None,
            columns: None,
        };
        let mut selections = vec![plain.clone()];
        selections.push(Selection { limit: Some(1), ..plain.clone() });
        selections.push(Selection { offset: 1, ..plain.clone() });
        selections.push(Selection { limit: Some(1), offset: 1, ..plain.clone() });
        selections.push(Selection { after: Some(vec![Value::Null]), ..plain.clone() });
        selections.push(Selection { after: Some(vec![Value::Int(1)]), ..plain.clone() });
        selections.push(Selection { filter: price(1.0), ..plain.clone() });
        let order = vec![OrderTerm { column: 3, direction: Direction::Descending }];
        selections.push(Selection { order, ..plain.clone() });
        let order = vec![OrderTerm { column: 2, direction: Direction::Ascending }];
        selections.push(Selection { order, ..plain });
        for selection in &selections {
            let command = Command::Select(selection);
            let rendered = cache.render(&definition, command);
            assert_eq!(*rendered.sql, *command.sql(Dialect::Sqlite, &definition));
        }
        assert_eq!(kept(&cache), selections.len());
    }

    #[test]
    fn the_cache_is_bounded() {
        let definition = test_table::definition();
        let cache = StatementCache::new(Dialect::Sqlite);
        let mut filter = FilterTree::IsNull { column: 0 };
        for count in 1..=CAPACITY {
            cache.render(&definition, Command::Count(&filter));
            assert_eq!(kept(&cache), count);
            filter = filter.and(FilterTree::IsNull { column: 0 });
        }
        let rendered = cache.render(&definition, Command::Count(&filter));
        assert_eq!(kept(&cache), 1);
        assert_eq!(*rendered.sql, *Command::Count(&filter).sql(Dialect::Sqlite, &definition));
    }

    #[test]
    fn shows_its_dialect() {
        let shown = format!("{:?}", StatementCache::new(Dialect::Sqlite));
        assert_eq!(shown, "StatementCache { dialect: Sqlite, .. }");
    }
}
