//! What lies beside the database and logins depend on: settings, the key of web tokens, the owner's number. It comes
//! along where the new home has none of its own; nothing there is ever replaced.

use std::{fs, io, path::Path};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    clock::Clock,
    config::{
        self, Error,
        settings_file::{self, Lock},
    },
    identity,
};

/// What became of settings and secrets. It names them and tells no value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Carried {
    pub same_folder: bool,
    pub settings: Vec<String>,
    /// Settings that have another value here, which stays.
    pub settings_kept: Vec<String>,
    /// Settings under names that no hub takes any more.
    pub settings_left: Vec<String>,
    pub files: Vec<String>,
    /// Files that differ from those here, which stay.
    pub files_kept: Vec<String>,
    /// Files that do not hold what they should.
    pub unusable: Vec<String>,
}

/// A file with a secret, and how to tell whether it holds one.
type Secret = (&'static str, fn(&Value) -> bool);
const SECRETS: [Secret; 2] =
    [("jwt-secret.json", identity::holds_jwt_key), ("owner-id.json", identity::holds_owner_id)];

/// Brings what `home` lacks. A trial run only looks.
pub fn carry(from: &Path, home: &Path, clock: &Clock, is_trial: bool) -> Result<Carried, Error> {
    let mut carried = Carried::default();
    if is_same_folder(from, home) {
        carried.same_folder = true;
        return Ok(carried);
    }
    settings(from, home, clock, is_trial, &mut carried)?;
    for (name, holds_secret) in SECRETS {
        secret(name, holds_secret, from, home, clock, is_trial, &mut carried)?;
    }
    Ok(carried)
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn settings(
    from: &Path,
    home: &Path,
    clock: &Clock,
    is_trial: bool,
    carried: &mut Carried,
) -> Result<(), Error> {
    let theirs = match settings_file::read(&settings_file::path(from)) {
        Err(Error::Unparsable { .. }) => {
            carried.unusable.push("settings.json".to_owned());
            return Ok(());
        }
        theirs => theirs?,
    };
    if theirs.is_empty() {
        return Ok(());
    }
    if is_trial {
        let mut ours = settings_file::read(&settings_file::path(home))?;
        add(theirs, &mut ours, carried);
        return Ok(());
    }
    settings_file::update(home, clock, |ours| add(theirs, ours, carried))?;
    settings_file::close_to_others(&settings_file::path(home))
}

fn add(theirs: Map<String, Value>, ours: &mut Map<String, Value>, carried: &mut Carried) {
    for (key, value) in theirs {
        match ours.get(&key) {
            _ if config::is_old_setting(&key) => carried.settings_left.push(key),
            Some(held) if *held == value => {}
            Some(_) => carried.settings_kept.push(key),
            None => {
                carried.settings.push(key.clone());
                ours.insert(key, value);
            }
        }
    }
}

fn secret(
    name: &str,
    holds_secret: fn(&Value) -> bool,
    from: &Path,
    home: &Path,
    clock: &Clock,
    is_trial: bool,
    carried: &mut Carried,
) -> Result<(), Error> {
    let Some(theirs) = text(&from.join(name))? else { return Ok(()) };
    if !serde_json::from_str(&theirs).is_ok_and(|value| holds_secret(&value)) {
        carried.unusable.push(name.to_owned());
        return Ok(());
    }
    let path = home.join(name);
    let _lock = if is_trial { None } else { Some(Lock::acquire(home, clock)?) };
    match text(&path)? {
        Some(ours) if ours.trim() == theirs.trim() => {}
        Some(_) => carried.files_kept.push(name.to_owned()),
        None => {
            if !is_trial {
                settings_file::write_private(&path, &theirs)?;
            }
            carried.files.push(name.to_owned());
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
#[path = "home_tests.rs"]
mod tests;
