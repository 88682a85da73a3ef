//! The command as people type it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::support::{Content, ReleasedDatabase};

fn source(folder: &Path) -> ReleasedDatabase {
    let mut database = ReleasedDatabase::new(folder, 26);
    database.session("s", "default", &json!({ "path": "/", "host": "h" }));
    database.message("s", 1, None, &Content::Plain("not json"));
    fs::write(folder.join("settings.json"), r#"{"cliApiToken":"a-very-secret-token-of-the-other-hub"}"#)
        .unwrap();
    database
}

fn import(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
    command.env_clear().env("WHEELHOUSE_HOME", home).arg("import").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_report_is_told_to_people_and_to_programs_and_has_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path()).path;
    let path = path.to_str().unwrap();
    let home = folder.path().join("home");
    let trial = import(&home, &[path, "--dry-run"]);
    assert!(trial.status.success() && !home.exists(), "{}", text(&trial.stderr));
    let said = text(&trial.stdout).replace(&folder.path().display().to_string(), "<folder>");
    insta::assert_snapshot!(said, @"
    Would import: <folder>/hapi.db (schema 26) into <folder>/home/wheelhouse.db
                                read     added already here  left out without session  unusable
      sessions                     1         1            0         0               0         0
      messages                     1         1            0         0               0         0
      session_scratchlist          0         0            0         0               0         0
      machines                     0         0            0         0               0         0
      users                        0         0            0         0               0         0
      push_subscriptions           0         0            0         0               0         0
      fcm_devices                  0         0            0         0               0         0
      contents that cannot be understood and are empty now: 1
      event_links (0 rows) stays behind: this hub keeps no work graph
      events (0 rows) stays behind: this hub keeps no work graph
      usage_events (0 rows) stays behind: usage is counted anew from the messages
      usage_scan_state (0 rows) stays behind: usage is counted anew from the messages
      settings brought along: cliApiToken
    ");
    assert!(text(&trial.stderr).contains("messages: 1"), "progress is told beside");

    let done = import(&home, &[path, "--json"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&report["schemaVersion"], &report["dryRun"], &report["changed"]),
        (&json!(26), &json!(false), &json!(true))
    );
    assert_eq!(report["repairs"]["undecodableContents"], 1);
    assert_eq!(
        (&report["tables"][1]["table"], &report["tables"][1]["added"]),
        (&json!("messages"), &json!(1))
    );
    assert_eq!(report["home"]["settings"], json!(["cliApiToken"]));
    for output in [&trial.stdout, &trial.stderr, &done.stdout, &done.stderr] {
        assert!(!text(output).contains("a-very-secret"));
    }
}

#[test]
fn a_refusal_is_one_line_and_code_one() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.db");
    let home = folder.path().join("home");
    let done = import(&home, &[missing.to_str().unwrap()]);
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(1), ""));
    assert_eq!(text(&done.stderr).lines().count(), 1);
    assert!(text(&done.stderr).contains("none.db"));
    assert!(!home.exists());
    assert_eq!(import(&home, &[]).status.code(), Some(2));
}

#[test]
fn a_database_that_another_process_has_open_is_taken_by_force_only() {
    if !fs::exists("/proc/locks").unwrap() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = source(folder.path());
    let path = database.path.to_str().unwrap();
    let home = folder.path().join("home");
    let refused = import(&home, &[path]);
    let said = text(&refused.stderr);
    let ours = format!("is in use by process {}", std::process::id());
    assert!(!refused.status.success() && said.contains(&ours) && said.contains("--force"), "{said}");
    let taken = import(&home, &[path, "--force"]);
    assert!(taken.status.success(), "{}", text(&taken.stderr));
}
