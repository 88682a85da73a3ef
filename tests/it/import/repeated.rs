//! Imports into a hub that already holds something.

use serde_json::json;

use super::{counts, files, imported, options, run, stored};
use crate::support::{Content, Events, ReleasedDatabase, Setup, TestHub, agent_says, metadata};

fn source(folder: &std::path::Path) -> ReleasedDatabase {
    let mut database = ReleasedDatabase::new(folder, 26);
    database.session("s", "default", &json!({ "path": "/", "host": "h" }));
    database.message("s", 1, None, &Content::Plain("\"one\""));
    database.run("INSERT INTO machines (id, created_at, updated_at) VALUES ('m', 1, 1)");
    database.run("INSERT INTO session_scratchlist VALUES ('s', 'e', 'note', 1, 1, NULL)");
    database
}

#[actix_rt::test]
async fn a_second_import_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path()).path;
    let hub = TestHub::at_rest(Setup::default());
    assert!(imported(&path, &hub).changed);
    let before = files(hub.home());
    let again = imported(&path, &hub);
    assert!(!again.changed && again.text().starts_with("Nothing new to import"));
    assert_eq!(counts(&again, "messages"), [0, 1, 0, 0, 0]);
    assert_eq!(files(hub.home()), before);
}

#[actix_rt::test]
async fn what_is_here_wins_and_the_rest_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = source(folder.path());
    let mut hub = TestHub::start().await;
    let own = hub.session("own", &metadata()).await;
    hub.machine("m").await;
    hub.stop().await;
    imported(&database.path, &hub);

    // Both go on: a message here, messages, a note, a name and another session there.
    hub.start_again().await;
    let cli = hub.cli("s").await;
    cli.alive(hub.clock.now()).await;
    cli.say(&agent_says("ours")).await;
    drop(cli);
    hub.stop().await;
    database.message("s", 2, None, &Content::Plain("\"theirs\""));
    database.run("UPDATE sessions SET model = 'theirs'; UPDATE machines SET metadata_version = 99");
    database.run("INSERT INTO session_scratchlist VALUES ('s', 'e2', 'note', 1, 1, NULL)");
    database.session("s2", "default", &json!({ "path": "/", "host": "h" }));
    database.message("s2", 1, None, &Content::Plain("\"other\""));

    let report = imported(&database.path, &hub);
    assert_eq!(counts(&report, "sessions"), [1, 1, 0, 0, 0]);
    assert_eq!(counts(&report, "messages"), [1, 1, 1, 0, 0]);
    assert_eq!(counts(&report, "session_scratchlist"), [0, 1, 1, 0, 0]);
    assert_eq!(counts(&report, "machines"), [0, 1, 0, 0, 0]);
    assert!(report.notices.iter().any(|notice| notice.contains("already here")));
    hub.start_again().await;
    let web = hub.web().await;
    assert_eq!(web.session(&own).await["id"], own.as_str());
    assert_eq!(web.session("s").await["model"], json!(null));
    let texts: Vec<String> = web.messages("s").await.iter().map(|row| row["content"].to_string()).collect();
    assert_eq!(texts.len(), 2);
    assert!(texts[0] == "\"one\"" && texts[1].contains("ours"), "{texts:?}");
    assert_eq!(web.messages("s2").await[0]["content"], "other");
    hub.stop().await;
    assert_eq!(stored(&hub, "SELECT CAST(metadata_version AS TEXT) AS line FROM machines"), ["1"]);
}

#[actix_rt::test]
async fn a_message_that_moved_to_another_session_is_not_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path()).path;
    let hub = TestHub::at_rest(Setup::default());
    imported(&path, &hub);
    super::change(&hub, "UPDATE sessions SET id = 'renamed'");
    let report = imported(&path, &hub);
    assert_eq!(
        (counts(&report, "sessions"), counts(&report, "messages")),
        ([1, 0, 0, 0, 0], [0, 1, 0, 0, 0])
    );
}

#[actix_rt::test]
async fn browsers_read_everything_anew_after_an_import_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path()).path;
    let mut hub = TestHub::start().await;
    let seen = async |hub: &TestHub, last: Option<&str>| {
        let events = Events::open(&hub.web().await, "all=true", last).await;
        let resumed = events.resume();
        hub.session(&format!("t{}", uuid::Uuid::new_v4()), &metadata()).await;
        let id = events.until("an event", |event| event.is("session-added").then(|| event.id.clone())).await;
        (resumed, id.unwrap())
    };
    let (_, last) = seen(&hub, None).await;
    hub.stop().await;
    imported(&path, &hub);
    hub.start_again().await;
    let (resumed, last) = seen(&hub, Some(&last)).await;
    assert_eq!(resumed, "gap");
    hub.stop().await;
    imported(&path, &hub);
    hub.start_again().await;
    assert_eq!(seen(&hub, Some(&last)).await.0, "ok");
    hub.stop().await;
}

#[actix_rt::test]
async fn a_trial_says_the_same_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path()).path;
    let own_home = folder.path().join("not there yet");
    let hub = TestHub::at_rest(Setup::default());
    let mut trial = options(&path, &hub);
    trial.dry_run = true;
    let before = files(hub.home());
    let told = run(&trial).unwrap();
    assert_eq!((told.dry_run, counts(&told, "messages")), (true, [1, 0, 0, 0, 0]));
    assert_eq!(files(hub.home()), before);
    trial.home.clone_from(&own_home);
    trial.database = own_home.join("wheelhouse.db");
    assert_eq!(counts(&run(&trial).unwrap(), "messages"), [1, 0, 0, 0, 0]);
    assert!(!own_home.exists());

    let real = imported(&path, &hub);
    let checksums = |report: &wheelhouse::import::Report| -> Vec<String> {
        report.tables.iter().map(|table| table.checksum.clone()).collect()
    };
    assert_eq!(checksums(&told), checksums(&real));
    // On a database that is there it keeps nothing either.
    super::change(&hub, "DELETE FROM sessions");
    let trial = wheelhouse::import::Options { dry_run: true, ..options(&path, &hub) };
    assert_eq!(counts(&run(&trial).unwrap(), "sessions"), [1, 0, 0, 0, 0]);
    assert_eq!(stored(&hub, "SELECT id AS line FROM sessions"), Vec::<String>::new());
}
