//! What people send to make or change a note, checked field by field.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Attachment, MAX_ENTRY_ID, MAX_TEXT};
use crate::domain::{ids::Millis, text};

/// Files that a note is to have, as the sender describes them.
pub type Claims = Vec<Attachment>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewNote {
    pub text: String,
    pub entry_id: Option<String>,
    pub created_at: Option<Millis>,
    pub attachments: Claims,
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoteEdit {
    pub text: Option<String>,
    pub attachments: Option<Claims>,
}

/// What is wrong with a body, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issue {
    pub code: &'static str,
    pub path: Vec<Value>,
    pub message: &'static str,
}

pub fn read_new(body: Option<&Value>) -> Result<NewNote, Vec<Issue>> {
    let mut reader = Reader::of(body)?;
    let new = NewNote {
        text: reader.text().unwrap_or_default(),
        entry_id: reader.entry_id(),
        created_at: reader.created_at(),
        attachments: reader.attachments().unwrap_or_default(),
    };
    reader.done()?;
    if text::is_blank(&new.text) && new.attachments.is_empty() {
        return Err(vec![Issue::custom(&["text"], "Text or attachments are required")]);
    }
    Ok(new)
}

pub fn read_edit(body: Option<&Value>) -> Result<NoteEdit, Vec<Issue>> {
    let mut reader = Reader::of(body)?;
    let edit = NoteEdit { text: reader.text(), attachments: reader.attachments() };
    reader.done()?;
    let is_blank = edit.text.as_deref().is_some_and(text::is_blank);
    match &edit {
        NoteEdit { text: None, attachments: None } => {
            Err(vec![Issue::custom(&[], "Text or attachments are required")])
        }
        NoteEdit { text: Some(_), attachments: None } if is_blank => {
            Err(vec![Issue::custom(&["text"], "Text must not be blank")])
        }
        NoteEdit { text: Some(_), attachments: Some(files) } if is_blank && files.is_empty() => {
            Err(vec![Issue::custom(&["text"], "Text or attachments are required")])
        }
        _ => Ok(edit),
    }
}

impl Issue {
    fn custom(path: &[&str], message: &'static str) -> Self {
        Self { code: "custom", path: path.iter().map(|key| (*key).into()).collect(), message }
    }
}

struct Reader<'a> {
    fields: &'a Map<String, Value>,
    issues: Vec<Issue>,
}

impl<'a> Reader<'a> {
    fn of(body: Option<&'a Value>) -> Result<Self, Vec<Issue>> {
        match body {
            Some(Value::Object(fields)) => Ok(Self { fields, issues: Vec::new() }),
            _ => Err(vec![Issue { code: "invalid_type", path: Vec::new(), message: "Expected an object" }]),
        }
    }

    fn done(self) -> Result<(), Vec<Issue>> {
        if self.issues.is_empty() { Ok(()) } else { Err(self.issues) }
    }

    fn wrong(&mut self, path: Vec<Value>, code: &'static str, message: &'static str) {
        self.issues.push(Issue { code, path, message });
    }

    fn text(&mut self) -> Option<String> {
        match self.fields.get("text")? {
            Value::String(given) if text::units(given) <= MAX_TEXT => return Some(given.clone()),
            Value::String(_) => {
                self.wrong(vec!["text".into()], "too_big", "Must be at most 10000 characters")
            }
            _ => self.wrong(vec!["text".into()], "invalid_type", "Expected a string"),
        }
        None
    }

    fn entry_id(&mut self) -> Option<String> {
        match self.fields.get("entryId")? {
            Value::String(given) if (1..=MAX_ENTRY_ID).contains(&text::units(given)) => {
                return Some(given.clone());
            }
            Value::String(given) if given.is_empty() => {
                self.wrong(vec!["entryId".into()], "too_small", "Must not be empty")
            }
            Value::String(_) => {
                self.wrong(vec!["entryId".into()], "too_big", "Must be at most 128 characters")
            }
            _ => self.wrong(vec!["entryId".into()], "invalid_type", "Expected a string"),
        }
        None
    }

    fn created_at(&mut self) -> Option<Millis> {
        let given = self.fields.get("createdAt")?;
        let at = given.as_f64().and_then(text::safe_integer).filter(|at| *at >= 0);
        if at.is_none() {
            self.wrong(vec!["createdAt".into()], "invalid_type", "Expected a whole number from 0");
        }
        at
    }

    fn attachments(&mut self) -> Option<Claims> {
        let Value::Array(given) = self.fields.get("attachments")? else {
            self.wrong(vec!["attachments".into()], "invalid_type", "Expected a list");
            return None;
        };
        let mut claims = Vec::with_capacity(given.len());
        for (place, item) in given.iter().enumerate() {
            match claim(item) {
                Ok(claim) => claims.push(claim),
                Err(key) => {
                    let path = vec!["attachments".into(), place.into(), key.into()];
                    self.wrong(path, "invalid_type", "Missing, or of the wrong kind");
                }
            }
        }
        Some(claims)
    }
}

/// One file. The error names the key that is wrong.
fn claim(item: &Value) -> Result<Attachment, &'static str> {
    let text = |key: &'static str| {
        let given = item.get(key).and_then(Value::as_str).filter(|given| !given.is_empty());
        given.map(str::to_owned).ok_or(key)
    };
    // The size is looked up; a sender only has to give one.
    item.get("size").and_then(Value::as_f64).filter(|size| *size >= 0.0).ok_or("size")?;
    Ok(Attachment {
        id: text("id")?,
        filename: text("filename")?,
        mime_type: text("mimeType")?,
        size: 0,
        path: text("path")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file() -> Value {
        json!({ "id": "i", "filename": "f", "mimeType": "m", "size": 1.5, "path": "p", "previewUrl": "x" })
    }

    fn wrong(issues: Result<impl std::fmt::Debug, Vec<Issue>>) -> String {
        let issues = issues.unwrap_err();
        serde_json::to_string(&issues.iter().map(|issue| (issue.code, &issue.path)).collect::<Vec<_>>())
            .unwrap()
    }

    #[test]
    fn a_note_needs_text_or_files() {
        let new = |body: Value| read_new(Some(&body));
        assert_eq!(new(json!({ "text": " a ", "other": 1 })).unwrap().text, " a ");
        let full = new(json!({ "entryId": "e", "createdAt": 7, "attachments": [file()] })).unwrap();
        assert_eq!((full.entry_id.as_deref(), full.created_at), (Some("e"), Some(7)));
        assert_eq!((full.attachments.len(), full.attachments[0].size), (1, 0));
        assert_eq!(wrong(new(json!({}))), r#"[["custom",["text"]]]"#);
        assert_eq!(wrong(new(json!({ "text": " \n" }))), r#"[["custom",["text"]]]"#);
        assert_eq!(wrong(read_new(None)), r#"[["invalid_type",[]]]"#);
        assert_eq!(wrong(new(json!([1]))), r#"[["invalid_type",[]]]"#);
    }

    #[test]
    fn every_field_is_checked() {
        let new = |body: Value| wrong(read_new(Some(&body)));
        let bad = json!({
            "text": "x".repeat(10_001), "entryId": "", "createdAt": -1, "attachments": [file(), { "id": "i", "size": 0 }],
        });
        assert_eq!(
            new(bad),
            r#"[["too_big",["text"]],["too_small",["entryId"]],["invalid_type",["createdAt"]],["invalid_type",["attachments",1,"filename"]]]"#
        );
        for (key, value) in [
            ("text", json!(null)),
            ("entryId", json!("x".repeat(129))),
            ("entryId", json!(null)),
            ("createdAt", json!(1.5)),
            ("createdAt", json!("1")),
            ("attachments", json!({})),
            ("attachments", json!(null)),
        ] {
            let mut body = json!({ "text": "a" });
            body[key] = value;
            assert!(read_new(Some(&body)).is_err(), "{body}");
        }
        assert!(read_new(Some(&json!({ "text": "x".repeat(10_000) }))).is_ok());
    }

    #[test]
    fn an_edit_needs_something_to_change() {
        let edit = |body: Value| read_edit(Some(&body));
        assert!(edit(json!({ "text": "a" })).is_ok());
        assert!(edit(json!({ "attachments": [] })).is_ok());
        assert!(edit(json!({ "text": "", "attachments": [file()] })).is_ok());
        for bad in [
            json!({}),
            json!({ "text": " " }),
            json!({ "text": "", "attachments": [] }),
            json!({ "text": 1 }),
        ] {
            assert!(edit(bad.clone()).is_err(), "{bad}");
        }
    }
}
