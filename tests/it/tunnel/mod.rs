//! The tunnel that the hub keeps, with a stand-in for `cloudflared`.

mod stand_in;

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::within;
use stand_in::{Place, end, is_gone, until_gone};

const WORKS: &str = "tell; connect; exec sleep 600";

fn token(place: &Place) -> String {
    let settings: Value = serde_json::from_str(&place.text("home/settings.json")).unwrap();
    settings["cliApiToken"].as_str().unwrap().to_owned()
}

#[actix_rt::test]
async fn its_address_is_told_with_a_link_to_sign_in() {
    let place = Place::new(Some(WORKS));
    let hub = place.start().await;
    let up = hub.until_up().await;
    let address = "https://run-1-stand-in.trycloudflare.com";
    assert_eq!((&up["address"], &up["lastError"]), (&json!(address), &Value::Null));
    assert!(up["since"].is_i64());
    let token = token(&place);
    hub.until_said(&format!("tunnel    {address}")).await;
    hub.until_said(&format!("Sign in: {address}/?token={token}")).await;
    hub.until_logged("the tunnel is up").await;
    assert!(!hub.logged.all().join("\n").contains(&token), "no log has a token");
    let arguments = format!("tunnel --no-autoupdate --url http://{}", hub.address);
    assert_eq!(place.runs().into_iter().map(|(_, arguments)| arguments).collect::<Vec<_>>(), [arguments]);
    hub.stop().await;

    // Another start has no new token, so it tells none.
    let hub = place.start().await;
    hub.until_said("tunnel    https://run-2-stand-in.trycloudflare.com").await;
    hub.until_said("Sign in there with the access token: `cliApiToken` in ").await;
    hub.stop().await;
    assert!(!hub.printed().contains(&token), "{}", hub.printed());
}

#[actix_rt::test]
async fn pages_from_its_address_get_in_and_no_others() {
    let place = Place::new(Some(WORKS));
    let hub = place.start().await;
    hub.until_up().await;
    let asked = async |path: &str, origin: &str| {
        let request = hub.web.request(Method::GET, path).header("Origin", origin);
        let answer = hub.web.answer(request).await;
        (answer.status, answer.header("access-control-allow-origin").map(str::to_owned))
    };
    let own = "https://run-1-stand-in.trycloudflare.com";
    assert_eq!(asked("/health", own).await, (200, Some(own.to_owned())));
    let socket = "/socket.io/?EIO=4&transport=polling";
    assert_eq!(asked(socket, own).await, (200, Some(own.to_owned())));
    for other in ["https://other.trycloudflare.com", "http://run-1-stand-in.trycloudflare.com"] {
        assert_eq!(asked("/health", other).await, (200, None));
        assert_eq!(asked(socket, other).await.0, 403);
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn its_callers_are_told_apart() {
    let place = Place::new(Some(WORKS));
    place.configure("[login]\nfailures = 1\n");
    let hub = place.start().await;
    let wrong = async |headers: &[(&str, &str)]| {
        let body = json!({ "accessToken": "wrong" });
        let request = hub.web.request(Method::POST, "/api/auth").json(&body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        hub.web.answer(request).await.status
    };
    assert_eq!(wrong(&[("CF-Connecting-IP", "203.0.113.1")]).await, 401);
    assert_eq!(wrong(&[("CF-Connecting-IP", "203.0.113.1")]).await, 429);
    assert_eq!(wrong(&[("CF-Connecting-IP", "203.0.113.2")]).await, 401);
    assert_eq!(wrong(&[("X-Forwarded-For", "203.0.113.9, 203.0.113.1")]).await, 429);
    assert_eq!(wrong(&[]).await, 401);
    hub.stop().await;
}

#[actix_rt::test]
async fn one_that_dies_is_started_again() {
    let place = Place::new(Some(WORKS));
    let hub = place.start().await;
    let first = hub.until_up().await;
    end(place.runs()[0].0);
    hub.until_down("cloudflared ended (signal: 9").await;
    let is_next = |tunnel: &Value| tunnel["state"] == "up" && tunnel["address"] != first["address"];
    let second = hub.tunnel("it is up again", is_next).await;
    assert_eq!(second["address"], "https://run-2-stand-in.trycloudflare.com");
    assert_eq!(second["lastError"], Value::Null, "what is over is no error");
    hub.until_said("tunnel    https://run-2-stand-in.trycloudflare.com").await;
    let link = hub.said.all().iter().filter(|line| line.contains("/?token=")).count();
    assert_eq!(link, 2, "with the first address and with the one of this computer, and no more");
    hub.stop().await;
    assert!(is_gone(place.runs()[1].0));
}

#[actix_rt::test]
async fn a_program_that_is_missing_is_named() {
    // With what ends a program with its parent, and where there is no such thing.
    for system in ["/usr/bin:/bin", "/nowhere"] {
        let place = Place::new(None);
        let hub = place.start_with(&["--tunnel", "cloudflared"], system, &[]).await;
        hub.until_down("cloudflared was not found; install it").await;
        hub.until_logged("cloudflared was not found; install it").await;
        if system != "/nowhere" {
            // It is looked for again, so it may be installed meanwhile.
            place.install(WORKS);
            hub.until_up().await;
        }
        hub.stop().await;
    }
}

#[actix_rt::test]
async fn one_that_never_tells_an_address_is_given_up_and_tried_again() {
    let place = Place::new(Some("exec sleep 600"));
    place.configure("[tunnel]\naddress_within_ms = 1000\n");
    let hub = place.start().await;
    let down = hub.until_down("cloudflared told no address within 1 s").await;
    assert_eq!(down["address"], Value::Null);
    assert!(is_gone(place.runs()[0].0), "it does not go on unwatched");
    place.install(WORKS);
    hub.until_up().await;
    hub.stop().await;
}

#[actix_rt::test]
async fn one_without_a_connection_is_called_down_until_it_has_one() {
    let blocked = r#"
echo 'ERR Serve tunnel error error="DialContext error: dial tcp 198.41.200.33:7844: i/o timeout" connIndex=0' >&2
while ! [ -e go ]; do sleep 0.05; done
connect; exec sleep 600"#;
    let place = Place::new(Some(&format!("tell\n{blocked}")));
    place.configure("[tunnel]\naddress_within_ms = 300\n");
    let hub = place.start().await;
    let down = hub.until_down("port 7844").await;
    assert_eq!(down["address"], "https://run-1-stand-in.trycloudflare.com");
    std::fs::write(place.path("bin/go"), "").unwrap();
    assert_eq!(hub.until_up().await["lastError"], Value::Null);
    assert_eq!(place.runs().len(), 1, "it was left to try by itself");
    hub.stop().await;
}

#[actix_rt::test]
async fn a_lost_connection_is_told() {
    let place = Place::new(Some(
        "tell; connect; while ! [ -e go ]; do sleep 0.05; done
        echo 'INF Unregistered tunnel connection connIndex=0' >&2; exec sleep 600",
    ));
    let hub = place.start().await;
    hub.until_up().await;
    std::fs::write(place.path("bin/go"), "").unwrap();
    hub.until_down("the connection with Cloudflare was lost").await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_named_tunnel_gets_its_token_where_nobody_can_read_it() {
    let place = Place::new(Some(r#"echo "my token is $TUNNEL_TOKEN" >&2; connect; exec sleep 600"#));
    place.configure("public_url = \"https://hub.example/\"\n[log]\nfilter = \"debug\"\n[tunnel]\ntoken = \"s3cret-of-the-tunnel\"\n");
    let env = [("CLI_API_TOKEN", "s3cret-of-the-hub-itself")];
    let hub = place.start_with(&["--tunnel", "cloudflared"], "/usr/bin:/bin", &env).await;
    assert_eq!(hub.until_up().await["address"], "https://hub.example");
    assert_eq!(place.runs()[0].1, "tunnel --no-autoupdate run");
    assert_eq!(place.text("bin/token").trim(), "s3cret-of-the-tunnel");
    assert!(
        !place.text("bin/environment").contains("s3cret-of-the-hub-itself"),
        "the hub's own is not handed on"
    );
    hub.until_logged("my token is ***").await;
    hub.stop().await;
    assert!(!hub.printed().contains("s3cret"), "{}", hub.printed());
}

#[actix_rt::test]
async fn what_it_complains_of_is_told_in_plain_words() {
    let cases = [
        (
            "echo 'Provided Tunnel token is not valid.' >&2; exit 255",
            "Cloudflare refuses the tunnel's credentials",
        ),
        (
            "echo 'failed to unmarshal quick Tunnel: invalid' >&2; exit 1",
            "Cloudflare gives out no quick tunnel",
        ),
        ("echo 'first' >&2; echo 'something new' >&2; exit 3", "cloudflared ended (exit status: 3)"),
    ];
    for (script, told) in cases {
        let place = Place::new(Some(script));
        let hub = place.start().await;
        let down = hub.until_down(told).await;
        assert!(!down.to_string().contains("something new"), "what it printed is not for everybody: {down}");
        hub.until_logged(told).await;
        if told.contains("status: 3") {
            hub.until_logged("first | something new").await;
        }
        hub.stop().await;
    }
}

#[actix_rt::test]
async fn it_ends_with_the_hub_and_all_that_it_started() {
    let stubborn = "trap '' TERM; sleep 600 & echo $! > child; tell; connect; while :; do sleep 600; done";
    for script in ["sleep 600 & echo $! > child; tell; connect; wait", stubborn] {
        let place = Place::new(Some(script));
        let hub = place.start().await;
        hub.until_up().await;
        let child: i32 = place.text("bin/child").trim().parse().unwrap();
        assert!(!is_gone(child));
        hub.stop().await;
        assert!(is_gone(place.runs()[0].0), "{script}");
        until_gone(child).await;
    }
}

#[actix_rt::test]
async fn it_ends_when_the_hub_is_killed() {
    let place = Place::new(Some(WORKS));
    let hub = place.start().await;
    hub.until_up().await;
    hub.signal(Signal::KILL);
    hub.until_ended().await;
    until_gone(place.runs()[0].0).await;
}

#[actix_rt::test]
async fn settings_that_cannot_work_are_refused() {
    for (toml, told) in [
        ("[tunnel]\ntoken = \"t\"\n", "set it as `public_url`"),
        ("[events]\nheartbeat_ms = 45001\n", "a number of milliseconds from 100 to 45000"),
        ("[proxy]\ntrusted = [\"proxy.example\"]\n", "a list of addresses or networks such as 10.0.0.0/8"),
    ] {
        let place = Place::new(None);
        place.configure(toml);
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
        command.env_clear().env("WHEELHOUSE_HOME", place.path("home")).args(["hub", "--port", "0"]);
        let done = within("it ends", command.output()).await.unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.code() == Some(1) && said.contains(told), "{said}");
    }
}
