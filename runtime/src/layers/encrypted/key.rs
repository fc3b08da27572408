//! Keys, and what is sealed with one.

use std::fmt;

use argon2::Argon2;
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::no_randomness;
use crate::error::{Error, Result};

/// The format's version; an unknown one is refused.
const VERSION: u8 = 1;
/// So many bytes tell a key from others.
const ID: usize = 8;
const NONCE: usize = 24;
/// The shortest salt of Argon2.
const SHORTEST_SALT: usize = 8;

/// A key that values are [encrypted](super::Encrypted) with. What it is made of is wiped from memory
/// when it is dropped, and never printed.
#[derive(Clone)]
pub struct EncryptionKey {
    id: [u8; ID],
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EncryptionKey").field(&self.name()).finish()
    }
}

impl EncryptionKey {
    /// A key that was made by chance, from a vault or a file: 32 random bytes, and not a pass phrase.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut id = [0; ID];
        let digest = Sha256::new().chain_update(b"storehouse key\0").chain_update(bytes).finalize();
        id.copy_from_slice(&digest[..ID]);
        Self { id, cipher: XChaCha20Poly1305::new(bytes.into()) }
    }

    /// A key made of a pass phrase, by Argon2id (RFC 9106) with 19 MiB of memory and two passes, which
    /// OWASP recommends. It takes some hundredths of a second, on purpose.
    ///
    /// The salt is no secret; it has to be the same each time, and another for each program, so that
    /// nobody can try pass phrases on many at once: 16 random bytes in its configuration, or its name.
    /// Fails with [`Error::Validation`] when it has fewer than eight bytes.
    pub fn from_pass_phrase(pass_phrase: &str, salt: &[u8]) -> Result<Self> {
        if salt.len() < SHORTEST_SALT {
            return Err(Error::validation(format!(
                "the salt has {} bytes, and needs eight at least; give 16 random bytes, the same \
                 each time",
                salt.len()
            )));
        }
        let mut bytes = Zeroizing::new([0; 32]);
        Argon2::default()
            .hash_password_into(pass_phrase.as_bytes(), salt, &mut *bytes)
            .map_err(|error| Error::validation(format!("no key can be made of this: {error}")))?;
        Ok(Self::from_bytes(&bytes))
    }

    /// What tells the key from others, as error messages say it: 16 hexadecimal digits of a digest. It
    /// is no secret.
    pub fn name(&self) -> String {
        hexadecimal(self.id)
    }

    pub(super) fn is_of(&self, sealed: &Sealed<'_>) -> bool {
        self.id == sealed.id
    }

    pub(super) fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(no_randomness)?;
        let payload = Payload { msg: plaintext, aad: context };
        let ciphertext = (self.cipher.encrypt(&XNonce::from(nonce), payload))
            .map_err(|_| Error::validation("the value is too long to be encrypted"))?;
        let mut sealed = Vec::with_capacity(1 + ID + NONCE + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend(self.id);
        sealed.extend(nonce);
        sealed.extend(ciphertext);
        Ok(sealed)
    }

    /// What was sealed; none where it is not what was sealed in that context.
    pub(super) fn open(&self, context: &[u8], sealed: &Sealed<'_>) -> Option<Zeroizing<Vec<u8>>> {
        let payload = Payload { msg: sealed.ciphertext, aad: context };
        self.cipher.decrypt(&XNonce::from(sealed.nonce), payload).ok().map(Zeroizing::new)
    }
}

/// What the database holds, taken apart.
pub(super) struct Sealed<'a> {
    id: [u8; ID],
    nonce: [u8; NONCE],
    ciphertext: &'a [u8],
}

impl<'a> Sealed<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let parsed = bytes.split_first().and_then(|(&version, rest)| {
            let (id, rest) = rest.split_first_chunk()?;
            let (nonce, ciphertext) = rest.split_first_chunk()?;
            Some((version, Self { id: *id, nonce: *nonce, ciphertext }))
        });
        match parsed {
            Some((VERSION, sealed)) => Ok(sealed),
            Some((version, _)) => Err(format!(
                "it is encrypted in version {version} of the format, or not at all; this program \
                 knows version {VERSION}"
            )),
            None => Err("it is too short to be encrypted; was it written without the layer \
                         `Encrypted`?"
                .to_owned()),
        }
    }

    pub(super) fn key_name(&self) -> String {
        hexadecimal(self.id)
    }
}

fn hexadecimal(bytes: [u8; ID]) -> String {
    format!("{:016x}", u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_can_be_opened_where_it_belongs_only() {
        let key = EncryptionKey::from_bytes(&[7; 32]);
        let sealed = key.seal(b"here", b"secret").unwrap();
        let open = |context: &[u8], bytes: &[u8]| {
            let sealed = Sealed::parse(bytes).unwrap();
            assert!(key.is_of(&sealed));
            key.open(context, &sealed).map(|plaintext| plaintext.to_vec())
        };
        assert_eq!(open(b"here", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(open(b"there", &sealed), None);
        for position in 1 + ID..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(open(b"here", &changed), None, "byte {position}");
        }
        assert_ne!(key.seal(b"here", b"secret").unwrap(), sealed, "never the same nonce");
    }

    #[test]
    fn what_is_not_sealed_is_told() {
        let message = |bytes: &[u8]| Sealed::parse(bytes).err().unwrap();
        assert!(message(b"").contains("too short"));
        assert!(message(&[1; 32]).contains("too short"));
        assert!(message(&[9; 64]).contains("version 9"));
    }

    /// As the reference implementation of Argon2 gives it: other parameters would lock everybody out.
    #[test]
    fn a_pass_phrase_gives_the_same_key_in_every_version() {
        let key = EncryptionKey::from_pass_phrase("correct horse", b"storehouse salt").unwrap();
        assert_eq!(key.name(), "4b5ea91a78bf500f");
        assert!(EncryptionKey::from_pass_phrase("a", b"short").is_err());
        assert!(!format!("{key:?}").contains("cipher"));
    }
}
