//! A notice as a service worker reads it, in as many bytes as push services take.

use serde_json::{Map, Value, json};

use super::{
    Notice,
    cut::{ELLIPSIS, cut, length},
};

/// Push services take 4096 bytes; encryption adds 103.
pub const LONGEST_PAYLOAD: usize = 3_900;
/// An id that is longer does not travel along.
const LONGEST_REQUEST: usize = 512;

pub fn payload(notice: &Notice) -> Vec<u8> {
    let (mut title, mut body) = (notice.title.clone(), notice.body.clone());
    loop {
        let json = written(notice, &title, &body);
        if json.len() <= LONGEST_PAYLOAD || (title.is_empty() && body.is_empty()) {
            return json;
        }
        let longest = if body.len() >= title.len() { &mut body } else { &mut title };
        *longest = cut(longest, length(longest) / 8 * 7, ELLIPSIS);
    }
}

fn written(notice: &Notice, title: &str, body: &str) -> Vec<u8> {
    let mut data = Map::new();
    data.insert("type".into(), notice.kind.name().into());
    data.insert("sessionId".into(), notice.session.as_str().into());
    data.insert("url".into(), notice.url().into());
    if let Some(request) = notice.request.as_ref().filter(|request| request.len() <= LONGEST_REQUEST) {
        data.insert("requestId".into(), request.as_str().into());
    }
    let mut whole = json!({ "title": title, "body": body });
    if let (Some(tag), Some(whole)) = (notice.tag(), whole.as_object_mut()) {
        whole.insert("tag".into(), tag.into());
    }
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("data".into(), Value::Object(data));
    }
    serde_json::to_vec(&whole).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::notice::Kind;

    #[test]
    fn it_is_written_as_released_service_workers_read_it() {
        let notice = Notice {
            kind: Kind::Permission,
            title: "Permission Request".into(),
            body: "api-server (Bash)".into(),
            session: "5f0c".into(),
            request: Some("q1".into()),
        };
        let expected = r#"{"title":"Permission Request","body":"api-server (Bash)","tag":"permission-5f0c","data":{"type":"permission-request","sessionId":"5f0c","url":"/sessions/5f0c","requestId":"q1"}}"#;
        assert_eq!(String::from_utf8(payload(&notice)).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn it_always_fits(title in "(?s).{0,40}", body in "(?s).{0,60}", times in 1_usize..300, request in ".{0,900}", is_task: bool) {
            let kind = if is_task { Kind::Task } else { Kind::Input };
            let notice = Notice {
                kind,
                title: title.repeat(times),
                body: body.repeat(times),
                session: "0193b1de-0000-7000-8000-000000000000".into(),
                request: Some(request),
            };
            let json = payload(&notice);
            prop_assert!(json.len() <= LONGEST_PAYLOAD);
            let read: Value = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(read["data"]["url"].as_str().unwrap(), notice.url());
            prop_assert_eq!(read.get("tag").is_some(), !is_task);
            let told = read["body"].as_str().unwrap();
            prop_assert!(told == notice.body || told.is_empty() || told.ends_with(ELLIPSIS));
        }
    }
}
