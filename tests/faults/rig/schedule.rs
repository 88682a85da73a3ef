//! One schedule: a hub, its clients, the faults of a plan, and the reckoning.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    HubProcess, Limits, Plan, Scene, Web,
    agent::{Agent, POISON},
    check::Checker,
    ledger::Ledger,
    person::Person,
    plan::{Fault, Step},
    proxy::Proxy,
    runner::Runner,
    until, watcher,
};

const MACHINE: &str = "machine-1";
const YEAR: i64 = 365 * 24 * 3_600_000;

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub seed: u64,
    pub faults: BTreeMap<Fault, usize>,
    pub messages: usize,
    pub acknowledged: usize,
    pub prompts: usize,
    pub decisions: usize,
    pub writes: usize,
    pub events: usize,
    pub connections: usize,
    /// Messages that were never acknowledged and came out of order.
    pub late: usize,
    pub violations: Vec<String>,
}

/// The hub of a schedule: a process, or a part of this one.
enum Hub {
    Process(HubProcess),
    Within(Box<wheelhouse::app::Hub>),
}

async fn within(home: &std::path::Path) -> Result<wheelhouse::app::Hub> {
    use wheelhouse::{
        app::{Faults, Options},
        clock::Clock,
        command::hub::prepare,
        config::{Flags, Sources},
    };
    let flags = Flags { host: Some("127.0.0.1".into()), port: Some("0".into()), ..Flags::default() };
    let sources = Sources { home: Some(home.to_owned()), flags, env: BTreeMap::new() };
    let start = prepare(sources, Clock::system())?;
    let faults = Faults { panic_on: Some(POISON.to_owned()) };
    let options = Options { faults, tick: Duration::from_millis(100), workers: 2, ..Options::default() };
    wheelhouse::app::Hub::start(start, options).await
}

struct Stage {
    hub: Hub,
    scene: Scene,
    agents: Vec<Agent>,
    persons: Vec<Person>,
    runner: Runner,
    sessions: Vec<String>,
}

impl Stage {
    async fn set(plan: &Plan, home: &std::path::Path) -> Result<Self> {
        let (hub, address, token) = if plan.is_within {
            let hub = within(home).await?;
            let (address, token) =
                (hub.address.to_string(), hub.start.secrets.base_token.token.expose().to_owned());
            (Hub::Within(Box::new(hub)), address, token)
        } else {
            let mut hub = HubProcess::new(home, Limits::default())?;
            hub.start().await?;
            let (address, token) = (hub.address.clone(), hub.token()?);
            (Hub::Process(hub), address, token)
        };
        let over = CancellationToken::new();
        let scene = Scene {
            ledger: Rc::<Ledger>::default(),
            token: token.as_str().into(),
            sockets: Proxy::start(&address, over.clone()).await?,
            requests: Proxy::start(&address, over.clone()).await?,
            winding_down: CancellationToken::new(),
            over,
        };
        let web = Web::new(&address, &token);
        let mut sessions = Vec::new();
        for number in 0..plan.agents {
            let metadata = json!({ "path": "/srv/app", "host": "box", "flavor": "claude" });
            let new = json!({ "tag": format!("session-{number}"), "metadata": metadata });
            let made = web.insist(Method::POST, "/cli/sessions", Some(&new)).await;
            sessions.push(made["session"]["id"].as_str().unwrap_or_default().to_owned());
        }
        let new = json!({ "id": MACHINE, "metadata": { "host": "box" } });
        web.insist(Method::POST, "/cli/machines", Some(&new)).await;
        watcher::start(&scene);
        anyhow::ensure!(until(|| scene.ledger.is_watched.get()).await, "the stream does not begin");
        let agents = sessions.iter().zip(0..).map(|(id, n)| Agent::start(&scene, id, plan.seed ^ (n + 1)));
        let agents = agents.collect();
        let persons =
            (0..plan.persons).map(|n| Person::start(&scene, &sessions, n, plan.seed ^ (100 + n as u64)));
        let persons = persons.collect();
        let runner = Runner::start(&scene, MACHINE);
        Ok(Self { hub, scene, agents, persons, runner, sessions })
    }

    async fn strike(&mut self, step: Step) -> Result<()> {
        let agent = &self.agents[usize::try_from(step.dice % self.agents.len() as u64)?];
        match step.fault {
            Fault::KillHub | Fault::StopHub => {
                if let Hub::Process(hub) = &mut self.hub {
                    if step.fault == Fault::KillHub {
                        hub.kill();
                    } else {
                        hub.stop().await?;
                    }
                    tokio::time::sleep(Duration::from_millis(step.dice % 150)).await;
                    hub.start().await?;
                }
            }
            Fault::CutSockets => self.scene.sockets.cut(),
            Fault::CutRequests => self.scene.requests.cut(),
            Fault::Delay => {
                let delay = Duration::from_millis(1 + step.dice % 60);
                self.scene.sockets.delay(delay);
                self.scene.requests.delay(delay * 2);
            }
            Fault::DoubleRequests => self.scene.requests.double(step.dice.is_multiple_of(2)),
            Fault::KillAgent => agent.kill(),
            Fault::KillRunner => self.runner.kill(),
            Fault::JumpClock => {
                let years = i64::try_from(step.dice % 21)? - 10;
                let part = i64::try_from(step.dice % 5)?;
                agent.set_clock(if part == 0 { 0 } else { years * YEAR / part });
            }
            Fault::Poison => {
                self.scene.ledger.poisoned.borrow_mut().insert(agent.session.clone());
                agent.poison();
            }
        }
        Ok(())
    }

    /// Mends everything, and lets what was begun come to its end.
    async fn wind_down(&self) {
        for proxy in [&self.scene.sockets, &self.scene.requests] {
            proxy.delay(Duration::ZERO);
            proxy.double(false);
        }
        self.agents.iter().for_each(|agent| agent.set_clock(0));
        self.scene.winding_down.cancel();
        let ledger = &self.scene.ledger;
        let are_settled = until(|| self.persons.iter().all(Person::is_settled)).await;
        if !are_settled {
            ledger.violation("a person never got an answer");
        }
        let is_quiet = || {
            let heard = ledger.heard.borrow();
            let dropped = ledger.dropped.borrow();
            self.agents.iter().all(Agent::is_settled)
                && ledger.decided.borrow().keys().all(|key| heard.contains_key(key) || dropped.contains(key))
        };
        // What is missing is found by the check.
        until(is_quiet).await;
    }

    async fn reckon(&self) -> Result<()> {
        let ledger = &self.scene.ledger;
        let agent = Web::new(&self.scene.requests.address, &self.scene.token);
        let person = Web::signed_in(&self.scene.requests.address, &self.scene.token).await;
        let checker = Checker { ledger, agent, person };
        for session in &self.sessions {
            checker.until_taken(session).await;
        }
        // The stream has told everything when it has told the newest row of each session.
        for session in &self.sessions {
            let path = format!("/api/sessions/{session}/messages?limit=200");
            let page = checker.person.insist(Method::GET, &path, None).await;
            let newest = page["messages"].as_array().cloned().unwrap_or_default();
            let is_told = || {
                let told = ledger.told.borrow();
                newest.iter().filter_map(|row| row["id"].as_str()).all(|id| told.contains_key(id))
            };
            until(is_told).await;
        }
        for session in &self.sessions {
            checker.session(session).await;
            for (event, key) in [("update-metadata", "metadata"), ("update-state", "agentState")] {
                checker.value(&self.scene, ("sid", session), event, key).await;
            }
        }
        checker.value(&self.scene, ("machineId", MACHINE), "machine-update-state", "runnerState").await;
        Ok(())
    }
}

/// Runs a plan to its end.
pub async fn run(plan: &Plan) -> Result<Outcome> {
    let home = tempfile::tempdir()?;
    let mut stage = Stage::set(plan, home.path()).await?;
    let mut faults = BTreeMap::new();
    for step in &plan.steps {
        tokio::time::sleep(Duration::from_millis(step.after)).await;
        stage.strike(*step).await?;
        *faults.entry(step.fault).or_default() += 1;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    stage.wind_down().await;
    let reckoned = tokio::time::timeout(Duration::from_secs(30), stage.reckon()).await;
    if reckoned.is_err() {
        stage.scene.ledger.violation("the hub does not answer any more");
    }
    stage.scene.over.cancel();
    let ledger = stage.scene.ledger.clone();
    match stage.hub {
        Hub::Process(mut hub) => {
            hub.stop().await?;
            let log = std::fs::read_to_string(hub.log())?;
            for line in log.lines().filter(|line| line.contains("panicked")) {
                ledger.violation(line);
            }
        }
        Hub::Within(hub) => hub.stop().await,
    }
    let said = ledger.said.borrow();
    Ok(Outcome {
        seed: plan.seed,
        faults,
        messages: said.len(),
        acknowledged: said.iter().filter(|said| said.is_acknowledged).count(),
        prompts: ledger.prompts.borrow().len(),
        decisions: ledger.decided.borrow().len(),
        writes: ledger.written.borrow().len(),
        events: ledger.told.borrow().len(),
        connections: ledger.connections.get(),
        late: ledger.late.get(),
        violations: ledger.violations.borrow().clone(),
    })
}
