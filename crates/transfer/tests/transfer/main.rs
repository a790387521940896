//! Exports and imports with doubles of the stores: the files, and what becomes of them when they or
//! a run are damaged.

mod damage;
mod merging;
mod round_trip;
mod support;
