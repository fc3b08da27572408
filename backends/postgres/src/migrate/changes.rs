//! What becomes of the log of a table's changes.

use storehouse_runtime::{MigrationStep, MigrationStepKind, TableDef};

use super::planner::{Pair, Planner};
use crate::{
    changes::ddl::{Found, Names},
    pool::Failure,
    types::Pgvector,
};

impl Planner<'_> {
    /// Ends a log that does not fit the definition, before anything else is done: its triggers are
    /// about the columns as they are. Says why one is to be begun afterwards, if one is.
    pub(super) async fn end_change_log(
        &mut self,
        pair: &Pair<'_>,
        live_name: &str,
    ) -> Result<Option<&'static str>, Failure> {
        let definition = pair.definition;
        if !self.engine.profile.has_snapshots() {
            return Ok(None);
        }
        let names = Names::of(definition, live_name, self.connection).await?;
        let found = names.find(definition, pair.pgvector, self.connection).await?;
        if found == Found::Nothing {
            return Ok(definition.changes.then_some("its changes are not logged"));
        }
        if found == Found::Fitting && definition.name == live_name {
            return Ok(None);
        }
        // One that another program has asked for is kept up too.
        let mut step = pair.step(MigrationStepKind::EndChangeLog);
        for sql in names.drop() {
            step = step.sql(sql);
        }
        self.steps.push(step.difference("the log of its changes does not fit its columns"));
        Ok(Some(""))
    }

    /// Begins a log, once the table is as it is to be.
    pub(super) async fn log_changes(
        &mut self,
        definition: &TableDef,
        pgvector: Pgvector,
        difference: &str,
    ) -> Result<(), Failure> {
        let names = Names::of(definition, &definition.name, self.connection).await?;
        let mut step = MigrationStep::new(definition.full_name(), MigrationStepKind::LogChanges);
        for sql in names.create(definition, pgvector) {
            step = step.sql(sql);
        }
        self.steps.push(step.difference(difference));
        Ok(())
    }
}
