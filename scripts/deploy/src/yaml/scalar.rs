//! What a word of a manifest means. `kubectl` reads YAML 1.1 (sigs.k8s.io/yaml, on go-yaml v2, `resolve.go`): `0400` is
//! 256, `yes` is true, `tRue` is a word. A number that was read otherwise would be written back as another one.

use serde_json::{Number, Value};

/// A scalar, resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// What is too large for [`Scalar::Int`].
    Unsigned(u64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// A bare word.
    pub(super) fn plain(word: &str) -> Self {
        constant(word).or_else(|| number(word)).unwrap_or_else(|| Scalar::Text(word.to_owned()))
    }

    /// A word with a tag of YAML's own, such as `!!int '1'`; nothing where the two do not go together.
    pub(super) fn tagged(tag: &str, word: &str) -> Option<Self> {
        match (tag, Scalar::plain(word)) {
            ("bool", scalar @ Scalar::Bool(_))
            | ("null", scalar @ Scalar::Null)
            | ("int", scalar @ (Scalar::Int(_) | Scalar::Unsigned(_)))
            | ("float", scalar @ (Scalar::Int(_) | Scalar::Float(_))) => Some(scalar),
            ("bool" | "null" | "int" | "float", _) => None,
            _ => Some(Scalar::Text(word.to_owned())),
        }
    }

    /// The value in JSON, which has no infinity.
    pub(super) fn value(self) -> Option<Value> {
        Some(match self {
            Scalar::Null => Value::Null,
            Scalar::Bool(flag) => flag.into(),
            Scalar::Int(number) => number.into(),
            Scalar::Unsigned(number) => number.into(),
            Scalar::Float(number) => whole(number).or_else(|| Number::from_f64(number))?.into(),
            Scalar::Text(text) => text.into(),
        })
    }

    /// The scalar as a key. Some are none, and a fraction would lose digits: kubectl makes `1.1` of `1.10`.
    pub(super) fn key(self) -> Option<String> {
        match self {
            Scalar::Text(text) => Some(text),
            Scalar::Bool(flag) => Some(flag.to_string()),
            Scalar::Int(number) => Some(number.to_string()),
            Scalar::Null | Scalar::Unsigned(_) | Scalar::Float(_) => None,
        }
    }
}

/// A whole number as Go prints it: 1e3 is 1000, and fits an integer.
fn whole(number: f64) -> Option<Number> {
    let text = number.to_string();
    let integer = text.parse::<i64>().ok().filter(|integer| *integer != 0 || number.is_sign_positive());
    integer.map(Number::from).or_else(|| text.parse::<u64>().ok().map(Number::from))
}

fn constant(word: &str) -> Option<Scalar> {
    Some(match word {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(word: &str) -> Option<Scalar> {
    match word.as_bytes().first()? {
        // Go itself reads this one, and takes a `_` between two digits only.
        b'.' if separates(word) => float(&word.replace('_', "")),
        b'0'..=b'9' | b'+' | b'-' => {
            let digits = word.replace('_', "");
            integer(&digits).or_else(|| float(&digits)).or_else(|| binary(&digits))
        }
        _ => None,
    }
}

/// Go's `strconv.ParseInt` and `ParseUint` with base 0: the second takes no sign.
fn integer(word: &str) -> Option<Scalar> {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    // Rust would take a second sign.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let signed = if word.starts_with('-') { format!("-{digits}") } else { digits.to_owned() };
    match i64::from_str_radix(&signed, radix) {
        Ok(number) => Some(Scalar::Int(number)),
        Err(_) if unsigned.len() < word.len() => None,
        Err(_) => u64::from_str_radix(digits, radix).ok().map(Scalar::Unsigned),
    }
}

/// go-yaml's own reading of `0b`, which lets a sign follow.
fn binary(word: &str) -> Option<Scalar> {
    let digits = word.strip_prefix("0b")?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
}

/// Whether every `_` is between two digits.
fn separates(word: &str) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = word.as_bytes();
    (1..bytes.len()).all(|at| bytes[at] != b'_' || (digit(bytes.get(at - 1)) && digit(bytes.get(at + 1))))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, as long as it is finite. What Rust reads besides are words.
fn float(word: &str) -> Option<Scalar> {
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    let number = word.chars().all(numeric).then(|| word.parse::<f64>().ok()).flatten()?;
    number.is_finite().then_some(Scalar::Float(number))
}
