//! `settings.json`, which the hub shares with the released command line: each write keeps what others put there.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::{Map, Value};

use super::{Error, home};
use crate::{
    clock::{self, Clock},
    domain::ids::Millis,
};

const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);
const STALE_MS: Millis = 30_000;

pub fn path(home: &Path) -> PathBuf {
    home.join("settings.json")
}

/// What the file holds now. No file is an empty one.
pub fn read(path: &Path) -> Result<Map<String, Value>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
    };
    serde_json::from_str(&text)
        .map_err(|error| Error::Unparsable { path: path.to_owned(), reason: error.to_string() })
}

/// Changes the file under its lock. Unknown keys and the order of keys stay; a change that changes nothing does not
/// write. Blocks the thread while another program holds the lock.
pub fn update<T>(
    home: &Path,
    clock: &Clock,
    change: impl FnOnce(&mut Map<String, Value>) -> T,
) -> Result<T, Error> {
    let path = path(home);
    let _lock = Lock::acquire(home, clock)?;
    let mut settings = read(&path)?;
    let before = settings.clone();
    let answer = change(&mut settings);
    if settings != before {
        let text = serde_json::to_string_pretty(&settings)
            .map_err(|error| Error::Write { path: path.clone(), source: error.into() })?;
        write_private(&path, &text)?;
    }
    Ok(answer)
}

/// Puts a text in the place of a file in one step, readable by the owner only.
pub fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let temporary = path.with_file_name(format!(".settings.{}.tmp", uuid::Uuid::new_v4()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| {
        // The error that stopped the write is the one worth telling.
        let _ = fs::remove_file(&temporary);
        Error::Write { path: path.to_owned(), source }
    })
}

/// Takes other users' rights from a file with secrets, when it has any. No file is fine.
pub fn close_to_others(path: &Path) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Write { path: path.to_owned(), source };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(failed(source)),
        Ok(file) if file.permissions().mode() & 0o077 == 0 => Ok(()),
        Ok(_) => fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed),
    }
}

/// The lock is a folder, as the released programs have it. It is gone when this is dropped.
///
/// A holder of more than ten seconds would have to touch the folder again; ours never holds it that long.
pub struct Lock {
    path: PathBuf,
}

impl Lock {
    pub fn acquire(home: &Path, clock: &Clock) -> Result<Self, Error> {
        home::ensure(home)?;
        let path = home.join("settings.json.hapi.lock");
        for _ in 0..TRIES {
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::Write { path, source }),
            }
            if is_stale(&path, clock) {
                // Whoever else saw it stale may have been faster; the next try decides.
                let _ = fs::remove_dir(&path);
            } else {
                thread::sleep(PAUSE);
            }
        }
        Err(Error::Locked { path })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Should this fail, the lock is taken for stale after half a minute.
        let _ = fs::remove_dir(&self.path);
    }
}

fn is_stale(path: &Path, clock: &Clock) -> bool {
    let touched = fs::metadata(path).and_then(|lock| lock.modified());
    touched.is_ok_and(|touched| clock.now() - clock::since_epoch(touched) > STALE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn unknown_keys_and_their_order_survive() {
        let home = tempfile::tempdir().unwrap();
        let path = path(home.path());
        fs::write(&path, r#"{"zeta":{"b":1,"a":[2.5]},"apiUrl":"x"}"#).unwrap();
        update(home.path(), &Clock::system(), |settings| settings.insert("alpha".into(), "new".into()))
            .unwrap();
        let written = fs::read_to_string(&path).unwrap();
        insta::assert_snapshot!(written, @r#"
        {
          "zeta": {
            "b": 1,
            "a": [
              2.5
            ]
          },
          "apiUrl": "x",
          "alpha": "new"
        }
        "#);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_change_that_changes_nothing_does_not_write() {
        let home = tempfile::tempdir().unwrap();
        fs::write(path(home.path()), "{ \"a\":1 }").unwrap();
        update(home.path(), &Clock::system(), |settings| settings.insert("a".into(), 1.into())).unwrap();
        assert_eq!(fs::read_to_string(path(home.path())).unwrap(), "{ \"a\":1 }");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_never_replaced() {
        for broken in ["{\"a\":", "[]", "", "{} {}"] {
            let home = tempfile::tempdir().unwrap();
            fs::write(path(home.path()), broken).unwrap();
            let failed =
                update(home.path(), &Clock::system(), |settings| settings.insert("a".into(), 1.into()));
            assert!(matches!(failed, Err(Error::Unparsable { .. })), "{broken}");
            assert_eq!(fs::read_to_string(path(home.path())).unwrap(), broken);
        }
    }

    #[test]
    fn many_writers_lose_no_update() {
        let home = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for writer in 0..6 {
                let home = home.path();
                scope.spawn(move || {
                    for step in 0..3 {
                        let key = format!("{writer}-{step}");
                        update(home, &Clock::system(), |settings| settings.insert(key, step.into())).unwrap();
                    }
                });
            }
        });
        assert_eq!(read(&path(home.path())).unwrap().len(), 18);
        let left: Vec<_> =
            fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["settings.json"]);
    }

    #[test]
    fn a_lock_left_behind_is_taken_after_half_a_minute() {
        let home = tempfile::tempdir().unwrap();
        let left = home.path().join("settings.json.hapi.lock");
        fs::create_dir(&left).unwrap();
        let touched = clock::since_epoch(fs::metadata(&left).unwrap().modified().unwrap());
        assert!(!is_stale(&left, &Clock::manual(touched + 30_000)));
        update(home.path(), &Clock::manual(touched + 30_001), |_| ()).unwrap();
        assert!(!left.exists());
    }
}
