//! Labels of regions.

/// The label of everything that is not enclosed.
pub const BACKGROUND: u16 = 0;
