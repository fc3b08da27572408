//! The table, and reading it from the CSV file that ships beside this example.

use std::path::Path;

use serde::Deserialize;
use storehouse::prelude::*;

/// An earthquake, as the United States Geological Survey reports it.
#[derive(Table, Clone, Debug, PartialEq, Deserialize)]
#[table(name = "earthquakes", index(region, magnitude), index(time))]
pub struct Earthquake {
    /// The network's code and its number for the event.
    #[table(key)]
    pub id: String,
    /// When it began.
    pub time: chrono::DateTime<chrono::Utc>,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Kilometres below the surface; above it where negative.
    pub depth_km: f64,
    /// On the scale that `magnitude_type` names.
    pub magnitude: f64,
    /// Which magnitude scale was used.
    pub magnitude_type: String,
    /// Where, in words.
    #[table(text)]
    pub place: String,
    /// The country or state.
    pub region: String,
    /// `reviewed` by a person, or `automatic`.
    pub status: String,
    /// How many people reported that they felt it.
    pub felt_reports: Option<u32>,
    /// How important the event is, from 0 to 1000.
    pub significance: u32,
}

/// Reads every row of the file.
pub fn read_all() -> Result<Vec<Earthquake>, csv::Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/earthquakes.csv");
    csv::Reader::from_path(path)?.deserialize().collect()
}
