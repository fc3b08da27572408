//! Derive [`Table`](derive@Table) on a struct once. The same typed code then stores and queries
//! it in memory and in SQLite; a URL at start-up picks which.
//!
//! ```
//! use storehouse::prelude::*;
//!
//! /// A product in the shop.
//! #[derive(Table, Clone, Debug, PartialEq)]
//! #[table(index(category, price))]
//! struct Product {
//!     #[table(key, auto)]
//!     id: i64,
//!     #[table(unique)]
//!     sku: String,
//!     category: String,
//!     price: f64,
//!     retired: Option<String>,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> storehouse::Result<()> {
//! let store = storehouse::open("memory:").await?;
//! let products = store.tabular::<Product>().await?;
//! products.setup_database().await?;
//!
//! // `ProductInsert` has exactly the columns that must be given.
//! let new = ProductInsert { sku: "A1".into(), category: "tools".into(), price: 9.5 };
//! let saved = products.put(new).await?;
//!
//! let cheap = products
//!     .query(Product::CATEGORY.eq("tools") & Product::PRICE.lt(100.0))
//!     .order_by(Product::PRICE.asc())
//!     .limit(10)
//!     .await?;
//! assert_eq!(cheap, [saved.clone()]);
//!
//! // `ProductPatch` changes only what it names; `Set(None)` writes NULL.
//! let patch = ProductPatch { price: Set(8.5), ..Default::default() };
//! let updated = products.update(&saved.id, patch).await?;
//! assert_eq!(updated.map(|product| product.price), Some(8.5));
//! # Ok(())
//! # }
//! ```
//!
//! A value of the wrong type, a column of another table, a missing column: each is a compile
//! error that names the fix.
//!
//! Begin with the [derive](derive@Table), [`open`], [`Tabular`] and [`Query`].
//!
//! # Features
//!
//! - `sqlite` (on by default): the SQLite backend, for `sqlite:` URLs.
//! - `postgres`: the PostgreSQL backend, for `postgres:` URLs.
//! - `postgres-tls`: the same, with encrypted connections.
//! - `filesystem`: the folder backend, for `fs:` URLs.
//! - `rust_decimal`, `jiff`, `time` and `half`: columns of these crates' types, as the
//!   [derive's page](https://github.com/storehouse-rs/storehouse/blob/main/docs/derive.md) lists
//!   them.
//!
//! On WebAssembly the backends are left out.

mod open;
pub mod prelude;

#[cfg(all(feature = "filesystem", not(target_family = "wasm")))]
pub use storehouse_filesystem as filesystem;
pub use storehouse_macros::{Projection, Table, TableEmbed, TableEnum, TableNewtype};
#[cfg(all(feature = "postgres", not(target_family = "wasm")))]
pub use storehouse_postgres as postgres;
#[doc(hidden)]
pub use storehouse_runtime::__private;
pub use storehouse_runtime::{
    AggregateOutput, AggregateQuery, AggregateTerm, Aggregation, Anywhere, AssertTrusted,
    Assignment, AssignmentKind, AtPath, Backend, BackendTransaction, BelongingTo, BorrowedAs,
    BoxFuture, BoxStream, Capabilities, Change, ChangeCursor, ChangeFeed, ChangeKind, ChangeLog,
    ChangeOptions, ChangeRetention, ChangeSubscription, Changes, ChangesBuilder, ClientKeys, Clock,
    Column, ColumnDef, ColumnKind, ColumnList, ColumnOf, ColumnRole, ColumnSource, ColumnTree,
    ColumnType, ColumnValue, Comparable, Comparison, Connector, Context, Cursor, DecimalValue,
    DecodeError, DerivedSql, Direction, DynBackend, DynBackendTransaction, DynTabularStorage,
    Embed, EncodeError, EncodedKey, EncodedRow, Endpoint, EngineId, Environment, Error, EventKind,
    Events, Expected, Extremes, FieldOf, Filter, FilterTree, GroupBy, GroupQuery, IdGenerator,
    InTransaction, Increment, IndexDef, InsertWith, Insertable, IntoKey, IntoRecordValue, Json,
    JsonDocument, JsonPath, JsonScalar, JsonTest, JsonType, KeyColumn, KeyOrRow, LikePattern,
    LikeToken, LinkedTo, LiveQuery, LockStrength, LockWait, ManagedColumns, MaybeSend, MaybeSync,
    Metric, Migration, MigrationFile, MigrationStep, MigrationStepKind, NewRow, NotNull,
    NotNullOperand, NullableColumn, OnDelete, Operand, OptionalColumns, Order, OrderTerm, Ordered,
    OrderedKinds, Page, PatchField, PathSegment, Plan, PlannedSteps, ProjectedQuery, Projection,
    Query, RawParameter, RawRow, RawSql, RawStatement, RawValue, ReadAsType, Record, RecordKey,
    RecordPatch, Reference, ReferenceDef, ReferenceProblem, ReferencedTable, RefersTo, RenameFrom,
    Result, Row, RowLock, RowReceiver, RowSink, Selection, Since, SoftDelete, Source, SqlText,
    Statement, Step, StepOf, Store, StoreBuilder, Subscription, Summable, SystemClock, Table,
    TableBuilder, TableDef, TableKey, TablePatch, TableSet, Tabular, TabularEvent, TabularStorage,
    TextColumn, Transaction, TypedAtPath, UniqueColumns, Upsert, UuidV7Generator, Value,
    ValueSchema, Variants, VectorElement, VectorType, WriteMode, aggregate, codec, compare_rows,
    increment, kv, layers, memory, migration, sql,
};
#[cfg(all(feature = "sqlite", not(target_family = "wasm")))]
pub use storehouse_sqlite as sqlite;

pub use self::open::{OpenStore, open};

/// The pages of the book, so that their examples are compiled and run.
#[cfg(doctest)]
mod book {
    #[cfg(all(feature = "sqlite", not(target_family = "wasm")))]
    #[doc = include_str!("../docs/changes.md")]
    mod changes {}
    #[doc = include_str!("../docs/derive.md")]
    mod derive {}
    #[doc = include_str!("../docs/errors.md")]
    mod errors {}
    #[doc = include_str!("../docs/filters-and-queries.md")]
    mod filters_and_queries {}
    #[cfg(all(feature = "filesystem", not(target_family = "wasm")))]
    #[doc = include_str!("../docs/folder-stores.md")]
    mod folder_stores {}
    #[cfg(all(feature = "sqlite", not(target_family = "wasm")))]
    #[doc = include_str!("../docs/kv.md")]
    mod kv {}
    #[cfg(all(
        feature = "cached",
        feature = "encrypted",
        feature = "sqlite",
        not(target_family = "wasm")
    ))]
    #[doc = include_str!("../docs/layers.md")]
    mod layers {}
    #[doc = include_str!("../docs/managed-columns.md")]
    mod managed_columns {}
    #[cfg(all(feature = "sqlite", not(target_family = "wasm")))]
    #[doc = include_str!("../docs/migrations.md")]
    mod migrations {}
    #[cfg(all(feature = "postgres", not(target_family = "wasm")))]
    #[doc = include_str!("../docs/postgresql.md")]
    mod postgresql {}
    #[doc = include_str!("../docs/references.md")]
    mod references {}
    #[doc = include_str!("../docs/raw-sql.md")]
    mod raw_sql {}
    #[doc = include_str!("../docs/own-types.md")]
    mod own_types {}
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../docs/shared-memory.md")]
    mod shared_memory {}
    #[doc = include_str!("../docs/records.md")]
    mod records {}
}
