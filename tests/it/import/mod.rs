//! Taking over the database of a released hub, from the file to what a browser reads.

mod carried;
mod command;
mod hostile;
mod layouts;
mod refused;
mod repeated;

use std::{collections::BTreeMap, path::Path};

use diesel::{Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_types::Text};
use wheelhouse::import::{self, Options, Report};

use crate::support::TestHub;

/// An import into the home of a hub.
fn options(source: &Path, hub: &TestHub) -> Options {
    Options {
        source: source.to_owned(),
        home: hub.home().to_owned(),
        database: hub.database(),
        dry_run: false,
        force: false,
        clock: hub.clock.clone(),
    }
}

fn run(options: &Options) -> import::Result<Report> {
    import::run(options, &mut |_| ())
}

fn imported(source: &Path, hub: &TestHub) -> Report {
    run(&options(source, hub)).unwrap()
}

/// Why an import did not happen, with its causes.
fn refusal(options: &Options) -> String {
    format!("{:#}", anyhow::Error::from(run(options).unwrap_err()))
}

/// Each file below a folder with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// Added, already here, left out, without session, unusable.
fn counts(report: &Report, table: &str) -> [u64; 5] {
    let table = report.tables.iter().find(|row| row.table == table).unwrap();
    let sum = table.added + table.already_here + table.left_out + table.without_session + table.unusable;
    assert_eq!(sum, table.read, "{table:?}");
    [table.added, table.already_here, table.left_out, table.without_session, table.unusable]
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What a query says of the hub's database; its one column is called `line`.
fn stored(hub: &TestHub, sql: &str) -> Vec<String> {
    let mut conn = SqliteConnection::establish(hub.database().to_str().unwrap()).unwrap();
    diesel::sql_query(sql).load::<Line>(&mut conn).unwrap().into_iter().map(|row| row.line).collect()
}

fn change(hub: &TestHub, sql: &str) {
    let mut conn = SqliteConnection::establish(hub.database().to_str().unwrap()).unwrap();
    conn.batch_execute(sql).unwrap();
}
