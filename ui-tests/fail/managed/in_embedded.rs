// mistakes: 2
use chrono::{DateTime, Utc};
use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Trail {
    #[table(created_at)]
    written: DateTime<Utc>,
    #[table(version)]
    version: i64,
}

fn main() {}
