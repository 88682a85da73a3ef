//! How many rows there are.

use diesel::{prelude::*, sqlite::SqliteConnection};

use crate::store::{
    Result,
    schema::{devices, machines, messages, push_subscriptions, scratchlist, sessions, users},
};

/// The tables that rows are taken over into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Sessions,
    Messages,
    Notes,
    Machines,
    Users,
    PushSubscriptions,
    Devices,
}

pub fn count(conn: &mut SqliteConnection, table: Table) -> Result<i64> {
    Ok(match table {
        Table::Sessions => sessions::table.count().get_result(conn),
        Table::Messages => messages::table.count().get_result(conn),
        Table::Notes => scratchlist::table.count().get_result(conn),
        Table::Machines => machines::table.count().get_result(conn),
        Table::Users => users::table.count().get_result(conn),
        Table::PushSubscriptions => push_subscriptions::table.count().get_result(conn),
        Table::Devices => devices::table.count().get_result(conn),
    }?)
}
