//! A list of plugins, run as libcni runs it: version chosen, results handed on, capabilities filled in, DEL in reverse.
//!
//! Written from the behaviour of libcni 1.3, not from its source.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome};
use super::call::Call;
use super::pod::Pod;
use super::stop::{Stop, Verdict};
use super::trial::Trial;
use super::versions::{KNOWN, at_least};

/// A configuration list.
pub(crate) struct Chain<'a> {
    trial: &'a Trial<'a>,
    pod: &'a Pod,
    version: String,
    plugins: Vec<Map<String, Value>>,
    /// Directories that are searched before the plugin's own.
    path: String,
    /// `CAP_ARGS`.
    capabilities: Map<String, Value>,
    /// What ADD returned; libcni keeps it in its cache.
    result: Option<Value>,
}

impl<'a> Chain<'a> {
    /// A list of these plugin configurations, for this container. `versions` are `cniVersion` and `cniVersions`: the
    /// newest that libcni knows is used.
    pub(crate) fn new(
        trial: &'a Trial<'a>,
        pod: &'a Pod,
        versions: &[&str],
        plugins: Vec<Map<String, Value>>,
    ) -> Chain<'a> {
        let known = versions.iter().filter(|version| KNOWN.contains(version));
        let version =
            known.fold("0.1.0", |best, version| if at_least(version, best) { version } else { best });
        let path = trial.suite.bin_dir().display().to_string();
        let (version, capabilities) = (version.to_owned(), Map::new());
        Chain { trial, pod, version, plugins, path, capabilities, result: None }
    }

    /// Searches this directory too.
    #[must_use]
    pub(crate) fn searching(mut self, dir: &std::path::Path) -> Chain<'a> {
        self.path = format!("{}:{}", dir.display(), self.path);
        self
    }

    /// Offers these capabilities' arguments.
    #[must_use]
    pub(crate) fn offering(mut self, capabilities: Map<String, Value>) -> Chain<'a> {
        self.capabilities = capabilities;
        self
    }

    /// The version that was chosen.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// What ADD returned.
    pub(crate) fn result(&self) -> Option<&Value> {
        self.result.as_ref()
    }

    /// The plugin of the list with this number, called as libcni does.
    fn call(&self, verb: &str, index: usize, previous: Option<&Value>) -> Call {
        let plugin = &self.plugins[index];
        let kind = plugin.get("type").and_then(Value::as_str).unwrap_or_default();
        let node = matches!(verb, "STATUS" | "GC");
        let call = if node { self.trial.node_call(verb) } else { self.trial.call(verb, self.pod) };
        let call = call.with("CNI_PATH", &self.path).with_conf(|conf| {
            let (version, name) = (json!(self.version), json!(self.trial.network()));
            *conf = plugin.clone();
            conf.insert("cniVersion".to_owned(), version);
            conf.insert("name".to_owned(), name);
            if let Some(previous) = previous {
                conf.insert("prevResult".to_owned(), previous.clone());
            }
            let declared =
                |key: &String| plugin.get("capabilities").is_some_and(|declared| declared[key] == true);
            let wanted: Map<_, _> =
                self.capabilities.clone().into_iter().filter(|(key, _)| declared(key)).collect();
            if !wanted.is_empty() && !node {
                conf.insert("runtimeConfig".to_owned(), Value::Object(wanted));
            }
        });
        let program =
            self.path.split(':').map(|dir| std::path::Path::new(dir).join(kind)).find(|path| path.is_file());
        match program {
            Some(program) if program != self.trial.suite.common.program => call.program(&program),
            _ => call,
        }
    }

    /// ADD of all in order; the last result is kept.
    pub(crate) fn add(&mut self) -> Verdict {
        self.try_add()?.map_or(Ok(()), |answer| answer.ok())
    }

    /// As [`Chain::add`], up to the first that does not succeed: its answer, if there is one.
    pub(crate) fn try_add(&mut self) -> Result<Option<Answer>, Stop> {
        let mut previous = None;
        for index in 0..self.plugins.len() {
            let answer = self.call("ADD", index, previous.as_ref()).run()?;
            if answer.outcome() != Outcome::Ok {
                return Ok(Some(answer));
            }
            previous = Some(Value::Object(answer.object()?));
        }
        self.result = previous;
        Ok(None)
    }

    /// Calls the first plugin only.
    pub(crate) fn first(&self, verb: &str) -> Result<Answer, Stop> {
        self.call(verb, 0, None).run()
    }

    /// The answer of the first plugin that refuses the ADD, as a runtime prints it.
    pub(crate) fn failing_add(&self) -> Result<(Answer, String), Stop> {
        let answer = self.call("ADD", 0, None).env("CNI_NETNS", "/var/run/netns/conformance-gone").run()?;
        let refusal = answer.refusal()?;
        let kind = self.plugins[0].get("type").and_then(Value::as_str).unwrap_or_default();
        let text = format!("plugin type=\"{kind}\" failed (add): {}", refusal.text());
        Ok((answer, text))
    }

    /// CHECK of all in order, each with the final result.
    pub(crate) fn check(&self) -> Verdict {
        if !at_least(&self.version, super::versions::CHECK) {
            return Ok(());
        }
        (0..self.plugins.len())
            .try_for_each(|index| self.call("CHECK", index, self.result.as_ref()).run()?.silent())
    }

    /// STATUS and GC, where the version has them; this container is listed as alive.
    pub(crate) fn status_and_gc(&self) -> Verdict {
        if !at_least(&self.version, super::versions::STATUS) {
            return Ok(());
        }
        let alive = json!([{"containerID": self.pod.id, "ifname": self.pod.ifname}]);
        for index in 0..self.plugins.len() {
            self.call("STATUS", index, None).run()?.silent()?;
            let gc = self.call("GC", index, None);
            gc.key("cni.dev/valid-attachments", alive.clone())
                .key("cni.dev/attachments", alive.clone())
                .run()?
                .silent()?;
        }
        Ok(())
    }

    /// DEL of all in reverse, each with the final result from 0.4.0 on.
    pub(crate) fn del(&self) -> Verdict {
        let previous = self.result.as_ref().filter(|_| at_least(&self.version, super::versions::CHECK));
        (0..self.plugins.len()).rev().try_for_each(|index| self.call("DEL", index, previous).run()?.silent())
    }
}
