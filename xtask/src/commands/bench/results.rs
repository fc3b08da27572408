//! What the benchmark programs measured, set against ours.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::report::heading;

/// Our systems begin with this: `storehouse-sqlite`, `storehouse-memory`.
const OURS: &str = "storehouse-";

/// Our system without a database. It is shown, but the peers all have one, so it is no yardstick.
const MEMORY: &str = "storehouse-memory";

/// One system in one case.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Measurement {
    /// Which table it belongs to, such as `sqlite`. What is in another is no comparison.
    pub group: String,
    pub case: String,
    pub system: String,
    pub median_ns: f64,
    /// Its time as a multiple of ours. Absent where we were not measured.
    #[serde(skip_deserializing)]
    pub ratio: Option<f64>,
}

/// Reads the JSON lines of a program; other lines are its remarks, and shown.
pub fn read(output: &str) -> Result<Vec<Measurement>> {
    let mut found = Vec::new();
    for line in output.lines() {
        if line.starts_with('{') {
            let measurement: Measurement = serde_json::from_str(line).with_context(|| {
                format!(r#"expected {{"group": "…", "case": "…", "system": "…", "median_ns": 1.0}}, not {line}"#)
            })?;
            if !(measurement.median_ns.is_finite() && measurement.median_ns > 0.0) {
                bail!("{line}: a time must be more than nothing");
            }
            found.push(measurement);
        } else {
            println!("{line}");
        }
    }
    if found.is_empty() {
        bail!("it printed no measurement");
    }
    Ok(found)
}

/// Works out the ratios, and sorts: groups and in each its cases in the order first measured, in each case the fastest
/// first.
pub fn compare(mut measurements: Vec<Measurement>) -> Result<Vec<Measurement>> {
    let (mut groups, mut cases) = (Vec::new(), Vec::new());
    for (index, measurement) in measurements.iter().enumerate() {
        note(&mut groups, &measurement.group);
        note(&mut cases, &measurement.case);
        let same = |other: &Measurement| {
            measurement.is_beside(other) && other.system == measurement.system
        };
        if measurements[..index].iter().any(same) {
            bail!(
                "{} of {} was measured twice for the table {}; two programs may use one name",
                measurement.case,
                measurement.system,
                measurement.group
            );
        }
    }
    let all = measurements.clone();
    for measurement in &mut measurements {
        measurement.ratio = ours(&all, measurement).map(|ours| measurement.median_ns / ours);
    }
    measurements.sort_by(|a, b| {
        let place = |measurement: &Measurement| {
            (
                groups.iter().position(|group| *group == measurement.group),
                cases.iter().position(|case| *case == measurement.case),
            )
        };
        place(a).cmp(&place(b)).then(a.median_ns.total_cmp(&b.median_ns))
    });
    Ok(measurements)
}

fn note(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

impl Measurement {
    /// Whether the other is to be compared with it.
    fn is_beside(&self, other: &Self) -> bool {
        self.group == other.group && self.case == other.case
    }
}

/// Our time in a case: that on a database if there is one, else that in memory.
fn ours(all: &[Measurement], beside: &Measurement) -> Option<f64> {
    all.iter()
        .filter(|other| other.is_beside(beside) && other.system.starts_with(OURS))
        .min_by(|a, b| {
            (a.system == MEMORY)
                .cmp(&(b.system == MEMORY))
                .then(a.median_ns.total_cmp(&b.median_ns))
        })
        .map(|measurement| measurement.median_ns)
}

/// Prints one aligned table per case, under the name of its group.
pub fn print(measurements: &[Measurement]) {
    let width =
        measurements.iter().map(|measurement| measurement.system.len()).max().unwrap_or_default();
    for group in measurements.chunk_by(|a, b| a.group == b.group) {
        heading(&group[0].group);
        for case in group.chunk_by(Measurement::is_beside) {
            println!("\n{:<width$}  {:>12}  ratio to ours", case[0].case, "median");
            for Measurement { system, median_ns, ratio, .. } in case {
                let ratio = ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
                println!("{system:<width$}  {:>12}  {ratio:>13}", time(*median_ns));
            }
        }
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        small if small < 1e3 => format!("{small:.0} ns"),
        middle if middle < 1e6 => format!("{:.2} µs", middle / 1e3),
        large if large < 1e9 => format!("{:.2} ms", large / 1e6),
        seconds => format!("{:.2} s", seconds / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = r#"
seeding
{"group": "sqlite", "case": "point_read", "system": "storehouse-sqlite", "median_ns": 4000.0}
{"group": "sqlite", "case": "point_read", "system": "storehouse-memory", "median_ns": 200.0}
{"group": "sqlite", "case": "insert", "system": "storehouse-memory", "median_ns": 500.0}
{"group": "postgres", "case": "point_read", "system": "storehouse-postgres", "median_ns": 60000.0}
{"group": "sqlite", "case": "scan", "system": "diesel", "median_ns": 1.5}
{"group": "sqlite", "case": "point_read", "system": "diesel", "median_ns": 6000}
{"group": "postgres", "case": "point_read", "system": "diesel", "median_ns": 90000}
{"group": "sqlite", "case": "insert", "system": "diesel", "median_ns": 250.0}
"#;

    #[test]
    fn ratios_are_to_our_database_and_rows_are_sorted() {
        let all =
            compare(read(OUTPUT).expect("it is well formed")).expect("nothing is there twice");
        let rows: Vec<_> = all
            .iter()
            .map(|row| (row.group.as_str(), row.case.as_str(), row.system.as_str(), row.ratio))
            .collect();
        assert_eq!(
            rows,
            [
                ("sqlite", "point_read", "storehouse-memory", Some(0.05)),
                ("sqlite", "point_read", "storehouse-sqlite", Some(1.0)),
                ("sqlite", "point_read", "diesel", Some(1.5)),
                ("sqlite", "insert", "diesel", Some(0.5)),
                ("sqlite", "insert", "storehouse-memory", Some(1.0)),
                ("sqlite", "scan", "diesel", None),
                ("postgres", "point_read", "storehouse-postgres", Some(1.0)),
                ("postgres", "point_read", "diesel", Some(1.5)),
            ]
        );
    }

    #[test]
    fn what_is_malformed_or_doubled_is_refused() {
        assert!(read("only words").is_err());
        assert!(read(r#"{"group": "g", "case": "a", "system": "b"}"#).is_err());
        assert!(read(r#"{"group": "g", "case": "a", "system": "b", "median_ns": 0.0}"#).is_err());
        let twice = read(&OUTPUT.repeat(2)).expect("it is well formed");
        assert!(compare(twice).is_err());
    }

    #[test]
    fn times_have_a_unit_that_fits() {
        assert_eq!(
            [time(12.0), time(4100.0), time(2.5e6), time(3e9)],
            ["12 ns", "4.10 µs", "2.50 ms", "3.00 s"]
        );
    }
}
