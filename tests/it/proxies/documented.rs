//! What the documentation tells people to copy.

use serde_norway::Value;
use wheelhouse::config::{Config, Sources};

use super::page;

/// What cloudflared knows at the top of its `config.yml`: what it reads itself, and the flags of `tunnel run`.
const TOP: [&str; 24] = [
    "tunnel",
    "credentials-file",
    "credentials-contents",
    "ingress",
    "originRequest",
    "warp-routing",
    "autoupdate-freq",
    "edge-bind-address",
    "edge-ip-version",
    "grace-period",
    "ha-connections",
    "logfile",
    "log-directory",
    "loglevel",
    "metrics",
    "no-autoupdate",
    "origincert",
    "pidfile",
    "post-quantum",
    "protocol",
    "region",
    "retries",
    "tag",
    "transport-loglevel",
];
const RULE: [&str; 4] = ["hostname", "path", "service", "originRequest"];
const ORIGIN: [&str; 18] = [
    "connectTimeout",
    "tlsTimeout",
    "tcpKeepAlive",
    "noHappyEyeballs",
    "keepAliveConnections",
    "keepAliveTimeout",
    "httpHostHeader",
    "originServerName",
    "matchSNItoHost",
    "caPool",
    "noTLSVerify",
    "disableChunkedEncoding",
    "bastionMode",
    "proxyAddress",
    "proxyPort",
    "proxyType",
    "http2Origin",
    "access",
];

fn keys(value: &Value) -> Vec<&str> {
    value.as_mapping().unwrap().keys().map(|key| key.as_str().unwrap()).collect()
}

fn assert_known(value: &Value, known: &[&str]) {
    for key in keys(value) {
        assert!(known.contains(&key), "cloudflared does not know `{key}`");
    }
}

#[test]
fn the_configuration_of_cloudflared_is_one_it_understands() {
    let text = page::block("yaml");
    let config: Value = serde_norway::from_str(&text).unwrap();
    assert_known(&config, &TOP);
    let rules = config["ingress"].as_sequence().unwrap();
    for rule in rules {
        assert_known(rule, &RULE);
        assert!(rule["service"].is_string());
        let Some(origin) = rule.get("originRequest") else { continue };
        assert_known(origin, &ORIGIN);
        // Numbers with a unit; a bare number would be taken for nanoseconds.
        for key in ["connectTimeout", "keepAliveTimeout"] {
            let text = origin[key].as_str().unwrap();
            assert!(text.strip_suffix('s').unwrap().parse::<u32>().unwrap() < 90, "{key}");
        }
    }
    let [first, .., last] = rules.as_slice() else { panic!("a rule, and one for the rest: {rules:?}") };
    let home = tempfile::tempdir().unwrap();
    let hub = Config::load(Sources { home: Some(home.path().to_owned()), ..Sources::default() }).unwrap();
    assert_eq!(first["service"].as_str().unwrap(), format!("http://{}", hub.listen.address()));
    assert_eq!((keys(last), last["service"].as_str()), (vec!["service"], Some("http_status:404")));
    // The tunnel's id names the file of its credentials.
    let credentials = config["credentials-file"].as_str().unwrap();
    assert!(credentials.ends_with(&format!("/{}.json", config["tunnel"].as_str().unwrap())));
}

/// Only where cloudflared is installed; everywhere else the test above has to do.
#[test]
fn cloudflared_itself_takes_it_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yml");
    std::fs::write(&file, page::block("yaml")).unwrap();
    let mut command = std::process::Command::new("cloudflared");
    match command.arg("--config").arg(&file).args(["tunnel", "ingress", "validate"]).output() {
        Ok(done) => {
            let said =
                String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{said}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
    }
}

#[test]
fn the_settings_of_the_hub_are_ones_it_takes() {
    let blocks = page::blocks("toml");
    assert_eq!(blocks.len(), 3);
    for toml in blocks {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("wheelhouse.toml"), &toml).unwrap();
        let sources = Sources { home: Some(home.path().to_owned()), ..Sources::default() };
        let config = Config::load(sources).unwrap_or_else(|error| panic!("{error}: {toml}"));
        assert_eq!(*config.public_url, "https://hub.example");
    }
}
