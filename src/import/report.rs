//! What an import did, for people and for programs. It names secrets and tells none.

use std::{fmt::Write, path::Path};

use serde::Serialize;

use super::{
    account::{Account, Moved},
    attachments::Attachments,
    check,
    convert::Repairs,
    home::Carried,
};

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub source: String,
    pub schema_version: i64,
    pub database: String,
    /// Whether this was a trial: everything was done and nothing kept.
    pub dry_run: bool,
    /// Whether the database is another than before.
    pub changed: bool,
    pub tables: Vec<TableReport>,
    pub repairs: Repairs,
    pub not_carried: Vec<NotCarried>,
    pub home: Carried,
    pub attachments: Attachments,
    /// What people should know beside.
    pub notices: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableReport {
    pub table: &'static str,
    pub read: u64,
    pub added: u64,
    pub already_here: u64,
    pub left_out: u64,
    pub without_session: u64,
    pub unusable: u64,
    /// Of the rows that were added; as read and as stored it is the same.
    pub checksum: String,
}

/// A table whose rows stay behind.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotCarried {
    pub table: String,
    pub rows: u64,
    pub reason: &'static str,
}

pub fn tables(moved: &Moved) -> Vec<TableReport> {
    let names = check::TABLES.iter().map(|(name, _)| *name);
    names.zip(moved.accounts()).map(|(name, account)| table(name, account)).collect()
}

fn table(table: &'static str, account: &Account) -> TableReport {
    let Account { read, already_here, left_out, without_session, unusable, added } = account;
    TableReport {
        table,
        read: read + without_session,
        added: added.rows,
        already_here: *already_here,
        left_out: *left_out,
        without_session: *without_session,
        unusable: *unusable,
        checksum: added.checksum(),
    }
}

impl Report {
    /// The whole text, ending in a line break.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |line: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        };
        let done = match (self.dry_run, self.changed) {
            (true, _) => "Would import",
            (false, true) => "Imported",
            (false, false) => "Nothing new to import",
        };
        line(format!("{done}: {} (schema {}) into {}", self.source, self.schema_version, self.database));
        line(format!(
            "  {:<20} {:>9} {:>9} {:>12} {:>9} {:>15} {:>9}",
            "", "read", "added", "already here", "left out", "without session", "unusable"
        ));
        for table in &self.tables {
            line(format!(
                "  {:<20} {:>9} {:>9} {:>12} {:>9} {:>15} {:>9}",
                table.table,
                table.read,
                table.added,
                table.already_here,
                table.left_out,
                table.without_session,
                table.unusable
            ));
        }
        for (what, number) in self.numbers().into_iter().filter(|(_, number)| *number > 0) {
            line(format!("  {what}: {number}"));
        }
        for NotCarried { table, rows, reason } in &self.not_carried {
            line(format!("  {table} ({rows} rows) stays behind: {reason}"));
        }
        for (what, names) in self.names() {
            if !names.is_empty() {
                line(format!("  {what}: {}", names.join(", ")));
            }
        }
        for notice in &self.notices {
            line(format!("  note: {notice}"));
        }
        text
    }

    fn numbers(&self) -> [(&'static str, u64); 13] {
        let Repairs {
            undecodable_contents,
            repaired_texts,
            unreadable_fields,
            clamped_numbers,
            uncertain_deliveries,
            renumbered_sessions,
            renumbered_messages,
            repeated_local_ids,
        } = self.repairs;
        let Attachments { copied, already_here, kept_ours, missing, refused } = self.attachments;
        [
            ("contents that cannot be understood and are empty now", undecodable_contents),
            ("texts with characters that had to be replaced", repaired_texts),
            ("fields that are no JSON and are unset now", unreadable_fields),
            ("numbers out of range", clamped_numbers),
            ("prompts whose delivery is uncertain", uncertain_deliveries),
            ("sessions whose messages were numbered anew", renumbered_sessions),
            ("messages with another number than before", renumbered_messages),
            ("messages that lost a repeated local id", repeated_local_ids),
            ("attachments copied", copied),
            ("attachments already here", already_here),
            ("attachments that differ from the file here, which stays", kept_ours),
            ("attachments whose file is missing", missing),
            ("attachments that are no files of the notes' folder", refused),
        ]
    }

    fn names(&self) -> [(&'static str, &[String]); 6] {
        let Carried { same_folder: _, settings, settings_kept, settings_left, files, files_kept, unusable } =
            &self.home;
        [
            ("settings brought along", settings),
            ("settings that differ here and stay", settings_kept),
            ("settings that no hub takes any more", settings_left),
            ("files brought along", files),
            ("files that differ here and stay", files_kept),
            ("files that do not hold what they should and stay behind", unusable),
        ]
    }
}

/// What follows from what was and was not brought, in words.
pub fn notices(moved: &Moved, home: &Carried, source_home: &Path) -> Vec<String> {
    let mut notices = Vec::new();
    let has = |names: &[String], name: &str| names.iter().any(|known| known == name);
    if moved.sessions.already_here > 0 {
        notices.push("sessions that are already here were left as they are".to_owned());
    }
    if has(&home.settings_kept, "cliApiToken") {
        notices.push("the access token here differs: clients of the other hub must be given it".to_owned());
    }
    if has(&home.settings_kept, "vapidKeys") {
        notices.push("the push keys here differ: browsers must ask for pushes again".to_owned());
    }
    if has(&home.files_kept, "jwt-secret.json") {
        notices.push("the key of web tokens here differs: browsers must sign in again".to_owned());
    }
    if !home.same_folder && !source_home.join("settings.json").exists() {
        let folder = source_home.display();
        notices.push(format!("there is no settings.json in {folder}, so no access token came along"));
    }
    notices
}
