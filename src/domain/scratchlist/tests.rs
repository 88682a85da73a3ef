use super::*;

const IDS: [&str; 3] = [
    "0190c7a0-0000-4000-8000-000000000001",
    "0190c7a0-0000-4000-8000-000000000002",
    "0190c7a0-0000-4000-8000-000000000003",
];

/// A session's notes with three files of 10, 20 and 30 bytes in its folder.
struct Scene {
    limits: Limits,
    folder: Folder,
    entries: Vec<Entry>,
    held: Held,
}

impl Scene {
    fn new() -> Self {
        let held = IDS.iter().zip([10, 20, 30]).map(|(id, size)| (format!("{id}-f.png"), size)).collect();
        Self {
            limits: Limits {
                max_bytes_per_file: 30,
                max_attachments_per_entry: 2,
                max_bytes_per_entry: 40,
                max_bytes_per_session: 60,
                allowed_mime_types: vec!["image/png".to_owned()],
            },
            folder: Folder::of(&"default".into(), &"s".into()),
            entries: Vec::new(),
            held,
        }
    }

    fn rules(&self) -> Scratchlist<'_> {
        Scratchlist { limits: &self.limits, folder: &self.folder, entries: &self.entries, held: &self.held }
    }

    fn claim(&self, file: usize) -> Attachment {
        let path = self.folder.path_of(&format!("{}-f.png", IDS[file]));
        let id = IDS[file].to_owned();
        Attachment { id, filename: "lie.exe".into(), mime_type: "image/PNG".into(), size: 0, path }
    }

    fn add(&mut self, id: &str, files: &[usize]) -> Result<Entry, Refusal> {
        let attachments = files.iter().map(|file| self.claim(*file)).collect();
        let new = NewNote { text: " note ".into(), attachments, ..NewNote::default() };
        match self.rules().add(new, id.to_owned(), 5)? {
            Added::New(entry) => {
                self.entries.push(entry.clone());
                Ok(entry)
            }
            Added::Known(entry) => Ok(entry),
        }
    }
}

#[test]
fn a_note_tells_what_lies_in_the_folder() {
    let mut scene = Scene::new();
    let entry = scene.add("a", &[1]).unwrap();
    assert_eq!((entry.text.as_str(), entry.created_at, entry.updated_at), ("note", 5, 5));
    assert_eq!((entry.attachments[0].filename.as_str(), entry.attachments[0].size), ("f.png", 20));
}

#[test]
fn a_known_id_wins_over_every_limit() {
    let mut scene = Scene::new();
    for n in 0..MAX_ENTRIES {
        scene.add(&n.to_string(), &[]).unwrap();
    }
    assert_eq!(scene.add("another", &[]), Err(Refusal::AtCap));
    assert_eq!(scene.add("7", &[0, 1, 2]).unwrap().entry_id, "7");
}

#[test]
fn files_are_checked_again_when_they_are_claimed() {
    let mut scene = Scene::new();
    assert_eq!(scene.add("a", &[0, 1, 2]), Err(Refusal::TooManyAttachments));
    assert_eq!(scene.add("a", &[0, 0]), Err(Refusal::InvalidAttachment));
    assert_eq!(scene.add("a", &[1, 2]), Err(Refusal::EntryBytes));
    scene.held.remove(&format!("{}-f.png", IDS[0]));
    assert_eq!(scene.add("a", &[0]), Err(Refusal::InvalidAttachment));
    scene.limits.max_bytes_per_file = 29;
    assert_eq!(scene.add("a", &[2]), Err(Refusal::FileTooLarge));
    scene.limits.allowed_mime_types.clear();
    assert_eq!(scene.add("a", &[1]), Err(Refusal::MimeType));
}

#[test]
fn a_session_over_its_budget_takes_no_more_files_but_keeps_its_own() {
    let mut scene = Scene::new();
    scene.add("a", &[0]).unwrap();
    scene.limits.max_bytes_per_session = 59;
    assert_eq!(scene.add("b", &[1]), Err(Refusal::SessionBytes));
    let same = NoteEdit { text: Some("new".into()), attachments: Some(vec![scene.claim(0)]) };
    assert_eq!(scene.rules().edit("a", same, 6).unwrap().entry.text, "new");
    assert_eq!(scene.rules().upload("image/png", 1), Err(Refusal::SessionBytes));
    scene.limits.max_bytes_per_session = 61;
    assert_eq!(scene.rules().upload("IMAGE/png", 1), Ok(()));
    assert_eq!(scene.rules().upload("image/png", 31), Err(Refusal::FileTooLarge));
    assert_eq!(scene.rules().upload("text/html", 1), Err(Refusal::MimeType));
}

#[test]
fn a_file_goes_with_the_last_note_that_has_it() {
    let mut scene = Scene::new();
    scene.add("a", &[0, 1]).unwrap();
    scene.add("b", &[1]).unwrap();
    let name = |file: usize| format!("{}-f.png", IDS[file]);
    assert_eq!(scene.rules().remove("a").unwrap(), [name(0)]);
    assert_eq!(scene.rules().remove("none"), Err(Refusal::NoSuchEntry));
    let bare = NoteEdit { attachments: Some(Vec::new()), ..NoteEdit::default() };
    let edited = scene.rules().edit("a", bare, 9).unwrap();
    assert_eq!((edited.orphans, edited.entry.updated_at), (vec![name(0)], 9));
    assert_eq!(scene.rules().discard(IDS[1]), Err(Refusal::AttachmentInUse));
    assert_eq!(scene.rules().discard(IDS[2]), Ok(name(2)));
    assert_eq!(scene.rules().discard("../../x"), Err(Refusal::NoSuchAttachment));
}

#[test]
fn a_note_is_never_left_empty() {
    let mut scene = Scene::new();
    let only_file = NewNote { attachments: vec![scene.claim(0)], ..NewNote::default() };
    let Added::New(entry) = scene.rules().add(only_file, "a".into(), 5).unwrap() else { panic!("it is new") };
    scene.entries.push(entry);
    let bare = NoteEdit { attachments: Some(Vec::new()), ..NoteEdit::default() };
    assert_eq!(scene.rules().edit("a", bare, 6), Err(Refusal::Empty));
}
