//! One life of a session's process, over as many connections as it takes.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    rc::Rc,
    time::Duration,
};

use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    super::{
        Scene, Web,
        ledger::{Ledger, Said},
        socket::{Frame, Socket},
    },
    POISON, Shared,
};

const TICK: Duration = Duration::from_millis(12);

/// A message that is not answered for.
struct Pending {
    number: u64,
    /// Where it stands in the ledger.
    place: usize,
    text: String,
    has_local_id: bool,
    created_at: Option<i64>,
    is_sent: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Written {
    Metadata,
    State,
}

/// What an acknowledgement will be about.
enum Asked {
    /// Everything up to this message, and these prompts.
    Barrier {
        number: u64,
        taken: Vec<String>,
    },
    Write {
        value: Written,
        count: u64,
    },
}

pub struct Life<'a> {
    scene: &'a Scene,
    session: &'a str,
    shared: &'a Rc<Shared>,
    dice: &'a mut StdRng,
    pending: Vec<Pending>,
    /// Prompts that it took, not yet answered for.
    taken: Vec<String>,
    seen: HashSet<String>,
    highest_seq: i64,
    open: BTreeMap<String, i64>,
    completed: BTreeMap<String, bool>,
    versions: [i64; 2],
    dirty: [bool; 2],
    asked: HashMap<u64, Asked>,
    is_writing: bool,
    ticks: u64,
    life: u64,
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

impl<'a> Life<'a> {
    pub fn new(scene: &'a Scene, session: &'a str, shared: &'a Rc<Shared>, dice: &'a mut StdRng) -> Self {
        shared.lives.set(shared.lives.get() + 1);
        Self {
            life: shared.lives.get(),
            scene,
            session,
            shared,
            dice,
            pending: Vec::new(),
            taken: Vec::new(),
            seen: HashSet::new(),
            highest_seq: 0,
            open: BTreeMap::new(),
            completed: BTreeMap::new(),
            versions: [1, 1],
            dirty: [false, true],
            asked: HashMap::new(),
            is_writing: false,
            ticks: 0,
        }
    }

    /// Its questions die with it.
    pub fn die(self) {
        let mut dropped = self.scene.ledger.dropped.borrow_mut();
        dropped.extend(self.open.keys().map(|request| (self.session.to_owned(), request.clone())));
    }

    pub async fn run(&mut self) {
        let auth = json!({ "token": &*self.scene.token, "sessionId": self.session });
        while !self.scene.over.is_cancelled() {
            match Socket::connect(&self.scene.sockets.address, &auth).await {
                Some(mut socket) => {
                    Ledger::count(&self.scene.ledger.connections);
                    // The line goes down sooner or later.
                    let _ = self.converse(&mut socket).await;
                }
                None => tokio::time::sleep(Duration::from_millis(40)).await,
            }
            self.asked.clear();
            self.is_writing = false;
            self.shared.is_settled.set(false);
            // It goes on talking while nobody hears it.
            if !self.scene.winding_down.is_cancelled() && self.pending.len() < 40 {
                self.think_of_something();
            }
        }
    }

    async fn converse(&mut self, socket: &mut Socket) -> Option<()> {
        // What was sent without an id of its own may be there already, so it is not sent again.
        self.pending.retain(|pending| pending.has_local_id || !pending.is_sent);
        for pending in &mut self.pending {
            pending.is_sent = false;
        }
        self.say_pending(socket).await?;
        for local_id in self.taken.clone() {
            self.tell_taken(socket, &local_id).await?;
        }
        let method = format!("{}:permission", self.session);
        socket.emit("rpc-register", &json!({ "method": method })).await?;
        self.alive(socket).await?;
        if self.highest_seq > 0 {
            self.backfill(socket).await?;
        }
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                frame = socket.next() => match frame? {
                    Frame::Event { name, payload, ack } => self.hear(socket, &name, &payload, ack).await?,
                    Frame::Ack { number, answer } => self.acknowledged(number, &answer),
                    Frame::Other => {}
                },
                _ = ticks.tick() => self.act(socket).await?,
                () = self.scene.over.cancelled() => return None,
            }
        }
    }

    async fn act(&mut self, socket: &mut Socket) -> Option<()> {
        self.ticks += 1;
        if !self.scene.winding_down.is_cancelled() {
            if self.dice.random_ratio(3, 5) {
                self.think_of_something();
            }
            if self.dice.random_ratio(1, 15) {
                self.dirty[0] = true;
            }
            if self.open.len() < 2 && self.dice.random_ratio(1, 12) {
                let number = self.shared.requests.get() + 1;
                self.shared.requests.set(number);
                self.open.insert(format!("r{number}"), now());
                self.dirty[1] = true;
            }
        }
        self.say_pending(socket).await?;
        if self.ticks.is_multiple_of(8) {
            self.alive(socket).await?;
        }
        if self.ticks.is_multiple_of(5) && !(self.pending.is_empty() && self.taken.is_empty()) {
            let number = self.pending.last().map_or(0, |last| last.number);
            let barrier = Asked::Barrier { number, taken: self.taken.clone() };
            let asked = socket.ask("ping", &Value::Null).await?;
            self.asked.insert(asked, barrier);
        }
        if !self.is_writing {
            self.write(socket).await?;
        }
        let has_nothing_left =
            self.pending.is_empty() && self.taken.is_empty() && self.dirty == [false, false];
        self.shared
            .is_settled
            .set(self.scene.winding_down.is_cancelled() && has_nothing_left && !self.is_writing);
        Some(())
    }

    fn think_of_something(&mut self) {
        let number = self.shared.last_number.get() + 1;
        self.shared.last_number.set(number);
        let is_poisonous = self.shared.poisons.get() > 0;
        if is_poisonous {
            self.shared.poisons.set(self.shared.poisons.get() - 1);
        }
        let word = if is_poisonous { POISON } else { "says" };
        let has_local_id = !is_poisonous && self.dice.random_ratio(1, 3);
        let clock = now() + self.shared.clock_offset.get();
        let mut said = self.scene.ledger.said.borrow_mut();
        let session = self.session.to_owned();
        said.push(Said { session, life: self.life, number, is_acknowledged: false });
        self.pending.push(Pending {
            number,
            place: said.len() - 1,
            text: format!("{word} {} {number}", self.life),
            has_local_id,
            created_at: self.dice.random_ratio(1, 2).then_some(clock),
            is_sent: false,
        });
    }

    async fn say_pending(&mut self, socket: &mut Socket) -> Option<()> {
        for pending in &mut self.pending {
            if pending.is_sent {
                continue;
            }
            let data = json!({ "type": "text", "text": pending.text });
            let message = json!({ "role": "agent", "content": { "type": "output", "data": data } });
            let mut payload = json!({ "sid": self.session, "message": message });
            if pending.has_local_id {
                payload["localId"] = json!(format!("said-{}", pending.number));
            }
            if let Some(created_at) = pending.created_at {
                payload["createdAt"] = json!(created_at);
            }
            // Before it is sent: a send that fails halfway may have reached the hub all the same.
            pending.is_sent = true;
            socket.emit("message", &payload).await?;
        }
        Some(())
    }

    async fn alive(&mut self, socket: &mut Socket) -> Option<()> {
        let time = now() + self.shared.clock_offset.get();
        socket.emit("session-alive", &json!({ "sid": self.session, "time": time, "thinking": false })).await
    }

    async fn write(&mut self, socket: &mut Socket) -> Option<()> {
        let Some(which) = self.dirty.iter().position(|is_dirty| *is_dirty) else { return Some(()) };
        let count = self.shared.last_count.get() + 1;
        self.shared.last_count.set(count);
        let (event, key, value, what) = if which == 0 {
            let metadata = json!({ "path": "/srv/app", "host": "box", "flavor": "claude", "count": count });
            ("update-metadata", "metadata", metadata, Written::Metadata)
        } else {
            let open: serde_json::Map<_, _> = self
                .open
                .iter()
                .map(|(id, at)| (id.clone(), json!({ "tool": "Bash", "arguments": {}, "createdAt": at })))
                .collect();
            let completed: serde_json::Map<_, _> = self
                .completed
                .iter()
                .map(|(id, approved)| {
                    let status = if *approved { "approved" } else { "denied" };
                    (id.clone(), json!({ "tool": "Bash", "arguments": {}, "status": status }))
                })
                .collect();
            let state = json!({ "requests": open, "completedRequests": completed, "count": count });
            ("update-state", "agentState", state, Written::State)
        };
        let payload = json!({ "sid": self.session, "expectedVersion": self.versions[which], key: value });
        self.is_writing = true;
        self.dirty[which] = false;
        let asked = socket.ask(event, &payload).await;
        if asked.is_none() {
            self.dirty[which] = true;
        }
        self.asked.insert(asked?, Asked::Write { value: what, count });
        Some(())
    }

    fn acknowledged(&mut self, number: u64, answer: &Value) {
        match self.asked.remove(&number) {
            Some(Asked::Barrier { number, taken }) => {
                let mut said = self.scene.ledger.said.borrow_mut();
                self.pending.retain(|pending| {
                    let is_stored = pending.is_sent && pending.number <= number;
                    if is_stored {
                        said[pending.place].is_acknowledged = true;
                    }
                    !is_stored
                });
                self.taken.retain(|local_id| !taken.contains(local_id));
                let mut known = self.scene.ledger.taken.borrow_mut();
                known.extend(taken.into_iter().map(|local_id| (self.session.to_owned(), local_id)));
            }
            Some(Asked::Write { value, count }) => {
                self.is_writing = false;
                let which = usize::from(value == Written::State);
                if let Some(version) = answer["version"].as_i64() {
                    self.versions[which] = version;
                }
                if answer["result"] == "success" {
                    let name = if which == 0 { "metadata" } else { "agentState" };
                    let what = format!("{} {name}", self.session);
                    self.scene.ledger.write_acknowledged(what, answer, count);
                } else {
                    self.dirty[which] = true;
                }
            }
            None => {}
        }
    }

    async fn hear(
        &mut self,
        socket: &mut Socket,
        name: &str,
        payload: &Value,
        ack: Option<u64>,
    ) -> Option<()> {
        match name {
            "update" if payload["body"]["t"] == "new-message" => {
                self.take(socket, &payload["body"]["message"]).await
            }
            "rpc-request" => {
                let params: Value = serde_json::from_str(payload["params"].as_str()?).ok()?;
                let request = params["id"].as_str()?.to_owned();
                let approved = params["approved"].as_bool()?;
                let key = (self.session.to_owned(), request.clone());
                self.scene.ledger.heard.borrow_mut().entry(key).or_default().push(approved);
                if self.open.remove(&request).is_some() {
                    self.completed.insert(request, approved);
                    self.dirty[1] = true;
                }
                match ack {
                    Some(ack) => socket.answer(ack, &Value::Null).await,
                    None => Some(()),
                }
            }
            _ => Some(()),
        }
    }

    async fn take(&mut self, socket: &mut Socket, message: &Value) -> Option<()> {
        if let Some(seq) = message["seq"].as_i64() {
            self.highest_seq = self.highest_seq.max(seq);
        }
        let id = message["id"].as_str()?.to_owned();
        let Some(local_id) = message["localId"].as_str() else { return Some(()) };
        let is_prompt = message["content"]["role"] == "user";
        if !is_prompt || !self.seen.insert(id) {
            return Some(());
        }
        let key = (self.session.to_owned(), local_id.to_owned());
        if self.scene.ledger.taken.borrow().contains(&key) {
            self.scene
                .ledger
                .violation(format!("{} was given {local_id}, which had been taken", self.session));
        }
        self.scene.ledger.delivered.borrow_mut().insert(key);
        self.taken.push(local_id.to_owned());
        self.tell_taken(socket, local_id).await
    }

    async fn tell_taken(&self, socket: &mut Socket, local_id: &str) -> Option<()> {
        socket.emit("messages-consumed", &json!({ "sid": self.session, "localIds": [local_id] })).await
    }

    /// Reads what it missed. Prompts that were taken are passed over, as by the released CLI.
    async fn backfill(&mut self, socket: &mut Socket) -> Option<()> {
        let web = Web::new(&self.scene.requests.address, &self.scene.token);
        let path = format!("/cli/sessions/{}/messages?afterSeq={}&limit=200", self.session, self.highest_seq);
        let Some(reply) = web.get(&path).await else { return Some(()) };
        for row in reply.body["messages"].as_array().cloned().unwrap_or_default() {
            if row["invokedAt"].is_null() {
                self.take(socket, &row).await?;
            }
        }
        Some(())
    }
}
