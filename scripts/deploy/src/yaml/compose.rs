//! The documents of a YAML text as JSON values: anchors, merged maps and tags as `kubectl` understands them.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Value};

use super::scalar::Scalar;

/// How deep maps and lists may lie in each other, as in JSON: what is read is walked by functions that call themselves.
const DEPTH: usize = 128;
/// How many values a text may have. A pod as the API server gives it has some hundreds: ten thousand of them fit.
const VALUES: usize = 10_000_000;
/// How many of them aliases may repeat: a few lines can ask for more than any machine has.
const REPEATED: usize = 1_000_000;

/// Why a text cannot be read, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// From 1.
    pub(super) line: usize,
    pub(super) why: String,
}

impl From<ScanError> for Malformed {
    fn from(error: ScanError) -> Self {
        Malformed { line: error.marker().line(), why: error.kind().to_string() }
    }
}

/// All documents of a text, in order; one without content is null.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, Malformed> {
    up_to(VALUES, text)
}

/// The same, with another limit.
pub(super) fn up_to(limit: usize, text: &str) -> Result<Vec<Value>, Malformed> {
    let options = granit_parser::options! {
        emit_comments: false,
        block_scalar_eof_without_line_feed: true,
    };
    let mut composer = Composer {
        parser: Parser::new_from_str_with_options(text, options),
        line: 1,
        anchors: HashMap::new(),
        left: limit,
        repeated: 0,
    };
    let mut documents = Vec::new();
    loop {
        match composer.next()? {
            Event::StreamEnd => return Ok(documents),
            Event::DocumentStart(..) => {
                composer.anchors.clear();
                let first = composer.next()?;
                documents.push(composer.value(first, 0)?.value);
            }
            _ => {}
        }
    }
}

struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Of the last event.
    line: usize,
    anchors: HashMap<usize, Composed>,
    /// How many values may still come.
    left: usize,
    repeated: usize,
}

/// A value, how many values it is made of, and how deep they lie.
#[derive(Clone)]
struct Composed {
    value: Value,
    values: usize,
    depth: usize,
}

impl Composed {
    fn leaf(value: Value) -> Self {
        Composed { value, values: 1, depth: 0 }
    }

    /// Counts a child.
    fn hold(&mut self, child: &Composed) {
        self.values += child.values;
        self.depth = self.depth.max(child.depth + 1);
    }
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> Result<Event<'a>, Malformed> {
        let (event, span) = self.parser.next_event().unwrap_or(Ok((Event::StreamEnd, Span::default())))?;
        self.line = span.start.line().max(self.line);
        Ok(event)
    }

    fn malformed<T>(&self, why: impl Into<String>) -> Result<T, Malformed> {
        Err(Malformed { line: self.line, why: why.into() })
    }

    /// The value that begins with an event, below `depth` others.
    fn value(&mut self, first: Event<'a>, depth: usize) -> Result<Composed, Malformed> {
        let Some(left) = self.left.checked_sub(1) else {
            return self.malformed("too large as YAML: give JSON");
        };
        self.left = left;
        let (anchor, composed) = match first {
            Event::Scalar(word, style, anchor, tag) => {
                let scalar = self.scalar(&word, style, tag.as_deref())?;
                let Some(value) = scalar.value() else {
                    return self.malformed(format!("{word} has no place in JSON"));
                };
                (anchor, Composed::leaf(value))
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.list(depth + 1)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map(depth + 1)?),
            Event::Alias(anchor) => return self.alias(anchor, depth),
            // A document without content.
            _ => return Ok(Composed::leaf(Value::Null)),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, composed.clone());
        }
        Ok(composed)
    }

    fn alias(&mut self, anchor: usize, depth: usize) -> Result<Composed, Malformed> {
        let Some(composed) = self.anchors.get(&anchor) else {
            return self.malformed("an anchor's value contains itself");
        };
        self.repeated += composed.values;
        if self.repeated > REPEATED || depth + composed.depth > DEPTH {
            return self.malformed("its anchors repeat too much: too large as YAML, give JSON");
        }
        Ok(composed.clone())
    }

    fn scalar(&self, word: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar, Malformed> {
        let scalar = match tag.and_then(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:")).as_deref() {
            Some("binary") => {
                let bytes = STANDARD.decode(word).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                bytes.map(Scalar::Text)
            }
            Some(own) => Scalar::tagged(own, word),
            None if tag.is_none() && style == ScalarStyle::Plain => Some(Scalar::plain(word)),
            None => Some(Scalar::Text(word.to_owned())),
        };
        scalar.map_or_else(|| self.malformed(format!("'{word}' is not what its tag says")), Ok)
    }

    fn list(&mut self, depth: usize) -> Result<Composed, Malformed> {
        self.deep(depth)?;
        let mut items = Vec::new();
        let mut whole = Composed::leaf(Value::Null);
        loop {
            match self.next()? {
                Event::SequenceEnd => break,
                first => {
                    let item = self.value(first, depth)?;
                    whole.hold(&item);
                    items.push(item.value);
                }
            }
        }
        whole.value = Value::Array(items);
        Ok(whole)
    }

    fn map(&mut self, depth: usize) -> Result<Composed, Malformed> {
        self.deep(depth)?;
        let mut map = Map::new();
        let mut merged = HashSet::new();
        let mut whole = Composed::leaf(Value::Null);
        loop {
            let first = self.next()?;
            if first == Event::MappingEnd {
                break;
            }
            let merges = is_merge(&first);
            let key = if merges { String::new() } else { self.key(first)? };
            let line = self.line;
            let second = self.next()?;
            let value = self.value(second, depth)?;
            whole.hold(&value);
            if merges {
                self.merge(&mut map, &mut merged, value.value)?;
            } else if map.contains_key(&key) && !merged.remove(&key) {
                return Err(Malformed { line, why: format!("the key {key} is there twice") });
            } else {
                map.insert(key, value.value);
            }
        }
        whole.value = Value::Object(map);
        Ok(whole)
    }

    /// What is merged later, or stands later itself, counts; of a list of maps the first.
    fn merge(
        &self,
        map: &mut Map<String, Value>,
        merged: &mut HashSet<String>,
        source: Value,
    ) -> Result<(), Malformed> {
        let maps = match source {
            Value::Array(maps) => maps,
            one => vec![one],
        };
        for source in maps.into_iter().rev() {
            let Value::Object(source) = source else {
                return self.malformed("<< merges maps only");
            };
            merged.extend(source.keys().cloned());
            map.extend(source);
        }
        Ok(())
    }

    fn key(&mut self, event: Event<'a>) -> Result<String, Malformed> {
        let key = match event {
            Event::Scalar(word, style, anchor, tag) => {
                let scalar = self.scalar(&word, style, tag.as_deref())?;
                if let Some(value) = scalar.clone().value().filter(|_| anchor != 0) {
                    self.anchors.insert(anchor, Composed::leaf(value));
                }
                scalar.key()
            }
            Event::Alias(anchor) => match self.alias(anchor, 0)?.value {
                Value::String(text) => Some(text),
                other @ Value::Bool(_) => Some(other.to_string()),
                other if other.is_i64() => Some(other.to_string()),
                _ => None,
            },
            _ => None,
        };
        key.map_or_else(|| self.malformed("a key that is no word: put it in quotes"), Ok)
    }

    fn deep(&self, depth: usize) -> Result<(), Malformed> {
        if depth > DEPTH { self.malformed(format!("more than {DEPTH} levels deep")) } else { Ok(()) }
    }
}

fn is_merge(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(word, style, _, tag) if word == "<<" && *style == ScalarStyle::Plain
        && tag.as_ref().is_none_or(|tag| tag.suffix() == "merge"))
}
