//! The rows of each table, as they lie in the file.

use super::MessageRow;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Binary, Nullable},
    sqlite::Sqlite,
};

/// What is read of a table.
pub trait Row: QueryableByName<Sqlite> + 'static {
    const TABLE: &'static str;
    const TEXTS: &'static [&'static str];
    const NUMBERS: &'static [&'static str];
}

/// Declares a row: its texts (as bytes) and its numbers, by the names of their columns.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident, $table:literal: texts($($text:ident),*) numbers($($number:ident),*)) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, QueryableByName)]
        pub struct $name {
            $(#[diesel(sql_type = Nullable<Binary>)] pub $text: Option<Vec<u8>>,)*
            $(#[diesel(sql_type = Nullable<BigInt>)] pub $number: Option<i64>,)*
        }

        impl $crate::store::hapi::Row for $name {
            const TABLE: &'static str = $table;
            const TEXTS: &'static [&'static str] = &[$(stringify!($text)),*];
            const NUMBERS: &'static [&'static str] = &[$(stringify!($number)),*];
        }
    };
}
pub(super) use row;

row! {
    SessionRow, "sessions":
    texts(
        id, tag, namespace, metadata, agent_state, model, model_reasoning_effort, effort, service_tier, todos, team_state
    )
    numbers(
        created_at, updated_at, metadata_version, agent_state_version, todos_updated_at, team_state_updated_at, pinned,
        global_pinned, active_at, seq
    )
}

row! {
    MachineRow, "machines":
    texts(id, namespace, metadata, runner_state)
    numbers(created_at, updated_at, metadata_version, runner_state_version, active_at, seq)
}

row! {
    /// A note beside a session.
    NoteRow, "session_scratchlist":
    texts(entry_id, text, attachments)
    numbers(created_at, updated_at)
}

row! {
    UserRow, "users":
    texts(platform, platform_user_id, namespace)
    numbers(created_at)
}

row! {
    PushRow, "push_subscriptions":
    texts(namespace, endpoint, p256dh, auth)
    numbers(created_at)
}

row! {
    DeviceRow, "fcm_devices":
    texts(namespace, token, platform, device_id, push_key)
    numbers(created_at, updated_at)
}

/// The columns that are looked at, or known to hold nothing, by table.
pub fn read_columns() -> [(&'static str, Vec<&'static str>); 7] {
    fn of<R: Row>(others: &[&'static str]) -> (&'static str, Vec<&'static str>) {
        (R::TABLE, [R::TEXTS, R::NUMBERS, others].concat())
    }
    [
        // The machine of a session is in its metadata, and nothing is in contact yet.
        of::<SessionRow>(&["machine_id", "active"]),
        of::<MessageRow>(&["session_id"]),
        of::<NoteRow>(&["session_id"]),
        of::<MachineRow>(&["active", "daemon_state", "daemon_state_version"]),
        // Numbers of rows mean nothing elsewhere.
        of::<UserRow>(&["id"]),
        of::<PushRow>(&["id"]),
        of::<DeviceRow>(&["id"]),
    ]
}
