//! Spans and metrics, as OpenTelemetry's own exporters see them.

use std::sync::Arc;

use opentelemetry::{
    KeyValue, Value,
    metrics::MeterProvider as _,
    trace::{SpanKind, Status, TracerProvider as _},
};
use opentelemetry_sdk::{
    metrics::{
        InMemoryMetricExporter, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics},
    },
    trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
};
use storehouse::{Transaction, prelude::*};
use storehouse_runtime::{Error, layers::Telemetry};
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::layer::SubscriberExt as _;

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "products", unique(sku))]
struct Product {
    #[table(key)]
    id: i64,
    sku: String,
}

fn product(id: i64, sku: &str) -> Product {
    Product { id, sku: sku.to_owned() }
}

/// What the exporter has of `work`, which is given a store with the layer.
async fn spans_of(store: Store, work: impl AsyncFnOnce(Store)) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let tracer = provider.tracer("test");
    let subscriber = tracing_subscriber::registry().with(
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false),
    );
    work(store.layer(Telemetry::new())).with_subscriber(Arc::new(subscriber)).await;
    exporter.get_finished_spans().expect("the exporter is there")
}

fn attributes(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let text = |value: &Value| value.to_string();
    let mut all: Vec<_> =
        attributes.iter().map(|pair| (pair.key.to_string(), text(&pair.value))).collect();
    all.sort();
    all
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<_> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_span_has_the_names_of_the_conventions() {
    let store = storehouse::open("sqlite::memory:").await.unwrap();
    let spans = spans_of(store, async |store| {
        let products = store.tabular::<Product>().await.unwrap();
        products.setup_database().await.unwrap();
        products.put(product(1, "secret")).await.unwrap();
        products.query(Product::SKU.eq("secret")).await.unwrap();
    })
    .await;
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["setup_database products", "put products", "query products"]);
    let put = &spans[1];
    assert_eq!(put.span_kind, SpanKind::Client);
    assert_eq!(put.status, Status::Unset);
    assert_eq!(
        attributes(&put.attributes),
        expected(&[
            ("db.system.name", "sqlite"),
            ("db.collection.name", "products"),
            ("db.operation.name", "put"),
            ("db.query.summary", "put products"),
        ])
    );
    assert!(spans.iter().all(|span| !format!("{span:?}").contains("secret")));
}

#[tokio::test]
async fn a_failure_is_an_error_with_the_databases_code() {
    let store = storehouse::open("sqlite::memory:").await.unwrap();
    let spans = spans_of(store, async |store| {
        let products = store.tabular::<Product>().await.unwrap();
        products.setup_database().await.unwrap();
        products.put(product(1, "a")).await.unwrap();
        assert!(matches!(products.put(product(2, "a")).await, Err(Error::Conflict { .. })));
    })
    .await;
    let failed = spans.last().unwrap();
    assert_eq!(failed.status, Status::error("conflict"));
    let attributes = attributes(&failed.attributes);
    // SQLITE_CONSTRAINT_UNIQUE.
    for name in ["db.response.status_code", "error.type"] {
        assert!(attributes.contains(&(name.to_owned(), "2067".to_owned())), "{attributes:?}");
    }
}

#[tokio::test]
async fn memory_is_internal_and_an_error_without_a_code_has_its_name() {
    let store = storehouse::open("memory:").await.unwrap();
    let spans = spans_of(store, async |store| {
        let numbers = store.kv::<String, i64>("numbers").await.unwrap();
        assert!(numbers.get("seven").await.is_err(), "it is not set up");
    })
    .await;
    assert_eq!(spans[0].name, "get numbers");
    assert_eq!(spans[0].span_kind, SpanKind::Internal);
    let attributes = attributes(&spans[0].attributes);
    assert!(attributes.contains(&("error.type".to_owned(), "schema".to_owned())), "{attributes:?}");
}

#[tokio::test]
async fn transactions_and_what_happens_in_them_have_spans() {
    let store = storehouse::open("sqlite::memory:").await.unwrap();
    let spans = spans_of(store, async |store| {
        let products = store.tabular::<Product>().await.unwrap();
        products.setup_database().await.unwrap();
        let work = async |tx: &Transaction| products.in_tx(tx).put(product(1, "a")).await;
        store.transaction(work).await.unwrap();
    })
    .await;
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["setup_database products", "begin", "put products", "commit"]);
}

#[tokio::test]
async fn postgres_says_where_it_is() {
    let database = storehouse_test_postgres::Database::create().await;
    let store = storehouse::open(database.url()).await.unwrap();
    let spans = spans_of(store, async |store| {
        let products = store.tabular::<Product>().await.unwrap();
        products.setup_database().await.unwrap();
        products.put(product(1, "a")).await.unwrap();
        products.put(product(2, "a")).await.unwrap_err();
    })
    .await;
    let attributes = attributes(&spans.last().unwrap().attributes);
    let value = |name: &str| {
        attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(value("db.system.name"), Some("postgresql"));
    assert!(value("db.namespace").unwrap().ends_with("|public"), "{attributes:?}");
    assert!(value("server.address").is_some(), "{attributes:?}");
    assert_eq!(value("db.response.status_code"), Some("23505"));
    assert_eq!(value("error.type"), Some("23505"));
}

#[tokio::test]
async fn durations_are_measured() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    let telemetry = Telemetry::new().metrics(&provider.meter("test"));
    let store = storehouse::open("sqlite::memory:").await.unwrap().layer(telemetry);
    let products = store.tabular::<Product>().await.unwrap();
    products.setup_database().await.unwrap();
    products.put(product(1, "a")).await.unwrap();
    products.put(product(2, "b")).await.unwrap();
    products.put(product(3, "b")).await.unwrap_err();
    provider.force_flush().unwrap();

    let finished = exporter.get_finished_metrics().unwrap();
    let metrics: Vec<_> = finished
        .iter()
        .flat_map(ResourceMetrics::scope_metrics)
        .flat_map(ScopeMetrics::metrics)
        .collect();
    let [metric] = metrics[..] else { panic!("{metrics:?}") };
    assert_eq!(metric.name(), "db.client.operation.duration");
    assert_eq!(metric.unit(), "s");
    let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
        panic!("{metric:?}")
    };
    let points: Vec<_> = histogram.data_points().collect();
    assert_eq!(points.len(), 3, "set up, put, and put that failed");
    let boundaries: Vec<f64> = points[0].bounds().collect();
    assert_eq!(boundaries, [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]);
    let of = |pairs: &[(&str, &str)]| {
        let wanted = expected(pairs);
        let mut points = points.iter().filter(|point| {
            let all: Vec<_> = point.attributes().cloned().collect();
            attributes(&all) == wanted
        });
        points.next().map(|point| point.count())
    };
    let common = [
        ("db.system.name", "sqlite"),
        ("db.collection.name", "products"),
        ("db.operation.name", "put"),
        ("db.query.summary", "put products"),
    ];
    assert_eq!(of(&common), Some(2));
    let failed = [&common[..], &[("db.response.status_code", "2067"), ("error.type", "2067")]];
    assert_eq!(of(&failed.concat()), Some(1));
}
