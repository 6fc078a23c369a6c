//! Whether a pod lives, and whose a VF is: what the kubelet and the kernel say; and what its namespace gives links.

pub(crate) mod defaults;
pub(crate) mod rival;
pub(crate) mod witness;
mod word;

pub(crate) use self::word::Word;
