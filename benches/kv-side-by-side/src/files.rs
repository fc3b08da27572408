//! Stores in files. None syncs a commit, as SQLite does not with `synchronous=NORMAL`.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use futures::future::BoxFuture;
use redb::{Durability, ReadableDatabase as _, TableDefinition};
use rusqlite::{Connection, params};

use crate::subject::{Bytes, Case, Result, Session, Subject};

/// The work is done in the task itself, as the other file stores do it too.
macro_rules! subject {
    ($store:ty, $name:literal) => {
        impl Subject for $store {
            fn name(&self) -> &'static str {
                $name
            }

            fn can(&self, _: Case) -> bool {
                true
            }

            fn fill(&self, entries: Vec<(String, Bytes)>) -> BoxFuture<'_, Result> {
                Box::pin(async move { self.write("bytes", &entries, |value| Ok(value.clone())) })
            }

            fn fill_json(&self, entries: Vec<(String, Session)>) -> BoxFuture<'_, Result> {
                Box::pin(async move { self.write("sessions", &entries, json) })
            }

            fn get(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>> {
                Box::pin(async move {
                    let mut found = 0;
                    for key in &keys {
                        let value = self.read("bytes", key, |value| Ok(value.to_vec()))?;
                        found += usize::from(black_box(value).is_some());
                    }
                    Ok(found)
                })
            }

            fn get_json(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>> {
                Box::pin(async move {
                    let mut found = 0;
                    for key in &keys {
                        let value = self.read("sessions", key, |value| {
                            Ok(serde_json::from_slice::<Session>(value)?)
                        })?;
                        found += usize::from(black_box(value).is_some());
                    }
                    Ok(found)
                })
            }

            fn put(self: Arc<Self>, entries: Vec<(String, Bytes)>) -> BoxFuture<'static, Result> {
                Box::pin(async move {
                    for entry in entries {
                        self.write("bytes", &[entry], |value| Ok(value.clone()))?;
                    }
                    Ok(())
                })
            }

            fn put_json(
                self: Arc<Self>,
                entries: Vec<(String, Session)>,
            ) -> BoxFuture<'static, Result> {
                Box::pin(async move {
                    for entry in entries {
                        self.write("sessions", &[entry], json)?;
                    }
                    Ok(())
                })
            }

            fn scan(self: Arc<Self>, prefix: &'static str) -> BoxFuture<'static, Result<usize>> {
                Box::pin(async move { Ok(black_box(self.all(prefix)?).len()) })
            }
        }
    };
}

subject!(Rusqlite, "rusqlite");
subject!(Redb, "redb");
subject!(Fjall, "fjall");

fn json(value: &Session) -> Result<Bytes> {
    Ok(serde_json::to_vec(value)?)
}

/// The least that begins with no such prefix and lies behind all that do.
fn end_of(prefix: &str) -> String {
    let mut end = prefix.to_owned();
    let last = end.pop().map_or('\u{1}', |last| char::from(last as u8 + 1));
    end.push(last);
    end
}

/// A connection for each thread at a time, and one that writes.
pub struct Rusqlite {
    path: PathBuf,
    free: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
}

impl Rusqlite {
    pub fn open(path: &Path) -> Result<Self> {
        let writer = Self::connect(path)?;
        for table in ["bytes", "sessions"] {
            writer.execute_batch(&format!(
                "CREATE TABLE {table} (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID"
            ))?;
        }
        Ok(Self { path: path.to_owned(), free: Mutex::default(), writer: Mutex::new(writer) })
    }

    fn connect(path: &Path) -> Result<Connection> {
        let connection = Connection::open(path)?;
        connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL")?;
        Ok(connection)
    }

    fn with<R>(&self, work: impl FnOnce(&Connection) -> Result<R>) -> Result<R> {
        let lock = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = lock().pop();
        let connection = match free {
            Some(connection) => connection,
            None => Self::connect(&self.path)?,
        };
        let result = work(&connection);
        lock().push(connection);
        result
    }

    fn read<R>(
        &self,
        table: &str,
        key: &str,
        decode: impl FnOnce(&[u8]) -> Result<R>,
    ) -> Result<Option<R>> {
        let sql = match table {
            "bytes" => "SELECT value FROM bytes WHERE key = ?1",
            _ => "SELECT value FROM sessions WHERE key = ?1",
        };
        self.with(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([key])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            decode(row.get_ref(0)?.as_blob()?).map(Some)
        })
    }

    fn write<V>(
        &self,
        table: &str,
        entries: &[(String, V)],
        encode: impl Fn(&V) -> Result<Bytes>,
    ) -> Result {
        let sql = match table {
            "bytes" => {
                "INSERT INTO bytes VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value"
            }
            _ => {
                "INSERT INTO sessions VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value"
            }
        };
        let mut connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let [(key, value)] = entries {
            connection.prepare_cached(sql)?.execute(params![key, encode(value)?])?;
            return Ok(());
        }
        let transaction = connection.transaction()?;
        for (key, value) in entries {
            transaction.prepare_cached(sql)?.execute(params![key, encode(value)?])?;
        }
        Ok(transaction.commit()?)
    }

    fn all(&self, prefix: &str) -> Result<Vec<(String, Bytes)>> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, value FROM bytes WHERE key >= ?1 AND key < ?2 ORDER BY key",
            )?;
            let entry = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let rows = statement.query_map([prefix, &end_of(prefix)], entry)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

pub struct Redb(redb::Database);

fn table(name: &str) -> TableDefinition<'_, &'static str, &'static [u8]> {
    TableDefinition::new(name)
}

impl Redb {
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(redb::Database::create(path)?))
    }

    fn read<R>(
        &self,
        name: &str,
        key: &str,
        decode: impl FnOnce(&[u8]) -> Result<R>,
    ) -> Result<Option<R>> {
        let table = self.0.begin_read()?.open_table(table(name))?;
        let value = table.get(key)?;
        value.map(|value| decode(value.value())).transpose()
    }

    fn write<V>(
        &self,
        name: &str,
        entries: &[(String, V)],
        encode: impl Fn(&V) -> Result<Bytes>,
    ) -> Result {
        let mut transaction = self.0.begin_write()?;
        transaction.set_durability(Durability::None)?;
        {
            let mut table = transaction.open_table(table(name))?;
            for (key, value) in entries {
                table.insert(key.as_str(), encode(value)?.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn all(&self, prefix: &str) -> Result<Vec<(String, Bytes)>> {
        let table = self.0.begin_read()?.open_table(table("bytes"))?;
        let mut found = Vec::new();
        for entry in table.range(prefix..end_of(prefix).as_str())? {
            let (key, value) = entry?;
            found.push((key.value().to_owned(), value.value().to_vec()));
        }
        Ok(found)
    }
}

pub struct Fjall {
    database: Database,
    bytes: Keyspace,
    sessions: Keyspace,
}

impl Fjall {
    pub fn open(path: &Path) -> Result<Self> {
        let database = Database::builder(path).open()?;
        let bytes = database.keyspace("bytes", KeyspaceCreateOptions::default)?;
        let sessions = database.keyspace("sessions", KeyspaceCreateOptions::default)?;
        Ok(Self { database, bytes, sessions })
    }

    fn keyspace(&self, name: &str) -> &Keyspace {
        if name == "bytes" { &self.bytes } else { &self.sessions }
    }

    fn read<R>(
        &self,
        name: &str,
        key: &str,
        decode: impl FnOnce(&[u8]) -> Result<R>,
    ) -> Result<Option<R>> {
        self.keyspace(name).get(key)?.map(|value| decode(&value)).transpose()
    }

    fn write<V>(
        &self,
        name: &str,
        entries: &[(String, V)],
        encode: impl Fn(&V) -> Result<Bytes>,
    ) -> Result {
        let keyspace = self.keyspace(name);
        if let [(key, value)] = entries {
            return Ok(keyspace.insert(key.as_str(), encode(value)?)?);
        }
        let mut batch = self.database.batch();
        for (key, value) in entries {
            batch.insert(keyspace, key.as_str(), encode(value)?);
        }
        Ok(batch.commit()?)
    }

    fn all(&self, prefix: &str) -> Result<Vec<(String, Bytes)>> {
        let mut found = Vec::new();
        for entry in self.bytes.prefix(prefix) {
            let (key, value) = entry.into_inner()?;
            found.push((String::from_utf8(key.to_vec())?, value.to_vec()));
        }
        Ok(found)
    }
}
