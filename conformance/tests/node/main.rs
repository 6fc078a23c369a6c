//! The simulated node, asked over its socket as a plugin would ask.

mod attach;
mod client;
mod command;
mod kubelet;
mod moods;
mod networks;
