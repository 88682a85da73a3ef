//! Files that people attach to notes, on the hub's own disk: one folder for each session. What may lie there is decided
//! elsewhere; this only reads, writes and removes, on blocking threads.

mod sweep;

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;

pub use sweep::sweep;

use crate::domain::scratchlist::{Folder, Held};

/// What a file is called while it is written. A crash leaves one behind at the most.
const UNFINISHED: &str = ".part";

/// The folder of all attachments. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Attachments {
    root: Arc<Path>,
}

impl Attachments {
    pub fn new(home: &Path) -> Self {
        Self { root: home.join("scratchlist-attachments").into() }
    }

    fn place(&self, folder: &Folder) -> PathBuf {
        self.root.join(folder.relative())
    }

    /// Names and sizes of the files in a folder. No folder is an empty one.
    pub async fn held(&self, folder: &Folder) -> io::Result<Held> {
        let place = self.place(folder);
        blocking(move || held(&place)).await
    }

    /// Keeps a file. When this returns it survives a power cut.
    pub async fn keep(&self, folder: &Folder, name: String, content: Bytes) -> io::Result<()> {
        let place = self.place(folder);
        blocking(move || keep(&place, &name, &content)).await
    }

    /// `None` when there is no such file.
    pub async fn read(&self, folder: &Folder, name: String) -> io::Result<Option<Vec<u8>>> {
        let path = self.place(folder).join(name);
        blocking(move || if_there(fs::read(path))).await
    }

    /// Removes files, and the folder with the last of them.
    pub async fn remove(&self, folder: &Folder, names: Vec<String>) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let place = self.place(folder);
        blocking(move || {
            for name in names {
                if_there(fs::remove_file(place.join(name)))?;
            }
            // It stays while it is not empty.
            let _ = fs::remove_dir(&place);
            Ok(())
        })
        .await
    }

    /// Removes a folder with everything in it.
    pub async fn remove_folder(&self, folder: &Folder) -> io::Result<()> {
        let place = self.place(folder);
        blocking(move || if_there(fs::remove_dir_all(place)).map(drop)).await
    }

    /// Makes every file of one folder appear in another too, where none of that name is. Answers their names. Both
    /// folders have them until one is removed, so that a crash in between loses nothing.
    pub async fn share(&self, from: &Folder, to: &Folder) -> io::Result<BTreeSet<String>> {
        let (from, to) = (self.place(from), self.place(to));
        blocking(move || share(&from, &to)).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn if_there<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn held(place: &Path) -> io::Result<Held> {
    let mut held = Held::new();
    let Some(files) = if_there(fs::read_dir(place))? else { return Ok(held) };
    for file in files {
        let file = file?;
        let Ok(name) = file.file_name().into_string() else { continue };
        // Looks at a link itself, not at what it leads to.
        let Some(about) = if_there(file.metadata())? else { continue };
        if about.is_file() && !name.ends_with(UNFINISHED) {
            held.insert(name, about.len());
        }
    }
    Ok(held)
}

fn keep(place: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(place)?;
    let unfinished = place.join(format!("{}{UNFINISHED}", uuid::Uuid::new_v4()));
    let kept = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&unfinished, place.join(name)))
        .and_then(|()| File::open(place)?.sync_all());
    kept.inspect_err(|_| {
        // The error that stopped the write is the one worth telling.
        let _ = fs::remove_file(&unfinished);
    })
}

fn share(from: &Path, to: &Path) -> io::Result<BTreeSet<String>> {
    let mut shared = BTreeSet::new();
    share_into(from, to, &mut shared).inspect_err(|_| {
        for name in &shared {
            let _ = fs::remove_file(to.join(name));
        }
    })?;
    Ok(shared)
}

fn share_into(from: &Path, to: &Path, shared: &mut BTreeSet<String>) -> io::Result<()> {
    for name in held(from)?.into_keys() {
        if shared.is_empty() {
            DirBuilder::new().recursive(true).mode(0o700).create(to)?;
        }
        let (source, target) = (from.join(&name), to.join(&name));
        match fs::hard_link(&source, &target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            // Not every file system has two names for one file.
            Err(_) => drop(fs::copy(&source, &target)?),
        }
        shared.insert(name);
    }
    if shared.is_empty() { Ok(()) } else { File::open(to)?.sync_all() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder(session: &str) -> Folder {
        Folder::of(&"default".into(), &session.into())
    }

    #[tokio::test]
    async fn a_file_is_kept_read_and_removed_with_its_folder() {
        let home = tempfile::tempdir().unwrap();
        let (files, own) = (Attachments::new(home.path()), folder("s"));
        assert!(files.held(&own).await.unwrap().is_empty());
        assert_eq!(files.read(&own, "a".into()).await.unwrap(), None);
        files.keep(&own, "a".into(), Bytes::from_static(b"one")).await.unwrap();
        files.keep(&own, "b".into(), Bytes::from_static(b"three")).await.unwrap();
        let held: Vec<(String, u64)> = files.held(&own).await.unwrap().into_iter().collect();
        assert_eq!(held, [("a".to_owned(), 3), ("b".to_owned(), 5)]);
        assert_eq!(files.read(&own, "a".into()).await.unwrap().as_deref(), Some(b"one".as_slice()));
        let path = home.path().join("scratchlist-attachments/default/s");
        assert_eq!(fs::metadata(path.join("a")).unwrap().permissions().mode() & 0o777, 0o600);
        files.remove(&own, vec!["a".into(), "gone".into()]).await.unwrap();
        assert!(path.exists());
        files.remove(&own, vec!["b".into()]).await.unwrap();
        assert!(!path.exists());
        files.remove_folder(&own).await.unwrap();
    }

    #[tokio::test]
    async fn links_and_unfinished_files_are_not_there() {
        let home = tempfile::tempdir().unwrap();
        let (files, own) = (Attachments::new(home.path()), folder("s"));
        files.keep(&own, "a".into(), Bytes::new()).await.unwrap();
        let place = home.path().join("scratchlist-attachments/default/s");
        fs::write(place.join("x.part"), "half").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", place.join("link")).unwrap();
        assert_eq!(files.held(&own).await.unwrap().into_keys().collect::<Vec<_>>(), ["a"]);
    }

    #[tokio::test]
    async fn shared_files_survive_the_end_of_the_first_folder() {
        let home = tempfile::tempdir().unwrap();
        let (files, old, new) = (Attachments::new(home.path()), folder("old"), folder("new"));
        assert!(files.share(&old, &new).await.unwrap().is_empty());
        for (owner, name, content) in [(&old, "a", "old a"), (&old, "b", "old b"), (&new, "b", "new b")] {
            files.keep(owner, name.into(), Bytes::from_static(content.as_bytes())).await.unwrap();
        }
        let shared = files.share(&old, &new).await.unwrap();
        assert_eq!(shared.into_iter().collect::<Vec<_>>(), ["a"]);
        files.remove_folder(&old).await.unwrap();
        assert_eq!(files.read(&new, "a".into()).await.unwrap().as_deref(), Some(b"old a".as_slice()));
        assert_eq!(files.read(&new, "b".into()).await.unwrap().as_deref(), Some(b"new b".as_slice()));
    }
}
