//! The binary as people start it: what it prints and how it exits.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// Runs with an environment of its own, so that nothing of the caller's gets in.
fn wheelhouse(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
    command.env_clear().env("WHEELHOUSE_HOME", home).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_start_that_cannot_work_ends_with_one_line_and_code_one() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("settings.json"), "{ broken").unwrap();
    let done = wheelhouse(home.path(), &["hub"]);
    assert_eq!(done.status.code(), Some(1));
    let said = text(&done.stderr);
    assert!(said.starts_with("wheelhouse: ") && said.contains("settings.json"), "{said}");
    assert_eq!((said.lines().count(), text(&done.stdout)), (1, ""));
    assert_eq!(fs::read_to_string(home.path().join("settings.json")).unwrap(), "{ broken");
}

#[test]
fn a_home_that_is_no_folder_is_told_with_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("file");
    fs::write(&home, "").unwrap();
    let done = wheelhouse(&home, &[]);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(text(&done.stderr).lines().count(), 1);
}

#[test]
fn help_and_config_show_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    for arguments in [&["--help"][..], &["hub", "--help"], &["config", "show", "--port", "4000"]] {
        let done = wheelhouse(&home, arguments);
        assert!(done.status.success() && !done.stdout.is_empty(), "{arguments:?}");
        assert!(!home.exists());
    }
    let shown = wheelhouse(&home, &["config", "show", "--port", "4000"]);
    assert!(text(&shown.stdout).contains("listen.port = 4000  (flag --port)\n"));
}
