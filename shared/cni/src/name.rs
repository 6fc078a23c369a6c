//! The names a call is made of, by the reference library's rules (`pkg/utils/utils.go`), which the runtime
//! applies on ADD only.

use crate::{Error, code};

/// Longest interface name, in bytes: the kernel's `IFNAMSIZ` less the terminating zero.
const LONGEST_IFNAME: usize = 15;

/// `^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$`, the rule for network names and container IDs.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// # Errors
/// Code 4, with the bad ID.
pub(crate) fn check_container(id: &str) -> Result<(), Error> {
    if is_identifier(id) {
        return Ok(());
    }
    Err(Error::new(code::INVALID_ENVIRONMENT, "invalid characters in containerID").details(id))
}

/// # Errors
/// Code 4, with the rule that the name breaks.
pub(crate) fn check_ifname(name: &str) -> Result<(), Error> {
    let bad = |msg: &str| Error::new(code::INVALID_ENVIRONMENT, msg);
    if name.len() > LONGEST_IFNAME {
        let rule = "interface name should be less than 16 characters";
        return Err(bad("interface name is too long").details(format!("{rule}: {name}")));
    }
    if matches!(name, "." | "..") {
        return Err(bad("interface name is . or .."));
    }
    if name
        .contains(|c: char| matches!(c, '/' | ':' | '\0' | char::REPLACEMENT_CHARACTER) || c.is_whitespace())
    {
        return Err(bad("interface name contains / or : or whitespace characters").details(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_ids() {
        for good in ["a", "A0_.-z", "0", &"f".repeat(64), &"x".repeat(256)] {
            assert_eq!(check_container(good), Ok(()), "{good}");
        }
        for bad in ["", "some-%%container-id", "-x", ".x", "_x", "a b", "a/b", "a\n", "é", "aé"] {
            let error = check_container(bad).unwrap_err();
            assert_eq!(error.code(), code::INVALID_ENVIRONMENT, "{bad}");
            assert_eq!(error.detail_text(), crate::error::one_line(bad.to_owned()));
        }
    }

    #[test]
    fn interface_names() {
        for good in ["eth0", "123456789012345", "a.b", "ééééééé", "..."] {
            assert_eq!(check_ifname(good), Ok(()), "{good}");
        }
        let too_long = ["1234567890123456", "éééééééé"];
        let blanks = ["test test", "a\tb", "a\u{2003}b", "a\u{85}b", "a\u{fffd}"];
        for bad in [".", "..", "test/test", "test:test"].into_iter().chain(too_long).chain(blanks) {
            assert_eq!(
                check_ifname(bad).map_err(|error| error.code()),
                Err(code::INVALID_ENVIRONMENT),
                "{bad}"
            );
        }
    }
}
