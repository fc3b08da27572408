//! From the tables that are there to those that are defined, without losing a row.
//!
//! A backend compares its database with definitions and answers with [`MigrationStep`]s, which are data; here
//! they are shown, refused where they would lose something, written into files and handed back to
//! the backend to be done. What every planner needs is in [`match_columns`] and [`match_indexes`].

mod file;
mod matching;
mod step;

use std::{fmt, path::Path, sync::Arc};

pub use self::{
    file::MigrationFile,
    matching::{IndexChange, LiveIndex, match_columns, match_indexes},
    step::{MigrationStep, MigrationStepKind},
};
use crate::{
    backend::DynBackend,
    definition::TableDef,
    environment::Environment,
    error::{Error, Result},
    reference,
    store::{LoggedTables, check_identifier},
    table::Table,
};

/// What a backend found to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedSteps {
    /// The steps, in the order in which they are done.
    pub steps: Vec<MigrationStep>,
    /// What a file with them begins with.
    pub prologue: String,
    /// What a file with them ends with.
    pub epilogue: String,
}

/// Compares tables with their definitions. [`Store::migration`](crate::Store::migration) gives
/// one.
///
/// ```
/// use storehouse::prelude::*;
///
/// #[derive(Table, Debug)]
/// #[table(name = "products", rename_from = "goods")]
/// struct Product {
///     #[table(key, auto)]
///     id: i64,
///     #[table(rename_from = "name")]
///     title: String,
///     #[table(default = 1)]
///     stock: i64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("sqlite::memory:").await?;
/// let plan = store.migration().table::<Product>().plan().await?;
/// println!("{plan}");
/// plan.apply().await?;
///
/// // Fails when somebody changed the tables since.
/// store.migration().table::<Product>().verify().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a migration does nothing until it is planned or verified"]
pub struct Migration {
    backend: Arc<dyn DynBackend>,
    environment: Environment,
    tables: Vec<Arc<TableDef>>,
    allow_destructive: bool,
    /// Set where every table keeps a log of its changes.
    logged: Option<Arc<LoggedTables>>,
    /// The first mistake in what was asked for.
    mistake: Option<String>,
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables: Vec<_> = self.tables.iter().map(|table| table.full_name()).collect();
        f.debug_struct("Migration").field("tables", &tables).finish_non_exhaustive()
    }
}

impl Migration {
    pub(crate) fn new(
        backend: Arc<dyn DynBackend>,
        environment: Environment,
        logged: Option<Arc<LoggedTables>>,
    ) -> Self {
        let (tables, allow_destructive, mistake) = (Vec::new(), false, None);
        Self { backend, environment, tables, allow_destructive, logged, mistake }
    }

    /// Adds the table of `T`.
    pub fn table<T: Table>(self) -> Self {
        self.definition(T::definition())
    }

    /// Adds the table of `T` under another name, as `store.tabular_as::<T>(name)` opens it.
    pub fn table_as<T: Table>(mut self, name: &str) -> Self {
        if let Err(error) = check_identifier(name) {
            self.mistake.get_or_insert(error.to_string());
            return self;
        }
        self.definition(&Arc::new(T::definition().renamed(name.to_owned())))
    }

    /// Adds a table that is known only at run time.
    pub fn definition(mut self, definition: &Arc<TableDef>) -> Self {
        let name = definition.full_name();
        if self.tables.iter().any(|table| table.full_name() == name) {
            self.mistake.get_or_insert(format!(
                "table `{name}` is in the migration twice; name each table once"
            ));
        } else {
            self.tables.push(match &self.logged {
                Some(logged) => logged.of(definition),
                None => Arc::clone(definition),
            });
        }
        self
    }

    /// Lets the plan do what loses data: drop columns, say.
    pub fn allow_destructive(mut self) -> Self {
        self.allow_destructive = true;
        self
    }

    /// Compares the database with the definitions. Nothing is changed.
    ///
    /// Rows are counted where it matters: those that are NULL in a column that no longer may be,
    /// or that share what is to be unique. On a large table that takes as long as a query without
    /// an index.
    ///
    /// Fails with [`Error::Unsupported`] where the backend has no migrations
    /// ([`Capabilities::migrations`](crate::Capabilities::migrations)), and with
    /// [`Error::Validation`] when a table was named twice, or none was.
    pub async fn plan(self) -> Result<Plan> {
        let (tables, planned) = self.look("plan").await?;
        Ok(Plan {
            backend: self.backend,
            environment: self.environment,
            tables,
            planned,
            allow_destructive: self.allow_destructive,
        })
    }

    /// Fails with [`Error::Schema`] when the database differs from the definitions; the message
    /// names every difference.
    pub async fn verify(self) -> Result<()> {
        let (_, planned) = self.look("verify").await?;
        let differences: Vec<String> = (planned.steps.iter())
            .filter(|step| !step.difference.is_empty())
            .map(|step| format!("table `{}`: {}", step.table, step.difference))
            .collect();
        if planned.steps.is_empty() {
            return Ok(());
        }
        Err(Error::schema(format!(
            "the database differs from its definitions: {}. `migration().plan()` shows the steps \
             that bring it there",
            differences.join("; ")
        ))
        .at(self.backend.name(), "", "verify"))
    }

    /// Plans, and writes what is to be done into a file of `folder`; see
    /// [`Plan::write_migration`].
    pub async fn write_migration(
        self,
        folder: impl AsRef<Path>,
        name: &str,
    ) -> Result<Option<MigrationFile>> {
        self.plan().await?.write_migration(folder, name)
    }

    /// The tables, each after those that it refers to, and the steps.
    async fn look(&self, operation: &'static str) -> Result<(Vec<Arc<TableDef>>, PlannedSteps)> {
        let name = self.backend.name();
        let at = |error: Error| error.at(name, "", operation);
        if let Some(mistake) = &self.mistake {
            return Err(at(Error::validation(mistake.clone())));
        }
        if self.tables.is_empty() {
            return Err(at(Error::validation(
                "the migration has no table; add each with `.table::<T>()`",
            )));
        }
        let tables = reference::in_order(self.tables.iter().collect()).map_err(at)?;
        let tables: Vec<_> = tables.into_iter().cloned().collect();
        let capabilities = self.backend.capabilities();
        for table in &tables {
            reference::check_set_up(table, capabilities, name).map_err(at)?;
        }
        let planned = self.backend.plan_migration(tables.clone()).await.map_err(at)?;
        Ok((tables, planned))
    }
}

/// What has to be done so that the tables are as they are defined: steps, in order.
///
/// Shown with `{}` it is one line for each step, and with `{:#}` the SQL below each.
#[must_use = "a plan does nothing until it is applied"]
pub struct Plan {
    backend: Arc<dyn DynBackend>,
    environment: Environment,
    tables: Vec<Arc<TableDef>>,
    planned: PlannedSteps,
    allow_destructive: bool,
}

impl Plan {
    /// The steps, in the order in which they are done.
    pub fn steps(&self) -> &[MigrationStep] {
        &self.planned.steps
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.planned.steps.is_empty()
    }

    /// Whether a step loses data.
    pub fn is_destructive(&self) -> bool {
        self.planned.steps.iter().any(|step| step.destructive.is_some())
    }

    /// Every statement, each with a semicolon, as [`Plan::write_migration`] writes them.
    pub fn sql(&self) -> String {
        file::content(&self.planned)
    }

    /// Lets the plan do what loses data.
    pub fn allow_destructive(mut self) -> Self {
        self.allow_destructive = true;
        self
    }

    /// Does the steps, all or none.
    ///
    /// Several processes may do so at the same time: one does it, the others wait and find nothing
    /// left to do.
    ///
    /// Fails with [`Error::Validation`] when a step loses data and
    /// [`allow_destructive`](Self::allow_destructive) was not said, with [`Error::Schema`] when a
    /// step cannot be done with the rows that are there, or the database has changed since the plan
    /// was made, and with [`Error::Busy`] when others keep a table in use for too long.
    pub async fn apply(&self) -> Result<()> {
        let at = |error: Error| error.at(self.backend.name(), "", "apply");
        self.check().map_err(at)?;
        let steps = self.planned.steps.clone();
        tracing::info!(target: "storehouse", steps = steps.len(), "migrating");
        self.backend.apply_migration(self.tables.clone(), steps).await.map_err(at)
    }

    /// Writes the steps into a file of `folder` that `sqlx migrate run` and sqlx's `Migrator` run,
    /// `20260131120000_add_stock.sql` for the name `add_stock`, and says where. The folder is
    /// created where it is missing.
    ///
    /// The time is that of the store's clock, or one second after the latest file that is there.
    /// Where there is nothing to do, nothing is written.
    ///
    /// Fails like [`Plan::apply`] when steps lose data or cannot be done, with
    /// [`Error::Validation`] when the name is not of letters, digits and underscores, and with
    /// [`Error::Backend`] when the file cannot be written.
    pub fn write_migration(
        &self,
        folder: impl AsRef<Path>,
        name: &str,
    ) -> Result<Option<MigrationFile>> {
        let at = |error: Error| error.at(self.backend.name(), "", "write_migration");
        self.check().map_err(at)?;
        if self.is_empty() {
            return Ok(None);
        }
        let now = self.environment.clock.now();
        file::write(folder.as_ref(), name, now, &self.sql()).map(Some).map_err(at)
    }

    /// Refuses steps that cannot be done, and those that nobody allowed.
    fn check(&self) -> Result<()> {
        check_steps(&self.planned.steps)?;
        let destructive = list(&self.planned.steps, |step| step.destructive.as_deref());
        if destructive.is_empty() || self.allow_destructive {
            return Ok(());
        }
        Err(Error::validation(format!(
            "these steps lose data: {destructive}. If that is meant, say `.allow_destructive()`; \
             a column that has another name now says so with `#[table(rename_from = \"..\")]`"
        )))
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("steps", &self.planned.steps).finish_non_exhaustive()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to do");
        }
        for (position, step) in self.planned.steps.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}. {step}", position + 1)?;
            if f.alternate() {
                for statement in &step.sql {
                    for line in statement.lines() {
                        write!(f, "\n       {line}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Fails with [`Error::Schema`] when a step cannot be done with what is there; the message lists
/// all of them. Backends call it for the plan that they make once nobody else can write.
pub fn check_steps(steps: &[MigrationStep]) -> Result<()> {
    let blocked = list(steps, |step| step.blocked.as_deref());
    if blocked.is_empty() {
        return Ok(());
    }
    Err(Error::schema(format!("these steps cannot be done: {blocked}. Nothing was changed")))
}

/// Fails with [`Error::Schema`] when the steps that are to be done now are others than those that
/// were planned.
pub fn check_same(planned: &[MigrationStep], now: &[MigrationStep]) -> Result<()> {
    let same = planned.len() == now.len()
        && planned.iter().zip(now).all(|(planned, now)| planned.does_the_same(now));
    if same {
        return Ok(());
    }
    Err(Error::schema(
        "the database has changed since the plan was made, so other steps lead to the \
         definitions now; plan again. Nothing was changed",
    ))
}

/// The steps of which `why` says something, with what it says.
fn list<'s>(
    steps: &'s [MigrationStep],
    why: impl Fn(&'s MigrationStep) -> Option<&'s str>,
) -> String {
    let listed: Vec<String> = (steps.iter())
        .filter_map(|step| Some(format!("{}: {} ({})", step.table, step.kind, why(step)?)))
        .collect();
    listed.join("; ")
}
