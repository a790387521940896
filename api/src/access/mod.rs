//! The basis of access control: keys, tickets, and where a call comes from. The layers that use
//! them are in `auth`.

mod caller;
mod keys;
pub(crate) mod sites;
pub(crate) mod tickets;

pub(crate) use caller::Caller;
pub(crate) use keys::{Key, KeyRing};
pub(crate) use sites::Sites;
