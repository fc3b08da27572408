//! The quickstart gives the same answers on every backend.

#[path = "../examples/quickstart/earthquake.rs"]
mod earthquake;
#[path = "../examples/quickstart/tour.rs"]
mod tour;

async fn output(url: &str) -> String {
    let store = storehouse::open(url).await.expect("the store opens");
    let mut out = Vec::new();
    tour::run(&store, &mut out).await.expect("the tour ends well");
    String::from_utf8(out).expect("the tour prints text")
}

#[tokio::test]
async fn same_output_on_every_backend() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("sqlite:{}", folder.path().join("quickstart.db").display());
    let memory = output("memory:").await;
    assert!(memory.starts_with("imported 1707 earthquakes\n"), "{memory}");
    assert!(memory.contains("rolled back: changed our mind; "), "{memory}");
    assert_eq!(memory, output(&file).await);
    // Once more on the file that is there now: the tour begins by emptying it.
    assert_eq!(memory, output(&file).await);
    assert_eq!(memory, output("sqlite::memory:").await);
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn same_output_on_postgres() {
    let database = storehouse_test_postgres::Database::create().await;
    let memory = output("memory:").await;
    assert_eq!(memory, output(database.url()).await);
    assert_eq!(memory, output(database.url()).await);
}
