//! Which way a notice goes: to pages, else to push services, and never to another namespace.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::{Scene, hub, next_body, subscribe, toast, toasts, until_toasts};
use crate::support::{Browser, Events, PushService, agent_says, within};

/// Reads on until this text came by; answers all that was read.
async fn until_read(line: &mut TcpStream, text: &str) -> String {
    let read = async {
        let (mut read, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            let count = line.read(&mut chunk).await.unwrap();
            assert!(count > 0, "the line was cut before {text}");
            let from = read.len().saturating_sub(text.len());
            read.extend_from_slice(&chunk[..count]);
            if memchr::memmem::find(&read[from..], text.as_bytes()).is_some() {
                return String::from_utf8_lossy(&read).into_owned();
            }
        }
    };
    within(text, read).await
}

#[actix_rt::test]
async fn who_is_looking_is_shown_a_toast_and_nothing_is_pushed() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let web = hub.web().await;
    let browser = Browser::new("phone");
    subscribe(&web, &browser, &service).await;
    let mut scene = Scene::new(&hub).await;
    // Whatever a stream is about, and also one that is packed.
    let machine = Events::open(&web, "visibility=visible", None).await;
    let packed = Events::open_with(&web, "all=true&visibility=visible", None, "gzip").await;
    assert!(packed.is_packed);
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    let expected = toast(&scene.id, "Permission Request", "app (Bash)");
    assert_eq!(until_toasts(&machine, 1).await, std::slice::from_ref(&expected));
    assert_eq!(until_toasts(&packed, 1).await, [expected]);
    let shown = machine.all().into_iter().find(|event| event.is("toast")).unwrap();
    assert_eq!(shown.id, None, "a toast is in no journal");
    // Nobody looks any more: what is pushed next is pushed alone.
    for stream in [&machine, &packed] {
        let hidden = json!({ "subscriptionId": stream.subscription(), "visibility": "hidden" });
        assert_eq!(web.post("/api/visibility", &hidden).await.status, 200);
    }
    scene.ask_and_wait(&hub, &[("q1", "Bash"), ("q2", "Edit")]).await;
    let pushed = service.next().await;
    assert_eq!(browser.open(&pushed)["body"], "app (Edit)", "each new question is told itself");
    assert!(service.unread().is_empty());
    assert_eq!(toasts(&scene.events.all()), [] as [Value; 0]);
    // And back again.
    let visible = json!({ "subscriptionId": packed.subscription(), "visibility": "visible" });
    assert_eq!(web.post("/api/visibility", &visible).await.status, 200);
    scene.ask_and_wait(&hub, &[("q3", "Write")]).await;
    assert_eq!(until_toasts(&packed, 2).await[1], toast(&scene.id, "Permission Request", "app (Write)"));
    assert_eq!(toasts(&machine.all()).len(), 1);
    assert!(service.unread().is_empty());
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn nothing_crosses_from_one_namespace_to_another() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let (phone, tablet) = (Browser::new("phone"), Browser::new("tablet"));
    let (web, other) = (hub.web().await, hub.web_of("b").await);
    subscribe(&web, &phone, &service).await;
    subscribe(&other, &tablet, &service).await;
    let page = Events::open(&other, "all=true&visibility=visible", None).await;
    let mut scene = Scene::new(&hub).await;
    let mut theirs = Scene::of(&hub, "b", "t").await;
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    assert_eq!(next_body(&mut service, &phone).await, "app (Bash)");
    theirs.ask_and_wait(&hub, &[("q1", "Edit")]).await;
    let expected = toast(&theirs.id, "Permission Request", "app (Edit)");
    assert_eq!(until_toasts(&page, 1).await, [expected]);
    let hidden = json!({ "subscriptionId": page.subscription(), "visibility": "hidden" });
    assert_eq!(other.post("/api/visibility", &hidden).await.status, 200);
    theirs.ask_and_wait(&hub, &[("q2", "Write")]).await;
    assert_eq!(next_body(&mut service, &tablet).await, "app (Write)");
    assert!(service.unread().is_empty());
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn a_page_that_takes_nothing_was_not_told() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let web = hub.web().await;
    let browser = Browser::new("phone");
    subscribe(&web, &browser, &service).await;
    let mut scene = Scene::new(&hub).await;
    // A phone in a pocket: its page counts as visible, and nobody reads its line.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut line = socket.connect(hub.address.parse().unwrap()).await.unwrap();
    let token = web.token.clone().unwrap();
    let request = format!(
        "GET /api/events?all=true&visibility=visible HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    line.write_all(request.as_bytes()).await.unwrap();
    until_read(&mut line, "connection-changed").await;
    // More than all buffers on the way hold.
    for _ in 0..24 {
        let large = json!({ "type": "text", "text": "x".repeat(512 * 1024) });
        scene.cli.say(&json!({ "role": "user", "content": large })).await;
    }
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    assert_eq!(next_body(&mut service, &browser).await, "app (Bash)");
    // When it is taken out, the toast is no news any more.
    let read = until_read(&mut line, "\"q1\"").await;
    scene.cli.say(&agent_says("the end")).await;
    let rest = until_read(&mut line, "the end").await;
    assert!(!read.contains("\"toast\"") && !rest.contains("\"toast\""));
    // One that reads again is told again.
    scene.ask_and_wait(&hub, &[("q2", "Edit")]).await;
    until_read(&mut line, "app (Edit)").await;
    assert!(service.unread().is_empty());
    drop(line);
    hub.stop().await;
    service.stop().await;
}
