//! Which of several VFs a pod's first interface gets.

use std::collections::BTreeSet;

use super::DeviceId;

/// The first that is free, as they come, but not the last by its name while there is another: that one ovnkube-node takes
/// for a primary user-defined network, having sorted all of the pod's as text (`go-controller/pkg/cni/udn/resource.go`).
/// Where none is free the first, whose holder will be named. `None` where there are none.
pub(super) fn choose(ids: &[DeviceId], is_taken: impl Fn(&DeviceId) -> bool) -> Option<DeviceId> {
    let last = ids.iter().max_by_key(|id| id.to_string())?;
    let mut free = ids.iter().filter(|id| !is_taken(id));
    let first_but_last = free.clone().find(|id| *id != last);
    first_but_last.or_else(|| free.next()).or(ids.first()).cloned()
}

/// Each once, in the order of first appearance.
pub(super) fn once(ids: impl IntoIterator<Item = DeviceId>) -> Vec<DeviceId> {
    let mut seen = BTreeSet::new();
    ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(ids: &[&str], taken: &[&str]) -> Option<String> {
        let ids = once(ids.iter().map(|id| id.parse().expect("a device")));
        choose(&ids, |id| taken.contains(&id.to_string().as_str())).map(|id| id.to_string())
    }

    #[test]
    fn the_first_free_one_but_the_last_of_all() {
        let [a, b, c] = ["0000:03:00.2", "0000:03:00.3", "0000:03:01.0"];
        assert_eq!(chosen(&[a, b, c], &[]).as_deref(), Some(a));
        assert_eq!(chosen(&[a, b, c], &[a]).as_deref(), Some(b));
        // One container's are sorted, all containers' are not.
        assert_eq!(chosen(&[c, a, b], &[]).as_deref(), Some(a));
        assert_eq!(chosen(&[c, b], &[]).as_deref(), Some(b));
        assert_eq!(chosen(&[a, b, c], &[a, b]).as_deref(), Some(c), "there is no other");
        assert_eq!(chosen(&[c, c], &[]).as_deref(), Some(c));
        assert_eq!(chosen(&[b, a], &[a, b]).as_deref(), Some(b), "nobody's is free: its holder is named");
        assert_eq!(chosen(&[], &[]), None);
    }

    /// As text, `eth0-10` is before `eth0-9`.
    #[test]
    fn the_last_is_the_one_of_those_who_sort_text() {
        assert_eq!(chosen(&["eth0-9", "eth0-10"], &[]).as_deref(), Some("eth0-10"));
    }
}
