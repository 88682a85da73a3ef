//! A machine's runner: it writes its state and comes back.

use std::{cell::Cell, rc::Rc, time::Duration};

use serde_json::json;
use tokio::{sync::Notify, task::spawn_local};

use super::{
    Scene,
    socket::{Frame, Socket},
};

pub struct Runner {
    killed: Rc<Notify>,
}

impl Runner {
    pub fn start(scene: &Scene, machine: &str) -> Self {
        let killed = Rc::new(Notify::new());
        let (scene, machine, again) = (scene.clone(), machine.to_owned(), killed.clone());
        spawn_local(async move {
            let count = Cell::new(0);
            while !scene.over.is_cancelled() {
                tokio::select! {
                    () = run(&scene, &machine, &count) => {}
                    () = again.notified() => {}
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
        Self { killed }
    }

    pub fn kill(&self) {
        self.killed.notify_one();
    }
}

async fn run(scene: &Scene, machine: &str, count: &Cell<u64>) {
    let auth = json!({ "token": &*scene.token, "machineId": machine });
    if let Some(mut socket) = Socket::connect(&scene.sockets.address, &auth).await {
        // Its line goes down sooner or later.
        let _ = converse(scene, &mut socket, machine, count).await;
    }
}

async fn converse(scene: &Scene, socket: &mut Socket, machine: &str, count: &Cell<u64>) -> Option<()> {
    for method in 0..33 {
        socket.emit("rpc-register", &json!({ "method": format!("{machine}:method-{method}") })).await?;
    }
    let mut version = 1;
    let mut asked = None;
    let mut ticks = tokio::time::interval(Duration::from_millis(40));
    loop {
        tokio::select! {
            frame = socket.next() => {
                if let Frame::Ack { number, answer } = frame?
                    && asked == Some(number)
                {
                    asked = None;
                    version = answer["version"].as_i64().unwrap_or(version);
                    if answer["result"] == "success" {
                        scene.ledger.write_acknowledged(format!("{machine} runnerState"), &answer, count.get());
                    }
                }
            }
            _ = ticks.tick(), if asked.is_none() => {
                if scene.winding_down.is_cancelled() {
                    continue;
                }
                count.set(count.get() + 1);
                let state = json!({ "status": "running", "count": count.get() });
                let update = json!({ "machineId": machine, "expectedVersion": version, "runnerState": state });
                asked = Some(socket.ask("machine-update-state", &update).await?);
            }
            () = scene.over.cancelled() => return None,
        }
    }
}
