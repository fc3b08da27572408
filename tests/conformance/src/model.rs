//! Holds a backend to a reference model: both do the same random operations on the same random
//! tables, and every answer and every table must be the same.
//!
//! A difference is reported as the shortest list of operations that still shows it, with the seed
//! that leads there again.

mod aggregates;
mod call;
mod logic;
mod operations;
mod reference;
mod round;
mod shrink;
mod subject;
mod tables;
mod values;

use std::{collections::BTreeMap, env, fmt, sync::Arc};

use fastrand::Rng;
use storehouse_runtime::{DynBackend, TableDef};

use self::{
    call::{Answer, Call},
    round::Round,
};

/// How many operations a round has: enough for tables of some dozen rows, few enough to be made
/// short again when one of them shows a difference.
const OPERATIONS_PER_ROUND: usize = 200;

/// How much is tried, and where the random numbers begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many operations are made, about.
    pub operations: usize,
    /// The same seed gives the same operations.
    pub seed: u64,
    /// Whether a transaction is held to be isolated by reading beside it, outside of it and while
    /// it is open. A backend that has a single connection cannot do that.
    pub reads_beside_transactions: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { operations: 10_000, seed: 1, reads_beside_transactions: true }
    }
}

impl Options {
    /// The defaults, or what `STOREHOUSE_PROPERTY_OPERATIONS` and `STOREHOUSE_PROPERTY_SEED` say.
    /// The seed can be `random`; a report names the one that was used.
    ///
    /// Panics when one of them is not a number.
    pub fn from_environment() -> Self {
        let number = |name: &str| {
            let value = env::var(name).ok()?;
            if value == "random" {
                return Some(Rng::new().u64(..));
            }
            Some(value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
        };
        let default = Self::default();
        let operations = number("STOREHOUSE_PROPERTY_OPERATIONS")
            .and_then(|operations| usize::try_from(operations).ok());
        Self {
            operations: operations.unwrap_or(default.operations),
            seed: number("STOREHOUSE_PROPERTY_SEED").unwrap_or(default.seed),
            ..default
        }
    }
}

/// What was tried: how often each operation, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<(&'static str, &'static str), usize>);

impl Tally {
    fn add(&mut self, call: &Call, answer: &Answer) {
        *self.0.entry((call.name(), answer.outcome())).or_default() += 1;
    }

    /// How often an operation such as `insert` had an outcome such as `Conflict`, `something`
    /// or `nothing`.
    pub fn count(&self, operation: &str, outcome: &str) -> usize {
        (self.0.iter())
            .filter(|((tried, came), _)| *tried == operation && *came == outcome)
            .map(|(_, count)| count)
            .sum()
    }

    /// How many operations there were.
    pub fn operations(&self) -> usize {
        self.0.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} operations", self.operations())?;
        for ((operation, outcome), count) in &self.0 {
            writeln!(f, "{count:>8}  {operation}: {outcome}")?;
        }
        Ok(())
    }
}

/// A difference between a backend and the model.
pub struct Counterexample {
    options: Options,
    round: usize,
    definitions: Vec<Arc<TableDef>>,
    story: Vec<String>,
    what: String,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the backend differs from the model (round {})", self.round)?;
        writeln!(
            f,
            "again: STOREHOUSE_PROPERTY_SEED={} STOREHOUSE_PROPERTY_OPERATIONS={}",
            self.options.seed, self.options.operations
        )?;
        for (number, definition) in self.definitions.iter().enumerate() {
            writeln!(f, "table {number}: {}", Outline(definition))?;
        }
        for line in &self.story {
            writeln!(f, "{line}")?;
        }
        f.write_str(&self.what)
    }
}

/// As `Display`, so that `unwrap()` prints something that can be read.
impl fmt::Debug for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Counterexample {}

struct Outline<'a>(&'a TableDef);

impl fmt::Display for Outline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.0;
        write!(f, "{} (", table.full_name())?;
        for column in table.columns.iter() {
            let null = if column.nullable { " null" } else { "" };
            write!(f, "{} {:?}{null}, ", column.name, column.column_type)?;
        }
        write!(f, "key {:?}, auto {:?}", table.key, table.auto)?;
        if let Some(column) = table.managed.created_at {
            write!(f, ", created_at {column}")?;
        }
        if let Some(column) = table.managed.version {
            write!(f, ", version {column}")?;
        }
        for index in table.indexes.iter() {
            let unique = if index.unique { "unique" } else { "index" };
            write!(f, ", {unique} {:?}", index.columns)?;
        }
        f.write_str(")")
    }
}

/// Holds a backend to the model. `open` opens the database of the given name: a new one when it
/// has not been opened before, else, where the backend is persistent, the same one again.
///
/// ```
/// use std::sync::Arc;
/// use storehouse_conformance::model::{self, Options};
/// use storehouse_runtime::{DynBackend, memory::InMemoryBackend};
///
/// async fn open(_database: &str) -> Arc<dyn DynBackend> {
///     Arc::new(InMemoryBackend::new())
/// }
///
/// let options = Options { operations: 300, ..Options::default() };
/// let tally = storehouse_conformance::native::block_on(model::check(open, options)).unwrap();
/// assert!(tally.operations() > 100);
/// ```
pub async fn check(
    open: impl AsyncFn(&str) -> Arc<dyn DynBackend>,
    options: Options,
) -> Result<Tally, Box<Counterexample>> {
    let mut tally = Tally::default();
    let rounds = options.operations.div_ceil(OPERATIONS_PER_ROUND);
    for round in 0..rounds {
        // Each round has a seed of its own, so that one can be found again without the others.
        let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(round as u64);
        let mut rng = Rng::with_seed(seed);
        let definitions = tables::random(&mut rng);
        let count = OPERATIONS_PER_ROUND.min(options.operations - round * OPERATIONS_PER_ROUND);
        let shapes = definitions.iter().map(|definition| &**definition);
        let operations = operations::random(&mut rng, shapes, count);
        let player = Round {
            open: &open,
            definitions: &definitions,
            reads_beside_transactions: options.reads_beside_transactions,
        };
        let database = format!("property_{}_{round}", options.seed);
        if let Err(difference) = player.play(&database, &operations, &mut tally).await {
            let difference = shrink::shrink(&player, &database, operations, difference).await;
            return Err(Box::new(Counterexample {
                options,
                round,
                definitions,
                story: difference.story,
                what: difference.what,
            }));
        }
    }
    Ok(tally)
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
