//! Tickets: short-lived credentials in the URLs of images and streams. Browsers cannot send headers
//! with these, and a key in a URL would be stored in logs and histories.
//!
//! A ticket is `t1.EXPIRY.OWNER.SIGNATURE`: when it expires (Unix seconds in hexadecimal), the name
//! of the key that requested it, and an HMAC-SHA256 with a secret derived from that key. Every
//! process with the same keys can check it, and none stores it. It is invalid when its key is
//! removed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clippy_core::{Error, ErrorCode, Result};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Caller;
use super::keys::{Key, KeyRing};

/// How long a ticket is valid.
pub(crate) const LIFE: Duration = Duration::from_secs(600);
/// Tolerated difference between the clocks of two processes, in seconds.
const SKEW: u64 = 60;

/// A ticket and its expiry.
pub(crate) struct Ticket {
    pub text: String,
    /// Unix seconds.
    pub expires: u64,
}

/// Issues a ticket for this caller. A server without keys issues an unsigned ticket, which is never
/// checked, so that pages need no special case.
///
/// # Errors
/// [`ErrorCode::Internal`] when the caller's key is not one of the server's.
pub(crate) fn issue(keys: &KeyRing, caller: &Caller, now: SystemTime) -> Result<Ticket> {
    let expires = seconds(now) + LIFE.as_secs();
    let signed = format!("t1.{expires:x}.{}", caller.name());
    if !keys.is_closed() {
        return Ok(Ticket {
            text: format!("{signed}.none"),
            expires,
        });
    }
    let key = keys
        .named(caller.name())
        .ok_or_else(|| Error::internal("a caller's key is not on the ring"))?;
    let signature = URL_SAFE_NO_PAD.encode(mac(key, &signed)?.finalize().into_bytes());
    Ok(Ticket {
        text: format!("{signed}.{signature}"),
        expires,
    })
}

/// Checks a ticket, and returns the key that requested it.
///
/// # Errors
/// [`ErrorCode::Unauthorized`] when it has expired, or is not a ticket of these keys.
pub(crate) fn check<'a>(keys: &'a KeyRing, ticket: &str, now: SystemTime) -> Result<&'a Key> {
    let wrong = || {
        Error::new(
            ErrorCode::Unauthorized,
            "this ticket is not valid on this server: request a new one with POST /api/tickets",
        )
    };
    let (signed, signature) = ticket.rsplit_once('.').ok_or_else(wrong)?;
    let mut parts = signed.split('.');
    let (Some("t1"), Some(expires), Some(name), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let expires = u64::from_str_radix(expires, 16).map_err(|_| wrong())?;
    let key = keys.named(name).ok_or_else(wrong)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| wrong())?;
    // In constant time.
    mac(key, signed)?
        .verify_slice(&signature)
        .map_err(|_| wrong())?;
    if seconds(now) >= expires || expires > seconds(now) + LIFE.as_secs() + SKEW {
        return Err(Error::new(
            ErrorCode::Unauthorized,
            "this ticket has expired: tickets are valid for 10 minutes; request a new one with \
             POST /api/tickets",
        ));
    }
    Ok(key)
}

fn mac(key: &Key, signed: &str) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.ticket_secret).map_err(|error| {
        Error::internal("a ticket's secret has the wrong length").with_source(error)
    })?;
    mac.update(signed.as_bytes());
    Ok(mac)
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0, |passed| passed.as_secs())
}

#[cfg(test)]
mod tests {
    use clippy_core::settings::Secret;

    use super::*;

    fn ring(api: &[&str], admin: &[&str]) -> KeyRing {
        let secrets = |keys: &[&str]| {
            keys.iter()
                .map(|key| Secret::new((*key).to_owned()))
                .collect::<Vec<_>>()
        };
        KeyRing::new(&secrets(api), &secrets(admin))
    }

    #[test]
    fn a_ticket_is_valid_only_for_its_key_and_until_its_expiry() {
        let (here, there) = (
            ring(&["one", "two"], &["root"]),
            ring(&["two", "one"], &["root"]),
        );
        let now = SystemTime::now();
        for (key, admin) in [("one", false), ("root", true)] {
            let name = here.find(key).expect("a key").name.clone();
            let caller = if admin {
                Caller::Admin(name.clone())
            } else {
                Caller::Key(name.clone())
            };
            let ticket = issue(&here, &caller, now).expect("issued");
            assert!(!ticket.text.contains(key), "{}", ticket.text);
            let found = check(&there, &ticket.text, now + Duration::from_secs(590))
                .expect("valid in any process");
            assert_eq!((found.name.as_str(), found.admin), (name.as_str(), admin));
            let late = check(&here, &ticket.text, now + LIFE)
                .err()
                .expect("expired");
            assert!(late.message.contains("has expired"), "{late}");
            assert!(
                check(&ring(&["other"], &[]), &ticket.text, now).is_err(),
                "another server's"
            );
            // Its expiry and its owner cannot be changed.
            let longer = ticket.text.replacen(
                &format!("{:x}", ticket.expires),
                &format!("{:x}", ticket.expires + 9),
                1,
            );
            assert!(check(&here, &longer, now).is_err(), "{longer}");
            let other = here.find("two").expect("a key").name.clone();
            assert!(check(&here, &ticket.text.replacen(&name, &other, 1), now).is_err());
            for end in 0..ticket.text.len() {
                assert!(check(&here, &ticket.text[..end], now).is_err(), "{end}");
            }
        }
        for wrong in [
            "",
            ".",
            "...",
            "t1.ffffffffffffffffff.key.x",
            "t2.0.a.b",
            "t1.x.a.b.c",
        ] {
            assert!(check(&here, wrong, now).is_err(), "{wrong}");
        }
    }
}
