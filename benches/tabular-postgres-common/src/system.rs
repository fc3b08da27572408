//! What a system has to be able to do.

use std::future::Future;

use tabular_common::{Case, Result, Row};

/// One way of using the database, written as its best users would.
///
/// The methods take `&mut self` for the sake of systems that hold one connection; those that can be used from many tasks
/// at once are also [`Clone`], and a clone is the same pool or connection.
pub trait System: Sized + Send + 'static {
    /// Its name in the tables.
    const NAME: &'static str;

    /// What it decodes a row into.
    type Item: Into<Row> + Send;

    /// Connects to the database.
    fn open(url: &str) -> impl Future<Output = Result<Self>> + Send;

    /// Whether it is measured in this case. One that is there for a single case is not measured in others.
    fn runs(_case: Case) -> bool {
        true
    }

    /// The row with this key.
    fn get(&mut self, key: i64) -> impl Future<Output = Result<Option<Self::Item>>> + Send;

    /// Inserts a row, or replaces the one with its key.
    fn put(&mut self, row: Row) -> impl Future<Output = Result> + Send;

    /// The same with many rows, all or none.
    fn put_bulk(&mut self, rows: Vec<Row>) -> impl Future<Output = Result> + Send;

    /// The same where the program happens to know that none of the rows is there.
    fn put_bulk_new(&mut self, rows: Vec<Row>) -> impl Future<Output = Result> + Send {
        self.put_bulk(rows)
    }

    /// The rows of a category.
    fn by_category(
        &mut self,
        category: String,
    ) -> impl Future<Output = Result<Vec<Self::Item>>> + Send;

    /// All rows.
    fn all(&mut self) -> impl Future<Output = Result<Vec<Self::Item>>> + Send;
}
