//! Everything of the suite that is not shipped.
