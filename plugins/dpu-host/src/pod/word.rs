//! The kubelet's word on whose a VF is.

/// Whose a VF is that one pod asks for and another holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The kubelet cannot be asked.
    Unheard,
    /// The holder's pod has a claim of which it cannot be told whether it is the VF.
    Untold,
    /// It has given the VF to both pods.
    Both,
    /// To the holder alone.
    Holder,
    /// To the one that asks alone.
    Asker,
    /// To neither.
    Neither,
}
