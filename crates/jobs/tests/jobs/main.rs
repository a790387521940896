//! The integration tests of this crate are one program, so that libtorch and the engine are linked
//! only once.

mod addresses;
mod contract;
mod damage;
mod faults;
mod layout;
mod load;
mod lost_answers;
mod outages;
mod support;
