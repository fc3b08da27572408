//! Changes: what happened to the rows of a table, whoever did it, and in whichever process.
//!
//! A backend keeps a log of the changes of each table that asks for one, and gives it as a
//! [`ChangeLog`]. What is here is the same for all: following a log from a cursor on, sharing what
//! was read among all who follow it, lagging behind and catching up, filters, live queries.
//! Nothing is pushed: each takes at its own pace, so nobody who is slow holds anybody else up.

mod change;
mod cursor;
mod feed;
mod log;
mod pause;
mod reader;
mod stream;
mod subscribe;

#[cfg(all(feature = "cached", not(target_family = "wasm")))]
pub(crate) use self::reader::ChangeReader;
pub use self::{
    change::{Change, Since},
    cursor::{ChangeCursor, LogPosition},
    feed::{ChangeFeed, FeedSlot},
    log::{
        ChangeKind, ChangeLog, ChangeRetention, DynChangeLog, LogBatch, LoggedChange, PruneClock,
    },
    stream::{Changes, ChangesBuilder},
    subscribe::{ChangeOptions, ChangeSubscription},
};
pub(crate) use self::{
    log::{no_log_to_remove, unsupported},
    pause::Pause,
    stream::{Followable, Followed},
    subscribe::call_for_each,
};
