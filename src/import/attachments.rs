//! The files that notes refer to. They lie beside the database, under the folder of their session.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::Value;

use super::error::{Error, Result};
use crate::domain::json;

const FOLDER: &str = "scratchlist-attachments";
/// Starts the path of each attachment that the hub keeps.
const SCHEME: &str = "hapi-hub:scratchlist/";

/// What became of the attachments of new notes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachments {
    pub copied: u64,
    /// The same file is already here.
    pub already_here: u64,
    /// Another file of that name is here and stays.
    pub kept_ours: u64,
    /// The note speaks of a file that the other hub no longer has.
    pub missing: u64,
    /// What the note speaks of is not a file of the notes' folder.
    pub refused: u64,
}

/// Files that were copied. They go away again unless they are kept.
#[derive(Debug, Default)]
pub struct Copies(Vec<PathBuf>);

impl Copies {
    pub fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        for path in &self.0 {
            // A file that nobody refers to does no harm.
            let _ = fs::remove_file(path);
        }
    }
}

/// Brings the files of the notes from one home to another. A trial run only looks.
pub fn bring(notes: &[String], from: &Path, to: &Path, is_trial: bool) -> Result<(Attachments, Copies)> {
    let (mut outcome, mut copies) = (Attachments::default(), Copies::default());
    for path in notes.iter().flat_map(|note| paths(note)) {
        let Some(place) = place(&path) else {
            outcome.refused += 1;
            continue;
        };
        let (source, target) = (from.join(FOLDER).join(&place), to.join(FOLDER).join(&place));
        // A link may lead anywhere.
        match fs::symlink_metadata(&source) {
            Ok(file) if file.is_file() => {}
            Ok(_) => {
                outcome.refused += 1;
                continue;
            }
            Err(_) => {
                outcome.missing += 1;
                continue;
            }
        }
        if fs::symlink_metadata(&target).is_ok() {
            *(if is_same(&source, &target) { &mut outcome.already_here } else { &mut outcome.kept_ours }) +=
                1;
            continue;
        }
        outcome.copied += 1;
        if !is_trial {
            copy(&source, &target, &mut copies)?;
        }
    }
    Ok((outcome, copies))
}

/// The paths of a note's attachments, given as JSON.
fn paths(attachments: &str) -> Vec<String> {
    let Some(Value::Array(list)) = json::read_text(attachments) else { return Vec::new() };
    list.iter().filter_map(|item| item.get("path")?.as_str().map(str::to_owned)).collect()
}

/// Where a file lies inside the notes' folder: namespace, session and name.
fn place(path: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = path.strip_prefix(SCHEME)?.split('/').collect();
    let is_name = |part: &&str| !matches!(*part, "" | "." | "..") && !part.contains(['\\', '\0']);
    (parts.len() == 3 && parts.iter().all(is_name)).then(|| parts.iter().collect())
}

fn copy(source: &Path, target: &Path, copies: &mut Copies) -> Result<()> {
    let failed = |error| Error::Copy { from: source.to_owned(), to: target.to_owned(), source: error };
    if let Some(folder) = target.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let mut from = File::open(source).map_err(failed)?;
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target).map_err(failed)?;
    copies.0.push(target.to_owned());
    io::copy(&mut from, &mut to).map_err(failed)?;
    to.sync_all().map_err(failed)
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use serde_json::json;

    use super::*;

    fn note(path: &str) -> String {
        json!([{ "id": "a", "path": path }]).to_string()
    }

    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = home.path().join(FOLDER).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        home
    }

    #[test]
    fn files_come_along_once_and_ours_stay() {
        let from = home(&[("n/s/a-x.txt", "a"), ("n/s/b-x.txt", "b"), ("n/s/c-x.txt", "c")]);
        let to = home(&[("n/s/b-x.txt", "b"), ("n/s/c-x.txt", "ours")]);
        let notes = ["n/s/a-x.txt", "n/s/b-x.txt", "n/s/c-x.txt", "n/s/d-x.txt"]
            .map(|path| note(&format!("{SCHEME}{path}")));
        let expected =
            Attachments { copied: 1, already_here: 1, kept_ours: 1, missing: 1, ..Attachments::default() };
        let copied = to.path().join(FOLDER).join("n/s/a-x.txt");
        let (outcome, copies) = bring(&notes, from.path(), to.path(), true).unwrap();
        copies.keep();
        assert_eq!((outcome, copied.exists()), (expected.clone(), false));
        let (outcome, copies) = bring(&notes, from.path(), to.path(), false).unwrap();
        assert_eq!((outcome, fs::read_to_string(&copied).unwrap().as_str()), (expected, "a"));
        assert_eq!(fs::metadata(&copied).unwrap().permissions().mode() & 0o777, 0o600);
        drop(copies);
        assert!(!copied.exists(), "what is not kept goes away");
        assert_eq!(fs::read_to_string(to.path().join(FOLDER).join("n/s/c-x.txt")).unwrap(), "ours");
    }

    #[test]
    fn nothing_outside_the_folder_is_touched() {
        let (from, to) = (home(&[("n/s/a", "a")]), home(&[]));
        fs::write(from.path().join("secret"), "secret").unwrap();
        symlink(from.path().join("secret"), from.path().join(FOLDER).join("n/s/link")).unwrap();
        let odd =
            ["hapi-hub:scratchlist/../../secret", "hapi-hub:scratchlist/n/s/link", "/etc/passwd", "n/s/a"]
                .into_iter()
                .chain([
                    "hapi-hub:scratchlist/n/../secret",
                    "hapi-hub:scratchlist/n/s/a/b",
                    "hapi-hub:scratchlist//s/a",
                ]);
        let notes: Vec<String> = odd.map(note).collect();
        let (outcome, copies) = bring(&notes, from.path(), to.path(), false).unwrap();
        copies.keep();
        assert_eq!(outcome, Attachments { refused: 7, ..Attachments::default() });
        assert!(!to.path().join(FOLDER).exists());
    }

    #[test]
    fn notes_of_any_shape_are_looked_through() {
        let none = ["", "{}", "[1, {}, {\"path\": 5}]", "[", "null"].map(str::to_owned);
        let (outcome, _copies) = bring(&none, Path::new("/none"), Path::new("/none"), false).unwrap();
        assert_eq!(outcome, Attachments::default());
    }
}
