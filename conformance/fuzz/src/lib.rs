//! What the fuzz targets share. A target is a file in `targets`: it hands bytes to one parser and asserts what must
//! hold of whatever that accepts. It fails by panicking, by taking too long, or by taking too much memory.
#![forbid(unsafe_code)]

mod fields;
mod probe;
mod spoken;

pub use fields::Fields;
pub use probe::{Probe, call};
pub use spoken::is_one_line;
