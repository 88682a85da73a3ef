//! A hub of the test's own: in this process, on a free port, in a folder that goes away with it.

use std::{collections::BTreeMap, path::Path, rc::Rc, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use wheelhouse::{
    app::{Faults, Hub, Options},
    clock::Clock,
    command::hub::{Start, prepare},
    config::{Flags, Sources},
    domain::liveness::Patience,
};

use super::{Cli, Events, Web, log::within};

/// When tests begin, by their own clock.
const NOW: i64 = 1_790_000_000_000;

/// How a test's hub differs from others.
#[derive(Clone, Default)]
pub struct Setup {
    /// What `wheelhouse.toml` says.
    pub config: &'static str,
    /// A message with this text brings its session down.
    pub poison: Option<&'static str>,
    /// How long it waits for processes, when not as long as people's hubs do.
    pub patience: Option<Patience>,
}

pub struct TestHub {
    pub clock: Clock,
    pub base_token: String,
    pub address: String,
    home: Rc<TempDir>,
    setup: Setup,
    hub: Option<Hub>,
}

impl TestHub {
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let mut this = Self::at_rest(setup);
        this.start_again().await;
        this
    }

    /// A home in which no hub has run yet.
    pub fn at_rest(setup: Setup) -> Self {
        let home = Rc::new(tempfile::tempdir().unwrap());
        std::fs::write(home.path().join("wheelhouse.toml"), setup.config).unwrap();
        let clock = Clock::manual(NOW);
        Self { clock, base_token: String::new(), address: String::new(), home, setup, hub: None }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn database(&self) -> std::path::PathBuf {
        self.home().join("wheelhouse.db")
    }

    /// Everything that a hub on this home starts from.
    pub fn prepared(&self, port: &str) -> Start {
        let flags =
            Flags { host: Some("127.0.0.1".to_owned()), port: Some(port.to_owned()), ..Flags::default() };
        let sources = Sources { home: Some(self.home().to_owned()), flags, env: BTreeMap::new() };
        prepare(sources, self.clock.clone()).unwrap()
    }

    pub fn options(&self) -> Options {
        Options {
            faults: Faults { panic_on: self.setup.poison.map(str::to_owned) },
            tick: Duration::from_millis(50),
            workers: 2,
            patience: self.setup.patience.unwrap_or_default(),
        }
    }

    /// Starts on the same home after a [`Self::stop`].
    pub async fn start_again(&mut self) {
        assert!(self.hub.is_none(), "stop it first");
        let start = self.prepared("0");
        self.base_token = start.secrets.base_token.token.expose().to_owned();
        let hub = Hub::start(start, self.options()).await.unwrap();
        self.address = hub.address.to_string();
        self.hub = Some(hub);
    }

    pub async fn stop(&mut self) {
        if let Some(hub) = self.hub.take() {
            within("the hub stops", hub.stop()).await;
        }
    }

    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// The hub dies on the spot: what comes next finds the files as they are at this moment.
    pub async fn crash(&mut self) {
        let left = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.home()).unwrap().map(Result::unwrap) {
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), left.path().join(file.file_name())).unwrap();
            }
        }
        self.stop().await;
        self.home = Rc::new(left);
    }

    /// The access token of a namespace.
    pub fn token(&self, namespace: &str) -> String {
        format!("{}:{namespace}", self.base_token)
    }

    /// A client that has signed in to the default namespace.
    pub async fn web(&self) -> Web {
        self.web_of("default").await
    }

    pub async fn web_of(&self, namespace: &str) -> Web {
        let guest = self.guest();
        let answer = guest.post("/api/auth", &json!({ "accessToken": self.token(namespace) })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        guest.with_token(answer.body["token"].as_str().unwrap())
    }

    /// A client that has not signed in.
    pub fn guest(&self) -> Web {
        Web::new(&self.address)
    }

    /// What CLIs use for HTTP.
    pub fn agent(&self) -> Web {
        self.guest().with_token(&self.base_token)
    }

    /// The stream of everything in the default namespace.
    pub async fn events(&self) -> Events {
        Events::open(&self.web().await, "all=true", None).await
    }

    /// Makes a session in the default namespace and answers its id.
    pub async fn session(&self, tag: &str, metadata: &Value) -> String {
        self.session_of("default", tag, metadata).await
    }

    pub async fn session_of(&self, namespace: &str, tag: &str, metadata: &Value) -> String {
        let agent = self.guest().with_token(&self.token(namespace));
        let answer = agent.post("/cli/sessions", &json!({ "tag": tag, "metadata": metadata })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["session"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn machine(&self, id: &str) -> Value {
        let metadata = json!({ "host": "box", "platform": "linux", "happyCliVersion": "0.30.7" });
        let answer = self.agent().post("/cli/machines", &json!({ "id": id, "metadata": metadata })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["machine"].clone()
    }

    /// The socket of a session's process.
    pub async fn cli(&self, session: &str) -> Cli {
        self.cli_of("default", session).await
    }

    pub async fn cli_of(&self, namespace: &str, session: &str) -> Cli {
        Cli::connect(self, &json!({ "token": self.token(namespace), "sessionId": session }), session).await
    }

    /// The socket of a machine's runner.
    pub async fn runner(&self, machine: &str) -> Cli {
        Cli::connect(self, &json!({ "token": self.base_token, "machineId": machine }), machine).await
    }

    /// A runner that is online and can start agents.
    pub async fn online_runner(&self, machine: &str) -> Cli {
        let metadata = json!({
            "host": "box", "platform": "linux", "happyCliVersion": "0.30.7",
            "capabilities": ["agent-availability"],
        });
        let answer =
            self.agent().post("/cli/machines", &json!({ "id": machine, "metadata": metadata })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let runner = self.runner(machine).await;
        runner.emit("machine-alive", &json!({ "machineId": machine, "time": self.clock.now() }));
        runner.flush().await;
        runner
    }

    /// A session whose process is there and has said that it lives.
    pub async fn live_session(&self, tag: &str, metadata: &Value) -> (String, Cli) {
        let id = self.session(tag, metadata).await;
        let cli = self.cli(&id).await;
        cli.alive(self.clock.now()).await;
        (id, cli)
    }
}
