//! The histogram of how long operations take.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter},
};

use super::{Call, error_type, status_code};
use crate::error::Error;

/// The boundaries that the conventions give, in seconds.
const BOUNDARIES: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

#[derive(Debug)]
pub(super) struct Metrics {
    duration: Histogram<f64>,
}

impl Metrics {
    pub(super) fn new(meter: &Meter) -> Self {
        let duration = meter
            .f64_histogram("db.client.operation.duration")
            .with_description("Duration of database client operations.")
            .with_unit("s")
            .with_boundaries(BOUNDARIES.to_vec())
            .build();
        Self { duration }
    }

    pub(super) fn record(
        &self,
        call: &Call<'_>,
        summary: Option<String>,
        error: Option<&Error>,
        elapsed: Duration,
    ) {
        let endpoint = call.endpoint;
        let mut attributes = vec![
            KeyValue::new("db.system.name", endpoint.system.clone()),
            KeyValue::new("db.operation.name", call.operation),
        ];
        let mut add = |name: &'static str, value: Option<String>| {
            attributes.extend(value.map(|value| KeyValue::new(name, value)));
        };
        add("db.collection.name", summary.is_some().then(|| call.target.to_owned()));
        add("db.query.summary", summary);
        add("db.namespace", endpoint.namespace.clone());
        add("server.address", endpoint.address.clone());
        add("db.response.status_code", error.and_then(status_code).map(str::to_owned));
        add("error.type", error.map(|error| error_type(error).to_owned()));
        if let Some(port) = endpoint.port {
            attributes.push(KeyValue::new("server.port", i64::from(port)));
        }
        self.duration.record(elapsed.as_secs_f64(), &attributes);
    }
}
