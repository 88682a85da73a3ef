use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

const KEY: &str = r#"{"secretBase64":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}"#;

fn home(files: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(home.path().join(name), text).unwrap();
    }
    home
}

fn carried(from: &TempDir, to: &TempDir, is_trial: bool) -> Carried {
    carry(from.path(), to.path(), &Clock::system(), is_trial).unwrap()
}

fn written(home: &TempDir, name: &str) -> String {
    fs::read_to_string(home.path().join(name)).unwrap()
}

#[test]
fn an_empty_home_gets_everything_and_keeps_it_to_itself() {
    let settings = r#"{"zeta":1,"cliApiToken":"t","vapidKeys":{"publicKey":"p","privateKey":"q"}}"#;
    let owner = r#"{"ownerId":7}"#;
    let from = home(&[("settings.json", settings), ("jwt-secret.json", KEY), ("owner-id.json", owner)]);
    let to = tempfile::tempdir().unwrap();
    let trial = carried(&from, &to, true);
    assert_eq!(fs::read_dir(to.path()).unwrap().count(), 0, "a trial writes nothing");
    assert_eq!(trial.settings, ["zeta", "cliApiToken", "vapidKeys"]);
    assert_eq!(trial.files, ["jwt-secret.json", "owner-id.json"]);
    assert_eq!(carried(&from, &to, false), trial);
    let ours: Value = serde_json::from_str(&written(&to, "settings.json")).unwrap();
    assert_eq!(ours, serde_json::from_str::<Value>(settings).unwrap());
    assert_eq!(written(&to, "jwt-secret.json"), KEY);
    for entry in fs::read_dir(to.path()).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(carried(&from, &to, false), Carried::default(), "a second time there is nothing to bring");
}

#[test]
fn what_is_here_stays_as_it_is() {
    let from = home(&[
        ("settings.json", r#"{"cliApiToken":"theirs","publicUrl":"http://a","same":[1]}"#),
        ("jwt-secret.json", KEY),
    ]);
    let own_key = KEY.replace("AAEC", "AQEC");
    let to =
        home(&[("settings.json", r#"{"cliApiToken":"ours","same":[1]}"#), ("jwt-secret.json", &own_key)]);
    let carried = carried(&from, &to, false);
    assert_eq!(
        (carried.settings, carried.settings_kept),
        (vec!["publicUrl".into()], vec!["cliApiToken".into()])
    );
    assert_eq!((carried.files, carried.files_kept), (vec![], vec!["jwt-secret.json".into()]));
    assert_eq!(settings_file::read(&settings_file::path(to.path())).unwrap()["cliApiToken"], "ours");
    assert_eq!(written(&to, "jwt-secret.json"), own_key);
}

#[test]
fn what_would_stop_a_start_is_left_behind() {
    let from = home(&[
        ("settings.json", r#"{"webappPort":1,"a":1}"#),
        ("jwt-secret.json", r#"{"secretBase64":"c2hvcnQ="}"#),
        ("owner-id.json", "{"),
    ]);
    let to = tempfile::tempdir().unwrap();
    let told = carried(&from, &to, false);
    assert_eq!((told.settings, told.settings_left), (vec!["a".into()], vec!["webappPort".into()]));
    assert_eq!(told.unusable, ["jwt-secret.json", "owner-id.json"]);
    let broken = home(&[("settings.json", "{ broken")]);
    assert_eq!(carried(&broken, &to, false).unusable, ["settings.json"]);
}

#[test]
fn one_folder_needs_nothing() {
    let both = home(&[("settings.json", "{\"a\":1}")]);
    assert_eq!(carried(&both, &both, false), Carried { same_folder: true, ..Carried::default() });
}
