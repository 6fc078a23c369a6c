//! The program as a person runs it: arguments in, files and text out.

mod admission;
mod audit;
mod pod_spec;
mod refusals;
mod render;
mod support;
mod uninstall;
