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
    /// The fastest round, of those whose median is `median_ns`.
    #[serde(skip_deserializing)]
    pub fastest_ns: f64,
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

/// Puts the rounds together, each of which measured the same: the median counts, of an even number the lower one.
pub fn merge(rounds: &[Vec<Measurement>]) -> Result<Vec<Measurement>> {
    let mut merged: Vec<(Measurement, Vec<f64>)> = Vec::new();
    for (round, measurements) in (1..).zip(rounds) {
        for measurement in measurements {
            let place = merged.iter().position(|(known, _)| known.is_same(measurement));
            let place = place.unwrap_or_else(|| {
                merged.push((measurement.clone(), Vec::new()));
                merged.len() - 1
            });
            let times = &mut merged[place].1;
            if times.len() == round {
                bail!(
                    "{} of {} was measured twice for the table {}; two programs may use one name",
                    measurement.case,
                    measurement.system,
                    measurement.group
                );
            }
            times.push(measurement.median_ns);
        }
    }
    Ok(merged
        .into_iter()
        .map(|(measurement, mut times)| {
            times.sort_by(f64::total_cmp);
            let (fastest_ns, median_ns) = (times[0], times[(times.len() - 1) / 2]);
            Measurement { median_ns, fastest_ns, ..measurement }
        })
        .collect())
}

/// Works out the ratios, and sorts: groups and in each its cases in the order first measured, in each case the fastest
/// first.
pub fn compare(mut measurements: Vec<Measurement>) -> Vec<Measurement> {
    let (mut groups, mut cases) = (Vec::new(), Vec::new());
    for measurement in &measurements {
        note(&mut groups, &measurement.group);
        note(&mut cases, &measurement.case);
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
    measurements
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

    /// Whether both are about one system in one case.
    fn is_same(&self, other: &Self) -> bool {
        self.is_beside(other) && self.system == other.system
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
            println!(
                "\n{:<width$}  {:>12}  {:>13}  ratio to ours",
                case[0].case, "median", "fastest round"
            );
            for Measurement { system, median_ns, fastest_ns, ratio, .. } in case {
                let ratio = ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
                let (median, fastest) = (time(*median_ns), time(*fastest_ns));
                println!("{system:<width$}  {median:>12}  {fastest:>13}  {ratio:>13}");
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
        let round = read(OUTPUT).expect("it is well formed");
        let all = compare(merge(&[round]).expect("nothing is there twice"));
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
        assert!(merge(&[twice]).is_err());
    }

    #[test]
    fn of_several_rounds_the_median_counts() {
        let round = |times: [f64; 2]| {
            let line = |system, time| {
                format!(
                    r#"{{"group": "g", "case": "c", "system": "{system}", "median_ns": {time:.1}}}"#
                )
            };
            let output = [line("storehouse-sqlite", times[0]), line("diesel", times[1])].join("\n");
            read(&output).expect("it is well formed")
        };
        let rounds = [round([10.0, 50.0]), round([90.0, 20.0]), round([40.0, 80.0])];
        let rows: Vec<_> = compare(merge(&rounds).expect("each round has each once"))
            .into_iter()
            .map(|row| (row.system, row.median_ns, row.fastest_ns, row.ratio))
            .collect();
        assert_eq!(
            rows,
            [
                ("storehouse-sqlite".to_owned(), 40.0, 10.0, Some(1.0)),
                ("diesel".to_owned(), 50.0, 20.0, Some(1.25)),
            ]
        );
    }

    #[test]
    fn times_have_a_unit_that_fits() {
        assert_eq!(
            [time(12.0), time(4100.0), time(2.5e6), time(3e9)],
            ["12 ns", "4.10 µs", "2.50 ms", "3.00 s"]
        );
    }
}
