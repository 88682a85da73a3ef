//! Shapes of the objects that clients write, and the narrowing of what they wrote to what is shown.
//!
//! Narrowing drops unknown keys and whatever has a wrong type, one field at a time: a newer client that writes one
//! value we do not know must not make its whole session unreadable.

use serde_json::{Map, Value};
use url::Url;

use super::{flavor, text};

pub(super) enum Shape {
    Any,
    Text,
    FilledText,
    Url,
    Number,
    Index,
    Flag,
    /// Only `true` itself.
    Yes,
    OneOf(&'static [&'static str]),
    AgentMode,
    Nullable(&'static Shape),
    List(&'static Shape),
    Map(&'static Shape),
    Object(&'static [Field]),
    /// An object whose further keys are kept.
    OpenObject(&'static [Field]),
}

pub(super) struct Field {
    name: &'static str,
    shape: Shape,
    required: bool,
}

pub(super) const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

pub(super) const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

impl Shape {
    /// The part of the value that fits; `None` when nothing does.
    pub(super) fn narrow(&self, value: &Value) -> Option<Value> {
        match self {
            Self::Nullable(_) if value.is_null() => Some(Value::Null),
            Self::Nullable(shape) => shape.narrow(value),
            Self::AgentMode => value.as_str().and_then(flavor::agent_mode).map(Value::from),
            Self::List(shape) => {
                Some(value.as_array()?.iter().filter_map(|item| shape.narrow(item)).collect())
            }
            Self::Map(shape) => {
                let entries = value.as_object()?.iter();
                Some(entries.filter_map(|(key, item)| Some((key.clone(), shape.narrow(item)?))).collect())
            }
            Self::Object(fields) => object(fields, value.as_object()?, Map::new()),
            Self::OpenObject(fields) => {
                let all = value.as_object()?;
                object(fields, all, all.clone())
            }
            _ => self.fits(value).then(|| value.clone()),
        }
    }

    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::FilledText => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::Url => value.as_str().is_some_and(|text| Url::parse(text).is_ok()),
            Self::Number => value.is_number(),
            Self::Index => value.as_f64().and_then(text::safe_integer).is_some_and(|index| index >= 0),
            Self::Flag => value.is_boolean(),
            Self::Yes => *value == Value::Bool(true),
            Self::OneOf(texts) => value.as_str().is_some_and(|text| texts.contains(&text)),
            _ => true,
        }
    }
}

fn object(fields: &[Field], all: &Map<String, Value>, mut shown: Map<String, Value>) -> Option<Value> {
    for field in fields {
        match all.get(field.name).and_then(|value| field.shape.narrow(value)) {
            Some(value) => {
                shown.insert(field.name.to_owned(), value);
            }
            None if field.required => return None,
            None => {
                shown.shift_remove(field.name);
            }
        }
    }
    Some(Value::Object(shown))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SHAPE: Shape = Shape::Object(&[
        required("name", Shape::Text),
        optional("link", Shape::Url),
        optional("sizes", Shape::List(&Shape::Index)),
        optional("inner", Shape::Nullable(&Shape::OpenObject(&[optional("on", Shape::Flag)]))),
    ]);

    #[test]
    fn what_fits_is_kept_and_the_rest_dropped() {
        let value = json!({"x": 1, "name": "n", "link": "no url", "sizes": [1, -1, "2", 3.0], "inner": {"on": 1, "more": 2}});
        assert_eq!(SHAPE.narrow(&value), Some(json!({"name": "n", "sizes": [1, 3.0], "inner": {"more": 2}})));
        assert_eq!(
            SHAPE.narrow(&json!({"name": "n", "inner": null})),
            Some(json!({"name": "n", "inner": null}))
        );
    }

    #[test]
    fn a_missing_required_field_voids_the_object() {
        assert_eq!(SHAPE.narrow(&json!({"link": "http://a"})), None);
        assert_eq!(SHAPE.narrow(&json!({"name": null})), None);
        assert_eq!(SHAPE.narrow(&json!([])), None);
    }
}
