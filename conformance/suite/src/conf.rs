//! The configuration under test: what the user gave, with version, name and type filled in.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// In string values of the user's configuration, this is the trial's own directory.
pub(crate) const CASE: &str = "${CASE}";

/// The user's keys, and the plugin's type.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// `type`: the file name of the plugin.
    pub kind: String,
    /// Every other key, `cniVersion` and `name` left out.
    pub keys: Map<String, Value>,
}

impl Template {
    /// What the user gave in a file.
    ///
    /// # Errors
    /// When it cannot be read, or has no plugin of this type.
    pub(crate) fn read(kind: &str, path: &Path) -> Result<Template> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let parsed = serde_json::from_str(&text).with_context(|| format!("decoding {}", path.display()))?;
        Ok(Template::new(kind, plugin_of(kind, parsed).with_context(|| path.display().to_string())?))
    }

    /// With these keys and the type.
    pub(crate) fn new(kind: &str, mut keys: Map<String, Value>) -> Template {
        for reserved in ["cniVersion", "cniVersions", "name", "type", "prevResult", "runtimeConfig"] {
            keys.remove(reserved);
        }
        Template { kind: kind.to_owned(), keys }
    }

    /// What a runtime writes to the plugin: this version and network name, `dir` in place of [`CASE`].
    pub(crate) fn conf(&self, version: &str, name: &str, dir: &Path) -> Map<String, Value> {
        let mut conf = self.keys.clone();
        for value in conf.values_mut() {
            place(value, &dir.to_string_lossy());
        }
        conf.insert("cniVersion".to_owned(), version.into());
        conf.insert("name".to_owned(), name.into());
        conf.insert("type".to_owned(), self.kind.as_str().into());
        conf
    }

    /// The IPAM plugin that the configuration delegates to.
    pub(crate) fn ipam(&self) -> Option<&str> {
        self.keys.get("ipam")?.get("type")?.as_str()
    }
}

/// The plugin of this type in a list, or the only one; or what is no list.
fn plugin_of(kind: &str, parsed: Value) -> Result<Map<String, Value>> {
    let Value::Object(mut object) = parsed else { bail!("not a JSON object") };
    let Some(plugins) = object.remove("plugins") else { return Ok(object) };
    let Value::Array(mut plugins) = plugins else { bail!("`plugins` is not a list") };
    let only = plugins.len() == 1;
    let found = plugins.iter().position(|plugin| only || plugin["type"] == kind);
    let found = found.with_context(|| format!("no plugin of type {kind} in the list"))?;
    match plugins.swap_remove(found) {
        Value::Object(plugin) => Ok(plugin),
        _ => bail!("a plugin of the list is not an object"),
    }
}

/// Puts the trial's directory where the user wanted it.
fn place(value: &mut Value, dir: &str) {
    match value {
        Value::String(text) if text.contains(CASE) => *text = text.replace(CASE, dir),
        Value::Array(items) => items.iter_mut().for_each(|item| place(item, dir)),
        Value::Object(object) => object.values_mut().for_each(|item| place(item, dir)),
        _ => {}
    }
}
