//! YAML and JSON, in and out: read as `kubectl` reads it.

mod compose;
mod scalar;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::compose::Malformed;
use crate::fault::Fault;

/// A manifest as text. What YAML 1.1 takes for a boolean or a number is quoted, text of several lines stays readable,
/// and no line is folded: a data URL is one line.
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
/// With the line of a repeated key and the path of an unknown one, or of a value of the wrong kind.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Fault> {
    let mut documents = documents(&text(path)?).map_err(|why| malformed(path, why))?;
    documents.retain(|document| !document.is_null());
    let document = match documents.len() {
        0 => Value::Object(Map::new()),
        1 => documents.swap_remove(0),
        many => return Err(malformed(path, format!("it holds {many} documents, and one is wanted"))),
    };
    serde_path_to_error::deserialize(document).map_err(|error| {
        let why = error.inner().to_string();
        // A bare `yes` or `1017` where a word is meant.
        let remedy = if why.contains("expected a string") { "put it in quotes" } else { "mend the file" };
        // The whole document has no path.
        let key = Some(error.path().to_string()).filter(|key| key != ".");
        let place = key.map_or(path.display().to_string(), |key| format!("{}: {key}", path.display()));
        Fault::new(format!("{place}: {why}"), remedy)
    })
}

/// All objects of a file, JSON or YAML, lists taken apart.
///
/// # Errors
/// When the file cannot be read, holds none, or holds something else: a failed `oc get > FILE` leaves nothing, or its
/// complaint.
pub(crate) fn objects(path: &Path) -> Result<Vec<Value>, Fault> {
    let found = look(path)?;
    match found.strange.into_iter().next() {
        Some(why) => Err(malformed(path, why)),
        None if found.objects.is_empty() => Err(malformed(path, "it holds no objects")),
        None => Ok(found.objects),
    }
}

/// What several files hold together: a must-gather, the answers of several commands.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) objects: Vec<Value>,
    /// What could not be taken into account; an empty list is not among it.
    pub(crate) doubts: Vec<Fault>,
}

/// All objects of some files, as far as there are any: one that cannot be read does not hide the others.
///
/// # Errors
/// When there is no object in any of them.
pub(crate) fn gather(paths: &[PathBuf]) -> Result<Gathered, Fault> {
    let mut gathered = Gathered::default();
    for path in paths {
        match look(path) {
            Ok(found) => {
                gathered.doubts.extend(found.strange.into_iter().map(|why| malformed(path, why)));
                gathered.objects.extend(found.objects);
            }
            Err(fault) => gathered.doubts.push(fault),
        }
    }
    if !gathered.objects.is_empty() {
        return Ok(gathered);
    }
    let nothing = || malformed(paths.first().map_or(Path::new("-"), PathBuf::as_path), "it holds no objects");
    Err(gathered.doubts.into_iter().next().unwrap_or_else(nothing))
}

/// What a file holds.
#[derive(Default)]
struct Found {
    objects: Vec<Value>,
    /// What is in it and is no object.
    strange: Vec<String>,
}

fn look(path: &Path) -> Result<Found, Fault> {
    let text = text(path)?;
    if text.trim().is_empty() {
        return Err(malformed(path, "it holds no objects"));
    }
    let mut found = Found::default();
    for document in documents(&text).map_err(|why| malformed(path, why))? {
        found.take(document, None);
    }
    Ok(found)
}

impl Found {
    /// An object, or what a list of them holds: a JSON array, a `kind: List`, a `PodList` whose items need not say that
    /// they are pods.
    fn take(&mut self, document: Value, kind: Option<&str>) {
        match document {
            Value::Null => {}
            Value::Array(items) => items.into_iter().for_each(|item| self.take(item, kind)),
            Value::Object(mut map) => match (list_of(&map), map.remove("items")) {
                (Some(kind), Some(Value::Array(items))) => {
                    let kind = Some(kind).filter(|kind| !kind.is_empty());
                    for item in items {
                        self.take(item, kind.as_deref());
                    }
                }
                (Some(_), Some(Value::Null)) => {}
                (_, items) => {
                    map.extend(items.map(|items| ("items".to_owned(), items)));
                    self.object(map, kind);
                }
            },
            other => self.strange(&other),
        }
    }

    fn object(&mut self, mut map: Map<String, Value>, kind: Option<&str>) {
        if let Some(kind) = kind.filter(|_| map.contains_key("metadata")) {
            map.entry("kind").or_insert_with(|| kind.into());
        }
        let object = Value::Object(map);
        if object["kind"].is_string() { self.objects.push(object) } else { self.strange(&object) }
    }

    fn strange(&mut self, value: &Value) {
        let shown: String = value.to_string().chars().take(60).collect();
        self.strange.push(format!("{shown} is no object of a cluster"));
    }
}

/// The kind of a list's items, empty where they say it themselves.
fn list_of(map: &Map<String, Value>) -> Option<String> {
    let kind = map.get("kind").and_then(Value::as_str)?.strip_suffix("List")?;
    map.contains_key("items").then(|| kind.to_owned())
}

/// All documents of a text. What begins like JSON is read as JSON, several documents with or without `---` between
/// them; where that fails, it may be YAML that looks like it.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    let shown = |Malformed { line, why }| format!("line {line}: {why}");
    if !text.trim_start().starts_with(['{', '[']) {
        return compose::documents(text).map_err(shown);
    }
    json(text).or_else(|error| {
        // Who got further knows better what is wrong.
        compose::documents(text)
            .map_err(|yaml| if yaml.line > error.line { shown(yaml) } else { shown(error) })
    })
}

fn json(text: &str) -> Result<Vec<Value>, Malformed> {
    let mut documents = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        at += rest.len() - next_document(rest).len();
        if at == text.len() {
            return Ok(documents);
        }
        let mut stream = serde_json::Deserializer::from_str(&text[at..]).into_iter();
        match stream.next() {
            Some(Ok(document)) => documents.push(document),
            Some(Err(error)) => {
                let before = text[..at].matches('\n').count();
                return Err(Malformed { line: before + error.line(), why: error.to_string() });
            }
            None => return Ok(documents),
        }
        at += stream.byte_offset();
    }
}

/// Without the `---` lines and the blanks that it begins with.
fn next_document(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        match text.strip_prefix("---") {
            Some(rest) => text = rest,
            None => return text,
        }
    }
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

fn malformed(path: &Path, why: impl std::fmt::Display) -> Fault {
    Fault::new(format!("{}: {why}", path.display()), "mend the file")
}
