use storehouse::prelude::*;

use chrono::{DateTime, Utc};

#[derive(Table)]
struct Reading {
    #[table(key, auto)]
    at: DateTime<Utc>,
}

fn main() {}
