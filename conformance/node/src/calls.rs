//! Calling a plugin on the node.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::Node;
use super::invoke::{Call, Output, Verb};
use super::sandbox::Pod;
use super::vf::Vf;

impl Node {
    /// A configuration for the plugin `dpu-host` without a device, as in a `.conf` file.
    pub fn conf(&self) -> Value {
        json!({"cniVersion": "1.1.0", "name": "ovn-kubernetes", "type": "dpu-host", "ipam": {}, "dns": {}})
    }

    /// The same with this VF, as Multus passes it.
    pub fn conf_for(&self, vf: &Vf) -> Value {
        let mut conf = self.conf();
        conf["deviceID"] = json!(vf.device);
        if let Some(pci) = &vf.pci {
            conf["pciBusID"] = json!(pci);
        }
        conf
    }

    /// A configuration of the secondary network with this attachment definition (`namespace/name`), on this VF.
    pub fn conf_of_network(&self, nad: &str, vf: &Vf) -> Value {
        let mut conf = self.conf_for(vf);
        conf["name"] = json!("red");
        conf["topology"] = json!("layer2");
        conf["netAttachDefName"] = json!(nad);
        conf
    }

    /// Begins a call of the plugin `name` on the host.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn call(&self, name: &str, verb: Verb) -> Result<Call<'_>> {
        let program = testkit::binaries::plugin(name)?;
        let path = program.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
        let call = Call {
            host: self.host().netns(),
            program,
            args: Vec::new(),
            env: BTreeMap::new(),
            stdin: Vec::new(),
        };
        Ok(call
            .env("CNI_COMMAND", verb.as_str())
            .env("CNI_PATH", path)
            .env("DPU_CNI_ROOT", self.root().to_string_lossy()))
    }

    /// Calls the plugin `name` for this pod, and waits for its end.
    ///
    /// # Errors
    /// When it cannot be run; not when it fails.
    pub fn run(&self, name: &str, verb: Verb, pod: &Pod, conf: &Value) -> Result<Output> {
        self.call(name, verb)?.pod(pod).conf(conf).run()
    }
}
