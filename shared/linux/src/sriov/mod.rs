//! SR-IOV and scalable functions: what they are called and what sysfs says about them.

mod naming;
mod pci;
mod scalable;
mod sysfs;

pub use pci::{InvalidPciAddress, PciAddress};
pub use scalable::{InvalidScalableFunction, ScalableFunction};
pub use sysfs::Sysfs;
