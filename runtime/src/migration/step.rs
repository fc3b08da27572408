//! One step of a plan: what it does, the SQL that does it, and what a person should know before.

use std::fmt;

/// One step of a [`Plan`](super::Plan), in the order in which steps are done.
///
/// A backend makes one with [`MigrationStep::new`] and says what there is to say of it.
///
/// ```
/// use storehouse_runtime::{MigrationStep, MigrationStepKind};
///
/// let step = MigrationStep::new("products", MigrationStepKind::DropColumn { column: "note".into() })
///     .difference("column `note` is not in the definition")
///     .sql("ALTER TABLE \"products\" DROP COLUMN \"note\"")
///     .destructive("the values of `note` are lost");
/// assert_eq!(step.to_string(), "products: drop column `note` [destructive: the values of `note` are lost]");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationStep {
    /// The table, by the name that its definition has, with the schema if it names one.
    pub table: String,
    /// What is done.
    pub kind: MigrationStepKind,
    /// How the database differs from the definition, in words. Empty for a step that only
    /// prepares others or carries them out.
    pub difference: String,
    /// The statements, without semicolons. Empty where a later step does it, such as
    /// [`MigrationStepKind::Rebuild`].
    pub sql: Vec<String>,
    /// What is lost by it, if anything is.
    pub destructive: Option<String>,
    /// Why it may fail on some data, though not on what is there now.
    pub may_fail: Option<String>,
    /// What it keeps others from doing while it runs, if it takes as long as the table is large.
    pub locks: Option<String>,
    /// Why it cannot be done with what is there now, and what to do about that.
    pub blocked: Option<String>,
}

/// What a [`MigrationStep`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationStepKind {
    /// Creates a schema.
    CreateSchema {
        /// Its name.
        schema: String,
    },
    /// Installs an extension of the database.
    CreateExtension {
        /// Its name.
        extension: String,
    },
    /// Creates the table.
    CreateTable,
    /// Gives the table the name of its definition.
    RenameTable {
        /// The name that it has.
        from: String,
    },
    /// Adds a column.
    AddColumn {
        /// Its name.
        column: String,
    },
    /// Gives a column another name.
    RenameColumn {
        /// The name that it has.
        from: String,
        /// The name that it gets.
        to: String,
    },
    /// Gives a column another type, and converts what is in it.
    ChangeType {
        /// The column.
        column: String,
        /// The type that it has, as the database declares it.
        from: String,
        /// The type that it gets.
        to: String,
    },
    /// Lets a column's text be compared by bytes.
    ChangeCollation {
        /// The column.
        column: String,
        /// How it is compared now.
        from: String,
    },
    /// Lets a column be NULL.
    AllowNull {
        /// The column.
        column: String,
    },
    /// Keeps a column from being NULL.
    ForbidNull {
        /// The column.
        column: String,
    },
    /// Changes the key.
    ChangeKey {
        /// The columns of the key as it is.
        from: Vec<String>,
        /// The columns that it gets.
        to: Vec<String>,
    },
    /// Lets the database generate a key column.
    GenerateIds {
        /// The column.
        column: String,
    },
    /// Lets the database generate a key column no more, or up to another greatest value.
    ChangeIds {
        /// The column.
        column: String,
    },
    /// Lets a column refer to rows of another table, or changes what becomes of it when they go.
    ChangeReference {
        /// The column.
        column: String,
        /// The table that it refers to.
        table: String,
    },
    /// Drops a column.
    DropColumn {
        /// Its name.
        column: String,
    },
    /// Creates an index.
    CreateIndex {
        /// Its name.
        index: String,
    },
    /// Gives an index another name.
    RenameIndex {
        /// The name that it has.
        from: String,
        /// The name that it gets.
        to: String,
    },
    /// Drops an index.
    DropIndex {
        /// Its name.
        index: String,
    },
    /// Writes the table anew, with all that the steps before it have asked for.
    Rebuild,
    /// Ends the log of the table's changes, which is about its columns as they are.
    EndChangeLog,
    /// Begins a log of the table's changes.
    LogChanges,
}

impl MigrationStep {
    /// A step about `table` that has no SQL yet.
    pub fn new(table: impl Into<String>, kind: MigrationStepKind) -> Self {
        Self {
            table: table.into(),
            kind,
            difference: String::new(),
            sql: Vec::new(),
            destructive: None,
            may_fail: None,
            locks: None,
            blocked: None,
        }
    }

    /// Says how the database differs from the definition.
    #[must_use]
    pub fn difference(mut self, difference: impl Into<String>) -> Self {
        self.difference = difference.into();
        self
    }

    /// Adds a statement.
    #[must_use]
    pub fn sql(mut self, sql: impl Into<String>) -> Self {
        self.sql.push(sql.into());
        self
    }

    /// Says what is lost.
    #[must_use]
    pub fn destructive(mut self, why: impl Into<String>) -> Self {
        self.destructive = Some(why.into());
        self
    }

    /// Says why it may fail on some data.
    #[must_use]
    pub fn may_fail(mut self, why: impl Into<String>) -> Self {
        self.may_fail = Some(why.into());
        self
    }

    /// Says what it keeps others from doing while it runs.
    #[must_use]
    pub fn locks(mut self, what: impl Into<String>) -> Self {
        self.locks = Some(what.into());
        self
    }

    /// Says why it cannot be done, and what to do about that.
    #[must_use]
    pub fn blocked(mut self, why: impl Into<String>) -> Self {
        self.blocked = Some(why.into());
        self
    }

    /// Whether `other` does the same, whatever is known of the data.
    pub(super) fn does_the_same(&self, other: &Self) -> bool {
        // A default that differs each time it is asked for, such as the time, gives other texts.
        self.table == other.table
            && self.kind == other.kind
            && self.sql.len() == other.sql.len()
            && self.destructive == other.destructive
    }
}

impl fmt::Display for MigrationStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.table, self.kind)?;
        for (word, why) in [
            ("blocked", &self.blocked),
            ("destructive", &self.destructive),
            ("may fail", &self.may_fail),
            ("locks", &self.locks),
        ] {
            if let Some(why) = why {
                write!(f, " [{word}: {why}]")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for MigrationStepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateSchema { schema } => write!(f, "create schema `{schema}`"),
            Self::CreateExtension { extension } => write!(f, "install extension `{extension}`"),
            Self::CreateTable => f.write_str("create the table"),
            Self::RenameTable { from } => write!(f, "rename the table from `{from}`"),
            Self::AddColumn { column } => write!(f, "add column `{column}`"),
            Self::RenameColumn { from, to } => write!(f, "rename column `{from}` to `{to}`"),
            Self::ChangeType { column, from, to } => {
                write!(f, "change the type of column `{column}` from `{from}` to `{to}`")
            }
            Self::ChangeCollation { column, from } => {
                write!(f, "compare column `{column}` by bytes, not as `{from}`")
            }
            Self::AllowNull { column } => write!(f, "let column `{column}` be NULL"),
            Self::ForbidNull { column } => write!(f, "keep column `{column}` from being NULL"),
            Self::ChangeKey { from, to } => {
                write!(f, "change the key from ({}) to ({})", from.join(", "), to.join(", "))
            }
            Self::GenerateIds { column } => write!(f, "generate the ids of column `{column}`"),
            Self::ChangeIds { column } => {
                write!(f, "change how the ids of column `{column}` are generated")
            }
            Self::ChangeReference { column, table } => {
                write!(f, "let column `{column}` refer to table `{table}`")
            }
            Self::DropColumn { column } => write!(f, "drop column `{column}`"),
            Self::CreateIndex { index } => write!(f, "create index `{index}`"),
            Self::RenameIndex { from, to } => write!(f, "rename index `{from}` to `{to}`"),
            Self::DropIndex { index } => write!(f, "drop index `{index}`"),
            Self::Rebuild => f.write_str("write the table anew"),
            Self::EndChangeLog => f.write_str("end the log of its changes"),
            Self::LogChanges => f.write_str("log its changes"),
        }
    }
}
