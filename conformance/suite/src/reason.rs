//! Why a check is there.

/// Why a check is there, for who has to decide what to do about its failure. Lines may break anywhere in the texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason {
    /// The check's number.
    pub check: u16,
    /// Who says so.
    pub says: Says,
    /// What breaks where a plugin does otherwise, and in which runtime.
    pub breaks: &'static str,
    /// How plugins come to do otherwise.
    pub wrong: &'static str,
}

/// Who demands what a check does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    /// The specification: the section, and the sentence as it stands there.
    Spec(&'static str, &'static str),
    /// A program: its repository and file, or the page that describes it, and what is done there.
    Source(&'static str, &'static str),
}

/// Where a check's section is, beside the README of the suite.
pub(crate) fn address(check: u16) -> String {
    format!("CHECKS.md#check-{check}")
}

/// What was read: repository and commit. Sections, sentences and files are those of these.
pub(crate) const READ: &[(&str, &str)] = &[
    ("containernetworking/cni", "3f51e88"),
    ("containernetworking/plugins", "3d27709"),
    ("cri-o/ocicni", "18fd1eb"),
    ("cri-o/cri-o", "f954a17"),
    ("containerd/go-cni", "3dbce1d"),
    ("k8snetworkplumbingwg/multus-cni", "95a0932"),
    ("containers/common", "v0.50.1"),
    ("kubernetes/kubernetes", "v1.36.0"),
];

// Files that several checks name.
/// The reference library's frame of a plugin.
pub(crate) const SKEL: &str = "containernetworking/cni pkg/skel/skel.go";
/// How libcni starts a plugin.
pub(crate) const RAW_EXEC: &str = "containernetworking/cni pkg/invoke/raw_exec.go";
/// CRI-O's side of CNI.
pub(crate) const OCICNI: &str = "cri-o/ocicni pkg/ocicni/ocicni.go";
