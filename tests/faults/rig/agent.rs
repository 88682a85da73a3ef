//! A session's process: it talks, asks, takes prompts, and comes back the way released CLIs do. What it buffered while
//! the line was down goes first; what was sent and not answered for is sent again where that is safe.

mod life;

use std::{cell::Cell, rc::Rc};

use rand::{SeedableRng, rngs::StdRng};
use tokio::{sync::Notify, task::spawn_local};

use super::Scene;
use life::Life;

/// A text that brings a session's actor down, where the hub lets that be.
pub const POISON: &str = "poisonous words";

pub struct Agent {
    pub session: String,
    killed: Rc<Notify>,
    shared: Rc<Shared>,
}

/// What the plan moves and what it waits for.
#[derive(Default)]
struct Shared {
    clock_offset: Cell<i64>,
    poisons: Cell<u32>,
    is_settled: Cell<bool>,
    /// Numbers go on from life to life.
    last_number: Cell<u64>,
    last_count: Cell<u64>,
    requests: Cell<u64>,
    lives: Cell<u64>,
}

impl Agent {
    pub fn start(scene: &Scene, session: &str, seed: u64) -> Self {
        let killed = Rc::new(Notify::new());
        let shared = Rc::<Shared>::default();
        let this = Self { session: session.to_owned(), killed: killed.clone(), shared: shared.clone() };
        let (scene, session) = (scene.clone(), session.to_owned());
        spawn_local(async move {
            let mut dice = StdRng::seed_from_u64(seed);
            loop {
                let mut life = Life::new(&scene, &session, &shared, &mut dice);
                tokio::select! {
                    () = life.run() => return,
                    () = killed.notified() => life.die(),
                }
            }
        });
        this
    }

    pub fn kill(&self) {
        self.shared.is_settled.set(false);
        self.killed.notify_one();
    }

    pub fn set_clock(&self, offset: i64) {
        self.shared.clock_offset.set(offset);
    }

    pub fn poison(&self) {
        self.shared.poisons.set(self.shared.poisons.get() + 1);
    }

    /// Everything that it said and took is answered for.
    pub fn is_settled(&self) -> bool {
        self.shared.is_settled.get()
    }
}
