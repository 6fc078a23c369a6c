//! What ovnkube-node's CNI server and its clients say to each other.
//!
//! ovn-kubernetes calls this protocol private and gives it no version: `go-controller/pkg/cni/types.go` and
//! `cniserver.go` are its only description. It is JSON over HTTP/1.1 over a unix socket. [`wire`] has the
//! documents, for both ends and both generations of the server (before and after primary user-defined
//! networks); [`Client`] sends one and waits no longer than its caller allows.
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod answer;
mod client;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod http;
mod metrics;
mod transport;
pub mod wire;

pub use client::Client;
pub use failure::Failure;
pub use health::Health;
pub use metrics::Metrics;
pub use transport::Open;
pub use wire::{KubeAuth, PodInterface, PodRequest, Request, Response, Route};

/// Where ovnkube-node listens (`pkg/cni/types.go`, by way of the link `/var/run`).
pub const SOCKET: &str = "/run/ovn-kubernetes/cni/ovn-cni-server.sock";

/// The only CNI `type` that server and shim accept in a configuration (`pkg/config/cni.go`).
pub const PLUGIN_TYPE: &str = "ovn-k8s-cni-overlay";

/// The interface name that a pod's primary user-defined network always gets.
pub const UDN_INTERFACE: &str = "ovn-udn1";
