//! The NetworkAttachmentDefinition: the way in that pods choose by annotation.

use serde::Serialize;

use super::cni_conf;
use super::site::Site;
use super::sriov::shared_pool;
use super::values::Attachment;
use crate::fault::{Fault, Faults};
use crate::known::RESOURCE_NAME;
use crate::manifest::{Meta, Object, Spec, object};

/// Its spec.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Definition {
    config: String,
}

/// The object.
///
/// # Errors
/// None that values can cause.
pub(crate) fn definition(site: &Site, attachment: &Attachment) -> Result<Object<Spec<Definition>>, Fault> {
    let full_name = format!("{}/{}", attachment.namespace, attachment.name);
    let meta = Meta::namespaced(&attachment.namespace, &attachment.name)
        .annotation(RESOURCE_NAME, site.resource(&attachment.resource));
    let spec = Definition { config: cni_conf::attachment(site, full_name)? };
    Ok(object("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", meta, spec))
}

/// No way in at all, or one device pool for two.
pub(crate) fn check(site: &Site, faults: &mut Faults) {
    let values = &site.values;
    let pods = &values.sriov.pods.resource;
    if !values.dpu_host.default_network {
        if values.attachments.is_empty() {
            let why =
                "dpuHost.defaultNetwork is false and attachments is empty: nothing would call the plugin";
            faults.push(Fault::new(why, "add an attachment, or leave defaultNetwork at true"));
        }
        return;
    }
    let attachments = values.attachments.iter().filter(|attachment| attachment.resource == *pods);
    for attachment in attachments {
        let user = format!("the attachment {}/{}", attachment.namespace, attachment.name);
        faults.push(shared_pool(&site.resource(pods), &user));
    }
    if values.sriov.multus_resources.contains(pods) {
        faults.push(shared_pool(&site.resource(pods), "Multus networks (sriov.multusResources)"));
    }
}
