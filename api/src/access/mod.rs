//! What access is decided by: keys, tickets, and where a call comes from. The layers that decide
//! are in `auth`.

mod caller;
mod keys;
pub(crate) mod sites;
pub(crate) mod tickets;

pub(crate) use caller::Caller;
pub(crate) use keys::{Key, KeyRing};
pub(crate) use sites::Sites;
