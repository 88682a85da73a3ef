//! Half a connection: handshakes that are not finished, requests that are not, and polls that cross each other.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Bystander, raw::Raw};
use crate::support::{TestHub, Web, within};

const POLL: &str = "/socket.io/?EIO=4&transport=polling";

/// Opens a polling session and answers its address.
async fn opened(guest: &Web) -> String {
    let answer = guest.get(POLL).await;
    let text = answer.body.as_str().unwrap().strip_prefix('0').unwrap().to_owned();
    let open: Value = serde_json::from_str(&text).unwrap();
    format!("{POLL}&sid={}", open["sid"].as_str().unwrap())
}

#[actix_rt::test]
async fn connections_that_are_never_finished_hold_up_nobody() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let mut open = Vec::new();
    for _ in 0..50 {
        open.push(Raw::open(&hub).await);
    }
    let mut lines = Vec::new();
    for start in [
        "",
        "G",
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n",
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        "POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{\"accessToken",
        "POST /api/auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a",
        "POST /api/auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
        "POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "GET / HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
        "GET /\u{0} HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let mut line = TcpStream::connect(&hub.address).await.unwrap();
        line.write_all(start.as_bytes()).await.unwrap();
        lines.push(line);
    }
    bystander.goes_on(&hub, "lines that are half open").await;
    drop((open, lines));
    bystander.goes_on(&hub, "lines that were half open").await;
    hub.stop().await;
}

#[actix_rt::test]
async fn websocket_frames_that_are_cut_or_broken_end_only_their_line() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let frames: [&[u8]; 8] = [
        // A text of 5 bytes of which 2 come.
        &[0x81, 0x85, 1, 2, 3, 4, b'4', b'0'],
        // Not masked, though clients must.
        &[0x81, 0x02, b'4', b'0'],
        // A length beyond all bounds.
        &[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
        // A length with its highest bit, which no frame may have.
        &[0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        // Bits and kinds that nobody has agreed upon.
        &[0xf1, 0x80, 0, 0, 0, 0],
        &[0x8b, 0x80, 0, 0, 0, 0],
        // The rest of a message that never began.
        &[0x80, 0x80, 0, 0, 0, 0],
        // Text that is no UTF-8.
        &[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe],
    ];
    for frame in frames {
        let mut line = TcpStream::connect(&hub.address).await.unwrap();
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            hub.address
        );
        line.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        within("it is let in", line.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101");
        line.write_all(frame).await.unwrap();
        line.shutdown().await.unwrap();
        let mut rest = Vec::new();
        within("the hub closes as well", line.read_to_end(&mut rest)).await.ok();
        bystander.goes_on(&hub, &format!("the frame {frame:x?}")).await;
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn two_polls_at_once_end_their_session_only() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let guest = hub.guest();
    let address = opened(&guest).await;
    let token = json!({ "token": hub.base_token });
    assert_eq!(guest.post_text(&address, &format!("40/cli,{token}")).await.status, 200);
    let mut seen = String::new();
    while !(seen.contains("40/cli,") && seen.contains('2')) {
        seen.push_str(guest.get(&address).await.body.as_str().unwrap_or("2"));
    }
    // There is nothing left to say: both would wait.
    let (one, other) = tokio::join!(guest.get(&address), guest.get(&address));
    assert!([one.status, other.status].contains(&400), "{one:?} {other:?}");
    bystander.goes_on(&hub, "two polls at once").await;

    for body in ["", "\u{1e}", "4", "40/cli,{", "\u{1e}\u{1e}2\u{1e}", "bAAAA", "b!", "zzz", "42/cli,[\"x\"]"]
    {
        let address = opened(&guest).await;
        let answer = guest.post_text(&address, body).await;
        assert!(answer.status < 500, "{body:?}: {answer:?}");
        let answer = guest.post_text(&address, body).await;
        assert!(answer.status < 500, "{body:?}: {answer:?}");
    }
    bystander.goes_on(&hub, "odd polls").await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_probe_without_an_upgrade_holds_up_nobody() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let guest = hub.guest();
    let mut probes = Vec::new();
    for first in ["2probe", "5", "40/cli,{}", "2", "garbage", ""] {
        let address = opened(&guest).await;
        let url = format!("ws://{}{}", hub.address, address.replace("polling", "websocket"));
        let (mut probe, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let frame = tokio_tungstenite::tungstenite::Message::text(first);
        let _ = futures_util::SinkExt::send(&mut probe, frame).await;
        probes.push((probe, address));
    }
    bystander.goes_on(&hub, "probes without an upgrade").await;
    for (probe, address) in probes {
        drop(probe);
        // A session whose probe is gone may be closed; it is answered all the same.
        let answer = guest.post_text(&address, "1").await;
        assert!(answer.status < 500, "{answer:?}");
    }
    bystander.goes_on(&hub, "probes that went").await;
    hub.stop().await;
}
