//! One run of one check with one version, on a host of its own: what the check's function works with.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tempfile::TempDir;
use testkit::namespace::Container;

use super::answer::{Answer, Outcome, Refusal};
use super::call::{Call, Common};
use super::conf::CASE;
use super::done::Done;
use super::fixture::{Fault, Place, Surroundings, Tenant};
use super::levels::{Instead, Profile, instead};
use super::pod::{Attached, POD_NAMESPACE, Pod};
use super::repeat;
use super::snapshot::files;
use super::stop::{Stop, Verdict};
use super::suite::{IDLE_DEL, Suite};

/// See the module.
pub(crate) struct Trial<'a> {
    /// What is the same for all trials.
    pub suite: &'a Suite,
    /// The version that configurations name.
    pub version: &'a str,
    check: u16,
    number: usize,
    common: Common,
    remarks: RefCell<Vec<String>>,
    /// The containers' namespaces, in their order.
    pods: RefCell<Vec<PathBuf>>,
    surroundings: RefCell<Box<dyn Surroundings>>,
    // Last: the surroundings may use it until they are dropped.
    dir: TempDir,
}

impl<'a> Trial<'a> {
    /// Begins a trial of this check, with so many containers at a time at most; the calling thread must have entered its private host.
    pub(crate) fn begin(
        suite: &'a Suite,
        check: u16,
        containers: usize,
        version: &'a str,
    ) -> anyhow::Result<Trial<'a>> {
        let number = suite.next_number();
        let dir = tempfile::Builder::new().prefix(&format!("trial-{number}-")).tempdir_in(suite.dir())?;
        fs::create_dir(dir.path().join("cwd"))?;
        let place = Place { dir: dir.path(), version, containers };
        let surroundings = RefCell::new(suite.fixture.prepare(place)?);
        let calls = suite.common.calls.as_ref().map(|_| Arc::default());
        let common = Common { last: Arc::new(Mutex::new(None)), calls, ..suite.common.clone() };
        let (remarks, pods) = (RefCell::default(), RefCell::default());
        Ok(Trial { suite, version, check, number, common, remarks, pods, surroundings, dir })
    }

    /// A directory of the trial's own.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The profile.
    pub(crate) fn profile(&self) -> Profile {
        self.suite.profile
    }

    /// Adds something worth knowing to the report of a check that passes.
    pub(crate) fn remark(&self, remark: impl Into<String>) {
        self.remarks.borrow_mut().push(remark.into());
    }

    /// How it ended.
    pub(crate) fn end(self, verdict: Verdict, elapsed: Duration) -> Done {
        let last = self.common.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let calls = self.common.calls.as_ref().map(|calls| {
            let lines = calls.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
            repeat::script(&lines, &self.suite.plugin, &self.suite.bin_dir(), self.dir(), &self.pods.borrow())
        });
        // What is said of it must not differ from run to run.
        let dir = self.dir().to_string_lossy();
        let nameless = |text: String| text.replace(&*dir, CASE);
        Done {
            version: self.version.to_owned(),
            verdict: verdict.map_err(|stop| stop.reworded(nameless)),
            remarks: self.remarks.take(),
            last,
            calls: calls.unwrap_or_default(),
            elapsed,
        }
    }

    /// A container with a network namespace and whatever its surroundings give it.
    pub(crate) fn pod(&self) -> Result<Pod, Stop> {
        let container = Container::new()?;
        let number = self.pods.borrow().len();
        self.pods.borrow_mut().push(container.path().to_owned());
        let id = format!("suite-{:x}-{}-{number}", std::process::id(), self.number);
        let name = format!("pod-{}-{number}", self.number);
        let mut pod = Pod::new(id, self.suite.ifname.clone(), name, container);
        let (uid, netns) = (pod.uid(), pod.container.path().to_owned());
        let overlay = self.surroundings.borrow_mut().attach(Tenant {
            container: &pod.id,
            ifname: &pod.ifname,
            netns: &netns,
            pod_namespace: POD_NAMESPACE,
            pod_name: &pod.name,
            pod_uid: &uid,
            number,
        })?;
        pod.overlay = overlay;
        Ok(pod)
    }

    /// The network's name, in every configuration of the trial.
    pub(crate) fn network(&self) -> String {
        format!("suite-{}", self.number)
    }

    /// A valid configuration for calls that are not about a container.
    pub(crate) fn conf(&self) -> Map<String, Value> {
        let mut conf = self.suite.template.conf(self.version, &self.network(), self.dir());
        self.surroundings.borrow().overlay().merge_into(&mut conf);
        conf
    }

    /// A valid call for this pod, with the environment that libcni sets.
    pub(crate) fn call(&self, verb: &str, pod: &Pod) -> Call {
        let mut conf = self.conf();
        pod.overlay.merge_into(&mut conf);
        let call = self
            .bare(verb, conf)
            .with("CNI_CONTAINERID", &pod.id)
            .with("CNI_NETNS", pod.container.path())
            .with("CNI_IFNAME", &pod.ifname)
            .with("CNI_ARGS", pod.args());
        let call = pod.overlay.env.iter().fold(call, |call, (key, value)| call.with(key, value));
        if verb == "ADD" {
            pod.owe(call.clone().with("CNI_COMMAND", "DEL").in_private());
        }
        call
    }

    /// A valid STATUS or GC: libcni sets the container's variables too, and leaves them empty.
    pub(crate) fn node_call(&self, verb: &str) -> Call {
        ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS"]
            .into_iter()
            .fold(self.bare(verb, self.conf()), |call, key| call.with(key, ""))
    }

    /// A VERSION as libcni sends it, placeholders included.
    pub(crate) fn version_call(&self) -> Call {
        let conf = Map::from_iter([("cniVersion".to_owned(), Value::from(self.version))]);
        self.bare("VERSION", conf)
            .with("CNI_CONTAINERID", "")
            .with("CNI_NETNS", "dummy")
            .with("CNI_IFNAME", "dummy")
            .with("CNI_PATH", "dummy")
    }

    fn bare(&self, verb: &str, conf: Map<String, Value>) -> Call {
        let call = Call::new(self.common.clone(), verb, conf, &self.cwd());
        let call = call.with("CNI_PATH", self.suite.bin_dir());
        self.surroundings.borrow().overlay().env.iter().fold(call, |call, (key, value)| call.with(key, value))
    }

    /// Where the plugin is started.
    pub(crate) fn cwd(&self) -> PathBuf {
        self.dir().join("cwd")
    }

    /// Attaches and detaches a pod, so that whatever a plugin makes once for all (a bridge) is there when a check
    /// looks at what it left.
    pub(crate) fn warm_up(&self) -> Verdict {
        let pod = self.pod()?;
        if self.call("ADD", &pod).run()?.outcome() == Outcome::Ok {
            self.call("DEL", &pod).run()?;
        }
        drop(pod);
        self.rest()
    }

    /// A pod that the plugin has attached; a plugin that attaches nothing skips the check.
    pub(crate) fn attach(&self) -> Result<Attached, Stop> {
        self.require_attaching()?;
        self.attach_pod(self.pod()?)
    }

    /// Attaches this pod.
    pub(crate) fn attach_pod(&self, pod: Pod) -> Result<Attached, Stop> {
        let result = self.call("ADD", &pod).run()?.object()?;
        Ok(Attached { pod, result })
    }

    /// Skips the check if there is nothing that it could look at.
    pub(crate) fn require_attaching(&self) -> Verdict {
        if let Some(rule) = self.rule().filter(|rule| rule.instead == Instead::NothingAttached) {
            return Err(Stop::skipped(rule.reason()));
        }
        match (self.profile(), self.suite.plain("ADD", self.version)) {
            (Profile::Spec | Profile::Ipam | Profile::Chained, Outcome::Refused(code)) => {
                Err(Stop::skipped(format!(
                    "ADD fails with code {code}: give a configuration (--config) or surroundings (--setup) it works with"
                )))
            }
            (Profile::Placeholder, _) => Err(Stop::skipped("a placeholder attaches nothing")),
            _ => Ok(()),
        }
    }

    /// What the profile makes of this check.
    pub(crate) fn rule(&self) -> Option<&'static super::levels::Override> {
        instead(self.profile(), self.check)
    }

    /// The call must be refused with one of these codes; or whatever the profile wants instead.
    pub(crate) fn refuses(&self, call: &Call, codes: &[u64]) -> Result<Option<Refusal>, Stop> {
        let answer = call.run()?;
        let lenient = matches!(call.verb(), "DEL" | "GC");
        match self.rule().filter(|_| lenient).map(|rule| rule.instead) {
            Some(Instead::Success) => answer.silent().map(|()| None),
            Some(Instead::Either) if answer.outcome() == Outcome::Ok => {
                self.remark(format!("{} succeeds", call.verb()));
                answer.silent().map(|()| None)
            }
            _ => answer.refused_with(codes).map(Some),
        }
    }

    /// The call must end as a plain one of its verb does: what is unusual about it makes no difference.
    pub(crate) fn same_as_plain(&self, call: &Call) -> Verdict {
        let answer = call.run()?;
        let plain = self.suite.plain(call.verb(), self.version);
        // Its own: a code of its own, or that it needs what CNI_ARGS should have said.
        let own = match answer.refusal() {
            Ok(refusal) => {
                matches!(refusal.code, 100..999) || (refusal.code == 4 && refusal.text().contains("CNI_ARGS"))
            }
            Err(_) => false,
        };
        if own && self.rule().is_some_and(|rule| rule.instead == Instead::OwnError) {
            self.remark("refused in the plugin's own words");
            return Ok(());
        }
        let should = match plain {
            Outcome::Ok => "exit 0, as without it".to_owned(),
            Outcome::Refused(code) => format!("an error with code {code}, as without it"),
            Outcome::Garbled => {
                return Err(Stop::skipped("a plain call gives no well-formed answer to compare with"));
            }
        };
        answer.expect(answer.outcome() == plain, should)
    }

    /// DEL after an ADD that may or may not have come to something: success, unless the plugin never succeeds where
    /// there is nothing to delete (which is another check's business).
    pub(crate) fn cleans_up(&self, call: &Call) -> Result<Answer, Stop> {
        let answer = call.run()?;
        let idle = self.suite.plain(IDLE_DEL, self.version);
        answer.expect([Outcome::Ok, idle].contains(&answer.outcome()), "success")?;
        Ok(answer)
    }

    /// Takes a pod's namespace away, as when it is lost without a DEL.
    pub(crate) fn lose(&self, pod: &mut Pod) -> Verdict {
        self.surroundings.borrow_mut().lose(pod.container.path(), &pod.ifname)?;
        pod.container.destroy();
        Ok(())
    }

    /// Waits until nobody works on anything that a call or the end of a container has begun.
    pub(crate) fn rest(&self) -> Verdict {
        Ok(self.surroundings.borrow_mut().rest()?)
    }

    /// All files that the plugin may have made for this trial.
    pub(crate) fn files(&self) -> Result<BTreeSet<String>, Stop> {
        let mut found = files(self.dir())?;
        if let Some(state) = self.surroundings.borrow().state() {
            found.extend(files(&state)?);
        }
        Ok(found)
    }

    /// Causes a fault; a check that needs one that cannot be caused is skipped.
    pub(crate) fn cause(&self, fault: Fault) -> Verdict {
        if self.surroundings.borrow_mut().cause(fault)? {
            return Ok(());
        }
        Err(Stop::skipped(format!("the surroundings cannot cause the fault `{}` (--setup)", fault.name())))
    }

    /// Takes it back.
    pub(crate) fn mend(&self, fault: Fault) -> Verdict {
        Ok(self.surroundings.borrow_mut().mend(fault)?)
    }
}
