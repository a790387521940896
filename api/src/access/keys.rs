//! The keys of a server. Only their digests are stored.

use clippy_core::settings::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

type Fingerprint = [u8; 32];

/// One key.
pub(crate) struct Key {
    fingerprint: Fingerprint,
    /// The owner's name for jobs of this key. Derived from the key, which it does not reveal.
    pub(crate) name: String,
    /// Signs this key's tickets. Derived only from the key, so that it is the same in every
    /// process.
    pub(crate) ticket_secret: [u8; 32],
    /// Whether it is one of `ADMIN_KEYS`.
    pub(crate) admin: bool,
}

impl Key {
    fn new(key: &str, admin: bool) -> Self {
        let ticket_secret = Sha256::new()
            .chain_update(b"clippy ticket ")
            .chain_update(key.as_bytes())
            .finalize();
        Self {
            fingerprint: fingerprint(key),
            name: name_of(key),
            ticket_secret: ticket_secret.into(),
            admin,
        }
    }
}

/// The keys of a server.
pub(crate) struct KeyRing {
    keys: Vec<Key>,
}

impl KeyRing {
    pub(crate) fn new(api: &[Secret], admin: &[Secret]) -> Self {
        // Admin keys first: a key that is in both lists is an admin key.
        let admins = admin.iter().map(|key| Key::new(key.expose(), true));
        let others = api.iter().map(|key| Key::new(key.expose(), false));
        Self {
            keys: admins.chain(others).collect(),
        }
    }

    /// Whether calls need a key: true if any key is set.
    pub(crate) fn is_closed(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether there is an admin key.
    pub(crate) fn has_admin(&self) -> bool {
        self.keys.iter().any(|key| key.admin)
    }

    /// Finds a key. It compares with every key in constant time, so that the time it takes reveals
    /// nothing.
    pub(crate) fn find(&self, given: &str) -> Option<&Key> {
        let given = fingerprint(given);
        self.keys.iter().rev().fold(None, |found, key| {
            if key.fingerprint.ct_eq(&given).into() {
                Some(key)
            } else {
                found
            }
        })
    }

    /// Finds the key by its owner's name.
    pub(crate) fn named(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// Derives the owner's name from a key; the same on every server.
fn name_of(key: &str) -> String {
    let digest = Sha256::new()
        .chain_update(b"clippy owner ")
        .chain_update(key.as_bytes())
        .finalize();
    format!("key-{}", hex::encode(&digest[..6]))
}

fn fingerprint(key: &str) -> Fingerprint {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_set_keys_are_found_and_any_key_closes_the_server() {
        let secret = |key: &str| Secret::new(key.to_owned());
        let keys = KeyRing::new(
            &[secret("one"), secret("two"), secret("root")],
            &[secret("root")],
        );
        for (key, admin) in [("one", false), ("two", false), ("root", true)] {
            assert_eq!(keys.find(key).map(|key| key.admin), Some(admin), "{key}");
        }
        for key in ["", "on", "one ", "One", "three"] {
            assert!(keys.find(key).is_none(), "{key}");
        }
        assert!(keys.is_closed() && keys.has_admin());
        let (api_only, admin_only) = (
            KeyRing::new(&[secret("one")], &[]),
            KeyRing::new(&[], &[secret("root")]),
        );
        assert!(api_only.is_closed() && !api_only.has_admin());
        assert!(admin_only.is_closed() && admin_only.has_admin());
        assert!(!KeyRing::new(&[], &[]).is_closed());
    }
}
