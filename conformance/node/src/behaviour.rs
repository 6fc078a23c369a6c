//! How the node behaves, settable while it runs.

use std::path::PathBuf;
use std::time::Duration;

use super::pods::Families;

/// What the node's parts do. Every field mirrors something that the real ones do or have done;
/// [`Behaviour::default`] is a healthy node with a privileged server of today.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Which server answers.
    pub generation: Generation,
    /// The server configures the pod itself and answers with a result, as on OpenShift; without (ovnkube-node's
    /// `--unprivileged-mode`) it leaves that to its client.
    pub privileged: bool,
    /// A privileged server gives IPv6 addresses as upstream's does: to a link that is up, with duplicate address
    /// detection, whose end it waits for. Without, they are usable at once.
    pub detects_duplicates: bool,
    /// How the card takes a request to connect a VF.
    pub card: Card,
    /// The card takes its `Ready` back when a VF is let go or another sandbox asks. Real cards do so late or never:
    /// then the Ready of an earlier sandbox lets a new ADD through before anything is connected
    /// (`utils.go: isDPUReady`).
    pub card_forgets: bool,
    /// The card's lease (`pkg/node/dpulease`).
    pub lease: Lease,
    /// How long one request may take; upstream 2 minutes (`kubeletDefaultCRIOperationTimeout`). It goes on when the
    /// client hangs up.
    pub budget: Duration,
    /// What becomes of ADD.
    pub add: Answer,
    /// What becomes of DEL.
    pub del: Answer,
    /// What becomes of STATUS.
    pub status: Answer,
    /// Pods that nobody registered come into being when they are first asked for. Otherwise, and once
    /// [`super::Node::delete_pod`] has removed them, they do not exist.
    pub invents_pods: bool,
    /// The addresses of pods that are registered from now on.
    pub families: Families,
    /// How the kubelet takes a question about devices.
    pub kubelet: Kubelet,
    /// What it answers when it is asked for one pod.
    pub get: Get,
    /// Bytes by which its answer for all pods is larger than its pods are: one of a pod whose driver fails and fails
    /// (kubernetes #141335).
    pub list_padding: usize,
    /// The root directory of the runtime, whose paths of sandboxes mean nothing here when it has a mount namespace
    /// of its own. (ovnkube-node has the host's `/run/netns` mounted.)
    pub runtime_root: PathBuf,
    /// Bytes of CA bundle in the `KubeAuth` of an ADD's answer: real ones make it a chunked one. The certificate is made up,
    /// and upstream's own plugin takes none that is; with 0 it is sent where no TLS is spoken.
    pub ca_bundle: usize,
}

/// The two known generations of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Generation {
    /// December 2024 (6c366bb49): no user-defined networks, no STATUS, `nadName`, PCI and auxiliary devices only,
    /// configurations up to CNI 1.0.0.
    Old,
    /// August 2026 (8871cd9ce).
    #[default]
    New,
}

/// How the card takes a request to connect a VF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Card {
    /// Connects it at once.
    #[default]
    Ready,
    /// Connects it that much later.
    After(Duration),
    /// Does nothing: what a stuck or dead card looks like (`addRepPort` only logs its errors).
    Never,
    /// Reports this status. New servers give up on it, old ones go on waiting.
    Reports(String),
}

/// The card's lease, which gates ADD and STATUS of new servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lease {
    /// No lease is configured (`--dpu-node-lease-renew-interval 0`): always ready.
    Off,
    /// Renewed in time.
    #[default]
    Healthy,
    /// Not renewed any more.
    Expired,
    /// There is none.
    NotFound,
}

/// How the kubelet takes a question about devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kubelet {
    /// It answers.
    #[default]
    Healthy,
    /// It refuses this many calls, as its rate limit does (since Kubernetes 1.28), and answers the next ones.
    RateLimited(u32),
    /// It refuses with an error.
    Refuses,
    /// It does not answer.
    Hangs,
    /// It speaks something else.
    Garbage,
    /// Its answer ends in the middle of a message.
    Truncated,
    /// Its answer is whole, but breaks off before the status that says so.
    Unfinished,
    /// It has just been started and not heard of the API server yet: it answers with its static pods alone.
    Restarted,
}

/// What a kubelet answers when it is asked for one pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Get {
    /// The pod (by default since Kubernetes 1.34).
    #[default]
    Served,
    /// That this is switched off (from 1.27 on).
    Off,
    /// That there is no such method.
    Missing,
}

/// What becomes of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// It is answered as upstream would.
    #[default]
    Proper,
    /// It is done, but the answer ends half-way.
    Truncated,
    /// It is done, but the connection is closed without an answer: the server was killed just then.
    Lost,
    /// It is read and never answered.
    Hang,
    /// It is read, the connection closed, and nothing done.
    HangUp,
    /// Status 400 with this text, as all of upstream's refusals.
    Refuse(String),
    /// Status 400 with a CNI error (only for STATUS upstream).
    Error {
        /// Its code.
        code: u32,
        /// Its message.
        msg: String,
    },
    /// These bytes, instead of HTTP.
    Raw(Vec<u8>),
    /// Status 200 with this body.
    Body(Vec<u8>),
    /// Status 200 with a body without end.
    Endless,
}

impl Answer {
    /// Bytes that are no HTTP.
    pub fn garbage() -> Self {
        Answer::Raw(b"\x16\x03\x01\x00\xa5 this is not HTTP\n".to_vec())
    }

    /// JSON of a depth that a naive parser's stack does not survive.
    pub fn deep() -> Self {
        let levels = 100_000;
        Answer::Body(
            [b"{\"Result\":".to_vec(), vec![b'['; levels], vec![b']'; levels], b"}".to_vec()].concat(),
        )
    }

    /// JSON of the right keys with the wrong types.
    pub fn wrong_types() -> Self {
        Answer::Body(
            br#"{"Result":null,"PodIFInfo":{"IPs":"10.0.0.1","MAC":7,"mtu":"big"},"KubeAuth":[]}"#.to_vec(),
        )
    }

    /// An answer that says neither what was done nor what to do; upstream's shim crashes on it.
    pub fn both_null() -> Self {
        Answer::Body(
            br#"{"Result":null,"PodIFInfo":null,"PrimaryUDNPodInfo":null,"PrimaryUDNPodReq":null,"KubeAuth":null}"#
                .to_vec(),
        )
    }

    /// An interface of which everything is null.
    pub fn all_null() -> Self {
        Answer::Body(
            br#"{"PodIFInfo":{"IPs":null,"MAC":null,"Gateways":null,"Routes":null,"mtu":null,"vf-netdev-name":null}}"#
                .to_vec(),
        )
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            generation: Generation::default(),
            privileged: true,
            detects_duplicates: false,
            card: Card::default(),
            card_forgets: true,
            lease: Lease::default(),
            budget: Duration::from_secs(120),
            add: Answer::default(),
            del: Answer::default(),
            status: Answer::default(),
            invents_pods: true,
            families: Families::default(),
            kubelet: Kubelet::default(),
            get: Get::default(),
            list_padding: 0,
            runtime_root: PathBuf::from("/"),
            ca_bundle: 4 << 10,
        }
    }
}
