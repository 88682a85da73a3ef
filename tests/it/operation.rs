//! The hub as a program: its start and stop, its files, and what its port answers to anybody.

use diesel::{Connection, RunQueryDsl, sql_types::Text};
use reqwest::Method;
use serde_json::json;
use wheelhouse::app::Hub;

use crate::support::{Answer, Events, Setup, TestHub, Web, agent_says, metadata};

#[actix_rt::test]
async fn a_second_hub_on_the_same_database_is_refused() {
    let mut hub = TestHub::start().await;
    let refused = Hub::start(hub.prepared("0"), hub.options()).await.err().unwrap();
    let text = format!("{refused:#}");
    assert!(
        text.contains("another hub already uses the database") && text.contains("wheelhouse.db"),
        "{text}"
    );
    assert_eq!(hub.guest().get("/health").await.status, 200, "the first goes on");
    hub.restart().await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_port_that_is_taken_is_told_with_its_address() {
    let mut hub = TestHub::start().await;
    let mut other = TestHub::start().await;
    other.stop().await;
    let port = hub.address.rsplit_once(':').unwrap().1.to_owned();
    let refused = Hub::start(other.prepared(&port), other.options()).await.err().unwrap();
    let text = format!("{refused:#}");
    assert!(text.contains(&hub.address) && text.to_lowercase().contains("in use"), "{text}");
    // It has not taken its database hostage.
    other.start_again().await;
    other.stop().await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_damaged_database_is_refused_and_left_as_it_is() {
    let mut hub = TestHub::start().await;
    hub.session("t", &metadata()).await;
    hub.stop().await;
    let garbage = b"this is no database at all, but it is long enough to look like one".repeat(100);
    std::fs::write(hub.database(), &garbage).unwrap();
    let refused = Hub::start(hub.prepared("0"), hub.options()).await.err().unwrap();
    let text = format!("{refused:#}");
    assert!(text.contains("wheelhouse.db") && text.contains("not a database"), "{text}");
    assert_eq!(std::fs::read(hub.database()).unwrap(), garbage);
}

#[derive(diesel::QueryableByName)]
struct Checked {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

#[actix_rt::test]
async fn a_stop_ends_streams_and_sockets_and_leaves_a_sound_database() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let plain = hub.events().await;
    let packed = Events::open_with(&hub.web().await, "all=true", None, "gzip").await;
    for number in 0..50 {
        cli.emit("message", &json!({ "sid": id, "message": agent_says(&number.to_string()) }));
    }
    cli.flush().await;
    let began = std::time::Instant::now();
    hub.stop().await;
    assert!(began.elapsed().as_secs() < 4, "{:?}", began.elapsed());
    for stream in [plain, packed] {
        assert_eq!(stream.until_over().await.as_deref(), Some("3001 the hub is stopping"));
    }
    cli.until_over().await;
    let database = hub.database().to_str().unwrap().to_owned();
    assert!(!std::fs::exists(format!("{database}-wal")).unwrap(), "everything is in the one file");
    let mut conn = diesel::SqliteConnection::establish(&database).unwrap();
    let checked: Vec<Checked> = diesel::sql_query("PRAGMA integrity_check").load(&mut conn).unwrap();
    assert_eq!(checked[0].integrity_check, "ok");
    drop(conn);
    hub.start_again().await;
    assert_eq!(hub.web().await.messages(&id).await.len(), 50);
    hub.stop().await;
}

#[actix_rt::test]
async fn connections_that_rest_do_not_hold_up_a_stop() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut hub = TestHub::start().await;
    let request = format!("GET /health HTTP/1.1\r\nHost: {}\r\n\r\n", hub.address);
    let mut resting = Vec::new();
    for _ in 0..4 {
        let mut connection = tokio::net::TcpStream::connect(&hub.address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 16];
        connection.read_exact(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"));
        resting.push(connection);
    }
    let began = std::time::Instant::now();
    hub.stop().await;
    assert!(began.elapsed().as_secs() < 4, "{:?}", began.elapsed());
}

#[actix_rt::test]
async fn health_is_told_to_anybody() {
    let mut hub = TestHub::start().await;
    let answer = hub.guest().get("/health").await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("ok")));
    assert_eq!(
        (&answer.body["protocolVersion"], &answer.body["hub"]["name"]),
        (&json!(1), &json!("wheelhouse"))
    );
    hub.stop().await;
}

async fn asked(web: &Web, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = web.request(method, path);
    web.answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[actix_rt::test]
async fn head_is_get_without_the_body() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    for path in ["/health", "/api/sessions", "/", "/openapi.json"] {
        let get = web.get(path).await;
        let head = asked(&web, Method::HEAD, path, &[]).await;
        assert_eq!((head.status, head.bytes.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn paths_that_are_none_are_told_as_such() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let plain = |answer: &Answer| (answer.status, answer.code().to_owned());
    let none = (404, "unknown_path".to_owned());
    for (method, path) in [
        (Method::GET, "/api/nowhere"),
        (Method::DELETE, "/api/sessions"),
        (Method::GET, "/api/sessions/x/y/z"),
        (Method::POST, "/nowhere"),
        (Method::GET, "/assets/gone-12345678.js"),
    ] {
        assert_eq!(plain(&asked(&web, method, path, &[]).await), none, "{path}");
    }
    assert_eq!(plain(&hub.agent().get("/cli/nowhere").await), none);
    assert_eq!(hub.guest().get("/cli/nowhere").await.status, 401);
    let large = "x".repeat(2_000);
    let answer = hub.guest().post_text("/api/auth", &large).await;
    assert_eq!((answer.status, answer.error()), (400, "Invalid body"));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_body_that_is_too_large_is_refused() {
    let mut hub = TestHub::with(Setup { config: "[limits]\nbody_bytes = 1000\n", ..Setup::default() }).await;
    let (id, _cli) = hub.live_session("t", &metadata()).await;
    let web = hub.web().await;
    let answer = web.prompt(&id, &json!({ "text": "x".repeat(1_000) })).await;
    assert_eq!((answer.status, answer.error()), (413, "Request body too large"));
    assert_eq!(web.prompt(&id, &json!({ "text": "short" })).await.status, 200);
    hub.stop().await;
}

#[actix_rt::test]
async fn pages_of_other_origins_get_in_only_where_they_are_named() {
    let mut hub =
        TestHub::with(Setup { config: "[cors]\norigins = [\"https://page.example\"]\n", ..Setup::default() })
            .await;
    let guest = hub.guest();
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    let preflight = [("Origin", "https://page.example"), ("Access-Control-Request-Method", "POST")];
    for path in ["/api/sessions", "/cli/sessions", "/health"] {
        let answer = asked(&guest, Method::OPTIONS, path, &preflight).await;
        assert_eq!(
            (answer.status, allowed(&answer).as_deref()),
            (204, Some("https://page.example")),
            "{path}"
        );
        let methods = answer.header("access-control-allow-methods").unwrap().to_owned();
        assert!(methods.contains("PATCH") && methods.contains("DELETE"), "{methods}");
        assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));
        let answer = asked(&guest, Method::GET, path, &[("Origin", "https://other.example")]).await;
        assert_eq!(allowed(&answer), None, "{path}");
        assert!(answer.headers.get_all("vary").iter().any(|vary| vary == "Origin"), "{path}");
    }
    // A page also sees why it was refused.
    let answer = asked(&guest, Method::GET, "/api/sessions", &preflight[..1]).await;
    assert_eq!((answer.status, allowed(&answer).as_deref()), (401, Some("https://page.example")));
    let socket = "/socket.io/?EIO=4&transport=polling";
    assert_eq!(asked(&guest, Method::GET, socket, &[("Origin", "https://other.example")]).await.status, 403);
    assert_eq!(asked(&guest, Method::GET, socket, &preflight[..1]).await.status, 200);
    hub.stop().await;
}

#[actix_rt::test]
async fn browsers_are_told_to_be_careful_everywhere() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    for path in ["/", "/health", "/api/sessions", "/api/nowhere", "/cli/sessions/x", "/assets/gone.js"] {
        let answer = web.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("script-src 'self' 'unsafe"), "{path}");
    }
    assert_eq!(web.get("/cli/sessions/x").await.header("x-hapi-protocol-version"), Some("1"));
    hub.stop().await;
}

#[actix_rt::test]
async fn the_web_app_is_cached_for_good_and_packed_where_its_name_says_so() {
    let mut hub = TestHub::start().await;
    let guest = hub.guest();
    let page = guest.get("/").await;
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-cache")));
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    assert_eq!(guest.get("/sessions/any/page").await.bytes, page.bytes, "its own addresses are one page");
    let known = page.header("etag").unwrap();
    let again = asked(&guest, Method::GET, "/", &[("If-None-Match", known)]).await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));

    let start = html.find("/assets/").unwrap();
    let script = html[start..].split('"').next().unwrap();
    let plain = guest.get(script).await;
    assert_eq!(plain.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(plain.header("content-encoding"), None);
    let packed = asked(&guest, Method::GET, script, &[("Accept-Encoding", "gzip, br")]).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.bytes.len() < plain.bytes.len());
    let mut opened = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.bytes.as_slice()), &mut opened)
        .unwrap();
    assert_eq!(opened, plain.bytes);
    // Nothing outside the app's folder is served.
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/assets/../../Cargo.toml"] {
        let answer = guest.get(path).await;
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("[package]"), "{path}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn large_answers_are_packed_for_who_asks() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    for number in 0..20 {
        hub.session(&format!("t{number}"), &metadata()).await;
    }
    let plain = web.get("/api/sessions").await;
    let packed = asked(&web, Method::GET, "/api/sessions", &[("Accept-Encoding", "gzip")]).await;
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), (None, Some("gzip")));
    let mut opened = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.bytes.as_slice()), &mut opened)
        .unwrap();
    assert_eq!(opened, plain.bytes);
    hub.stop().await;
}

#[actix_rt::test]
async fn the_socket_path_says_what_is_wrong_with_a_handshake() {
    let mut hub = TestHub::start().await;
    let guest = hub.guest();
    for (query, code) in [
        ("EIO=4", 0),
        ("EIO=4&transport=odd", 0),
        ("EIO=4&transport=polling&sid=unknown", 1),
        ("EIO=3&transport=polling", 5),
        ("transport=polling", 5),
    ] {
        let answer = guest.get(&format!("/socket.io/?{query}")).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(code)), "{query}: {answer:?}");
    }
    let answer = guest.post_text("/socket.io/?EIO=4&transport=polling", "40").await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!(2)));
    let opened = guest.get("/socket.io/?EIO=4&transport=polling").await;
    let opened = opened.body.as_str().unwrap().strip_prefix('0').unwrap();
    let opened: serde_json::Value = serde_json::from_str(opened).unwrap();
    assert_eq!((&opened["pingInterval"], &opened["pingTimeout"]), (&json!(25_000), &json!(20_000)));
    hub.stop().await;
}
