//! What Storehouse's derived tables run on.
//!
//! Programs use the `storehouse` crate, which re-exports what they need from here. Authors of
//! backends depend on this crate: [`TabularStorage`] and [`Backend`] are what they implement,
//! [`TableDef`], [`Value`], [`FilterTree`] and [`Selection`] what they work with.
//!
//! A typed shell lies over an untyped core. [`Tabular`], [`Query`] and [`Filter`] know the
//! user's type and do almost nothing; engines see tables as data and are compiled once.

pub mod aggregate;
mod backend;
mod capabilities;
mod changes;
pub mod codec;
mod column;
mod column_type;
mod cursor;
mod decimal;
mod definition;
mod embed;
mod endpoint;
mod engine;
mod environment;
mod error;
mod events;
mod filter;
mod json_path;
pub mod kv;
pub mod layers;
mod maybe_send;
pub mod memory;
pub mod migration;
mod operation;
mod order;
mod patch;
mod projection;
mod raw_sql;
mod record;
mod reference;
mod row_lock;
mod selection;
pub mod sql;
mod storage;
mod store;
mod suggest;
mod table;
mod tabular;
#[cfg(test)]
mod test_table;
mod transaction;
mod url;
mod value;

pub use self::{
    aggregate::{AggregateOutput, AggregateTerm, Aggregation},
    backend::{Backend, BackendTransaction, Connector, DynBackend, DynBackendTransaction},
    capabilities::Capabilities,
    changes::{
        Change, ChangeCursor, ChangeFeed, ChangeKind, ChangeLog, ChangeOptions, ChangeRetention,
        ChangeSubscription, Changes, ChangesBuilder, DynChangeLog, FeedSlot, LogBatch, LogPosition,
        LoggedChange, PruneClock, Since,
    },
    codec::{
        ColumnSource, ColumnValue, Comparable, DecodeError, EncodeError, KeyColumn, NotNull,
        NullableColumn, Ordered, TextColumn, json::Json,
    },
    column::{Column, NotNullOperand, Operand},
    column_type::{ColumnType, Metric, VectorElement, VectorType},
    cursor::Cursor,
    decimal::DecimalValue,
    definition::{
        ColumnDef, ColumnRole, DerivedSql, Expected, IndexDef, ManagedColumns, RenameFrom,
        TableBuilder, TableDef, ValueSchema, Variants,
    },
    embed::{ColumnTree, Embed},
    endpoint::Endpoint,
    engine::EngineId,
    environment::{Clock, Environment, IdGenerator, SystemClock, UuidV7Generator},
    error::{Context, Error, ReferenceProblem, Result, Source},
    events::{EventKind, Events, Subscription, TabularEvent},
    filter::{Comparison, Filter, FilterTree, LikePattern, LikeToken},
    json_path::{
        AtPath, JsonDocument, JsonPath, JsonScalar, JsonTest, JsonType, PathSegment, ReadAsType,
        TypedAtPath,
    },
    maybe_send::{BoxFuture, BoxStream, MaybeSend, MaybeSync},
    migration::{Migration, MigrationFile, MigrationStep, MigrationStepKind, Plan, PlannedSteps},
    order::{Direction, Order, OrderTerm, compare_rows},
    patch::{
        Assignment, AssignmentKind, Increment, PatchField, Step, StepOf, TablePatch, increment,
    },
    projection::{
        ColumnKind, ColumnList, ColumnOf, Extremes, FieldOf, OrderedKinds, Projection, Summable,
    },
    raw_sql::{AssertTrusted, RawParameter, RawRow, RawSql, RawStatement, RawValue, SqlText},
    record::{IntoRecordValue, Record, RecordKey, RecordPatch},
    reference::{OnDelete, Reference, ReferenceDef, ReferencedTable, RefersTo, TableSet},
    row_lock::{LockStrength, LockWait, RowLock},
    selection::Selection,
    storage::{DynTabularStorage, RowReceiver, RowSink, Statement, TabularStorage, WriteMode},
    store::{Store, StoreBuilder},
    table::{
        BorrowedAs, InsertWith, Insertable, IntoKey, KeyOrRow, OptionalColumns, Row, SoftDelete,
        Table, TableKey,
    },
    tabular::{
        AggregateQuery, Anywhere, BelongingTo, ClientKeys, GroupBy, GroupQuery, InTransaction,
        LinkedTo, LiveQuery, Page, ProjectedQuery, Query, Tabular, UniqueColumns, Upsert,
    },
    transaction::Transaction,
    url::decode_path,
    value::{EncodedKey, EncodedRow, NewRow, Value},
};

/// What the derive's output names. Not part of the interface: it may change at any time.
#[doc(hidden)]
pub mod __private {
    pub use std::{borrow::Cow, sync::Arc};

    pub use storehouse_sql::CrudSql;

    pub use crate::{
        codec::derived::json_default,
        definition::DefinitionCell,
        embed::{After, ColumnsAt, Past, Place, Start, check_names, indexes},
        postgres_sql,
        projection::read_by_name,
        raw_sql::plan_by_name,
        sqlite_sql,
        table::key_of_row,
    };
}

/// Keeps PostgreSQL's statements in a derived table when the `postgres` feature is on. A derive cannot
/// see features, a macro of this crate can.
#[cfg(feature = "postgres")]
#[doc(hidden)]
#[macro_export]
macro_rules! postgres_sql {
    ($sql:expr) => {{
        static SQL: $crate::__private::CrudSql = $sql;
        ::core::option::Option::Some(&SQL)
    }};
}

/// Drops PostgreSQL's statements from a derived table, since the `postgres` feature is off.
#[cfg(not(feature = "postgres"))]
#[doc(hidden)]
#[macro_export]
macro_rules! postgres_sql {
    ($sql:expr) => {
        ::core::option::Option::None
    };
}

/// Keeps SQLite's statements in a derived table when the `sqlite` feature is on. A derive cannot
/// see features, a macro of this crate can.
#[cfg(feature = "sqlite")]
#[doc(hidden)]
#[macro_export]
macro_rules! sqlite_sql {
    ($sql:expr) => {{
        static SQL: $crate::__private::CrudSql = $sql;
        ::core::option::Option::Some(&SQL)
    }};
}

/// Drops SQLite's statements from a derived table, since the `sqlite` feature is off.
#[cfg(not(feature = "sqlite"))]
#[doc(hidden)]
#[macro_export]
macro_rules! sqlite_sql {
    ($sql:expr) => {
        ::core::option::Option::None
    };
}
