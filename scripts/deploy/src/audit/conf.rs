//! A network configuration file, read as libcni reads it (`libcni/conf.go`): a `.conflist` is a list, anything else one
//! plugin that is made a list of.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::tree::Tree;

/// What libcni looks for in a directory of networks.
pub(crate) const EXTENSIONS: [&str; 3] = ["conf", "conflist", "json"];
/// The newest version that libcni knows; of `cniVersions`, newer ones are passed over.
const NEWEST: Version = [1, 1, 0];

type Version = [u32; 3];

/// A network.
#[derive(Clone, Debug)]
pub(crate) struct Conf {
    pub(crate) path: String,
    pub(crate) name: String,
    /// The version in which its plugins are spoken to.
    pub(crate) version: Option<String>,
    /// The `type` of each plugin.
    pub(crate) types: Vec<String>,
    pub(crate) document: Value,
}

/// What libcni decodes of one plugin (`types.PluginConf`): a value of another kind makes the file unusable. Go matches
/// the names in any case.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "some are read for their kind only")]
struct Plugin {
    cni_version: Option<String>,
    name: Option<String>,
    r#type: Option<String>,
    capabilities: Option<BTreeMap<String, Option<bool>>>,
    ipam: Option<Ipam>,
    dns: Option<Dns>,
    prev_result: Option<Map<String, Value>>,
}

const FIELDS: [&str; 7] = ["cniVersion", "name", "type", "capabilities", "ipam", "dns", "prevResult"];

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for its kind only")]
struct Ipam {
    r#type: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for their kinds only")]
struct Dns {
    nameservers: Option<Vec<String>>,
    domain: Option<String>,
    search: Option<Vec<String>>,
    options: Option<Vec<String>>,
}

impl Conf {
    /// Reads a file.
    ///
    /// # Errors
    /// With what libcni would not take.
    pub(crate) fn read(tree: &Tree, path: &str) -> Result<Self, String> {
        let text = tree.read(path).map_err(|error| error.to_string())?;
        let document: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let (directory, base) = path.rsplit_once('/').unwrap_or(("", path));
        let (name, version, types) = if path.ends_with(".conflist") {
            let list = document.as_object().ok_or("it is no JSON object")?;
            let (name, version, mut types) = list_of(list)?;
            if !switch(list, "loadOnlyInlinedPlugins")? {
                types.extend(from_folder(tree, &format!("{directory}/{name}"))?);
            }
            (name, version, types)
        } else {
            let plugin = plugin(&document)?;
            (plugin.name.unwrap_or_default(), plugin.cni_version, vec![plugin.r#type.unwrap_or_default()])
        };
        if types.is_empty() {
            return Err("no plugin is named in it".to_owned());
        }
        Ok(Conf {
            path: path.to_owned(),
            // CRI-O's rule (ocicni `loadNetworks`).
            name: if name.is_empty() { base.to_owned() } else { name },
            version: version.filter(|version| !version.is_empty()),
            types,
            document,
        })
    }

    /// Whether it calls the plugin.
    pub(crate) fn calls(&self, plugin: &str) -> bool {
        self.types.iter().any(|name| name == plugin)
    }

    /// Whether its plugins can be spoken to at all: none knows a version that the specification does not.
    pub(crate) fn speakable(&self) -> Result<(), String> {
        const SPOKEN: [&str; 7] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
        match self.version.as_deref() {
            Some(version) if !SPOKEN.contains(&version) => {
                Err(format!("no plugin supports its cniVersion {version}"))
            }
            _ => Ok(()),
        }
    }
}

/// The files of a directory that libcni reads, in order; a directory of such a name is none.
pub(crate) fn files(tree: &Tree, directory: &str, extensions: &[&str]) -> Vec<String> {
    let is_read = |name: &String| {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| extensions.contains(&extension))
    };
    let paths = tree.names(directory).into_iter().filter(is_read).map(|name| format!("{directory}/{name}"));
    paths.filter(|path| tree.at(path).symlink_metadata().is_ok_and(|metadata| !metadata.is_dir())).collect()
}

/// A list's name, version and inlined plugins.
fn list_of(list: &Map<String, Value>) -> Result<(String, Option<String>, Vec<String>), String> {
    let name = list.get("name").ok_or("it has no name")?.as_str().ok_or("its name is no text")?.to_owned();
    let version = version_of(list)?;
    for key in ["disableCheck", "disableGC"] {
        switch(list, key)?;
    }
    let types = match list.get("plugins") {
        None if switch(list, "loadOnlyInlinedPlugins")? => {
            return Err("loadOnlyInlinedPlugins is true, and it has no plugins".to_owned());
        }
        None => Vec::new(),
        Some(Value::Array(plugins)) if plugins.is_empty() => {
            return Err("its list of plugins is empty".to_owned());
        }
        Some(Value::Array(plugins)) => plugins
            .iter()
            .map(|conf| Ok(plugin(conf)?.r#type.unwrap_or_default()))
            .collect::<Result<_, String>>()?,
        Some(_) => return Err("its plugins are no list".to_owned()),
    };
    Ok((name, version, types))
}

/// The highest of `cniVersions` and `cniVersion` that libcni knows.
fn version_of(list: &Map<String, Value>) -> Result<Option<String>, String> {
    let one = match list.get("cniVersion") {
        None => None,
        Some(version) => Some(version.as_str().ok_or("its cniVersion is no text")?),
    };
    let Some(many) = list.get("cniVersions") else { return Ok(one.map(str::to_owned)) };
    let many = many.as_array().ok_or("its cniVersions are no list")?;
    let mut best: Option<(Version, &str)> = None;
    let texts = many.iter().map(|version| version.as_str().ok_or("one of its cniVersions is no text"));
    for text in texts.chain(one.filter(|text| !text.is_empty()).map(Ok)) {
        let text = text?;
        let version = parsed(text).ok_or_else(|| format!("{text} is no version"))?;
        if version <= NEWEST && best.is_none_or(|(best, _)| version > best) {
            best = Some((version, text));
        }
    }
    Ok(best.map(|(_, text)| text).or(one).map(str::to_owned))
}

/// One to three numbers (`pkg/version/plugin.go: ParseVersion`).
fn parsed(text: &str) -> Option<Version> {
    let mut version = [0; 3];
    for (at, part) in text.split('.').enumerate() {
        *version.get_mut(at)? = part.parse().ok()?;
    }
    Some(version)
}

/// A boolean, or its word in any case.
fn switch(list: &Map<String, Value>, key: &str) -> Result<bool, String> {
    match list.get(key) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("false") => Ok(false),
        Some(other) => Err(format!("its {key} is {other}, neither true nor false")),
    }
}

fn plugin(conf: &Value) -> Result<Plugin, String> {
    let map = conf.as_object().ok_or("a plugin of it is no JSON object")?;
    let canonical = |key: &String| {
        let field = FIELDS.iter().find(|field| field.eq_ignore_ascii_case(key));
        field.map_or_else(|| key.clone(), |field| (*field).to_owned())
    };
    let map: Map<String, Value> = map.iter().map(|(key, value)| (canonical(key), value.clone())).collect();
    let plugin: Plugin = serde_json::from_value(Value::Object(map)).map_err(|error| error.to_string())?;
    match plugin.r#type.as_deref() {
        None | Some("") => Err("no plugin is named in it".to_owned()),
        Some(_) => Ok(plugin),
    }
}

/// What libcni 1.2 and newer add from a folder of the network's name.
fn from_folder(tree: &Tree, folder: &str) -> Result<Vec<String>, String> {
    let read = |path: String| {
        let text = tree.read(&path).map_err(|error| format!("{path}: {error}"))?;
        let conf: Value = serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?;
        Ok(plugin(&conf).map_err(|error| format!("{path}: {error}"))?.r#type.unwrap_or_default())
    };
    files(tree, folder, &["conf"]).into_iter().map(read).collect()
}
