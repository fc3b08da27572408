//! Each operation is reported to `tracing`, with its table, its backend and its error.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use storehouse::prelude::*;

#[derive(Table, Debug)]
#[table(name = "notes")]
struct Note {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    text: String,
}

/// Gathers what the subscriber prints.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test panics here").extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "current_thread")]
async fn every_operation_is_reported_with_its_outcome() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _listening = tracing::subscriber::set_default(subscriber);

    let notes = storehouse::open("memory:").await.unwrap().tabular::<Note>().await.unwrap();
    notes.setup_database().await.unwrap();
    notes.insert(NoteInsert { text: "a".into() }).await.unwrap();
    notes.insert(NoteInsert { text: "a".into() }).await.unwrap_err();
    notes.query(Note::TEXT.eq("a")).await.unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = |operation: &str| {
        let wanted = format!("operation=\"{operation}\"");
        log.lines().filter(|line| line.contains(&wanted)).collect::<Vec<_>>()
    };
    assert_eq!(line("setup_database").len(), 1, "{log}");
    assert_eq!(line("query").len(), 1, "{log}");
    let [inserted, refused] = line("insert")[..] else { panic!("{log}") };
    for part in ["table=\"notes\"", "backend=\"memory\"", "elapsed_microseconds="] {
        assert!(inserted.contains(part), "{inserted}");
    }
    assert!(!inserted.contains("error="), "{inserted}");
    assert!(refused.contains("already has this value of `text`"), "{refused}");
}
