//! Filters from JSON documents, checked against the table, and back.
//!
//! A document names columns and says what is asked of each:
//! `{"category": "tools", "price": {"value": 100, "operator": "<"}}`. It comes from outside, so
//! that a mistake in it is told in words for its author, its size is bounded, and a value in it,
//! which may be a secret, is never repeated. `docs/filters-and-queries.md` has the grammar.

mod condition;
mod operand;
mod operator;
mod place;
mod write;

use serde_json::{Map, Value as Json};

use self::place::Place;
use super::{Filter, FilterTree};
use crate::{
    definition::{TableDef, from_json::kind},
    error::{Error, Result},
    suggest::{did_you_mean, shortened},
    table::Table,
};

/// How deep `$and`, `$or` and `$not` may be within each other.
const DEEPEST: usize = 32;
/// How many conditions and connectives a document may have.
const MOST_CONDITIONS: usize = 1_000;
/// How many values the lists of a document may have together.
const MOST_VALUES: usize = 10_000;

const CONNECTIVES: [&str; 3] = ["$and", "$or", "$not"];

impl<T: Table> Filter<T> {
    /// Reads a filter from a JSON document, such as a client sends it.
    ///
    /// ```
    /// use serde_json::json;
    /// use storehouse::prelude::*;
    ///
    /// #[derive(Table)]
    /// struct Product {
    ///     #[table(key, auto)]
    ///     id: i64,
    ///     category: String,
    ///     price: f64,
    /// }
    ///
    /// let document = json!({"category": "tools", "price": {"value": 100, "operator": "<"}});
    /// let filter = Filter::<Product>::from_json(&document)?;
    ///
    /// let error = Filter::<Product>::from_json(&json!({"prize": 100})).unwrap_err();
    /// assert!(error.to_string().contains("did you mean `price`?"));
    /// # let _ = filter;
    /// # Ok::<_, storehouse::Error>(())
    /// ```
    ///
    /// Fails with [`Error::Validation`] when it names a column or an operator that is not there,
    /// when a value is not of its column's type, and when it is too deep or too long. The message
    /// says what to write instead, and repeats no value.
    pub fn from_json(document: &Json) -> Result<Self> {
        FilterTree::from_json(T::definition(), document).map(Self::from_tree)
    }

    /// The filter as a JSON document, which [`Filter::from_json`] reads back.
    ///
    /// Fails with [`Error::Validation`] when a value has no form in JSON, as an infinite number.
    pub fn to_json(&self) -> Result<Json> {
        self.tree.to_json(T::definition())
    }
}

impl FilterTree {
    /// Reads a filter on the table of `definition`; see [`Filter::from_json`].
    pub fn from_json(definition: &TableDef, document: &Json) -> Result<Self> {
        let mut reader = Reader { definition, conditions: 0, values: 0 };
        let tree = reader.filter(document, 0)?;
        tree.check(definition)?;
        Ok(tree)
    }
}

/// Reads one document.
struct Reader<'d> {
    definition: &'d TableDef,
    conditions: usize,
    values: usize,
}

impl Reader<'_> {
    fn filter(&mut self, document: &Json, depth: usize) -> Result<FilterTree> {
        let Json::Object(members) = document else {
            return Err(Error::validation(format!(
                "a filter is an object, such as {{\"category\": \"tools\"}}, not {}",
                kind(document)
            )));
        };
        if depth > DEEPEST {
            return Err(Error::validation(format!(
                "a filter is too deep: `$and`, `$or` and `$not` may be {DEEPEST} deep"
            )));
        }
        self.members(members, depth)
    }

    /// Every member has to hold.
    fn members(&mut self, members: &Map<String, Json>, depth: usize) -> Result<FilterTree> {
        let mut all = FilterTree::all();
        for (name, member) in members {
            self.count_condition()?;
            let part = if name.starts_with('$') {
                self.connective(name, member, depth)?
            } else {
                let place = Place::named(self.definition, name)?;
                self.conditions(&place, member)?
            };
            all = all.and(part);
        }
        Ok(all)
    }

    fn connective(&mut self, name: &str, member: &Json, depth: usize) -> Result<FilterTree> {
        let mut parts = || match member {
            Json::Array(parts) => {
                let read = parts.iter().map(|part| {
                    self.count_condition()?;
                    self.filter(part, depth + 1)
                });
                read.collect::<Result<Vec<_>>>()
            }
            other => Err(Error::validation(format!(
                "`{}` takes an array of filters, not {}",
                shortened(name),
                kind(other)
            ))),
        };
        match name {
            "$and" => Ok(parts()?.into_iter().fold(FilterTree::all(), FilterTree::and)),
            "$or" => {
                let none = FilterTree::Or(Vec::new());
                Ok(parts()?.into_iter().fold(none, FilterTree::or))
            }
            "$not" => Ok(self.filter(member, depth + 1)?.negate()),
            other => Err(Error::validation(format!(
                "a filter has no `{}`{}",
                shortened(other),
                did_you_mean(other, CONNECTIVES, || {
                    "; there are `$and`, `$or` and `$not`, and the names of columns".to_owned()
                })
            ))),
        }
    }

    fn count_condition(&mut self) -> Result<()> {
        self.conditions += 1;
        if self.conditions > MOST_CONDITIONS {
            return Err(Error::validation(format!(
                "a filter is too long: it may have {MOST_CONDITIONS} conditions; \
                 use `in` where many are about one column"
            )));
        }
        Ok(())
    }

    fn count_values(&mut self, values: usize) -> Result<()> {
        self.values += values;
        if self.values > MOST_VALUES {
            return Err(Error::validation(format!(
                "a filter is too long: its lists may have {MOST_VALUES} values together"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
