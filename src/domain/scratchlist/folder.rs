//! Names of attached files. Everything that a name is made of comes from outside, so each part loses what could lead
//! out of its place, and what clients send back is only ever compared.

use std::{collections::BTreeMap, path::PathBuf};

use uuid::Uuid;

use crate::domain::ids::{Namespace, SessionId};

/// What lies in a session's folder: names and sizes.
pub type Held = BTreeMap<String, u64>;

/// What paths begin with on the wire. Released CLIs know by it that the file is the hub's.
const SCHEME: &str = "hapi-hub:scratchlist/";
/// A part of a path, in characters.
const MAX_SEGMENT: usize = 128;
/// The most that file systems take for a name, in bytes.
const MAX_NAME_BYTES: usize = 255;
const ID_BYTES: usize = 36;
/// Longer endings are no endings.
const MAX_EXTENSION: usize = 16;

/// Where the files of one session lie. Session ids are unique over all namespaces, so two namespaces that read alike
/// once they are made safe still share no folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    namespace: String,
    session: String,
}

impl Folder {
    pub fn of(namespace: &Namespace, session: &SessionId) -> Self {
        Self { namespace: segment(namespace.as_str()), session: segment(session.as_str()) }
    }

    /// Below the folder of all attachments.
    pub fn relative(&self) -> PathBuf {
        [&self.namespace, &self.session].iter().collect()
    }

    /// How clients name a file.
    pub fn path_of(&self, name: &str) -> String {
        format!("{SCHEME}{}/{}/{name}", self.namespace, self.session)
    }

    /// The file that a path of a client names, when it is one of this folder.
    pub fn name_in<'a>(&self, path: &'a str) -> Option<&'a str> {
        let inside = path.strip_prefix(SCHEME)?.strip_prefix(self.namespace.as_str())?.strip_prefix('/')?;
        let name = inside.strip_prefix(self.session.as_str())?.strip_prefix('/')?;
        is_name(name).then_some(name)
    }
}

/// A name as [`file_name`] makes them, whatever it says.
fn is_name(name: &str) -> bool {
    let rest = name.get(ID_BYTES..).and_then(|rest| rest.strip_prefix('-'));
    name.get(..ID_BYTES).is_some_and(is_attachment_id)
        && rest.is_some_and(|rest| !rest.is_empty() && rest == safe(rest))
        && name.len() <= MAX_NAME_BYTES
}

/// The part of a file's name that people gave it, when the file is the one with this id.
pub fn belongs<'a>(name: &'a str, id: &str) -> Option<&'a str> {
    if !is_attachment_id(id) {
        return None;
    }
    name.strip_prefix(id)?.strip_prefix('-').filter(|filename| !filename.is_empty())
}

/// Ids are UUIDs as they are usually written, in lower case.
pub fn is_attachment_id(id: &str) -> bool {
    id.len() == ID_BYTES && Uuid::try_parse(id).is_ok_and(|uuid| uuid.hyphenated().to_string() == id)
}

/// The name under which an uploaded file is kept.
pub fn file_name(id: &Uuid, filename: &str) -> String {
    format!("{}-{}", id.hyphenated(), shortened(&safe(filename), MAX_NAME_BYTES - ID_BYTES - 1))
}

fn safe(filename: &str) -> String {
    let is_bad = |c: char| {
        matches!(c, '/' | '\\' | '"' | '\'' | '`') || c.is_control() || c.is_whitespace() || c == '\u{feff}'
    };
    filename.replace("..", "_").chars().map(|c| if is_bad(c) { '_' } else { c }).collect()
}

/// Cuts the middle out, so that the ending still tells what kind of file it is.
fn shortened(name: &str, bytes: usize) -> String {
    if name.len() <= bytes {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= MAX_EXTENSION => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    // A cut could put two dots beside each other, which `safe` would not have left.
    let stem = start(stem, usize::MAX, bytes - extension.len());
    format!("{}{extension}", stem.trim_end_matches('.'))
}

fn segment(text: &str) -> String {
    let is_bad = |c: char| matches!(c, '/' | '\\') || c.is_control();
    let safe: String = text.replace("..", "_").chars().map(|c| if is_bad(c) { '_' } else { c }).collect();
    match start(&safe, MAX_SEGMENT, MAX_NAME_BYTES) {
        // These two are no names of their own.
        "" | "." => "_".to_owned(),
        segment => segment.to_owned(),
    }
}

/// As much of the beginning as both limits allow.
fn start(text: &str, characters: usize, bytes: usize) -> &str {
    let fits = text.char_indices().take(characters).map(|(at, c)| at + c.len_utf8());
    let end = fits.take_while(|end| *end <= bytes).last().unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190c7a0-0000-4000-8000-000000000001";

    fn folder(namespace: &str) -> Folder {
        Folder::of(&namespace.into(), &"s1".into())
    }

    #[test]
    fn a_path_leads_back_to_the_name() {
        let name = file_name(&Uuid::parse_str(ID).unwrap(), "my plan.png");
        assert_eq!(name, format!("{ID}-my_plan.png"));
        let path = folder("default").path_of(&name);
        assert_eq!(path, format!("hapi-hub:scratchlist/default/s1/{ID}-my_plan.png"));
        assert_eq!(folder("default").name_in(&path), Some(name.as_str()));
        assert_eq!(belongs(&name, ID), Some("my_plan.png"));
    }

    #[test]
    fn other_folders_and_other_ids_are_not_reached() {
        let own = folder("default");
        let file = format!("{ID}-a.png");
        for path in [
            format!("hapi-hub:scratchlist/other/s1/{file}"),
            format!("hapi-hub:scratchlist/default/s2/{file}"),
            format!("hapi-hub:scratchlist/default/s1/../s2/{file}"),
            format!("hapi-hub:scratchlist/default/s1/{file}/../x"),
            format!("hapi-hub:scratchlist/default/s1//{file}"),
            format!("hapi-hub:scratchlist/default/s1/{ID}-..\\x"),
            format!("hapi-hub:scratchlist/default/s1/{ID}-"),
            format!("hapi-hub:scratchlist/default/s1/{ID}"),
            "hapi-hub:scratchlist/default/s1/passwd".to_owned(),
            format!("/default/s1/{file}"),
            String::new(),
        ] {
            assert_eq!(own.name_in(&path), None, "{path}");
        }
        assert_eq!(belongs(&file, "0190c7a0-0000-4000-8000-000000000002"), None);
        assert_eq!(belongs(&file, "0190c7a0"), None);
        assert!(!is_attachment_id(&ID.to_uppercase()) && !is_attachment_id(&ID.replace('-', "")));
    }

    #[test]
    fn parts_that_would_lead_elsewhere_are_made_safe() {
        for (namespace, expected) in [
            ("..", "_/s1"),
            (".", "_/s1"),
            ("../../etc", "____etc/s1"),
            ("a\\b\0c", "a_b_c/s1"),
            ("team:a", "team:a/s1"),
        ] {
            assert_eq!(folder(namespace).relative(), PathBuf::from(expected), "{namespace}");
        }
    }

    #[test]
    fn long_names_keep_their_ending() {
        let name = file_name(&Uuid::parse_str(ID).unwrap(), &format!("{}.png", "ü".repeat(255)));
        assert!(name.len() <= MAX_NAME_BYTES && name.ends_with("ü.png"), "{name}");
    }

    proptest::proptest! {
        #[test]
        fn any_name_stays_in_its_folder(filename in ".{1,255}", namespace in ".{0,140}") {
            let name = file_name(&Uuid::parse_str(ID).unwrap(), &filename);
            let folder = folder(&namespace);
            proptest::prop_assert!(name.len() <= MAX_NAME_BYTES);
            let path = folder.path_of(&name);
            proptest::prop_assert_eq!(folder.name_in(&path), Some(name.as_str()));
            let whole = folder.relative().join(&name);
            let parts: Vec<_> = whole.components().collect();
            proptest::prop_assert_eq!(parts.len(), 3);
            let is_plain = |part: &std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
            proptest::prop_assert!(parts.iter().all(is_plain));
        }
    }
}
