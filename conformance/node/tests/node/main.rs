//! The simulated node, asked over its socket as a plugin would ask.

mod attach;
mod client;
mod kubelet;
mod moods;
mod networks;
