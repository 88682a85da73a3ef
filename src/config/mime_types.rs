//! A list of kinds of files.

use config::Value;

use super::value::Setting;

/// Kinds of files by their MIME type, in lower case, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MimeTypes(pub Vec<String>);

impl Setting for MimeTypes {
    fn parse(value: Value) -> Result<Self, &'static str> {
        let mut types: Vec<String> = Vec::new();
        for text in <Vec<String>>::parse(value)? {
            let kind = text.trim().to_ascii_lowercase();
            // They go into headers as they are.
            if !is_mime_type(&kind) {
                return Err("a list of MIME types such as image/png");
            }
            if !types.contains(&kind) {
                types.push(kind);
            }
        }
        Ok(Self(types))
    }

    fn show(&self) -> String {
        self.0.join(", ")
    }
}

fn is_mime_type(text: &str) -> bool {
    let is_token = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_once_each_and_in_lower_case() {
        let read = |text: &str| MimeTypes::parse(Value::from(text));
        let expected = MimeTypes(vec!["image/svg+xml".to_owned(), "text/plain".to_owned()]);
        assert_eq!(read("image/SVG+xml, text/plain ,text/plain"), Ok(expected));
        for bad in ["text", "text/", "/plain", "text/plain;charset=utf-8", "a b/c", "text/x\ny", "a/b,,c/d"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
