//! What becomes of the log of a table's changes.

use storehouse_runtime::{MigrationStep, MigrationStepKind, Result, TableDef};

use super::planner::{Pair, Planner};
use crate::{
    changes::ddl::{self, Found},
    error,
};

impl Planner<'_> {
    /// Ends a log that does not fit the definition, before anything else is done: its triggers are
    /// about the columns as they are. Says why one is to be begun afterwards, if one is.
    pub(super) fn end_change_log(&mut self, pair: &Pair<'_>) -> Result<Option<&'static str>> {
        let (definition, name) = (pair.definition, &pair.live_name);
        let found = ddl::find(self.live, name, definition).map_err(error::of_database)?;
        if found == Found::Nothing {
            return Ok(definition.changes.then_some("its changes are not logged"));
        }
        if found == Found::Fitting && pair.name == *name {
            return Ok(None);
        }
        // One that another program has asked for is kept up too.
        let mut step = pair.step(MigrationStepKind::EndChangeLog);
        for sql in ddl::drop(name) {
            step = step.sql(sql);
        }
        self.push(step.difference("the log of its changes does not fit its columns"));
        Ok(Some(""))
    }

    /// Begins a log, once the table is as it is to be.
    pub(super) fn log_changes(&mut self, definition: &TableDef, difference: &str) {
        let name = definition.full_name().into_owned();
        let mut step = MigrationStep::new(name, MigrationStepKind::LogChanges);
        for sql in ddl::create(definition) {
            step = step.sql(sql);
        }
        self.push(step.difference(difference));
    }
}
