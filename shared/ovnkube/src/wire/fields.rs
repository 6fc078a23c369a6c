//! A JSON object read as Go reads one: keys in any case, `null` and missing alike.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

/// The members of one JSON object under their lower-cased names; of duplicates the last.
pub(crate) struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// Reads an object. `null` is an object without members, as it leaves a Go struct at its zero value.
    pub(crate) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Object)
    }

    /// The member `key` (its name in lower case), or the zero value where it is missing or `null`.
    pub(crate) fn take<T: DeserializeOwned + Default, E: Error>(&mut self, key: &str) -> Result<T, E> {
        self.opt(key).map(Option::unwrap_or_default)
    }

    /// The member `key` (its name in lower case), or `None` where it is missing or `null`.
    pub(crate) fn opt<T: DeserializeOwned, E: Error>(&mut self, key: &str) -> Result<Option<T>, E> {
        match self.0.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value).map(Some).map_err(|e| E::custom(format_args!("{key}: {e}"))),
        }
    }

    /// What nobody took.
    pub(crate) fn rest(self) -> BTreeMap<String, Value> {
        self.0
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Fields, E> {
        Ok(Fields(BTreeMap::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            fields.insert(key.to_ascii_lowercase(), value);
        }
        Ok(Fields(fields))
    }
}
