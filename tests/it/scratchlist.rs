//! Notes beside a session, and the files attached to them.

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Event, Events, Setup, TestHub, Web, metadata};

/// Small enough that a test can go beyond each.
const TIGHT: &str =
    "[scratchlist]\nattachment_bytes = 60\nattachments_per_entry = 2\nentry_bytes = 90\nsession_bytes = 120";

fn notes(session: &str) -> String {
    format!("/api/sessions/{session}/scratchlist")
}

async fn put(web: &Web, path: &str, body: &Value) -> Answer {
    web.send(Method::PUT, path, body).await
}

fn file(filename: &str, mime: &str, content: &[u8]) -> Value {
    json!({ "filename": filename, "mimeType": mime, "content": STANDARD.encode(content) })
}

async fn upload(web: &Web, session: &str, file: &Value) -> Answer {
    web.post(&format!("{}/upload", notes(session)), file).await
}

/// Uploads a picture of so many bytes and answers its attachment.
async fn picture(web: &Web, session: &str, bytes: usize) -> Value {
    let answer = upload(web, session, &file("a.png", "image/png", &vec![7; bytes])).await;
    assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)), "{answer:?}");
    answer.body["attachment"].clone()
}

async fn entries(web: &Web, session: &str) -> Vec<Value> {
    let answer = web.get(&notes(session)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["entries"].as_array().unwrap().clone()
}

fn folder(hub: &TestHub, session: &str) -> PathBuf {
    hub.home().join("scratchlist-attachments/default").join(session)
}

fn files(hub: &TestHub, session: &str) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(folder(hub, session)) else { return Vec::new() };
    folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

fn noted(events: &Events, session: &str) -> usize {
    let is_it = |event: &&Event| {
        event.is("session-updated")
            && event.session() == session
            && event.patch()["scratchlistUpdatedAt"].is_i64()
            && event.patch().as_object().unwrap().len() == 1
    };
    events.all().iter().filter(is_it).count()
}

#[actix_rt::test]
async fn a_note_is_kept_changed_and_deleted() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let events = hub.events().await;
    let id = hub.session("t", &metadata()).await;
    assert_eq!(web.get(&notes(&id)).await.body, json!({ "entries": [] }));
    let now = hub.clock.now();
    let answer =
        web.post(&notes(&id), &json!({ "text": "  first \n", "entryId": "a/b", "createdAt": 5 })).await;
    let entry =
        json!({ "entryId": "a/b", "text": "first", "createdAt": 5, "updatedAt": now, "attachments": [] });
    assert_eq!((answer.status, answer.body), (201, json!({ "entry": entry })));
    let second = web.post(&notes(&id), &json!({ "text": "second" })).await.body["entry"].clone();
    assert!(second["entryId"].as_str().is_some_and(|id| id.len() == 36), "{second}");
    assert_eq!(entries(&web, &id).await, [second.clone(), entry]);

    hub.clock.advance(10);
    let own = format!("{}/a%2Fb", notes(&id));
    let answer = put(&web, &own, &json!({ "text": " changed " })).await;
    assert_eq!((answer.status, &answer.body["entry"]["text"]), (200, &json!("changed")));
    assert_eq!(
        (&answer.body["entry"]["createdAt"], &answer.body["entry"]["updatedAt"]),
        (&json!(5), &json!(now + 10))
    );
    hub.restart().await;
    let web = hub.web().await;
    assert_eq!(entries(&web, &id).await[1]["text"], "changed");
    assert_eq!(web.delete(&own).await.body, json!({ "ok": true }));
    let answer = web.delete(&own).await;
    assert_eq!((answer.status, answer.body), (404, json!({ "error": "Scratchlist entry not found" })));
    let answer = put(&web, &own, &json!({ "text": "x" })).await;
    assert_eq!((answer.status, answer.error()), (404, "Scratchlist entry not found"));
    assert_eq!(entries(&web, &id).await, [second]);
    // Each of the first three changes was told, and nothing else of the session.
    assert_eq!(noted(&events, &id), 3);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_note_that_is_sent_again_stays_as_it_is() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let id = hub.session("t", &metadata()).await;
    for n in 0..200 {
        let answer =
            web.post(&notes(&id), &json!({ "text": "x", "entryId": n.to_string(), "createdAt": n })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let events = hub.events().await;
    let answer = web.post(&notes(&id), &json!({ "text": "other", "entryId": "7" })).await;
    assert_eq!((answer.status, &answer.body["entry"]["text"]), (200, &json!("x")));
    let answer = web.post(&notes(&id), &json!({ "text": "one too many" })).await;
    let refusal = json!({ "error": "Scratchlist is at its 200-entry cap", "code": "scratchlist_at_cap" });
    assert_eq!((answer.status, answer.body), (409, refusal));
    assert_eq!(web.delete(&format!("{}/7", notes(&id))).await.status, 200);
    assert_eq!(web.post(&notes(&id), &json!({ "text": "fits" })).await.status, 201);
    events.until_all("both changes", |_| (noted(&events, &id) == 2).then_some(())).await;
    // The newest first; of one moment, the greater id first.
    for entry_id in ["b", "a", "c"] {
        web.delete(&format!("{}/{}", notes(&id), entry_id.len() + entry_id.as_bytes()[0] as usize)).await;
        let note = json!({ "text": "x", "entryId": entry_id, "createdAt": 1_000 });
        assert_eq!(web.post(&notes(&id), &note).await.status, 201);
    }
    let listed = entries(&web, &id).await;
    let order: Vec<&str> = listed[1..4].iter().map(|entry| entry["entryId"].as_str().unwrap()).collect();
    assert_eq!(order, ["c", "b", "a"]);
    hub.stop().await;
}

#[actix_rt::test]
async fn notes_that_say_nothing_are_refused() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let id = hub.session("t", &metadata()).await;
    web.post(&notes(&id), &json!({ "text": "x", "entryId": "e" })).await;
    let own = format!("{}/e", notes(&id));
    for body in [
        json!({}),
        json!({ "text": " " }),
        json!({ "text": 1 }),
        json!([]),
        json!({ "text": "x", "entryId": "" }),
    ] {
        let answer = web.post(&notes(&id), &body).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid body"), "{body}");
        let issue = &answer.body["issues"][0];
        assert!(issue["code"].is_string() && issue["path"].is_array() && issue["message"].is_string());
    }
    assert_eq!(web.post_text(&notes(&id), "{").await.status, 400);
    for body in [json!({}), json!({ "text": "" }), json!({ "text": "", "attachments": [] })] {
        let answer = put(&web, &own, &body).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid body"), "{body}");
    }
    // Without its text the note would have to have files.
    assert_eq!(put(&web, &own, &json!({ "attachments": [] })).await.status, 200);
    let image = picture(&web, &id, 3).await;
    let filled = json!({ "text": "", "attachments": [image] });
    assert_eq!(put(&web, &own, &filled).await.status, 200);
    let answer = put(&web, &own, &json!({ "attachments": [] })).await;
    assert_eq!((answer.status, answer.code()), (400, "scratchlist_entry_empty"));
    assert_eq!(entries(&web, &id).await[0]["attachments"], json!([image]));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_file_lives_as_long_as_a_note_has_it() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let id = hub.session("t", &metadata()).await;
    let drawing = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let answer = upload(&web, &id, &file("my \"plan\"/../ü.svg", "image/svg+xml", drawing)).await;
    let image = answer.body["attachment"].clone();
    let file_id = image["id"].as_str().unwrap();
    let name = format!("{file_id}-my__plan____ü.svg");
    let expected = json!({
        "id": file_id, "filename": "my__plan____ü.svg", "mimeType": "image/svg+xml", "size": drawing.len(),
        "path": format!("hapi-hub:scratchlist/default/{id}/{name}"),
    });
    assert_eq!(image, expected);
    assert_eq!(std::fs::read(folder(&hub, &id).join(&name)).unwrap(), drawing);

    let place = format!("{}/attachments/{file_id}", notes(&id));
    let answer = web.get(&place).await;
    assert_eq!(
        (answer.status, answer.body),
        (404, json!({ "error": "Attachment not found" })),
        "no note has it"
    );
    // What the sender says of name and size does not count.
    let mut claim = image.clone();
    (claim["filename"], claim["size"]) = (json!("x.exe"), json!(1));
    for note in ["one", "two"] {
        let answer = web.post(&notes(&id), &json!({ "entryId": note, "attachments": [claim] })).await;
        assert_eq!((answer.status, &answer.body["entry"]["attachments"]), (201, &json!([image])));
    }
    let answer = web.get(&place).await;
    assert_eq!((answer.status, answer.bytes.as_slice()), (200, drawing.as_slice()));
    let header = |name: &str| answer.header(name).unwrap();
    assert_eq!(header("content-type"), "image/svg+xml");
    assert!(header("content-disposition").starts_with("inline; filename=\"my__plan_____.svg\""));
    assert_eq!(header("x-content-type-options"), "nosniff");
    let policy = header("content-security-policy");
    assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
    let answer = web.delete(&place).await;
    assert_eq!((answer.status, answer.code()), (409, "scratchlist_attachment_in_use"));

    assert_eq!(web.delete(&format!("{}/one", notes(&id))).await.status, 200);
    assert_eq!(web.get(&place).await.status, 200, "the other still has it");
    assert_eq!(
        put(&web, &format!("{}/two", notes(&id)), &json!({ "text": "t", "attachments": [] })).await.status,
        200
    );
    assert_eq!(web.get(&place).await.status, 404);
    assert!(!folder(&hub, &id).exists());

    let image = picture(&web, &id, 3).await;
    let place = format!("{}/attachments/{}", notes(&id), image["id"].as_str().unwrap());
    assert_eq!(web.delete(&place).await.body, json!({ "ok": true }));
    let answer = web.delete(&place).await;
    assert_eq!((answer.status, answer.error()), (404, "Attachment not found"));
    assert!(files(&hub, &id).is_empty());

    let image = picture(&web, &id, 3).await;
    web.post(&notes(&id), &json!({ "entryId": "lost", "attachments": [image] })).await;
    std::fs::remove_dir_all(folder(&hub, &id)).unwrap();
    let place = format!("{}/attachments/{}", notes(&id), image["id"].as_str().unwrap());
    let answer = web.get(&place).await;
    assert_eq!((answer.status, answer.error()), (404, "Attachment file missing"));
    hub.stop().await;
}

#[actix_rt::test]
async fn only_files_of_the_very_session_can_be_claimed() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, other) = (hub.session("t", &metadata()).await, hub.session("u", &metadata()).await);
    let (own, foreign) = (picture(&web, &id, 3).await, picture(&web, &other, 3).await);
    std::fs::write(hub.home().join("secret.png"), "secret").unwrap();
    let file_id = own["id"].as_str().unwrap();
    let path = own["path"].as_str().unwrap();
    let with = |key: &str, value: Value| {
        let mut claim = own.clone();
        claim[key] = value;
        claim
    };
    let made_up = "0190c7a0-0000-4000-8000-000000000009";
    for claim in [
        foreign.clone(),
        with("path", json!(path.replace(&id, &other))),
        with("path", json!(path.replace("default", "other"))),
        with("path", json!(format!("hapi-hub:scratchlist/default/{id}/{file_id}-/../../../secret.png"))),
        with("path", json!(format!("hapi-hub:scratchlist/default/{id}/../{other}/{file_id}-a.png"))),
        with("path", json!("/etc/passwd")),
        with("path", json!("../../secret.png")),
        with("id", json!(made_up)),
        with("id", json!("..")),
        json!({ "id": made_up, "filename": "a", "mimeType": "image/png", "size": 1, "path": path.replace(file_id, made_up) }),
    ] {
        let answer = web.post(&notes(&id), &json!({ "attachments": [claim] })).await;
        assert_eq!((answer.status, answer.code()), (400, "scratchlist_attachment_invalid"), "{claim}");
    }
    let answer =
        web.post(&notes(&id), &json!({ "attachments": [with("mimeType", json!("text/html"))] })).await;
    assert_eq!((answer.status, answer.code()), (400, "scratchlist_attachment_mime"));
    let answer = web.post(&notes(&id), &json!({ "attachments": [{ "id": file_id }] })).await;
    assert_eq!((answer.status, answer.error()), (400, "Invalid body"));
    for reach in ["..%2F..%2Fsecret.png", "%2e%2e", "%00", "a%0d%0ab"] {
        let place = format!("{}/attachments/{reach}", notes(&id));
        assert_eq!((web.get(&place).await.status, web.delete(&place).await.status), (404, 404), "{reach}");
    }
    assert!(hub.home().join("secret.png").exists());
    assert_eq!(entries(&web, &id).await, Vec::<Value>::new());
    hub.stop().await;
}

#[actix_rt::test]
async fn limits_hold_also_for_many_at_once() {
    let mut hub = TestHub::with(Setup { config: TIGHT, ..Setup::default() }).await;
    let web = hub.web().await;
    let id = hub.session("t", &metadata()).await;
    let answer = web.get(&format!("{}/limits", notes(&id))).await;
    let limits = json!({
        "maxBytesPerFile": 60, "maxAttachmentsPerEntry": 2, "maxBytesPerEntry": 90, "maxBytesPerSession": 120,
        "allowedMimeTypes": [
            "image/jpeg", "image/png", "image/gif", "image/webp", "image/svg+xml", "application/pdf", "text/plain",
        ],
    });
    assert_eq!((answer.status, answer.body), (200, json!({ "limits": limits })));
    let answer = upload(&web, &id, &file("a", "image/png", &[0; 61])).await;
    let refusal =
        json!({ "success": false, "error": "File too large", "code": "scratchlist_attachment_too_large" });
    assert_eq!((answer.status, answer.body), (413, refusal));
    let answer = upload(&web, &id, &file("a.html", "text/html", b"x")).await;
    assert_eq!((answer.status, answer.code()), (400, "scratchlist_attachment_mime"));
    for body in [
        json!({}),
        file("", "image/png", b"x"),
        file(&"x".repeat(256), "image/png", b"x"),
        json!({ "filename": "a", "mimeType": "image/png", "content": "not base64!" }),
        json!({ "filename": "a", "mimeType": "image/png", "content": 1 }),
    ] {
        let answer = upload(&web, &id, &body).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid body"), "{body}");
    }
    // Three fit, however many come at once.
    let content = file("a.PNG", "image/PNG", &[1; 40]);
    let all = futures_util::future::join_all((0..8).map(|_| upload(&web, &id, &content))).await;
    let (kept, refused): (Vec<&Answer>, Vec<&Answer>) = all.iter().partition(|answer| answer.status == 200);
    assert_eq!((kept.len(), files(&hub, &id).len()), (3, 3));
    for answer in refused {
        assert_eq!((answer.status, answer.code()), (400, "scratchlist_attachments_session_bytes"));
        assert_eq!(answer.body["success"], false);
    }
    let image = |place: usize| kept[place].body["attachment"].clone();
    let claim = async |files: &[Value]| {
        let answer = web.post(&notes(&id), &json!({ "text": "x", "attachments": files })).await;
        (answer.status, answer.code().to_owned())
    };
    let refused = |code: &str| (400, code.to_owned());
    assert_eq!(claim(&[image(0), image(1), image(2)]).await, refused("scratchlist_attachments_per_entry"));
    assert_eq!(claim(&[image(0), image(0)]).await, refused("scratchlist_attachment_invalid"));
    assert_eq!(claim(&[image(0), image(1)]).await, (201, String::new()));
    // What goes makes room.
    let unclaimed = format!("{}/attachments/{}", notes(&id), image(2)["id"].as_str().unwrap());
    assert_eq!(web.delete(&unclaimed).await.status, 200);
    let big = picture(&web, &id, 40).await;
    assert_eq!(claim(&[big]).await.0, 201);
    hub.stop().await;

    let config = "[scratchlist]\nentry_bytes = 50";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let web = hub.web().await;
    let id = hub.session("t", &metadata()).await;
    let pair = [picture(&web, &id, 30).await, picture(&web, &id, 30).await];
    let answer = web.post(&notes(&id), &json!({ "attachments": pair })).await;
    assert_eq!((answer.status, answer.code()), (400, "scratchlist_attachments_entry_bytes"));
    hub.stop().await;
}

#[actix_rt::test]
async fn notes_of_another_namespace_are_out_of_reach() {
    let mut hub = TestHub::start().await;
    let (web, stranger) = (hub.web().await, hub.web_of("b").await);
    let id = hub.session("t", &metadata()).await;
    let image = picture(&web, &id, 3).await;
    let kept = web.post(&notes(&id), &json!({ "entryId": "e", "attachments": [image] })).await.body;
    let file_id = image["id"].as_str().unwrap();
    let note = json!({ "text": "x" });
    let upload = file("a.png", "image/png", b"x");
    let calls = [
        (Method::GET, notes(&id), &Value::Null),
        (Method::POST, notes(&id), &note),
        (Method::PUT, format!("{}/e", notes(&id)), &note),
        (Method::DELETE, format!("{}/e", notes(&id)), &Value::Null),
        (Method::GET, format!("{}/limits", notes(&id)), &Value::Null),
        (Method::POST, format!("{}/upload", notes(&id)), &upload),
        (Method::GET, format!("{}/attachments/{file_id}", notes(&id)), &Value::Null),
        (Method::DELETE, format!("{}/attachments/{file_id}", notes(&id)), &Value::Null),
    ];
    for (method, path, body) in calls {
        let answer = stranger.send(method.clone(), &path, body).await;
        let denied = json!({ "error": "Session access denied" });
        assert_eq!((answer.status, answer.body), (403, denied), "{method} {path}");
        let made_up = path.replace(&id, "made-up");
        let answer = web.send(method.clone(), &made_up, body).await;
        assert_eq!((answer.status, answer.error()), (404, "Session not found"), "{method} {made_up}");
    }
    // A file is not even claimed from a session of one's own.
    let own = hub.session_of("b", "u", &metadata()).await;
    let answer = stranger.post(&notes(&own), &json!({ "attachments": [image] })).await;
    assert_eq!((answer.status, answer.code()), (400, "scratchlist_attachment_invalid"));
    assert_eq!(entries(&web, &id).await, [kept["entry"].clone()]);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_deleted_session_leaves_no_file() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, other) = (hub.session("t", &metadata()).await, hub.session("u", &metadata()).await);
    let image = picture(&web, &id, 3).await;
    web.post(&notes(&id), &json!({ "attachments": [image] })).await;
    picture(&web, &id, 4).await;
    picture(&web, &other, 5).await;
    assert_eq!(web.delete(&format!("/api/sessions/{id}")).await.status, 200);
    assert!(!folder(&hub, &id).exists());
    assert_eq!(files(&hub, &other).len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_session_that_comes_back_under_another_id_keeps_its_notes() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let resumable = json!({
        "path": "/srv/app", "host": "box", "flavor": "claude", "machineId": "m1", "claudeSessionId": "native",
    });
    let old = hub.session("t", &resumable).await;
    let (image, lost) = (picture(&web, &old, 3).await, picture(&web, &old, 4).await);
    for note in [
        json!({ "text": "with file", "entryId": "a", "createdAt": 1, "attachments": [image] }),
        json!({ "text": "old", "entryId": "both", "createdAt": 2, "attachments": [lost] }),
    ] {
        assert_eq!(web.post(&notes(&old), &note).await.status, 201);
    }
    let new = hub.session("u", &metadata()).await;
    web.post(&notes(&new), &json!({ "text": "new", "entryId": "both", "createdAt": 3 })).await;
    let runner = hub.online_runner("m1").await;
    let answer = json!({ "type": "success", "sessionId": new });
    runner.serve("spawn-happy-session", move |_| Some(answer.clone())).await;
    let events = hub.events().await;
    let agent = hub.cli(&new).await;
    let path = format!("/api/sessions/{old}/resume");
    let resumed = web.post(&path, &Value::Null);
    let started = async {
        runner.until_called("spawn-happy-session", 1).await;
        agent.alive(hub.clock.now()).await;
    };
    let (answer, ()) = futures_util::join!(resumed, started);
    assert_eq!((answer.status, &answer.body["sessionId"]), (200, &json!(new)));
    events.until_all("the notes are told", |_| (noted(&events, &new) == 1).then_some(())).await;
    let listed = entries(&web, &new).await;
    let texts: Vec<&str> = listed.iter().map(|entry| entry["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["new", "with file"]);
    let file_id = image["id"].as_str().unwrap();
    let path = image["path"].as_str().unwrap().replace(&old, &new);
    assert_eq!(listed[1]["attachments"][0]["path"], json!(path));
    let answer = web.get(&format!("{}/attachments/{file_id}", notes(&new))).await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 3));
    // The note that gave way took its file along.
    assert_eq!(files(&hub, &new), [path.rsplit_once('/').unwrap().1]);
    assert!(!folder(&hub, &old).exists());
    hub.stop().await;
}

#[actix_rt::test]
async fn what_nobody_has_is_swept_up_at_the_start() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let id = hub.session("t", &metadata()).await;
    let (kept, waiting, old) =
        (picture(&web, &id, 3).await, picture(&web, &id, 4).await, picture(&web, &id, 5).await);
    web.post(&notes(&id), &json!({ "attachments": [kept] })).await;
    let name = |file: &Value| file["path"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
    // A crash between the database and the disk leaves the folder of a deleted session.
    let deleted = hub.session("u", &metadata()).await;
    assert_eq!(web.delete(&format!("/api/sessions/{deleted}")).await.status, 200);
    let elsewhere = "0190c7a0-0000-4000-8000-00000000dead";
    for left in [deleted.as_str(), elsewhere] {
        std::fs::create_dir_all(folder(&hub, left)).unwrap();
        std::fs::write(folder(&hub, left).join("x"), "x").unwrap();
    }
    std::fs::write(folder(&hub, &id).join("half.part"), "x").unwrap();
    hub.stop().await;
    let written = |file: &Value, ago: u64| {
        let now = std::time::UNIX_EPOCH + std::time::Duration::from_millis(hub.clock.now().unsigned_abs());
        let path = folder(&hub, &id).join(name(file));
        let at = now - std::time::Duration::from_secs(ago);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
    };
    written(&kept, 100_000);
    written(&waiting, 1_000);
    written(&old, 100_000);
    hub.start_again().await;
    let mut left = files(&hub, &id);
    left.sort();
    let mut expected = vec![name(&kept), name(&waiting)];
    expected.sort();
    assert_eq!(left, expected);
    assert!(!folder(&hub, &deleted).exists());
    assert!(folder(&hub, elsewhere).exists(), "another program may have it");
    hub.stop().await;
}
