//! Queries, which run on their caller's own thread as long as they are short.
//!
//! To wake another thread and be woken by it takes as long as a query of some dozen rows. So a query begins
//! where it is asked, and if it turns out to be long it goes on in a reader's thread: on the same
//! connection and in the same transaction, in which the rows that were handed over already come
//! first again and are passed over. From then on it is known to be long, and goes to a thread at
//! once, until it was short there.

use std::{
    any::Any,
    collections::HashSet,
    ops::ControlFlow,
    sync::{Arc, Mutex},
    time::Instant,
};

use storehouse_runtime::{
    Aggregation, ColumnSource, DecodeError, Error, FilterTree, Result, RowReceiver, RowSink,
    Selection,
    sql::{Command, Parameter, Rendered},
};

use crate::{
    error,
    inline::{Away, Begun, InlineReaders, Progress, Reader},
    job::Session,
    job_queue::Urgency,
    lock::lock,
    patience,
    read::{self, ReadTransaction},
    table::Table,
};

/// More values than this are not bound on a caller's thread.
const LONG_LIST: usize = 1_000;

/// A query on its way to a connection.
pub(crate) struct Query {
    table: Arc<Table>,
    question: Question,
    rows: RowSink,
    /// How many rows were handed over.
    handed_over: usize,
    /// The connection on which it began, if it gave rows there.
    away: Option<Away>,
}

/// What is asked.
pub(crate) enum Question {
    Select(Selection),
    Aggregate(Aggregation),
    Count(FilterTree),
}

impl Question {
    fn command(&self) -> Command<'_> {
        match self {
            Self::Select(selection) => Command::Select(selection),
            Self::Aggregate(aggregation) => Command::Aggregate(aggregation),
            Self::Count(filter) => Command::Count(filter),
        }
    }

    /// SQLite counts all rows of a table in one instruction, which cannot be stopped.
    fn may_be_stopped(&self) -> bool {
        match self {
            Self::Select(_) => true,
            Self::Aggregate(Aggregation { filter, group_by, .. }) => {
                !(filter.is_all() && group_by.is_empty())
            }
            Self::Count(filter) => !filter.is_all(),
        }
    }
}

impl Query {
    pub(crate) fn new(table: &Arc<Table>, question: Question, rows: RowSink) -> Self {
        Self { table: Arc::clone(table), question, rows, handed_over: 0, away: None }
    }

    /// Runs it as long as it is short, and tells whether that was to its end.
    pub(crate) fn begin(&mut self, readers: &Arc<InlineReaders>) -> Result<bool> {
        let Self { table, question, rows, handed_over, away } = self;
        if !question.may_be_stopped() {
            return Ok(false);
        }
        let rendered = table.statements.render(&table.definition, question.command());
        if has_long_list(&rendered) || table.long_queries.has(&rendered.sql) {
            return Ok(false);
        }
        let progress = readers.begin(|Reader { connection, patience }| {
            let transaction = ReadTransaction::begin(connection).map_err(error::of_database)?;
            let session = Session::inline(connection);
            let mut statement = read::prepare_bound(connection, table, &rendered)?;
            let (result, was_stopped) = patience
                .for_short(|| read::hand_over(&mut statement, &session, table, rows, handed_over));
            // A failure that ends the transaction is not that it was stopped.
            if result.is_ok() || !was_stopped || connection.is_autocommit() {
                return result.map(|_| Begun::Done);
            }
            table.long_queries.add(&rendered.sql);
            if *handed_over == 0 {
                // It may have been stopped while it read a schema that was changed, which then is
                // read now.
                let schema = connection.prepare_cached("SELECT 1 FROM sqlite_schema LIMIT 0");
                let read = schema.and_then(|mut schema| schema.exists([]));
                return read.map(|_| Begun::Again).map_err(error::of_database);
            }
            transaction.leave_open();
            Ok(Begun::GoesOn)
        })?;
        Ok(match progress {
            Progress::Done => true,
            Progress::NotBegun => false,
            Progress::GoesOn(taken_along) => {
                *away = Some(taken_along);
                false
            }
        })
    }

    /// Others wait for a connection that it took along, and the log of the database cannot begin
    /// anew before its transaction ends.
    pub(crate) fn urgency(&self) -> Urgency {
        if self.away.is_some() { Urgency::First } else { Urgency::InTurn }
    }

    /// Runs it to its end, on the connection of `session` unless it began on another.
    pub(crate) fn run(mut self, session: &Session<'_>) -> Result<RowSink> {
        let Self { table, question, rows, handed_over, away } = &mut self;
        let rendered = table.statements.render(&table.definition, question.command());
        let session = match away.as_ref().and_then(Away::connection) {
            Some(connection) => &session.on(connection),
            None => session,
        };
        let started = Instant::now();
        let mut statement = read::prepare_bound(session.connection, table, &rendered)?;
        let instructions = read::hand_over(&mut statement, session, table, rows, handed_over)?;
        drop(statement);
        if patience::is_short(instructions, started.elapsed()) {
            table.long_queries.remove(&rendered.sql);
        }
        Ok(self.rows)
    }

    /// What it gave.
    pub(crate) fn into_rows(self) -> RowSink {
        self.rows
    }
}

/// Whether to bind the parameters takes longer than to wake another thread.
fn has_long_list(rendered: &Rendered<'_>) -> bool {
    rendered.parameters.iter().any(|parameter| match parameter {
        Parameter::List { values, .. } | Parameter::TypedList { values, .. } => {
            values.len() > LONG_LIST
        }
        _ => false,
    })
}

/// The texts of the queries that were long when they last ran.
#[derive(Default)]
pub(crate) struct LongQueries(Mutex<HashSet<Arc<str>>>);

/// So many are remembered. What is forgotten is noticed again.
const REMEMBERED: usize = 256;

impl LongQueries {
    fn has(&self, sql: &str) -> bool {
        lock(&self.0).contains(sql)
    }

    fn add(&self, sql: &Arc<str>) {
        let mut texts = lock(&self.0);
        if texts.len() >= REMEMBERED {
            texts.clear();
        }
        texts.insert(Arc::clone(sql));
    }

    fn remove(&self, sql: &str) {
        lock(&self.0).remove(sql);
    }
}

/// Takes the one number that counts rows.
pub(crate) struct Total(i64);

impl Total {
    pub(crate) fn sink() -> RowSink {
        Box::new(Self(0))
    }

    pub(crate) fn take(rows: RowSink) -> Result<u64> {
        let total = rows.into_any().downcast::<Self>();
        let total =
            total.map_err(|_| Error::backend("a count came back as something else", None))?;
        // A count is never negative.
        Ok(total.0.unsigned_abs())
    }
}

impl RowReceiver for Total {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        self.0 = source.read_int(0)?;
        Ok(ControlFlow::Break(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
