//! The example service answers alike on every backend.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/service/app.rs"]
mod app;

use app::Product;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header::CONTENT_TYPE},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = match body {
        Some(body) => {
            request.header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
        }
        None => request.body(Body::empty()),
    };
    let response = router.clone().oneshot(request.unwrap()).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// A path with a query, encoded as a browser does.
fn listing(parameters: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let byte = |byte: u8| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("/products?{}", pairs.join("&"))
}

async fn answers(url: &str) {
    let store = storehouse::open(url).await.unwrap();
    let router = app::router(&store).await.unwrap();
    for (sku, category, price) in [("A1", "tools", 9.5), ("A2", "tools", 20.0), ("B1", "toys", 3.0)]
    {
        let body = json!({ "sku": sku, "category": category, "price": price });
        let (status, row) = ask(&router, Method::POST, "/products", Some(body)).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(row["sku"], sku);
    }
    let taken = json!({ "sku": "A1", "category": "tools", "price": 1.0 });
    let (status, error) = ask(&router, Method::POST, "/products", Some(taken)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{error}");

    // A filter from the query string, in two pages.
    let filter = r#"{"price": {"value": 15, "operator": "<"}}"#;
    let first = [("filter", filter), ("order", "price"), ("limit", "1")];
    let (status, page) = ask(&router, Method::GET, &listing(&first), None).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert_eq!(page["rows"][0]["sku"], "B1");
    let next = page["next"].as_str().unwrap();
    let second = [&first[..], &[("after", next)]].concat();
    let (_, page) = ask(&router, Method::GET, &listing(&second), None).await;
    let rows: Vec<Product> = serde_json::from_value(page["rows"].clone()).unwrap();
    assert_eq!(rows.iter().map(|row| &*row.sku).collect::<Vec<_>>(), ["A1"]);
    assert!(page["next"].is_null());

    // What is wrong with a filter, the client is told.
    let misspelled = [("filter", r#"{"prize": 3}"#)];
    let (status, error) = ask(&router, Method::GET, &listing(&misspelled), None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(error["error"].as_str().unwrap().contains("`price`"), "{error}");
    let (status, _) = ask(&router, Method::GET, &listing(&[("filter", "{")]), None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    let path = format!("/products/{}", rows[0].id);
    assert_eq!(ask(&router, Method::GET, &path, None).await.0, StatusCode::OK);
    assert_eq!(ask(&router, Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask(&router, Method::GET, &path, None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn in_memory() {
    answers("memory:").await;
}

#[tokio::test]
async fn on_sqlite() {
    answers("sqlite::memory:").await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn on_postgres() {
    let database = storehouse_test_postgres::Database::create().await;
    answers(database.url()).await;
}
