//! What a behaviour is, what it needs, and how one is checked.

use std::{fmt, panic::Location, time::Duration};

use futures::future::LocalBoxFuture;
use storehouse_runtime::{Capabilities, Error, Store};

use crate::{contents::BEHAVIOURS, guard, report::Verdict};

/// The slowest behaviours wait for a lock to be given up, which takes seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// Something that a program may rely on, on every backend that has what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// What it is about, such as `put`.
    pub subject: &'static str,
    /// What it says, such as `replaces_the_whole_row`.
    pub name: &'static str,
    /// What it needs of a backend.
    pub needs: &'static [Need],
    pub(crate) body: Body,
}

/// Something that a behaviour needs.
#[derive(Clone, Copy)]
pub struct Need {
    /// The name of the capability.
    pub name: &'static str,
    /// Whether it is there.
    pub is_met: fn(&Capabilities) -> bool,
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a behaviour came to.
pub type Outcome = Result<(), Failure>;

/// An operation that failed, and where in the suite it was called.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    place: &'static Location<'static>,
}

impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self { error, place: Location::caller() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at {})", self.error, self.place)
    }
}

/// How a behaviour is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// On a new database.
    OnStore(for<'a> fn(&'a Store) -> LocalBoxFuture<'a, Outcome>),
    /// On a new database that it opens itself, more than once.
    OnDatabase(for<'a> fn(&'a Database<'a>) -> LocalBoxFuture<'a, Outcome>),
}

/// A database that can be opened, again and again.
pub struct Database<'a> {
    name: &'a str,
    open: &'a dyn Open,
}

impl Database<'_> {
    /// Opens it: new and empty the first time.
    pub async fn open(&self) -> Store {
        self.open.open(self.name).await
    }
}

impl fmt::Debug for Database<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A closure that opens databases, as an object.
pub(crate) trait Open {
    fn open<'a>(&'a self, database: &'a str) -> LocalBoxFuture<'a, Store>;
}

impl<F: AsyncFn(&str) -> Store> Open for F {
    fn open<'a>(&'a self, database: &'a str) -> LocalBoxFuture<'a, Store> {
        Box::pin(self(database))
    }
}

/// Every behaviour, by subject.
pub fn behaviours() -> &'static [Behaviour] {
    &BEHAVIOURS
}

impl Behaviour {
    /// The name with the subject, such as `put::replaces_the_whole_row`.
    pub fn full_name(&self) -> String {
        format!("{}::{}", self.subject, self.name)
    }

    /// What it needs and the backend lacks.
    pub fn missing(&self, capabilities: &Capabilities) -> Vec<&'static str> {
        (self.needs.iter())
            .filter(|need| !(need.is_met)(capabilities))
            .map(|need| need.name)
            .collect()
    }

    /// Holds a backend to it. `open` opens the database of the given name.
    pub async fn check(&self, open: impl AsyncFn(&str) -> Store) -> Verdict {
        let name = format!("{}_{}", self.subject, self.name);
        match guard::run(self.attempt(&name, &open), PATIENCE).await {
            Ok(verdict) => verdict,
            Err(message) => Verdict::Failed(message),
        }
    }

    async fn attempt(&self, name: &str, open: &dyn Open) -> Verdict {
        let store = open.open(name).await;
        let missing = self.missing(&store.capabilities());
        if !missing.is_empty() {
            return Verdict::NotApplicable(missing);
        }
        let outcome = match self.body {
            Body::OnStore(body) => body(&store).await,
            Body::OnDatabase(body) => {
                drop(store);
                body(&Database { name, open }).await
            }
        };
        match outcome {
            Ok(()) => Verdict::Passed,
            Err(failure) => Verdict::Failed(failure.to_string()),
        }
    }
}

/// Holds a backend to one behaviour, for [`conformance_tests!`](crate::conformance_tests).
///
/// Panics when the backend fails it, and when it lacks something that is not among `lacks`.
#[doc(hidden)]
pub async fn check(subject: &str, name: &str, open: impl AsyncFn(&str) -> Store, lacks: &[&str]) {
    let behaviour = behaviours()
        .iter()
        .find(|behaviour| behaviour.subject == subject && behaviour.name == name)
        .unwrap_or_else(|| panic!("the suite has no behaviour {subject}::{name}"));
    match behaviour.check(open).await {
        Verdict::Passed => {}
        Verdict::Failed(message) => panic!("{message}"),
        Verdict::NotApplicable(missing) => {
            // What the platform cannot do is no fault of the backend.
            let undeclared: Vec<&str> = (missing.into_iter())
                .filter(|missing| !lacks.contains(missing) && *missing != need::UNWINDING.name)
                .collect();
            assert!(
                undeclared.is_empty(),
                "the backend lacks what this needs; if that is meant to be so, \
                 write `lacks: [{}]`",
                undeclared.join(", ")
            );
        }
    }
}

/// Panics when a backend has what `lacks` says that it has not, or `lacks` names something else
/// than a capability.
#[doc(hidden)]
pub async fn check_lacks(open: impl AsyncFn(&str) -> Store, lacks: &[&str]) {
    let capabilities = open("capabilities").await.capabilities();
    for name in lacks {
        let need = need::ALL
            .iter()
            .find(|need| need.name == *name)
            .unwrap_or_else(|| panic!("`lacks` names `{name}`, which is no capability"));
        let is_met = (need.is_met)(&capabilities);
        assert!(!is_met, "the backend has `{name}`; remove it from `lacks`");
    }
}

/// What behaviours can need.
pub(crate) mod need {
    use super::Need;

    macro_rules! capabilities {
        ($($constant:ident: $capability:ident),* $(,)?) => {
            $(pub(crate) const $constant: Need =
                Need { name: stringify!($capability), is_met: |backend| backend.$capability };)*
            pub(crate) const ALL: &[Need] = &[$($constant),*];
        };
    }

    capabilities! {
        WRITABLE: writable,
        TRANSACTIONS: transactions,
        SAVEPOINTS: savepoints,
        ROW_LOCKS: row_locks,
        PERSISTENT: persistent,
        MULTI_PROCESS: multi_process,
        MIGRATIONS: migrations,
        SQL: sql,
        REFERENCES: references,
        CHANGES: changes,
    }

    /// A panic can be caught, which is so on every platform but WebAssembly.
    pub(crate) const UNWINDING: Need =
        Need { name: "panics that unwind", is_met: |_| cfg!(panic = "unwind") };
}
