//! Spans and metrics, by OpenTelemetry's conventions for database clients.

#[cfg(feature = "opentelemetry")]
mod metrics;

#[cfg(feature = "opentelemetry")]
use std::sync::Arc;

use tracing::{Instrument as _, Span, field::Empty};

#[cfg(feature = "opentelemetry")]
use self::metrics::Metrics;
use super::{
    call::Call,
    intercept::{Intercept, Work},
};
use crate::{
    error::{Error, Result},
    maybe_send::MaybeSend,
};

/// Where the spans go, for a filter of a subscriber.
const TARGET: &str = "storehouse::telemetry";

/// The backend whose operations never leave the process.
const MEMORY: &str = "memory";

/// Makes a `tracing` span of each operation, and, with the feature `opentelemetry`, measures how long
/// it takes: by the names of [OpenTelemetry's semantic conventions for database
/// clients](https://opentelemetry.io/docs/specs/semconv/db/), stable since version 1.33.
///
/// A span has the target `storehouse::telemetry`, the level `INFO`, and for
/// [`tracing-opentelemetry`](https://docs.rs/tracing-opentelemetry) the name
/// `{operation} {table}`, such as `put products`, and the kind *client*, *internal* in memory. Its
/// attributes are `db.system.name`, `db.collection.name`, `db.namespace`, `db.operation.name`,
/// `db.query.summary`, `server.address` and `server.port`, and, where the operation failed, the
/// status *error*, `error.type` and `db.response.status_code`. There is never a value of a row or of a
/// filter in them.
///
/// An operation is what a program asks for: of concurrent ones that share a round trip each has its
/// span. A stream has one for each of its pages. The innermost layer sees what the database does, the
/// outermost what the program waits for: put this around [`Retry`](super::Retry) for one span
/// however often it is tried, and within for one each time.
///
/// As long as nobody listens, an operation is forwarded as it is.
///
/// ```
/// use storehouse::layers::Telemetry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("memory:").await?.layer(Telemetry::new());
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    #[cfg(feature = "opentelemetry")]
    metrics: Option<Arc<Metrics>>,
}

impl Telemetry {
    /// Spans, and no metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Measures each operation, too: as `db.client.operation.duration`, a histogram of seconds with the
    /// boundaries of the conventions, and the attributes of the spans.
    ///
    /// ```
    /// use storehouse::layers::Telemetry;
    ///
    /// let telemetry = Telemetry::new().metrics(&opentelemetry::global::meter("shop"));
    /// # let _ = telemetry;
    /// ```
    #[cfg(feature = "opentelemetry")]
    #[must_use]
    pub fn metrics(mut self, meter: &opentelemetry::metrics::Meter) -> Self {
        self.metrics = Some(Arc::new(Metrics::new(meter)));
        self
    }

    #[cfg(feature = "opentelemetry")]
    const fn measures(&self) -> bool {
        self.metrics.is_some()
    }

    #[cfg(not(feature = "opentelemetry"))]
    #[allow(clippy::unused_self, reason = "as with the feature")]
    const fn measures(&self) -> bool {
        false
    }
}

fn is_traced() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::INFO)
}

/// `put products`; none where the operation concerns no table.
fn summary(call: &Call<'_>) -> Option<String> {
    (!call.target.is_empty()).then(|| format!("{} {}", call.operation, call.target))
}

/// The name of the span: the summary, or the operation with what else is known of where it is done.
fn span_name(call: &Call<'_>, summary: Option<&str>) -> String {
    if let Some(summary) = summary {
        return summary.to_owned();
    }
    let endpoint = call.endpoint;
    let place = endpoint.namespace.clone().or_else(|| {
        let address = endpoint.address.as_ref()?;
        Some(endpoint.port.map_or_else(|| address.clone(), |port| format!("{address}:{port}")))
    });
    place.map_or_else(|| call.operation.to_owned(), |place| format!("{} {place}", call.operation))
}

fn span(call: &Call<'_>, summary: Option<&str>) -> Span {
    let kind = if call.backend == MEMORY { "internal" } else { "client" };
    let endpoint = call.endpoint;
    let span = tracing::info_span!(
        target: TARGET,
        "storehouse",
        otel.name = span_name(call, summary),
        otel.kind = kind,
        otel.status_code = Empty,
        otel.status_description = Empty,
        db.system.name = &*endpoint.system,
        db.collection.name = Empty,
        db.namespace = endpoint.namespace.as_deref(),
        db.operation.name = call.operation,
        db.query.summary = summary,
        db.response.status_code = Empty,
        error.type = Empty,
        server.address = endpoint.address.as_deref(),
        server.port = endpoint.port.map(i64::from),
    );
    // What raw SQL and transactions are about is not known.
    if !call.target.is_empty() {
        span.record("db.collection.name", call.target);
    }
    span
}

/// The attribute `error.type`: the database's own code where there is one.
fn error_type(error: &Error) -> &str {
    status_code(error).unwrap_or_else(|| error.name())
}

fn status_code(error: &Error) -> Option<&str> {
    error.context()?.status_code.as_deref()
}

fn note_failure(span: &Span, error: &Error) {
    span.record("otel.status_code", "ERROR");
    // Of a fixed set, since a message may name what a database said of a value.
    span.record("otel.status_description", error.name());
    span.record("error.type", error_type(error));
    if let Some(code) = status_code(error) {
        span.record("db.response.status_code", code);
    }
}

impl Intercept for Telemetry {
    fn is_idle(&self, _call: &Call<'_>) -> bool {
        !self.measures() && !is_traced()
    }

    async fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        call: Call<'a>,
        mut work: impl Work<'a, R> + 'a,
    ) -> Result<R> {
        let summary = summary(&call);
        #[cfg(feature = "opentelemetry")]
        let watch = super::stopwatch::Stopwatch::start();
        let result = if is_traced() {
            let span = span(&call, summary.as_deref());
            let result = work.start().instrument(span.clone()).await;
            if let Err(error) = &result {
                note_failure(&span, error);
            }
            result
        } else {
            work.start().await
        };
        #[cfg(feature = "opentelemetry")]
        if let Some(metrics) = &self.metrics {
            metrics.record(&call, summary, result.as_ref().err(), watch.elapsed());
        }
        result
    }
}
