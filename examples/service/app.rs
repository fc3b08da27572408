//! The service itself: routes over a typed table. Nothing in it knows which store it runs on.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use storehouse::{Error, prelude::*};

/// A product in the shop.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "products", index(category, price))]
pub struct Product {
    #[table(key, auto)]
    pub id: i64,
    #[table(unique)]
    pub sku: String,
    pub category: String,
    pub price: f64,
    pub note: Option<String>,
}

/// What a client sends to add a product.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewProduct {
    sku: String,
    category: String,
    price: f64,
    note: Option<String>,
}

/// What a client asks for: `?filter={..}&order=price&limit=20&after=..`, each of which may be left
/// out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    /// A JSON document, checked against the table's columns.
    filter: Option<String>,
    order: Option<OrderBy>,
    limit: Option<u64>,
    /// The `next` of the page before.
    after: Option<Cursor>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OrderBy {
    Price,
    Sku,
}

/// A page of products.
#[derive(Serialize)]
struct ProductPage {
    rows: Vec<Product>,
    next: Option<Cursor>,
}

/// More rows than this are given in several pages.
const LARGEST_PAGE: u64 = 100;

/// The routes over the products of a store.
pub async fn router(store: &Store) -> Result<Router, Error> {
    let products = store.tabular::<Product>().await?;
    products.setup_database().await?;
    Ok(Router::new()
        .route("/products", get(list).post(add))
        .route("/products/{id}", get(show).delete(remove))
        .with_state(products))
}

type Products = State<Tabular<Product>>;

async fn list(
    State(products): Products,
    Query(listing): Query<Listing>,
) -> Result<Json<ProductPage>, Failure> {
    let filter = match &listing.filter {
        Some(text) => {
            let document = serde_json::from_str(text)
                .map_err(|error| Failure::BadRequest(format!("the filter is no JSON: {error}")))?;
            Filter::<Product>::from_json(&document)?
        }
        None => Filter::all(),
    };
    let mut query = products.query(filter);
    query = match listing.order {
        Some(OrderBy::Price) => query.order_by(Product::PRICE.asc()),
        Some(OrderBy::Sku) => query.order_by(Product::SKU.asc()),
        None => query,
    };
    if let Some(cursor) = &listing.after {
        query = query.after(cursor);
    }
    let limit = listing.limit.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
    let page = query.limit(limit).page().await?;
    Ok(Json(ProductPage { rows: page.rows, next: page.next }))
}

async fn add(
    State(products): Products,
    Json(new): Json<NewProduct>,
) -> Result<(StatusCode, Json<Product>), Failure> {
    let NewProduct { sku, category, price, note } = new;
    let optional = ProductOptional { note, ..Default::default() };
    let product = products.insert(ProductInsert { sku, category, price }.with(optional)).await?;
    Ok((StatusCode::CREATED, Json(product)))
}

async fn show(State(products): Products, Path(id): Path<i64>) -> Result<Json<Product>, Failure> {
    products.get(&id).await?.map(Json).ok_or(Failure::NotFound)
}

async fn remove(State(products): Products, Path(id): Path<i64>) -> Result<StatusCode, Failure> {
    if products.delete(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Failure::NotFound) }
}

/// Why a request is not answered with what it asks for.
enum Failure {
    BadRequest(String),
    NotFound,
    Store(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::BadRequest(message) => (StatusCode::BAD_REQUEST, message),
            Self::NotFound => (StatusCode::NOT_FOUND, "there is no such product".to_owned()),
            Self::Store(error) => {
                let status = match &error {
                    Error::Validation { .. } => StatusCode::BAD_REQUEST,
                    Error::Conflict { .. } => StatusCode::CONFLICT,
                    error if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::INTERNAL_SERVER_ERROR,
                };
                // What the client did wrong it is told; the rest is for the log.
                let message = if status.is_client_error() {
                    error.to_string()
                } else {
                    eprintln!("{error}");
                    "the service cannot answer now".to_owned()
                };
                (status, message)
            }
        };
        (status, Json(json!({ "error": message }))).into_response()
    }
}
