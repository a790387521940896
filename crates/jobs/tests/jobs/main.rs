//! The tests of this crate, in one program: linking libtorch and the engine once is enough.

mod addresses;
mod contract;
mod damage;
mod faults;
mod layout;
mod load;
mod lost_answers;
mod outages;
mod support;
