//! What `derive(Table)` makes of a struct, seen from a program.

use storehouse::{
    ColumnDef, ColumnRole, ColumnType, Metric, TableDef, VectorElement, VectorType, prelude::*,
};

/// A document
/// that can be found.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "documents", schema = "library", index(author, year), unique(title, author))]
struct Document {
    /// Given by the store.
    #[table(key, auto)]
    id: i64,
    #[table(text)]
    title: String,
    #[table(index)]
    author: Option<String>,
    #[table(default = 2000 + 24)]
    year: i32,
    #[table(vector(dim = 3, metric = "dot"))]
    embedding: Vec<f32>,
    #[table(json, metadata, rename = "origin")]
    source: Vec<(String, u64)>,
    #[table(skip)]
    score: f64,
}

fn column<'a>(definition: &'a TableDef, name: &str) -> &'a ColumnDef {
    &definition.columns[definition.column(name).expect("the column is there")]
}

#[test]
fn the_definition_is_what_was_written() {
    let definition = Document::definition();
    assert_eq!(definition.full_name(), "library.documents");
    assert_eq!(definition.description.as_deref(), Some("A document\nthat can be found."));
    assert_eq!((&*definition.key, definition.auto), (&[0][..], Some(0)));
    let names: Vec<&str> = definition.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["id", "title", "author", "year", "embedding", "origin"]);

    let id = column(definition, "id");
    assert_eq!((id.column_type, id.nullable), (ColumnType::I64, false));
    assert_eq!(id.description.as_deref(), Some("Given by the store."));
    assert_eq!(column(definition, "title").role, ColumnRole::Text);
    assert!(column(definition, "author").nullable);
    assert_eq!(column(definition, "origin").column_type, ColumnType::Json);
    assert_eq!(column(definition, "origin").role, ColumnRole::Metadata);
    let vector = VectorType { dimension: 3, metric: Metric::Dot, element: VectorElement::F32 };
    assert_eq!(column(definition, "embedding").column_type, ColumnType::Vector(vector));
    let year = column(definition, "year").default.unwrap();
    assert_eq!(year(), storehouse::Value::Int(2024));

    let indexes: Vec<_> = (definition.indexes.iter())
        .map(|index| (&*index.name, &*index.columns, index.unique))
        .collect();
    assert_eq!(
        indexes,
        [
            ("documents_author_idx", &[2][..], false),
            ("documents_author_year_idx", &[2, 3][..], false),
            ("documents_title_author_key", &[1, 2][..], true),
        ]
    );
}

#[tokio::test]
async fn what_is_left_out_is_filled_in_and_what_is_skipped_is_not_stored() {
    let documents = storehouse::open("memory:").await.unwrap().tabular::<Document>().await.unwrap();
    documents.setup_database().await.unwrap();
    let new = DocumentInsert {
        title: "Tides".into(),
        embedding: vec![1.0, 2.0, 3.0],
        source: vec![("shelf".into(), u64::MAX)],
    };
    let stored = documents.put(new.clone()).await.unwrap();
    let expected = Document {
        id: 1,
        title: "Tides".into(),
        author: None,
        year: 2024,
        embedding: vec![1.0, 2.0, 3.0],
        source: vec![("shelf".into(), u64::MAX)],
        score: 0.0,
    };
    assert_eq!(stored, expected);
    let stored = documents.put(Document { score: 0.5, ..stored }).await.unwrap();
    assert_eq!(stored, expected);

    let given = DocumentOptional { id: Some(9), author: Some("Ann".into()), year: Some(1) };
    let stored = documents.put(new.with(given)).await.unwrap();
    assert_eq!((stored.id, stored.author.as_deref(), stored.year), (9, Some("Ann"), 1));
}

#[test]
fn an_empty_patch_keeps_everything() {
    let DocumentPatch { title, author, year, embedding, source } = DocumentPatch::default();
    assert_eq!((title, author, year), (Keep, Keep, Keep));
    assert_eq!((embedding, source), (Keep, Keep));
}
