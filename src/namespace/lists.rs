//! The lists: answered from what the children reported last, without asking any of them.

use actix::prelude::*;
use bytes::Bytes;

use super::{Order, Row, Tenant};
use crate::{
    domain::ids::{MachineId, SessionId},
    machine::MachineView,
    store::machines::Machine,
};

/// A session's row changed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SummaryChanged {
    pub id: SessionId,
    pub row: Row,
}

impl Handler<SummaryChanged> for Tenant {
    type Result = ();

    fn handle(&mut self, SummaryChanged { id, row }: SummaryChanged, ctx: &mut Self::Context) {
        // A report of a session that was deleted meanwhile brings nothing back.
        if !self.index.contains(&id) {
            return;
        }
        self.index.put(id.clone(), row);
        if let Some(conversation) = self.index.shared_conversation(&id) {
            self.join_duplicates(conversation, ctx);
        }
    }
}

/// The body of the session list.
#[derive(Message)]
#[rtype(result = "Bytes")]
pub struct ListSessions {
    pub order: Order,
    pub limit: Option<usize>,
}

impl Handler<ListSessions> for Tenant {
    type Result = MessageResult<ListSessions>;

    fn handle(&mut self, ListSessions { order, limit }: ListSessions, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.index.list(order, limit))
    }
}

/// What the list knows of a machine.
#[derive(Clone, Debug)]
pub struct MachineRow {
    pub is_active: bool,
    pub host: Option<String>,
    pub json: Bytes,
}

impl MachineRow {
    /// A machine that has not been heard of since the hub started.
    pub fn resting(row: &Machine) -> Self {
        Self::of(&MachineView::of(row, false, row.active_at, None))
    }

    pub fn of(view: &MachineView) -> Self {
        Self {
            is_active: view.active,
            host: view.host().map(str::to_owned),
            json: serde_json::to_vec(view).unwrap_or_default().into(),
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct MachineChanged {
    pub id: MachineId,
    pub row: MachineRow,
}

impl Handler<MachineChanged> for Tenant {
    type Result = ();

    fn handle(&mut self, MachineChanged { id, row }: MachineChanged, _: &mut Self::Context) {
        self.machine_rows.insert(id, row);
    }
}

/// The machines that are online: their ids, host names and encoded rows.
#[derive(Message)]
#[rtype(result = "Vec<(MachineId, MachineRow)>")]
pub struct ListMachines;

impl Handler<ListMachines> for Tenant {
    type Result = MessageResult<ListMachines>;

    fn handle(&mut self, _: ListMachines, _: &mut Self::Context) -> Self::Result {
        let mut online: Vec<_> = self
            .machine_rows
            .iter()
            .filter(|(_, row)| row.is_active)
            .map(|(id, row)| (id.clone(), row.clone()))
            .collect();
        online.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        MessageResult(online)
    }
}
