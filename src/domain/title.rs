//! What a session is called.

use serde_json::Value;

use super::text;

pub const MAX_UNITS: usize = 255;

/// The title to show: the name people gave, else the agent's summary, else the folder, else the start of the id.
pub fn display(metadata: Option<&Value>, session_id: &str) -> String {
    let field =
        |pointer: &str| metadata.and_then(|metadata| metadata.pointer(pointer)).and_then(Value::as_str);
    let filled = |text: Option<&str>| text.map(text::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let folder = || field("/path")?.rsplit(['/', '\\']).find(|part| !text::is_blank(part)).map(str::to_owned);
    filled(field("/name"))
        .or_else(|| filled(field("/summary/text")))
        .or_else(folder)
        .unwrap_or_else(|| session_id.chars().take(8).collect())
}

/// A name or summary as it is stored, when its length is allowed.
pub fn clean(title: &str) -> Option<&str> {
    let title = text::trim(title);
    (1..=MAX_UNITS).contains(&text::units(title)).then_some(title)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_title_there_is_wins() {
        let id = "0123456789";
        let mut metadata = json!({"path": "/home/me/app/", "name": "Login", "summary": {"text": "Fix it"}});
        assert_eq!(display(Some(&metadata), id), "Login");
        metadata["name"] = json!(" ");
        assert_eq!(display(Some(&metadata), id), "Fix it");
        metadata["summary"] = json!(null);
        assert_eq!(display(Some(&metadata), id), "app");
        metadata["path"] = json!("/");
        assert_eq!(display(Some(&metadata), id), "01234567");
        assert_eq!(display(Some(&json!({"path": "C:\\work\\app"})), id), "app");
        assert_eq!(display(None, "abc"), "abc");
    }

    #[test]
    fn titles_are_trimmed_and_bounded() {
        assert_eq!(clean("  a "), Some("a"));
        assert_eq!(clean("   "), None);
        assert!(clean(&"é".repeat(255)).is_some());
        assert_eq!(clean(&"😀".repeat(128)), None);
    }
}
