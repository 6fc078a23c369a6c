//! Network namespaces for tests: with names, as people and runtimes have them, and without, which nothing can leave behind.

mod named;
mod nameless;

pub use named::Namespace;
pub use nameless::Container;
