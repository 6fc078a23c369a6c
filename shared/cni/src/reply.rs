//! The documents that go to standard output.

use serde::Serialize;
use serde_json::Value;

use crate::{Error, Version};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorDocument<'e> {
    cni_version: &'static str,
    code: u32,
    msg: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    details: &'e str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionDocument {
    cni_version: &'static str,
    supported_versions: [&'static str; Version::ALL.len()],
}

/// An error (SPEC, "Error"). Without a message runtimes would show nothing at all.
pub(crate) fn error(error: &Error, version: Version) -> String {
    let msg = if error.msg().is_empty() { "unspecified failure" } else { error.msg() };
    line(&ErrorDocument {
        cni_version: version.as_str(),
        code: error.code(),
        msg,
        details: error.detail_text(),
    })
}

/// The answer to VERSION, the same for every caller (`version.PluginInfo`).
pub(crate) fn versions() -> String {
    line(&VersionDocument {
        cni_version: Version::LATEST.as_str(),
        supported_versions: Version::ALL.map(Version::as_str),
    })
}

/// The result of an ADD.
pub(crate) fn result(value: &Value) -> String {
    line(value)
}

/// One line, so that one write hands it over whole.
fn line(document: &impl Serialize) -> String {
    // Strings and numbers under string keys: nothing here can fail to be JSON.
    let mut line = serde_json::to_string(document).unwrap_or_default();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_hold_what_the_specification_asks_for() {
        let bad = Error::new(7u32, "bad \"thing\"").details("very");
        assert_eq!(
            error(&bad, Version::V0_4_0),
            "{\"cniVersion\":\"0.4.0\",\"code\":7,\"msg\":\"bad \\\"thing\\\"\",\"details\":\"very\"}\n"
        );
        assert_eq!(
            error(&Error::new(7u32, ""), Version::LATEST),
            "{\"cniVersion\":\"1.1.0\",\"code\":7,\"msg\":\"unspecified failure\"}\n"
        );
    }

    #[test]
    fn lists_every_version() {
        assert_eq!(
            versions(),
            "{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\
             \"1.0.0\",\"1.1.0\"]}\n"
        );
    }
}
