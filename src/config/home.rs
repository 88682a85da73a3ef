//! The home folder: where it is, and that it is ours alone.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{Error, Source, Sourced};

const VARIABLES: [&str; 2] = ["WHEELHOUSE_HOME", "HAPI_HOME"];
const STICKY: u32 = 0o1000;

/// The flag, else a variable, else the folder that released clients look into.
pub fn find(flag: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Sourced<PathBuf>, Error> {
    let variable = || {
        VARIABLES.into_iter().find_map(|name| {
            let text = env.get(name).filter(|text| !text.is_empty())?;
            Some(Sourced::new(PathBuf::from(text), Source::Environment(name.to_owned())))
        })
    };
    let home = flag
        .map(|path| Sourced::new(path.to_owned(), Source::Flag("--home")))
        .or_else(variable)
        .unwrap_or_else(|| Sourced::new(PathBuf::from("~/.hapi"), Source::Default));
    Ok(Sourced::new(expand(&home.value, env)?, home.source))
}

/// Replaces a leading `~` by the user's own folder.
pub fn expand(path: &Path, env: &BTreeMap<String, String>) -> Result<PathBuf, Error> {
    let Ok(rest) = path.strip_prefix("~") else { return Ok(path.to_owned()) };
    let user = env.get("HOME").filter(|text| !text.is_empty()).ok_or(Error::NoHome)?;
    Ok(PathBuf::from(user).join(rest))
}

/// Makes the folder when it is missing and closes it to other users, since secrets lie in it. A folder that is shared
/// on purpose (it has the sticky bit, as `/tmp`) is not closed.
pub fn ensure(home: &Path) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Home { path: home.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(home).map_err(failed)?;
    let mode = fs::metadata(home).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 && mode & STICKY == 0 {
        fs::set_permissions(home, Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn the_flag_wins_then_our_variable_then_the_released_one() {
        let all = env(&[("WHEELHOUSE_HOME", "/w"), ("HAPI_HOME", "~/h"), ("HOME", "/u")]);
        let found = |flag: Option<&str>, env: &BTreeMap<String, String>| {
            find(flag.map(Path::new), env).unwrap().value
        };
        assert_eq!(found(Some("~/f"), &all), Path::new("/u/f"));
        assert_eq!(found(None, &all), Path::new("/w"));
        assert_eq!(found(None, &env(&[("HAPI_HOME", "~/h"), ("HOME", "/u")])), Path::new("/u/h"));
        assert_eq!(found(None, &env(&[("HAPI_HOME", ""), ("HOME", "/u")])), Path::new("/u/.hapi"));
        assert!(matches!(find(None, &env(&[])), Err(Error::NoHome)));
    }

    #[test]
    fn the_folder_is_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("a/b");
        fs::create_dir_all(&home).unwrap();
        fs::set_permissions(&home, Permissions::from_mode(0o755)).unwrap();
        ensure(&home).unwrap();
        assert_eq!(fs::metadata(&home).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_file_in_its_place_is_a_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::write(&home, "").unwrap();
        assert!(matches!(ensure(&home), Err(Error::Home { .. })));
    }
}
