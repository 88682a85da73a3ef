//! What is broken, in which order and when: made from one number, so that it can be made again.

use rand::{Rng, SeedableRng, rngs::StdRng};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The hub dies without a word, and comes back.
    KillHub,
    /// The hub is asked to stop, and comes back.
    StopHub,
    CutSockets,
    CutRequests,
    /// Every line delays what it carries, for a while.
    Delay,
    /// Every request reaches the hub twice, for a while.
    DoubleRequests,
    /// A session's process dies and a new one takes its place.
    KillAgent,
    KillRunner,
    /// A client's clock jumps by up to years.
    JumpClock,
    /// A session's actor is brought down by what its agent says.
    Poison,
}

#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What passes before it, in milliseconds.
    pub after: u64,
    pub fault: Fault,
    /// Chooses whom it hits and how hard.
    pub dice: u64,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub steps: Vec<Step>,
    pub agents: usize,
    pub persons: usize,
    /// The hub is a part of this process, so that its actors can be poisoned, and is never killed.
    pub is_within: bool,
}

const OF_A_PROCESS: [Fault; 11] = [
    Fault::KillHub,
    Fault::KillHub,
    Fault::StopHub,
    Fault::CutSockets,
    Fault::CutSockets,
    Fault::CutRequests,
    Fault::Delay,
    Fault::DoubleRequests,
    Fault::KillAgent,
    Fault::KillRunner,
    Fault::JumpClock,
];

const WITHIN: [Fault; 7] = [
    Fault::Poison,
    Fault::Poison,
    Fault::CutSockets,
    Fault::CutRequests,
    Fault::Delay,
    Fault::KillAgent,
    Fault::JumpClock,
];

impl Plan {
    pub fn new(seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let is_within = seed % 8 == 7;
        let faults: &[Fault] = if is_within { &WITHIN } else { &OF_A_PROCESS };
        let steps = (0..dice.random_range(4..10))
            .map(|_| Step {
                after: dice.random_range(20..300),
                fault: faults[dice.random_range(0..faults.len())],
                dice: dice.random(),
            })
            .collect();
        Self { seed, steps, agents: dice.random_range(1..=3), persons: dice.random_range(1..=3), is_within }
    }
}
