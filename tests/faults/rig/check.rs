//! Compares what clients were acknowledged with what the hub holds when everything is quiet.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Scene, Web,
    agent::POISON,
    ledger::Ledger,
    socket::{Frame, Socket},
};

/// A row of a conversation, in the order of its numbers.
struct Row {
    id: String,
    seq: i64,
    text: String,
    local_id: Option<String>,
    is_invoked: bool,
}

pub struct Checker<'a> {
    pub ledger: &'a Ledger,
    /// The way of CLIs to the hub.
    pub agent: Web,
    /// A person's.
    pub person: Web,
}

impl Checker<'_> {
    pub async fn session(&self, session: &str) {
        let rows = self.rows(session).await;
        let mut by_text: HashMap<&str, usize> = HashMap::new();
        for row in &rows {
            *by_text.entry(&row.text).or_default() += 1;
        }
        self.messages(session, &rows, &by_text);
        self.prompts(session, &rows, &by_text);
        self.stream(session, &rows);
        self.pages(session, &rows).await;
        self.decisions(session).await;
    }

    async fn rows(&self, session: &str) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map_or(0, |row| row.seq);
            let path = format!("/cli/sessions/{session}/messages?afterSeq={after}&limit=200");
            let page = self.agent.insist(reqwest::Method::GET, &path, None).await;
            let page = page["messages"].as_array().cloned().unwrap_or_default();
            let count = page.len();
            rows.extend(page.iter().map(row));
            if count < 200 {
                return rows;
            }
        }
    }

    fn messages(&self, session: &str, rows: &[Row], by_text: &HashMap<&str, usize>) {
        let is_poisoned = self.ledger.poisoned.borrow().contains(session);
        for said in self.ledger.said.borrow().iter().filter(|said| said.session == session) {
            let count = ["says", POISON].map(|word| {
                let text = format!("{word} {} {}", said.life, said.number);
                by_text.get(text.as_str()).copied().unwrap_or_default()
            });
            let count: usize = count.iter().sum();
            if said.is_acknowledged && count == 0 {
                self.ledger.violation(format!("{session} lost message {}", said.number));
            }
            if count > 1 {
                self.ledger.violation(format!("{session} has message {} {count} times", said.number));
            }
        }
        // Only what was acknowledged has a promised place: what an old connection still carried when its process was
        // on a new one, or dead, comes when it comes.
        let said = self.ledger.said.borrow();
        let promised: BTreeMap<(u64, u64), bool> = said
            .iter()
            .filter(|said| said.session == session)
            .map(|said| ((said.life, said.number), said.is_acknowledged))
            .collect();
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        for (life, number) in rows.iter().filter_map(|row| row.text.strip_prefix("says ")?.split_once(' ')) {
            let (life, number) = (life.parse().unwrap_or_default(), number.parse().unwrap_or_default());
            if promised.get(&(life, number)) != Some(&true) {
                if last.get(&life).is_some_and(|before| *before > number) {
                    Ledger::count(&self.ledger.late);
                }
                continue;
            }
            let before = last.insert(life, number).unwrap_or_default();
            if before > number && !is_poisoned {
                self.ledger
                    .violation(format!("{session} has message {before} before {number} of life {life}"));
            }
        }
        let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        if seqs.windows(2).any(|pair| pair[0] >= pair[1]) {
            self.ledger.violation(format!("{session} has numbers out of order: {seqs:?}"));
        }
    }

    fn prompts(&self, session: &str, rows: &[Row], by_text: &HashMap<&str, usize>) {
        let mut last: BTreeMap<usize, (i64, u64)> = BTreeMap::new();
        for prompt in self.ledger.prompts.borrow().iter().filter(|prompt| prompt.session == session) {
            let text = format!("person {} {}", prompt.person, prompt.number);
            let count = by_text.get(text.as_str()).copied().unwrap_or_default();
            let row = rows.iter().find(|row| row.local_id.as_ref() == Some(&prompt.local_id));
            if (prompt.is_acknowledged && count == 0) || count > 1 {
                self.ledger.violation(format!("{session} has {} {count} times", prompt.local_id));
            }
            let Some(row) = row else { continue };
            let key = (session.to_owned(), prompt.local_id.clone());
            let is_delivered = self.ledger.delivered.borrow().contains(&key);
            if prompt.is_acknowledged && !(is_delivered && row.is_invoked) {
                let state = format!("delivered: {is_delivered}, invoked: {}", row.is_invoked);
                self.ledger.violation(format!("{session}: {} ended as {state}", prompt.local_id));
            }
            let place = (row.seq, prompt.number);
            if let Some(before) = last.insert(prompt.person, place)
                && before > place
            {
                self.ledger.violation(format!("{session} has {} out of order", prompt.local_id));
            }
        }
    }

    /// The event stream told all of it, and nothing else.
    fn stream(&self, session: &str, rows: &[Row]) {
        let told = self.ledger.told.borrow();
        for row in rows {
            match told.get(&row.id) {
                Some(told) if told.seq == row.seq && told.text == row.text && told.session == session => {}
                told => {
                    self.ledger.violation(format!("message {} of {session} was told as {told:?}", row.seq))
                }
            }
        }
        for (id, told) in told.iter().filter(|(_, told)| told.session == session) {
            if !rows.iter().any(|row| row.id == *id) {
                self.ledger.violation(format!("{session}: the stream told of {told:?}, which is not there"));
            }
        }
    }

    /// The pages of browsers hold the same rows.
    async fn pages(&self, session: &str, rows: &[Row]) {
        let mut ids: Vec<String> = Vec::new();
        let mut before = String::new();
        loop {
            let path = format!("/api/sessions/{session}/messages?limit=200{before}");
            let answer = self.person.insist(reqwest::Method::GET, &path, None).await;
            let page = answer["messages"].as_array().cloned().unwrap_or_default();
            let next = &answer["page"];
            // The newest page also shows what still waits further back, and that comes again with its own page.
            let begin = (next["nextBeforeAt"].as_i64(), next["nextBeforeSeq"].as_i64());
            let position = |message: &Value| {
                (message["invokedAt"].as_i64().or(message["createdAt"].as_i64()), message["seq"].as_i64())
            };
            ids.extend(
                page.iter().filter(|message| position(message) >= begin).map(|message| row(message).id),
            );
            if next["hasMore"] != true {
                break;
            }
            before = format!("&beforeSeq={}&beforeAt={}", next["nextBeforeSeq"], next["nextBeforeAt"]);
        }
        ids.sort();
        let mut known: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        known.sort();
        if ids != known {
            self.ledger.violation(format!("{session}: pages hold {} rows of {}", ids.len(), known.len()));
        }
    }

    async fn decisions(&self, session: &str) {
        let status =
            self.person.insist(reqwest::Method::GET, &format!("/api/sessions/{session}/status"), None).await;
        let kept = status["decisions"].as_array().cloned().unwrap_or_default();
        let heard = self.ledger.heard.borrow();
        let dropped = self.ledger.dropped.borrow();
        for (key, decided) in self.ledger.decided.borrow().iter().filter(|(key, _)| key.0 == session) {
            let mut winners: Vec<bool> = decided
                .iter()
                .filter_map(|one| if one.status == 200 { Some(one.approved) } else { one.winner })
                .collect();
            winners.sort_unstable();
            winners.dedup();
            let [winner] = winners.as_slice() else {
                self.ledger.violation(format!("{key:?} was decided as {decided:?}"));
                continue;
            };
            let heard = heard.get(key).cloned().unwrap_or_default();
            if heard.iter().any(|one| one != winner) {
                self.ledger.violation(format!("{key:?}: {winner} won, the agent heard {heard:?}"));
            }
            if heard.is_empty() && !dropped.contains(key) {
                let kept: Vec<&Value> = kept.iter().filter(|one| one["requestId"] == key.1).collect();
                self.ledger
                    .violation(format!("{key:?}: the agent never heard of {kept:?}, {}", status["contact"]));
            }
            let states: Vec<&Value> = kept.iter().filter(|one| one["requestId"] == key.1).collect();
            let is_told = states.iter().all(|one| one["approved"] == *winner) && states.len() == 1;
            if !is_told {
                self.ledger.violation(format!("{key:?}: {winner} won, the status says {states:?}"));
            }
        }
        for (key, heard) in heard.iter().filter(|(key, _)| key.0 == session) {
            if heard.windows(2).any(|pair| pair[0] != pair[1]) {
                self.ledger.violation(format!("{key:?}: the agent heard {heard:?}"));
            }
        }
    }

    /// Waits until every prompt is taken; those that never are, are found by the check.
    pub async fn until_taken(&self, session: &str) {
        let all_taken = async {
            loop {
                let rows = self.rows(session).await;
                if rows
                    .iter()
                    .all(|row| row.is_invoked || row.local_id.is_none() || !row.text.starts_with("person"))
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(15), all_taken).await;
    }

    /// Versions that were acknowledged are each one writer's, and the last of them holds. `key` is the name of the
    /// value, `event` what writes it.
    pub async fn value(&self, scene: &Scene, (id_key, id): (&str, &str), event: &str, key: &str) {
        let what = format!("{id} {key}");
        let auth = json!({ "token": &*scene.token });
        // A write of no version is refused with the value as it is.
        let probe = json!({ id_key: id, "expectedVersion": -1, key: {} });
        let asked = async {
            let mut socket = Socket::connect(&scene.sockets.address, &auth).await?;
            socket.ask(event, &probe).await?;
            loop {
                if let Frame::Ack { answer, .. } = socket.next().await? {
                    return Some(answer);
                }
            }
        };
        let answer = asked.await.unwrap_or_default();
        let Some(version) = answer["version"].as_i64() else {
            self.ledger.violation(format!("{what} has no version: {answer}"));
            return;
        };
        let count = answer[key]["count"].as_u64().unwrap_or_default();
        let written = self.ledger.written.borrow();
        let mut seen: BTreeMap<i64, u64> = BTreeMap::new();
        for one in written.iter().filter(|one| one.what == what) {
            if let Some(before) = seen.insert(one.version, one.value) {
                self.ledger.violation(format!(
                    "{what}: {before} and {} both got version {}",
                    one.value, one.version
                ));
            }
        }
        let Some((last, value)) = seen.last_key_value() else { return };
        if version < *last || (version == *last && count != *value) {
            self.ledger.violation(format!(
                "{what}: {value} was acknowledged as version {last}, and version {version} holds {count}"
            ));
        }
    }
}

fn row(message: &Value) -> Row {
    let content = &message["content"]["content"];
    Row {
        id: message["id"].as_str().unwrap_or_default().to_owned(),
        seq: message["seq"].as_i64().unwrap_or_default(),
        text: content["data"]["text"].as_str().or(content["text"].as_str()).unwrap_or_default().to_owned(),
        local_id: message["localId"].as_str().map(str::to_owned),
        is_invoked: message["invokedAt"].is_number(),
    }
}
