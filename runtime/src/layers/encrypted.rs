//! Values that only who has the key can read.

mod changes;
mod key;
mod plaintext;
mod rotate;
mod rows;
mod storage;

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

pub use self::key::EncryptionKey;
use self::{key::Sealed, storage::EncryptedKv};
use super::layer::{Layer, LayerScope};
use crate::{
    column_type::ColumnType,
    error::{Error, Result},
    kv::{DynKvStorage, KvDef},
    value::{EncodedKey, Value},
};

/// Encrypts the values of key-value stores, so that whoever reads the database, its backups or its log
/// can do nothing with them. Needs the feature `encrypted`.
///
/// Each value is sealed by XChaCha20-Poly1305 (Y. Nir and A. Langley, RFC 8439, with the nonces of 24
/// bytes of draft-irtf-cfrg-xchacha) under a random nonce, together with the names of the store and of
/// its key: a value that was changed, or moved to another key or store, is an
/// [`Error::Decode`], and so is one that was sealed with a key that is not here. The database holds
/// bytes: the version 1, eight bytes that tell the key, the nonce, and what was sealed.
///
/// Keys are not encrypted, since they are looked up and ordered, nor is when an entry expires, nor how
/// long a value is. `compare_and_swap` and `increment` read, and write only if nobody wrote
/// meanwhile. Changes come opened. Tables are left as they are.
///
/// Put it around the store before a handle is opened. The layers that were put around the store before
/// see what is sealed: a [`Cached`](super::Cached) within keeps bytes, one around keeps what they mean.
///
/// ```
/// use storehouse::layers::{Encrypted, EncryptionKey};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("sqlite::memory:").await?;
/// let key = EncryptionKey::from_pass_phrase("correct horse battery staple", b"shop.example 2026")?;
/// let secrets = store.layer(Encrypted::new(key)).kv::<String, String>("secrets").await?;
/// secrets.setup_database().await?;
/// secrets.put("card", "4111 1111 1111 1111".into()).await?;
/// assert_eq!(secrets.get("card").await?.as_deref(), Some("4111 1111 1111 1111"));
///
/// // What the database holds.
/// let stored = store.kv::<String, Vec<u8>>("secrets").await?.get("card").await?.unwrap();
/// assert!(!stored.windows(4).any(|part| part == b"4111"));
///
/// let wrong = EncryptionKey::from_pass_phrase("Tr0ub4dor&3", b"shop.example 2026")?;
/// let secrets = store.layer(Encrypted::new(wrong)).kv::<String, String>("secrets").await?;
/// assert!(secrets.get("card").await.unwrap_err().to_string().contains("pass phrase"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Encrypted {
    keys: Arc<Keys>,
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").field("key", &self.keys.current).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Keys {
    current: EncryptionKey,
    old: Vec<EncryptionKey>,
}

impl Encrypted {
    /// Seals and opens with that key.
    pub fn new(key: EncryptionKey) -> Self {
        Self { keys: Arc::new(Keys { current: key, old: Vec::new() }) }
    }

    /// Opens with that key too, for what was sealed before the key was changed;
    /// [`Encrypted::rotate`] seals it anew.
    #[must_use]
    pub fn with_old_key(mut self, key: EncryptionKey) -> Self {
        Arc::make_mut(&mut self.keys).old.push(key);
        self
    }
}

impl Keys {
    fn seal(&self, store: &str, key: &EncodedKey, value: &Value) -> Result<Value> {
        let plaintext = plaintext::write(value)?;
        Ok(Value::Bytes(self.current.seal(&context(store, key)?, &plaintext)?))
    }

    /// Opens what was sealed for that key of that store; fails with what is wrong.
    fn open(
        &self,
        store: &str,
        key: &EncodedKey,
        value_type: ColumnType,
        sealed: &[u8],
    ) -> Result<Value, String> {
        let plaintext = self.plaintext(store, key, &Sealed::parse(sealed)?)?;
        plaintext::read(value_type, &plaintext)
    }

    fn plaintext(
        &self,
        store: &str,
        key: &EncodedKey,
        sealed: &Sealed<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut ours = std::iter::once(&self.current).chain(&self.old);
        let key_of_it = ours.find(|ours| ours.is_of(sealed)).ok_or_else(|| {
            format!(
                "it was encrypted with the key {}, and this program has {}; give the pass phrase or \
                 the key that it was written with, or add that with `with_old_key`",
                sealed.key_name(),
                self.current.name()
            )
        })?;
        let context = context(store, key).map_err(|error| error.to_string())?;
        let opened = key_of_it.open(&context, sealed).ok_or(
            "what is stored was changed, or belongs to another key or another store; restore it \
             from a backup",
        )?;
        Ok(opened)
    }
}

/// What a value is sealed together with: where it belongs.
fn context(store: &str, key: &EncodedKey) -> Result<Vec<u8>> {
    let mut context = b"storehouse kv\0".to_vec();
    context.extend((store.len() as u64).to_le_bytes());
    context.extend(store.as_bytes());
    for value in key.values() {
        let value = plaintext::write(value)?;
        context.extend((value.len() as u64).to_le_bytes());
        context.extend(value.iter());
    }
    Ok(context)
}

impl Layer for Encrypted {
    fn kv_definition(&self, definition: &Arc<KvDef>) -> Result<Arc<KvDef>> {
        definition.with_value_type(ColumnType::Bytes)
    }

    fn kv(
        &self,
        inner: Arc<dyn DynKvStorage>,
        definition: &Arc<KvDef>,
        _scope: &LayerScope,
    ) -> Arc<dyn DynKvStorage> {
        Arc::new(EncryptedKv::new(inner, Arc::clone(definition), Arc::clone(&self.keys)))
    }
}

fn no_randomness(error: getrandom::Error) -> Error {
    Error::backend("the operating system gives no random numbers", Some(Box::new(error)))
}
