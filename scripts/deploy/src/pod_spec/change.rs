//! JSON patches (RFC 6902), as far as a pod template needs them.

use serde::Serialize;
use serde_json::{Map, Value};

use super::workload::Workload;
use crate::fault::Fault;

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Change {
    /// Sets a key, or appends where the path ends in `/-`.
    Add { path: String, value: Value },
    /// Takes a key away.
    Remove { path: String },
}

/// Sets `keys` below the pod template, making the maps on the way that are missing.
pub(crate) fn set(workload: &Workload<'_>, maps: &[&str], key: &str, value: impl Into<Value>) -> Vec<Change> {
    let mut path = workload.at.to_owned();
    let mut changes = Vec::new();
    for part in maps {
        path = format!("{path}/{}", escape(part));
        if !workload.has(&path) {
            changes.push(Change::Add { path: path.clone(), value: Value::Object(Map::new()) });
        }
    }
    changes.push(Change::Add { path: format!("{path}/{}", escape(key)), value: value.into() });
    changes
}

/// Appends to a list below the pod template, making the list if it is missing.
pub(crate) fn append(workload: &Workload<'_>, list: &str, value: Value) -> Vec<Change> {
    let path = format!("{}{list}", workload.at);
    if workload.has(&path) {
        vec![Change::Add { path: format!("{path}/-"), value }]
    } else {
        vec![Change::Add { path, value: Value::Array(vec![value]) }]
    }
}

/// Takes a key away below the pod template.
pub(crate) fn remove(workload: &Workload<'_>, maps: &[&str], key: &str) -> Vec<Change> {
    let parts = maps.iter().chain([&key]).map(|part| format!("/{}", escape(part))).collect::<String>();
    vec![Change::Remove { path: format!("{}{parts}", workload.at) }]
}

/// A map that two changes make is made once.
pub(crate) fn merged(changes: Vec<Change>) -> Vec<Change> {
    let mut seen: Vec<Change> = Vec::new();
    for change in changes {
        if !seen.contains(&change) {
            seen.push(change);
        }
    }
    seen
}

/// Carries the changes out.
///
/// # Errors
/// When a change does not fit the object, which would be a mistake of ours.
pub(crate) fn apply(object: &mut Value, changes: &[Change]) -> Result<(), Fault> {
    for change in changes {
        let done = match change {
            Change::Add { path, value } => add(object, path, value),
            Change::Remove { path } => {
                parent(object, path).and_then(|(parent, key)| parent.as_object_mut()?.remove(&key)).map(drop)
            }
        };
        done.ok_or_else(|| {
            Fault::new(format!("the change {change:?} does not fit"), "report this with the manifest")
        })?;
    }
    Ok(())
}

fn add(object: &mut Value, path: &str, value: &Value) -> Option<()> {
    let (parent, key) = parent(object, path)?;
    match parent {
        Value::Object(map) => {
            map.insert(key, value.clone());
            Some(())
        }
        Value::Array(list) if key == "-" => {
            list.push(value.clone());
            Some(())
        }
        _ => None,
    }
}

fn parent<'a>(object: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, key) = path.rsplit_once('/')?;
    Some((object.pointer_mut(parent)?, key.replace("~1", "/").replace("~0", "~")))
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
