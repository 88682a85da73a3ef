//! How often an actor may die: whoever dies again and again is left down for a while.

use std::collections::VecDeque;

use crate::domain::ids::Millis;

const DEATHS: usize = 5;
const WITHIN: Millis = 60_000;
const DOWN_FOR: Millis = 30_000;

#[derive(Debug, Default)]
pub struct Restarts {
    deaths: VecDeque<Millis>,
}

impl Restarts {
    pub fn died(&mut self, now: Millis) {
        self.deaths.push_back(now);
        while self.deaths.front().is_some_and(|at| now - at > WITHIN) {
            self.deaths.pop_front();
        }
    }

    pub fn is_down(&self, now: Millis) -> bool {
        self.deaths.len() >= DEATHS && self.deaths.back().is_some_and(|last| now - last < DOWN_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_deaths_in_a_minute_keep_an_actor_down_for_half_a_minute() {
        let mut restarts = Restarts::default();
        (0..4).for_each(|n| restarts.died(n * 1_000));
        assert!(!restarts.is_down(4_000));
        restarts.died(5_000);
        assert!(restarts.is_down(34_000));
        assert!(!restarts.is_down(35_000));
    }

    #[test]
    fn rare_deaths_are_forgiven() {
        let mut restarts = Restarts::default();
        (0..20).for_each(|n| restarts.died(n * 20_000));
        assert!(!restarts.is_down(19 * 20_000 + 1));
    }
}
