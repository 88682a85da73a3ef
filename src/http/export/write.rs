//! Writes an export while it is read from the store, so that neither is ever whole in memory.

use std::{io, path::PathBuf};

use serde_json::Value;

use super::{Format, spool::Spool};
use crate::{
    domain::{
        content,
        export::{self, Verdict},
        ids::Millis,
        json as raw,
        scratchlist::Entry,
        transcript::Transcript,
    },
    store::{self, Connection, messages::Message},
    wire::{export as wire, message::MessageView},
};

/// What is to be exported, and how.
pub struct Export {
    pub key: i64,
    pub now: Millis,
    pub format: Format,
    pub is_forced: bool,
    /// The whole session, encoded, and the same to look into.
    pub session: String,
    pub view: Value,
    /// Where a large export is put meanwhile.
    pub folder: PathBuf,
}

pub enum Outcome {
    Written(Spool),
    Large { count: u64, estimated: u64, limit: u64 },
    TooLarge { count: u64, estimated: u64 },
}

impl Export {
    /// Weighs, then writes. The inner error is that of the disk.
    pub fn run(self, conn: &mut Connection) -> store::Result<io::Result<Outcome>> {
        store::export::at_one_moment(conn, |conn| {
            let mut notes = store::scratchlist::of_session(conn, self.key)?;
            notes.reverse();
            let weight = store::export::weigh(conn, self.key)?;
            let count = weight.count;
            let beside = self.session.len() + raw::write(&notes).get().len();
            let estimated = export::estimate(count, weight.bytes, beside);
            match export::verdict(count, estimated, self.is_forced) {
                Verdict::Refuse => Ok(Ok(Outcome::TooLarge { count, estimated })),
                Verdict::Warn => Ok(Ok(Outcome::Large { count, estimated, limit: export::MAX_COUNT })),
                Verdict::Write => self.write(conn, &notes),
            }
        })
    }

    fn write(self, conn: &mut Connection, notes: &[Entry]) -> store::Result<io::Result<Outcome>> {
        let mut spool = Spool::new(&self.folder);
        let mut pen: Box<dyn Pen> = match self.format {
            Format::Json => Box::new(JsonPen { is_first: true }),
            Format::Markdown => Box::new(Transcript::of(&self.view)),
        };
        let mut outcome = spool.write(&pen.opening(&self));
        if outcome.is_ok() {
            store::export::each_message(conn, self.key, |message| {
                outcome =
                    shown(&message).map_or(Ok(()), |content| spool.write(&pen.message(&message, &content)));
                outcome.is_ok()
            })?;
        }
        let ended = outcome.and_then(|()| spool.write(&pen.ending(notes))).and_then(|()| spool.finish());
        Ok(ended.map(|()| Outcome::Written(spool)))
    }
}

/// The content, when a chat shows it. What cannot be looked into is shown as it is.
fn shown(message: &Message) -> Option<Value> {
    let content = raw::read(&message.content).unwrap_or(Value::Null);
    content::is_shown(&content, message.invoked_at.is_none()).then_some(content)
}

/// One way to write an export.
trait Pen {
    fn opening(&mut self, export: &Export) -> String;
    fn message(&mut self, message: &Message, content: &Value) -> String;
    fn ending(&mut self, notes: &[Entry]) -> String;
}

struct JsonPen {
    is_first: bool,
}

impl Pen for JsonPen {
    fn opening(&mut self, export: &Export) -> String {
        wire::opening(&export.session, export.now)
    }

    fn message(&mut self, message: &Message, _: &Value) -> String {
        let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
        format!("{comma}{}", raw::write(&MessageView::from(message)).get())
    }

    fn ending(&mut self, notes: &[Entry]) -> String {
        wire::ending(notes)
    }
}

impl Pen for Transcript {
    fn opening(&mut self, export: &Export) -> String {
        Self::opening(self, &export.view, export.now)
    }

    fn message(&mut self, message: &Message, content: &Value) -> String {
        Self::message(self, content, message.position().at)
    }

    fn ending(&mut self, notes: &[Entry]) -> String {
        self.notes(notes)
    }
}
