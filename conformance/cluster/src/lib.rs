//! A real Kubernetes node, started for one test: etcd, API server, controller manager, scheduler, kubelet and
//! containerd 2. VFs, card and ovnkube-node are those of the simulated DPU host, in whose network namespace all of it
//! runs; that ovnkube-node asks the real API server for its pods.
//!
//! Everything runs in mount and process namespaces of its own and ends with the value, or with the process that has it,
//! however that ends.
#![forbid(unsafe_code)]

mod api;
mod caretaker;
mod claim_driver;
mod cluster;
mod command;
mod daemon;
mod device_plugin;
mod grpc;
mod multus;
pub mod objects;
mod parts;
mod programs;
mod role;
mod wait;

pub use api::Api;
pub use claim_driver::ClaimDriver;
pub use cluster::Cluster;
pub use command::{Args, run};
pub use daemon::Daemon;
pub use device_plugin::DevicePlugin;
pub use multus::Multus;
pub use parts::{ADDRESS, NODE, Parts};
pub use programs::program;
pub use role::{RESOURCE, Role};
