//! Sealing anew what was sealed with an old key.

use std::sync::Arc;

use super::{
    Encrypted,
    key::Sealed,
    rows::{SealedEntries, SealedEntry},
};
use crate::{
    error::{Error, Result},
    kv::{Kv, KvEntry, KvKey, KvScan},
    value::Value,
};

/// So many entries are read at a time.
const PAGE: u64 = 256;

impl Encrypted {
    /// Seals every value that was sealed with an old key with the present one, and counts them; after
    /// that the old key is no longer needed. `sealed` is a handle without this layer, which has the
    /// bytes that are stored.
    ///
    /// Others may read and write meanwhile: what somebody writes at the same time is left as it is. When
    /// this is interrupted, it can be called again. Fails with [`Error::Decode`] at a value that
    /// none of the keys opens.
    ///
    /// ```
    /// use storehouse::layers::{Encrypted, EncryptionKey};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let store = storehouse::open("memory:").await?;
    /// let (old, new) = (EncryptionKey::from_bytes(&[1; 32]), EncryptionKey::from_bytes(&[2; 32]));
    /// let secrets = store.layer(Encrypted::new(old.clone())).kv::<String, i64>("secrets").await?;
    /// secrets.setup_database().await?;
    /// secrets.put("pin", 1234).await?;
    ///
    /// let sealed = store.kv::<String, Vec<u8>>("secrets").await?;
    /// let rotating = Encrypted::new(new.clone()).with_old_key(old);
    /// assert_eq!(rotating.rotate(&sealed).await?, 1);
    ///
    /// let secrets = store.layer(Encrypted::new(new)).kv::<String, i64>("secrets").await?;
    /// assert_eq!(secrets.get("pin").await?, Some(1234));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rotate<K: KvKey>(&self, sealed: &Kv<K, Vec<u8>>) -> Result<u64> {
        let (storage, now) = (sealed.storage(), sealed.now());
        let definition = Arc::clone(storage.definition());
        let mut rotated = 0;
        let mut scan = KvScan { prefix: None, after: None, limit: Some(PAGE) };
        loop {
            let sink = SealedEntries::sink(&definition, now);
            let page = SealedEntries::take(storage.scan(scan.clone(), now, sink).await?)?;
            let Some(last) = page.last() else { return Ok(rotated) };
            scan.after = Some(last.key.clone());
            for entry in page {
                if let Some(anew) = self.sealed_anew(definition.name(), &entry)? {
                    let before = Some(Value::Bytes(entry.sealed));
                    rotated += u64::from(storage.put_if(anew, before, now).await?);
                }
            }
        }
    }

    /// The entry, sealed with the present key, unless it is already.
    fn sealed_anew(&self, store: &str, entry: &SealedEntry) -> Result<Option<KvEntry>> {
        let undecodable = |message: String| Error::decode("value", message);
        let parsed = Sealed::parse(&entry.sealed).map_err(undecodable)?;
        if self.keys.current.is_of(&parsed) {
            return Ok(None);
        }
        let key = entry.key.clone();
        let plaintext = self.keys.plaintext(store, &key, &parsed).map_err(undecodable)?;
        let value =
            Value::Bytes(self.keys.current.seal(&super::context(store, &key)?, &plaintext)?);
        Ok(Some(KvEntry { key, value, expires_at: entry.expires_at }))
    }
}
