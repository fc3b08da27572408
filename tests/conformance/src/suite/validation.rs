//! What no backend takes, every backend refuses: in every way to write it, and to compare with
//! it.

use std::fmt::Debug;

use serde_json::json;
use storehouse::{Table, prelude::Set};
use storehouse_runtime::{Result, Store};

use super::tables::{Setting, SettingPatch, setting};
use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
struct Sample {
    #[table(key)]
    name: String,
    double: f64,
    single: Option<f32>,
    text: Option<String>,
    words: Vec<String>,
    numbers: Vec<f32>,
    document: serde_json::Value,
    #[table(vector(dim = 3, metric = "cosine"))]
    embedding: Vec<f32>,
}

fn sample() -> Sample {
    Sample {
        name: "a".into(),
        double: 1.0,
        single: None,
        text: None,
        words: Vec::new(),
        numbers: Vec::new(),
        document: json!({}),
        embedding: vec![1.0, 2.0, 3.0],
    }
}

/// Every way to write a row refuses it, and the table stays as it is.
async fn refused_everywhere(store: &Store, says: &str, row: Sample) -> Outcome {
    let samples = set_up::<Sample>(store).await?;
    let fine = samples.put(Sample { name: "fine".into(), ..sample() }).await?;
    is_refused(says, samples.put(row.clone()).await);
    is_refused(says, samples.insert(row.clone()).await);
    is_refused(says, samples.insert_if_absent(row.clone()).await);
    is_refused(says, samples.put_bulk([sample(), row.clone()]).await);
    let patch = SamplePatch {
        double: Set(row.double),
        single: Set(row.single),
        text: Set(row.text),
        words: Set(row.words),
        numbers: Set(row.numbers),
        document: Set(row.document),
        embedding: Set(row.embedding),
    };
    is_refused(says, samples.update("fine", patch).await);
    assert_eq!(samples.get_all().await?, [fine]);
    Ok(())
}

pub(crate) async fn refuses_nan(store: &Store) -> Outcome {
    refused_everywhere(store, "NaN", Sample { double: f64::NAN, ..sample() }).await?;
    refused_everywhere(store, "NaN", Sample { single: Some(f32::NAN), ..sample() }).await?;
    refused_everywhere(store, "NaN", Sample { numbers: vec![0.0, f32::NAN], ..sample() }).await?;
    let embedding = vec![0.0, f32::NAN, 0.0];
    refused_everywhere(store, "NaN", Sample { embedding, ..sample() }).await
}

pub(crate) async fn refuses_nul_in_text(store: &Store) -> Outcome {
    let nul = || "a\0b".to_owned();
    refused_everywhere(store, "NUL", Sample { text: Some(nul()), ..sample() }).await?;
    refused_everywhere(store, "NUL", Sample { words: vec![nul()], ..sample() }).await?;
    for document in [json!("\0"), json!(["\0"]), json!({"\0": 1}), json!({"a": [{"b": "\0"}]})] {
        refused_everywhere(store, "NUL", Sample { document, ..sample() }).await?;
    }
    Ok(())
}

pub(crate) async fn refuses_a_vector_of_another_dimension_or_that_is_infinite(
    store: &Store,
) -> Outcome {
    for length in [0, 2, 4] {
        let embedding = vec![1.0; length];
        refused_everywhere(store, "dimensions", Sample { embedding, ..sample() }).await?;
    }
    let samples = set_up::<Sample>(store).await?;
    let embedding = vec![0.0, f32::INFINITY, 0.0];
    refused_everywhere(store, "infinite", Sample { embedding, ..sample() }).await?;
    let row = Sample { embedding: vec![-0.0, f32::MAX, 1e-45], ..sample() };
    assert_eq!(samples.put(row.clone()).await?, row);
    Ok(())
}

pub(crate) async fn refuses_nul_in_keys(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let patch = || SettingPatch { value: Set(1) };
    is_refused("NUL", settings.put(setting("a\0", 1)).await);
    is_refused("NUL", settings.get("a\0").await);
    is_refused("NUL", settings.get_many(["a", "a\0"]).await);
    is_refused("NUL", settings.update("a\0", patch()).await);
    is_refused("NUL", settings.delete("a\0").await);
    assert_eq!(settings.size().await?, 0);
    Ok(())
}

pub(crate) async fn refuses_such_values_in_filters(store: &Store) -> Outcome {
    fn refused<T: Debug>(results: impl IntoIterator<Item = Result<T>>, says: &str) {
        for result in results {
            is_refused(says, result);
        }
    }
    let samples = set_up::<Sample>(store).await?;
    samples.put(sample()).await?;
    let nan = f64::NAN;
    let mut results = Vec::new();
    for filter in [
        Sample::DOUBLE.eq(nan),
        Sample::DOUBLE.ne(nan),
        Sample::DOUBLE.lt(nan),
        Sample::DOUBLE.between(0.0, nan),
        Sample::DOUBLE.in_list([1.0, nan]),
        !Sample::SINGLE.eq(f32::NAN),
    ] {
        results.push(samples.count(filter.clone()).await);
        results.push(samples.query(filter.clone()).await.map(|rows| rows.len() as u64));
        results.push(samples.exists(filter.clone()).await.map(u64::from));
        results.push(samples.delete_search(filter).await);
    }
    refused(results, "NaN");
    let mut results = Vec::new();
    for filter in [
        Sample::NAME.eq("\0"),
        Sample::NAME.not_in(["\0"]),
        Sample::TEXT.like("\0%"),
        Sample::TEXT.starts_with("\0"),
        Sample::TEXT.contains("\0"),
    ] {
        results.push(samples.count(filter.clone()).await);
        results.push(samples.delete_search(filter).await);
    }
    refused(results, "NUL");
    is_refused("lone", samples.count(Sample::TEXT.like("a\\")).await);
    is_refused("bytes", samples.count(Sample::TEXT.like("%".repeat(20_000))).await);
    assert_eq!(samples.size().await?, 1);
    Ok(())
}
