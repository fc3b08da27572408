//! What the benchmark programs measured, set against ours.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// Our systems begin with this: `storehouse-sqlite`, `storehouse-memory`.
const OURS: &str = "storehouse-";

/// Our system without a database. It is shown, but the peers all have one, so it is no yardstick.
const MEMORY: &str = "storehouse-memory";

/// One system in one case.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Measurement {
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
                format!(r#"expected {{"case": "…", "system": "…", "median_ns": 1.0}}, not {line}"#)
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

/// Works out the ratios, and sorts: cases in the order first measured, in each the fastest first.
pub fn compare(mut measurements: Vec<Measurement>) -> Result<Vec<Measurement>> {
    let mut cases: Vec<String> = Vec::new();
    for (index, measurement) in measurements.iter().enumerate() {
        if !cases.contains(&measurement.case) {
            cases.push(measurement.case.clone());
        }
        let same = |other: &Measurement| {
            other.case == measurement.case && other.system == measurement.system
        };
        if measurements[..index].iter().any(same) {
            bail!(
                "{} of {} was measured twice; two programs may use one name",
                measurement.case,
                measurement.system
            );
        }
    }
    let all = measurements.clone();
    for measurement in &mut measurements {
        measurement.ratio = ours(&all, &measurement.case).map(|ours| measurement.median_ns / ours);
    }
    measurements.sort_by(|a, b| {
        let place =
            |measurement: &Measurement| cases.iter().position(|case| *case == measurement.case);
        place(a).cmp(&place(b)).then(a.median_ns.total_cmp(&b.median_ns))
    });
    Ok(measurements)
}

/// Our time in a case: that on a database if there is one, else that in memory.
fn ours(all: &[Measurement], case: &str) -> Option<f64> {
    all.iter()
        .filter(|measurement| measurement.case == case && measurement.system.starts_with(OURS))
        .min_by(|a, b| {
            (a.system == MEMORY)
                .cmp(&(b.system == MEMORY))
                .then(a.median_ns.total_cmp(&b.median_ns))
        })
        .map(|measurement| measurement.median_ns)
}

/// Prints one aligned table per case.
pub fn print(measurements: &[Measurement]) {
    let width =
        measurements.iter().map(|measurement| measurement.system.len()).max().unwrap_or_default();
    for case in measurements.chunk_by(|a, b| a.case == b.case) {
        println!("\n{:<width$}  {:>12}  ratio to ours", case[0].case, "median");
        for Measurement { system, median_ns, ratio, .. } in case {
            let ratio = ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
            println!("{system:<width$}  {:>12}  {ratio:>13}", time(*median_ns));
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
{"case": "point_read", "system": "storehouse-sqlite", "median_ns": 4000.0}
{"case": "point_read", "system": "storehouse-memory", "median_ns": 200.0}
{"case": "insert", "system": "storehouse-memory", "median_ns": 500.0}
{"case": "scan", "system": "diesel", "median_ns": 1.5}
{"case": "point_read", "system": "diesel", "median_ns": 6000}
{"case": "insert", "system": "diesel", "median_ns": 250.0}
"#;

    #[test]
    fn ratios_are_to_our_database_and_rows_are_sorted() {
        let all =
            compare(read(OUTPUT).expect("it is well formed")).expect("nothing is there twice");
        let rows: Vec<_> =
            all.iter().map(|row| (row.case.as_str(), row.system.as_str(), row.ratio)).collect();
        assert_eq!(
            rows,
            [
                ("point_read", "storehouse-memory", Some(0.05)),
                ("point_read", "storehouse-sqlite", Some(1.0)),
                ("point_read", "diesel", Some(1.5)),
                ("insert", "diesel", Some(0.5)),
                ("insert", "storehouse-memory", Some(1.0)),
                ("scan", "diesel", None),
            ]
        );
    }

    #[test]
    fn what_is_malformed_or_doubled_is_refused() {
        assert!(read("only words").is_err());
        assert!(read(r#"{"case": "a", "system": "b"}"#).is_err());
        assert!(read(r#"{"case": "a", "system": "b", "median_ns": 0.0}"#).is_err());
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
