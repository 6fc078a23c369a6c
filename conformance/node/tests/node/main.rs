//! The simulated node, asked over its socket as a plugin would ask.

mod attach;
mod behaviour;
mod client;
mod kubelet;
mod networks;
