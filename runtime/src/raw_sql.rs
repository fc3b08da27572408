//! SQL of the program's own, for what typed queries cannot say.
//!
//! The text has to stand in the program, or somebody has to vouch for it; values are bound. Rows
//! come back as tuples, by position, or as tables and projections, by the names of the columns,
//! which are looked up once for each statement.

mod row;

use std::{any::Any, borrow::Cow, marker::PhantomData, ops::ControlFlow, sync::Arc};

pub use self::row::{RawRow, plan_by_name};
use crate::{
    backend::DynBackend,
    codec::{ColumnSource, ColumnValue, DecodeError},
    column_type::ColumnType,
    error::{Error, Result},
    maybe_send::BoxFuture,
    storage::{RowReceiver, RowSink},
    tabular::unwrap,
    transaction::{Transaction, TransactionCore},
    value::Value,
};

/// SQL that cannot have come from outside: text that stands in the program.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not SQL that stands in the program",
    label = "give a string literal, and its values by `.bind(..)`",
    note = "text put together at run time may carry an attacker's SQL; if it cannot, vouch for it with `AssertTrusted(text)`"
)]
pub trait SqlText {
    /// The text.
    fn into_sql(self) -> Cow<'static, str>;
}

impl SqlText for &'static str {
    fn into_sql(self) -> Cow<'static, str> {
        Cow::Borrowed(self)
    }
}

/// Vouches for SQL that was put together at run time: nothing in it comes from outside, or what
/// does is a name that was checked.
///
/// ```
/// use storehouse::AssertTrusted;
///
/// let by = if std::env::args().len() > 1 { "price" } else { "sku" };
/// let sql = AssertTrusted(format!("SELECT sku, price FROM products ORDER BY {by}"));
/// # let _ = sql;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertTrusted(pub String);

impl SqlText for AssertTrusted {
    fn into_sql(self) -> Cow<'static, str> {
        Cow::Owned(self.0)
    }
}

/// A value for a placeholder: whatever a column can hold, and `&str` and `&[u8]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be bound",
    label = "not a type that a column can have",
    note = "give an integer, `f64`, `&str`, `String`, `Uuid`, a date-time, `serde_json::Value`, or an `Option` of one"
)]
pub trait RawValue {
    /// The value and its type, which a NULL has too.
    fn into_parameter(self) -> RawParameter;
}

#[diagnostic::do_not_recommend]
impl<V: ColumnValue> RawValue for V {
    fn into_parameter(self) -> RawParameter {
        RawParameter { column_type: V::TYPE, value: self.into_value() }
    }
}

#[diagnostic::do_not_recommend]
impl RawValue for &str {
    fn into_parameter(self) -> RawParameter {
        self.to_owned().into_parameter()
    }
}

#[diagnostic::do_not_recommend]
impl RawValue for &[u8] {
    fn into_parameter(self) -> RawParameter {
        self.to_vec().into_parameter()
    }
}

/// SQL of the program's own, as backends see it.
#[derive(Clone, Debug, PartialEq)]
pub struct RawStatement {
    /// The text, with the placeholders of the backend's database.
    pub sql: Cow<'static, str>,
    /// The values for the placeholders, in order.
    pub parameters: Vec<RawParameter>,
}

/// A value that is bound, and its type.
#[derive(Clone, Debug, PartialEq)]
pub struct RawParameter {
    /// The type, which tells that of a NULL.
    pub column_type: ColumnType,
    /// The value.
    pub value: Value,
}

impl RawStatement {
    /// The word that it begins with, such as `SELECT`.
    pub fn keyword(&self) -> String {
        first_word(&self.sql).to_ascii_uppercase()
    }

    /// Refuses what a typed operation would refuse too, and statements that would begin or end a
    /// transaction behind the store's back.
    fn check(&self) -> Result<()> {
        for (number, parameter) in self.parameters.iter().enumerate() {
            let problem = match &parameter.value {
                Value::Float(float) if float.is_nan() => "is NaN, which no column holds",
                Value::Text(text) if text.contains('\0') => {
                    "has a NUL character, which no text column holds"
                }
                _ => continue,
            };
            return Err(Error::validation(format!(
                "value number {} {problem}; bind another",
                number + 1
            )));
        }
        let word = self.keyword();
        if TRANSACTIONS.contains(&&*word) {
            return Err(Error::validation(format!(
                "`{word}` would begin or end a transaction behind the store's back; use \
                 `store.transaction(..)`, and `raw_sql(..).in_tx(&tx)` inside it"
            )));
        }
        Ok(())
    }
}

/// What statements about transactions begin with.
const TRANSACTIONS: [&str; 8] =
    ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"];

/// The first word, after comments.
fn first_word(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|character: char| {
            character.is_whitespace() || character == ';' || character == '\u{feff}'
        });
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            break;
        };
    }
    let end = rest.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(rest.len());
    &rest[..end]
}

/// A statement of the program's own, from [`Store::raw_sql`](crate::Store::raw_sql).
///
/// The dialect and the placeholders are the database's: `?` on SQLite, `$1`, `$2` on PostgreSQL.
/// Nothing of the statement is checked before it runs; what a typed query can say is better said
/// with one. Fails with [`Error::Unsupported`] where the backend's
/// [`sql`](crate::Capabilities::sql) capability is missing.
///
/// ```
/// use storehouse::prelude::*;
///
/// #[derive(Table, Debug, PartialEq)]
/// #[table(name = "products")]
/// struct Product {
///     #[table(key)]
///     sku: String,
///     price: f64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("sqlite::memory:").await?;
/// let products = store.tabular::<Product>().await?;
/// products.setup_database().await?;
/// products.put(Product { sku: "A1".into(), price: 9.5 }).await?;
///
/// let halved: Vec<(String, f64)> = store
///     .raw_sql("SELECT sku, price / 2 FROM products WHERE price < ?")
///     .bind(10.0)
///     .fetch()
///     .await?;
/// assert_eq!(halved, [("A1".to_owned(), 4.75)]);
/// let whole: Option<Product> = store.raw_sql("SELECT * FROM products").first().await?;
/// assert_eq!(whole.map(|product| product.price), Some(9.5));
/// let changed = store.raw_sql("UPDATE products SET price = price * 2").execute().await?;
/// assert_eq!(changed, 1);
/// # Ok(())
/// # }
/// ```
#[must_use = "a statement does nothing until it is fetched or executed"]
pub struct RawSql<'t> {
    backend: Arc<dyn DynBackend>,
    transaction: Option<Arc<TransactionCore>>,
    statement: RawStatement,
    marker: PhantomData<&'t Transaction>,
}

impl std::fmt::Debug for RawSql<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawSql").field("sql", &self.statement.sql).finish_non_exhaustive()
    }
}

impl<'t> RawSql<'t> {
    pub(crate) fn new(backend: &Arc<dyn DynBackend>, sql: impl SqlText) -> Self {
        Self {
            backend: Arc::clone(backend),
            transaction: None,
            statement: RawStatement { sql: sql.into_sql(), parameters: Vec::new() },
            marker: PhantomData,
        }
    }

    /// Binds a value to the next placeholder, in the form in which a column of its type is stored.
    pub fn bind(mut self, value: impl RawValue) -> Self {
        self.statement.parameters.push(value.into_parameter());
        self
    }

    /// Runs it inside a transaction of the same store.
    pub fn in_tx(self, tx: &Transaction) -> RawSql<'_> {
        let transaction = Some(Arc::clone(tx.core()));
        RawSql {
            backend: self.backend,
            transaction,
            statement: self.statement,
            marker: PhantomData,
        }
    }

    /// Runs it and gives its rows: as tuples of its columns, by position, or as a table or a
    /// projection, by the names of the columns.
    ///
    /// Fails with [`Error::Validation`] when the columns are not those that were asked for, or a
    /// constraint refuses a value, with [`Error::Conflict`] when a unique one does, and with
    /// [`Error::Decode`] when a value is of another type.
    pub fn fetch<R: RawRow>(self) -> BoxFuture<'t, Result<Vec<R>>> {
        Box::pin(self.run(false))
    }

    /// The first row, if there is one. The database may have found the others all the same.
    pub fn first<R: RawRow>(self) -> BoxFuture<'t, Result<Option<R>>> {
        Box::pin(async { Ok(self.run(true).await?.into_iter().next()) })
    }

    /// Runs it, and gives the number of rows that it changed: 0 where it changes none, such as
    /// when it creates a table.
    pub fn execute(self) -> BoxFuture<'t, Result<u64>> {
        Box::pin(async move {
            let name = self.backend.name();
            let done = async {
                self.check()?;
                match &self.transaction {
                    Some(transaction) => transaction.layered.execute_raw(self.statement).await,
                    None => self.backend.execute_raw(self.statement).await,
                }
            };
            done.await.map_err(|error| error.at(name, "", "raw_sql"))
        })
    }

    async fn run<R: RawRow>(self, only_first: bool) -> Result<Vec<R>> {
        let name = self.backend.name();
        let found = async {
            self.check()?;
            let rows = Rows::<R> { plan: Vec::new(), found: Vec::new(), only_first };
            let sink = Box::new(rows) as RowSink;
            let sink = match &self.transaction {
                Some(transaction) => transaction.layered.fetch_raw(self.statement, sink).await?,
                None => self.backend.fetch_raw(self.statement, sink).await?,
            };
            Ok(unwrap::<Rows<R>>(sink)?.found)
        };
        found.await.map_err(|error: Error| error.at(name, "", "raw_sql"))
    }

    fn check(&self) -> Result<()> {
        if !self.backend.capabilities().sql {
            return Err(Error::unsupported(
                "raw_sql",
                self.backend.name(),
                "use typed queries, or a backend that speaks SQL",
            ));
        }
        if let Some(transaction) = &self.transaction
            && transaction.engine != self.backend.engine()
        {
            return Err(Error::validation(
                "the transaction belongs to another store; begin it on the store that runs the SQL",
            ));
        }
        self.statement.check()
    }
}

/// Takes rows of a statement.
struct Rows<R> {
    plan: Vec<usize>,
    found: Vec<R>,
    only_first: bool,
}

impl<R: RawRow> RowReceiver for Rows<R> {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        self.found.push(R::read(source, &self.plan)?);
        Ok(if self.only_first { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn begin(&mut self, columns: &[&str]) -> Result<()> {
        self.plan = R::plan(columns)?;
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &'static str, parameters: Vec<RawParameter>) -> Result<()> {
        RawStatement { sql: sql.into(), parameters }.check()
    }

    #[test]
    fn transactions_are_the_stores_affair() {
        for sql in [
            "BEGIN",
            "  begin immediate",
            "-- quickly\n /* now */ COMMIT;",
            ";; rollback to x",
            "Release x",
        ] {
            let refused = check(sql, Vec::new()).unwrap_err().to_string();
            assert!(refused.contains("behind the store's back"), "{refused}");
        }
        for sql in ["SELECT 'BEGIN'", "-- BEGIN\nSELECT 1", "beginning", "", "-- nothing"] {
            check(sql, Vec::new()).unwrap();
        }
    }

    #[test]
    fn values_are_those_that_columns_hold() {
        let refused = |parameter: RawParameter| {
            check("SELECT ?, ?", vec![1_i64.into_parameter(), parameter]).unwrap_err().to_string()
        };
        assert!(refused(f64::NAN.into_parameter()).starts_with("value number 2 is NaN"));
        assert!(refused("a\0".into_parameter()).starts_with("value number 2 has a NUL"));
        let null = None::<String>.into_parameter();
        assert_eq!(null, RawParameter { column_type: ColumnType::Text, value: Value::Null });
    }
}
