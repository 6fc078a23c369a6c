//! Scalable functions: slices of a device on the auxiliary bus instead of PCI functions.

use std::fmt;
use std::str::FromStr;

/// The longest name, in bytes: `AUXILIARY_NAME_SIZE` of linux/mod_devicetable.h for driver and kind, a dot, and 32 bits.
const NAME_MAX: usize = 39 + 1 + 10;

/// The name of a scalable function on the auxiliary bus, for instance `mlx5_core.sf.4`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScalableFunction(String);

/// A text that is not the name of a scalable function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scalable function such as mlx5_core.sf.4")]
pub struct InvalidScalableFunction(String);

impl ScalableFunction {
    /// Its name, `mlx5_core.sf.4`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ScalableFunction {
    type Err = InvalidScalableFunction;

    /// Accepts `<driver>.sf.<number>`, the driver being letters, digits and `_`: the text becomes part of a path.
    fn from_str(text: &str) -> Result<ScalableFunction, InvalidScalableFunction> {
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = text.split('.');
        if text.len() > NAME_MAX {
            return Err(InvalidScalableFunction(text.to_owned()));
        }
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(driver), Some("sf"), Some(id), None) if word(driver) && number(id) => {
                Ok(ScalableFunction(text.to_owned()))
            }
            _ => Err(InvalidScalableFunction(text.to_owned())),
        }
    }
}

impl fmt::Display for ScalableFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_driver_sf_number_is_one() {
        assert_eq!("mlx5_core.sf.4".parse::<ScalableFunction>().unwrap().as_str(), "mlx5_core.sf.4");
        for text in [
            "",
            "mlx5_core.eth.4",
            "mlx5_core.sf",
            "mlx5_core.sf.",
            "mlx5_core.sf.4.5",
            ".sf.4",
            "../x.sf.4",
            "mlx5_core.sf.4a",
            &format!("mlx5_core.sf.{}", "4".repeat(60)),
            &format!("{}.sf.4", "m".repeat(60)),
        ] {
            assert!(text.parse::<ScalableFunction>().is_err(), "{text:?}");
        }
    }
}
