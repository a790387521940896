//! A user's own folders: from files to lines of a manifest.
//!
//! [`walk`] finds the files, [`reading`] tells pictures by their content and gives each an
//! [`identity`], [`sidecars`] reads what lies beside and inside of them, and [`entry`] makes a line
//! of it all. [`scan`] runs them over whole folders in bounded memory, and leaves out every file
//! that looks as it did the last time. The manifest then goes the way of any other one.

pub mod entry;
pub mod identity;
pub mod reading;
pub mod scan;
pub mod sidecars;
pub mod summary;
pub mod walk;
pub mod words;

mod batch;
mod scanner;
mod target;
mod vanished;
