use std::{collections::BTreeSet, fs};

use tempfile::TempDir;

use super::*;

struct Setup {
    home: TempDir,
    sources: Sources,
}

impl Setup {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let sources = Sources { home: Some(home.path().to_owned()), ..Sources::default() };
        Self { home, sources }
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.home.path().join(name), text).unwrap();
        self
    }

    fn env(mut self, name: &str, text: &str) -> Self {
        self.sources.env.insert(name.to_owned(), text.to_owned());
        self
    }

    fn load(&self) -> Result<Config, Error> {
        Config::load(self.sources.clone())
    }

    fn error(&self) -> String {
        let text = self.load().unwrap_err().to_string();
        assert!(!text.contains('\n'), "{text}");
        text.replace(&self.home.path().display().to_string(), "<home>")
    }

    fn shown(&self, key: &str) -> String {
        let lines = self.load().unwrap().show();
        lines.iter().find(|line| line.key == key).unwrap().to_string()
    }
}

#[test]
fn the_built_in_file_has_every_key_and_no_other() {
    let built_in = Layer::built_in().unwrap();
    let written: BTreeSet<&str> = built_in.keys().into_iter().collect();
    let shown = Setup::new().load().unwrap().show();
    let known: BTreeSet<&str> = shown.iter().map(|line| line.key).collect();
    assert_eq!(written, known);
    assert_eq!(shown.len(), known.len());
    assert!(shown.iter().all(|line| line.source == Source::Default));
}

#[test]
fn the_defaults_are_those_of_the_released_hub() {
    let setup = Setup::new();
    let config = setup.load().unwrap();
    assert_eq!(config.listen.address(), "127.0.0.1:3006");
    assert_eq!(*config.public_url, "http://localhost:3006");
    assert_eq!(*config.cors, CorsOrigins::List(vec!["http://localhost:3006".to_owned()]));
    assert_eq!(*config.database, setup.home.path().join("wheelhouse.db"));
    assert_eq!((*config.auth.jwt_ttl, *config.limits.body_bytes), (14_400, 68 << 20));
    assert_eq!((*config.limits.frame_bytes, *config.terminal.max), (48 << 20, 4));
}

#[test]
fn each_layer_wins_over_the_one_below() {
    let setup = Setup::new();
    assert_eq!(setup.shown("listen.port"), "listen.port = 3006  (default)");
    let setup = setup.file("wheelhouse.toml", "listen.port = 4001");
    assert_eq!(setup.shown("listen.port"), "listen.port = 4001  (wheelhouse.toml)");
    let setup = setup.file("settings.json", r#"{"listenPort":4002,"machineId":"m"}"#);
    assert_eq!(setup.shown("listen.port"), "listen.port = 4002  (settings.json)");
    let setup = setup.env("HAPI_LISTEN_PORT", "4003");
    assert_eq!(setup.shown("listen.port"), "listen.port = 4003  (environment HAPI_LISTEN_PORT)");
    let setup = setup.env("WHEELHOUSE__LISTEN__PORT", "4004");
    assert_eq!(setup.shown("listen.port"), "listen.port = 4004  (environment WHEELHOUSE__LISTEN__PORT)");
    let mut setup = setup;
    setup.sources.flags.listen = Some("[::1]:4005".to_owned());
    assert_eq!(setup.shown("listen.port"), "listen.port = 4005  (flag --listen)");
    assert_eq!(setup.load().unwrap().listen.address(), "[::1]:4005");
    setup.sources.flags.port = Some("4006".to_owned());
    assert_eq!(setup.shown("listen.port"), "listen.port = 4006  (flag --port)");
}

#[test]
fn every_released_name_works_from_the_environment_and_from_settings() {
    let cases = [
        ("HAPI_LISTEN_HOST", "::1", "listenHost", r#""::1""#, "listen.host", "::1"),
        ("HAPI_LISTEN_PORT", "80", "listenPort", "80", "listen.port", "80"),
        (
            "HAPI_PUBLIC_URL",
            "https://a.b/c/",
            "publicUrl",
            r#""https://a.b/c/""#,
            "public_url",
            "https://a.b/c",
        ),
        (
            "CORS_ORIGINS",
            "http://x/y, http://z",
            "corsOrigins",
            r#"["http://x/y","http://z"]"#,
            "cors.origins",
            "http://x, http://z",
        ),
        ("CLI_API_TOKEN", "s3cret", "cliApiToken", r#""s3cret""#, "auth.base_token", "hidden"),
        ("TELEGRAM_BOT_TOKEN", "s3cret", "telegramBotToken", r#""s3cret""#, "telegram.bot_token", "hidden"),
    ];
    for (variable, text, setting, json, key, shown) in cases {
        let by_env = Setup::new().env(variable, text);
        assert_eq!(by_env.shown(key), format!("{key} = {shown}  (environment {variable})"));
        let by_file = Setup::new().file("settings.json", &format!("{{\"{setting}\":{json}}}"));
        assert_eq!(by_file.shown(key), format!("{key} = {shown}  (settings.json)"));
        assert!(!format!("{:?}", by_env.load().unwrap()).contains("s3cret"));
    }
    for (variable, text, key) in [
        ("DB_PATH", "/d/x.db", "database.path"),
        ("HAPI_TERMINAL_IDLE_TIMEOUT_MS", "5", "terminal.idle_ms"),
        ("HAPI_TERMINAL_MAX_TERMINALS", "6", "terminal.max"),
        ("HAPI_SCRATCHLIST_MAX_ATTACHMENT_BYTES_PER_FILE", "7", "scratchlist.attachment_bytes"),
        ("HAPI_SCRATCHLIST_MAX_ATTACHMENTS_PER_ENTRY", "8", "scratchlist.attachments_per_entry"),
        ("HAPI_SCRATCHLIST_MAX_ATTACHMENT_BYTES_PER_ENTRY", "9", "scratchlist.entry_bytes"),
        ("HAPI_SCRATCHLIST_MAX_ATTACHMENT_BYTES_PER_SESSION", "10", "scratchlist.session_bytes"),
        ("HAPI_SCRATCHLIST_ALLOWED_ATTACHMENT_MIMES", "text/plain, image/png", "scratchlist.mime_types"),
        ("HAPI_TITLE_PROVIDER_BASE_URL", "https://model.example/v1", "title.base_url"),
        ("HAPI_TITLE_PROVIDER_MODEL", "small", "title.model"),
        ("HAPI_TITLE_PROVIDER_MAX_TOKENS", "7", "title.max_tokens"),
        ("HAPI_TITLE_PROVIDER_TIMEOUT_MS", "8", "title.timeout_ms"),
        ("HAPI_TITLE_SUGGESTION_RATE_LIMIT", "9", "title.rate_limit"),
        ("HAPI_TITLE_SUGGESTION_RATE_WINDOW_MS", "10", "title.rate_window_ms"),
        ("TRANSCRIPTION_BASE_URL", "http://localhost:8000/v1", "voice.transcription_base_url"),
        ("TRANSCRIPTION_MODEL", "tiny", "voice.transcription_model"),
        ("VOICE_BACKEND", "qwen-realtime", "voice.backend"),
        ("VAPID_SUBJECT", "mailto:me@hub.example", "push.subject"),
    ] {
        let setup = Setup::new().env(variable, text);
        assert_eq!(setup.shown(key), format!("{key} = {text}  (environment {variable})"));
        assert!(Setup::new().env(variable, "").shown(key).ends_with("(default)"));
    }
    let setup = Setup::new().env("HAPI_TITLE_PROVIDER_API_KEY", "s3cret");
    assert_eq!(
        setup.shown("title.api_key"),
        "title.api_key = hidden  (environment HAPI_TITLE_PROVIDER_API_KEY)"
    );
    assert!(!format!("{:?}", setup.load().unwrap()).contains("s3cret"));
}

#[test]
fn what_cannot_work_is_one_clear_line() {
    let toml = |text| Setup::new().file("wheelhouse.toml", text);
    let settings = |text| Setup::new().file("settings.json", text);
    let env = |name, text| Setup::new().env(name, text);
    insta::assert_snapshot!(toml("[listen]\nprot = 1").error(), @"unknown key `listen.prot` (wheelhouse.toml)");
    insta::assert_snapshot!(env("WHEELHOUSE__A__B", "1").error(), @"unknown key `a.b` (environment WHEELHOUSE__A__B)");
    insta::assert_snapshot!(toml("listen = 5").error(), @"unknown key `listen` (wheelhouse.toml)");
    insta::assert_snapshot!(toml("[listen").error(), @"<home>/wheelhouse.toml cannot be understood and is left as it is: TOML parse error at line 1, column 8: unclosed table, expected `]`");
    insta::assert_snapshot!(settings("{").error(), @"<home>/settings.json cannot be understood and is left as it is: EOF while parsing an object at line 1 column 1");
    insta::assert_snapshot!(settings(r#"{"webappPort":1}"#).error(), @"settings.json has the old key `webappPort`; use `listenPort`");
    insta::assert_snapshot!(settings(r#"{"listenPort":"x"}"#).error(), @"`listen.port` (settings.json) must be a port from 1 to 65535");
    insta::assert_snapshot!(env("HAPI_LISTEN_PORT", "80abc").error(), @"`listen.port` (environment HAPI_LISTEN_PORT) must be a port from 1 to 65535");
    insta::assert_snapshot!(env("HAPI_LISTEN_PORT", "0").error(), @"`listen.port` (environment HAPI_LISTEN_PORT) must be a port from 1 to 65535");
    insta::assert_snapshot!(toml("terminal.max = 0").error(), @"`terminal.max` (wheelhouse.toml) must be a positive whole number");
    insta::assert_snapshot!(toml("terminal.max = 1.5").error(), @"`terminal.max` (wheelhouse.toml) must be a positive whole number");
    insta::assert_snapshot!(env("WHEELHOUSE__LIMITS__STREAMS", "-1").error(), @"`limits.streams` (environment WHEELHOUSE__LIMITS__STREAMS) must be a whole number, or 0 for no limit");
    insta::assert_snapshot!(toml("limits.burst_per_token = 0").error(), @"`limits.burst_per_token` (wheelhouse.toml) must be a positive whole number");
    insta::assert_snapshot!(env("HAPI_SCRATCHLIST_ALLOWED_ATTACHMENT_MIMES", "png").error(), @"`scratchlist.mime_types` (environment HAPI_SCRATCHLIST_ALLOWED_ATTACHMENT_MIMES) must be a list of MIME types such as image/png");
    insta::assert_snapshot!(env("HAPI_PUBLIC_URL", "hub.example").error(), @"`public_url` (environment HAPI_PUBLIC_URL) must be an address that starts with http:// or https://");
    insta::assert_snapshot!(env("HAPI_TITLE_PROVIDER_BASE_URL", "model").error(), @"`title.base_url` (environment HAPI_TITLE_PROVIDER_BASE_URL) must be an address that starts with http:// or https://");
    insta::assert_snapshot!(env("TRANSCRIPTION_BASE_URL", "local").error(), @"`voice.transcription_base_url` (environment TRANSCRIPTION_BASE_URL) must be an address that starts with http:// or https://");
    insta::assert_snapshot!(toml("voice.groq_url = 'x'").error(), @"`voice.groq_url` (wheelhouse.toml) must be an address that starts with http:// or https://");
    for subject in ["me@hub.example", "http://hub.example", "mailto:me"] {
        assert_eq!(
            env("VAPID_SUBJECT", subject).error(),
            "`push.subject` (environment VAPID_SUBJECT) must be an address that starts with mailto: or https://"
        );
    }
    insta::assert_snapshot!(toml("usage.prices = ['x = 1']").error(), @"`usage.prices` (wheelhouse.toml) must be a list of texts like `model* = 3 0.3 3.75 15`");
    insta::assert_snapshot!(env("CLI_API_TOKEN", "a:b").error(), @"the access token (environment CLI_API_TOKEN) must not contain `:`; clients add their namespace behind it");
    for bad in ["0", "99", "45001", "'often'"] {
        let refused = Setup::new().file("wheelhouse.toml", &format!("events.heartbeat_ms = {bad}")).error();
        assert!(refused.starts_with("`events.heartbeat_ms` (wheelhouse.toml) must be a "), "{refused}");
    }
    insta::assert_snapshot!(toml("events.heartbeat_ms = 45001").error(), @"`events.heartbeat_ms` (wheelhouse.toml) must be a number of milliseconds from 100 to 45000");
    insta::assert_snapshot!(toml("proxy.trusted = ['10.0.0.0/33']").error(), @"`proxy.trusted` (wheelhouse.toml) must be a list of addresses or networks such as 10.0.0.0/8");
    insta::assert_snapshot!(toml("proxy.headers = []").error(), @"`proxy.headers` (wheelhouse.toml) must be a list of header names such as x-forwarded-for");
    insta::assert_snapshot!(toml("tunnel.token = 's3cret'").error(), @"`tunnel.token` (wheelhouse.toml) leads to an address of yours: set it as `public_url`");
    let open = toml("auth.legacy_handshake = true").env("HAPI_LISTEN_HOST", "0.0.0.0");
    insta::assert_snapshot!(open.error(), @"`auth.legacy_handshake` lets everybody in, so it works on a loopback address only, not on 0.0.0.0");
}

#[test]
fn a_limit_of_zero_is_none() {
    let setup = Setup::new().env("WHEELHOUSE__LIMITS__STREAMS", "0");
    assert_eq!(
        setup.shown("limits.streams"),
        "limits.streams = no limit  (environment WHEELHOUSE__LIMITS__STREAMS)"
    );
    assert_eq!(*setup.load().unwrap().limits.streams, Ceiling(None));
}

#[test]
fn loading_writes_nothing() {
    let broken = Setup::new().file("settings.json", "{ broken");
    assert!(broken.load().is_err());
    assert_eq!(fs::read_to_string(broken.home.path().join("settings.json")).unwrap(), "{ broken");
    let mut missing = Setup::new();
    missing.sources.home = Some(missing.home.path().join("none"));
    missing.load().unwrap();
    assert!(!missing.home.path().join("none").exists());
}

#[test]
fn paths_in_our_file_start_at_home_and_tilde_is_expanded() {
    let setup = Setup::new()
        .file("wheelhouse.toml", "database.path = 'data/x.db'\nweb.dir = '~/web'")
        .env("HOME", "/u");
    let config = setup.load().unwrap();
    assert_eq!(*config.database, setup.home.path().join("data/x.db"));
    assert_eq!(config.web.dir.as_deref(), Some(Path::new("/u/web")));
}

#[test]
fn the_port_the_system_chose_shows_in_what_follows_from_it() {
    let mut setup = Setup::new();
    setup.sources.flags.port = Some("0".to_owned());
    let mut config = setup.load().unwrap();
    config.settle_port(5_000);
    assert_eq!(*config.public_url, "http://localhost:5000");
    assert!(config.cors.allows("http://localhost:5000"));

    let setup = setup.env("HAPI_PUBLIC_URL", "https://hub.example").env("CORS_ORIGINS", "*");
    let mut config = setup.load().unwrap();
    config.settle_port(5_000);
    assert_eq!(*config.public_url, "https://hub.example");
    assert_eq!(*config.cors, CorsOrigins::Any);
}
