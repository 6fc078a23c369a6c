//! YAML and JSON, in and out.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::Fault;

/// A manifest as text. What YAML 1.1 takes for a boolean is quoted, text of several lines stays readable, and no
/// line is folded: a data URL is one line.
///
/// # Errors
/// None that a manifest of ours can cause.
pub(crate) fn print(document: &impl Serialize) -> Result<String, Fault> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(document, options)
        .map_err(|error| Fault::new(format!("a manifest cannot be written as YAML ({error})"), "report this"))
}

/// A file of exactly one document; an empty one is an empty map.
///
/// # Errors
/// With the line and what is wrong there: an unknown or a repeated key, a value of the wrong kind.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Fault> {
    let text = text(path)?;
    let text = if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        "{}"
    } else {
        &text
    };
    serde_saphyr::from_str(text).map_err(|error| malformed(path, &error.to_string()))
}

/// All objects of a file, JSON or YAML, lists taken apart.
///
/// # Errors
/// When the file cannot be read or holds something else: a failed `oc get > FILE` leaves nothing, or its complaint.
pub(crate) fn objects(path: &Path) -> Result<Vec<Value>, Fault> {
    let objects = parse(&text(path)?).map_err(|error| malformed(path, &error))?;
    match objects.iter().find(|object| !object["kind"].is_string()) {
        None if !objects.is_empty() => Ok(objects),
        None => Err(malformed(path, "it holds no objects")),
        Some(other) => {
            let shown: String = other.to_string().chars().take(60).collect();
            Err(malformed(path, &format!("{shown} is no object of a cluster")))
        }
    }
}

/// All documents of a text, lists taken apart, empty ones left out.
fn parse(text: &str) -> Result<Vec<Value>, String> {
    let documents = if text.trim_start().starts_with(['{', '[']) {
        let stream = serde_json::Deserializer::from_str(text).into_iter();
        stream.collect::<Result<Vec<Value>, _>>().map_err(|error| error.to_string())?
    } else {
        serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?
    };
    Ok(documents.into_iter().flat_map(flatten).collect())
}

/// A `kind: List`, or a JSON array, is what it holds.
fn flatten(document: Value) -> Vec<Value> {
    match document {
        Value::Null => Vec::new(),
        Value::Array(items) => items.into_iter().flat_map(flatten).collect(),
        Value::Object(mut map) if is_list(&map) => match map.remove("items") {
            Some(Value::Array(items)) => items.into_iter().flat_map(flatten).collect(),
            _ => Vec::new(),
        },
        other => vec![other],
    }
}

fn is_list(map: &serde_json::Map<String, Value>) -> bool {
    map.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"))
        && map.contains_key("items")
}

fn text(path: &Path) -> Result<String, Fault> {
    let read = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| {
        Fault::new(
            format!("{} cannot be read ({error})", path.display()),
            "check the path and its permissions",
        )
    })
}

fn malformed(path: &Path, error: &str) -> Fault {
    let error = error.lines().next().unwrap_or_default().trim_start_matches("error: ");
    // What follows is for whoever calls the library.
    let error = error.split(", set DuplicateKeyPolicy").next().unwrap_or(error);
    Fault::new(format!("{}: {error}", path.display()), "mend the file")
}
