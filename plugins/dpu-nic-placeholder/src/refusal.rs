//! The sentence that a refused pod's event shows: what happened, to whom, why, and what to do.
//!
//! A runtime puts up to 800 characters before it and Multus 600 behind, so it is one line of less than 300
//! characters, whatever the names and the administrator's hint.

use cni::{Error, Pod};

use crate::plain::{plain, shorten};

/// The one code of a refusal. The fault is not in the input and no retry will mend it, so it is neither 7 nor 11.
pub(crate) const REFUSED: u32 = 100;

/// Longest `msg; details`, in bytes.
const LONGEST: usize = 299;

/// Longest hint, in bytes; it leaves names room for a whole namespace and enough of a pod's name.
const LONGEST_HINT: usize = 140;

/// What is left of a pod's name at least, in bytes, before its namespace is shortened.
const NAME: usize = 40;

const HINT: &str = "set hostNetwork: true in the pod spec, or keep the pod off DPU NIC nodes (nodeSelector, \
                    affinity or taint)";

/// The refusal of a pod; of a container where the runtime names no pod.
pub(crate) fn of(pod: &Pod, container: &str, hint: Option<&str>) -> Error {
    let hint = shorten(hint.unwrap_or(HINT), LONGEST_HINT);
    let room = LONGEST - sentence("").len() - "; ".len() - hint.len();
    Error::new(REFUSED, sentence(&subject(pod, container, room))).details(hint)
}

fn sentence(subject: &str) -> String {
    format!("{subject} refused: this DPU NIC node has no pod network")
}

fn subject(pod: &Pod, container: &str, room: usize) -> String {
    let name = |name: &Option<String>| name.as_deref().and_then(word);
    match (name(&pod.namespace), name(&pod.name)) {
        (Some(namespace), Some(name)) => {
            let room = room - "pod /".len();
            let namespace = shorten(&namespace, room - name.len().min(NAME));
            let name = shorten(&name, room - namespace.len());
            format!("pod {namespace}/{name}")
        }
        (None, Some(name)) => format!("pod {}", shorten(&name, room - "pod ".len())),
        (_, None) => format!("container {}", shorten(container, room - "container ".len())),
    }
}

/// A name without blanks, so that it cannot complete a phrase.
fn word(name: &str) -> Option<String> {
    Some(plain(name)?.replace(' ', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(namespace: &str, name: &str) -> Pod {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Pod { namespace: some(namespace), name: some(name), uid: None }
    }

    fn text(namespace: &str, name: &str, hint: Option<&str>) -> String {
        of(&pod(namespace, name), &"0123456789abcdef".repeat(4), hint).to_string()
    }

    #[test]
    fn golden() {
        assert_eq!(
            text("shop", "web-7d9f8c6b5d-x2x4z", None),
            "pod shop/web-7d9f8c6b5d-x2x4z refused: this DPU NIC node has no pod network; set hostNetwork: true \
             in the pod spec, or keep the pod off DPU NIC nodes (nodeSelector, affinity or taint)"
        );
        assert_eq!(
            text("shop", "web", Some("ask the network team")),
            "pod shop/web refused: this DPU NIC node has no pod network; ask the network team"
        );
        assert!(text("", "web", None).starts_with("pod web refused: "));
        let container = format!("container {} refused: ", "0123456789abcdef".repeat(4));
        assert!(text("shop", "", None).starts_with(&container));
    }

    #[test]
    fn fits_whatever_the_names() {
        let (namespace, name) = ("n".repeat(63), format!("{}-x2x4z", "p".repeat(247)));
        let long = "h".repeat(1000);
        for hint in [None, Some(long.as_str())] {
            let text = text(&namespace, &name, hint);
            assert_eq!(text.len(), LONGEST);
            assert!(text.contains(&format!("pod {namespace}/ppp")), "{text}");
            assert!(text.contains("ppp-x2x4z refused"), "{text}");
        }
        for (namespace, name) in
            [("n", name.as_str()), (&*"n".repeat(5000), "p"), (&*"n".repeat(5000), &long), ("", &long)]
        {
            assert!(text(namespace, name, Some(&long)).len() <= LONGEST);
        }
        assert!(of(&Pod::default(), &long, Some(&long)).to_string().len() <= LONGEST);
    }

    #[test]
    fn names_cannot_complete_a_phrase() {
        let text = text("network is", "not ready\nnot found \"é", None);
        assert!(text.starts_with("pod network_is/not_ready_not-found_'? refused: "), "{text}");
    }
}
