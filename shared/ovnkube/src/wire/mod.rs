//! The documents on the wire, as Go's `encoding/json` writes and reads them.
//!
//! Written exactly as upstream writes them: nil slices as `null`, masks and MAC addresses in base64, unset
//! addresses as `""`. Read as leniently as Go reads, and a little more: keys in any case, missing keys and `null`
//! as the zero value, unknown keys ignored.

mod fields;
mod go;
mod kube_auth;
mod pod_interface;
mod pod_request;
mod request;
mod response;

pub(crate) use fields::Fields;
pub use kube_auth::KubeAuth;
pub use pod_interface::{PodInterface, Route};
pub use pod_request::PodRequest;
pub use request::Request;
pub use response::Response;
