//! One session, watched for what is worth a notice: how long questions are gathered before people are told of them, and
//! how far apart it is told that the agent waits. What was told already, and whether the session is still there, is
//! looked up when a notice is due.

use std::collections::HashSet;

use crate::domain::ids::Millis;

/// Questions that come this close to each other are told together.
const GATHERING: Millis = 500;
/// So long at the most, when they keep coming.
const LONGEST_GATHERING: Millis = 5_000;
/// From one "the agent waits" to the next.
const COOLDOWN: Millis = 5_000;

/// A question by its id and the moment it was asked: an id may come back for another question.
pub type Question = (String, Millis);

/// What happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Its process is there.
    Active,
    /// Its process is gone.
    Inactive,
    /// All questions that wait in it now.
    Asks(Vec<Question>),
    /// The agent says, by this message, that it waits for a person.
    Ready(String),
    /// A person said something: the agent does not wait any more.
    Prompted,
}

/// What is due to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Questions nobody was told of yet.
    pub questions: bool,
    /// That the agent waits, by the message that says so.
    pub ready: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Gathering {
    first: Millis,
    last: Millis,
}

#[derive(Clone, Debug, Default)]
pub struct Watch {
    is_active: bool,
    /// The questions at the last look.
    seen: HashSet<Question>,
    gathering: Option<Gathering>,
    waits: Option<(String, Millis)>,
    ready_told_at: Option<Millis>,
}

impl Watch {
    pub fn hear(&mut self, fact: Fact, now: Millis) {
        match fact {
            Fact::Active if !self.is_active => {
                self.is_active = true;
                // Questions may wait in it from before.
                self.gather(now);
            }
            Fact::Active => {}
            Fact::Inactive => *self = Self::default(),
            Fact::Asks(questions) => {
                let questions: HashSet<Question> = questions.into_iter().collect();
                if questions.difference(&self.seen).next().is_some() {
                    self.gather(now);
                }
                self.seen = questions;
            }
            Fact::Ready(message) => self.waits = Some((message, now)),
            Fact::Prompted => self.waits = None,
        }
    }

    fn gather(&mut self, now: Millis) {
        let first = self.gathering.map_or(now, |gathering| gathering.first);
        self.gathering = Some(Gathering { first, last: now });
    }

    /// Whether there is nothing to remember.
    pub fn is_idle(&self) -> bool {
        !self.is_active && self.due_at().is_none()
    }

    /// When something is to be told next.
    pub fn due_at(&self) -> Option<Millis> {
        [self.questions_at(), self.ready_at()].into_iter().flatten().min()
    }

    fn questions_at(&self) -> Option<Millis> {
        let Gathering { first, last } = self.gathering?;
        Some((last + GATHERING).min(first + LONGEST_GATHERING))
    }

    fn ready_at(&self) -> Option<Millis> {
        let (_, said_at) = self.waits.as_ref()?;
        Some(self.ready_told_at.map_or(*said_at, |told| (told + COOLDOWN).max(*said_at)))
    }

    /// Takes out what is due. A clock that was put back must not hold anything up.
    pub fn take_due(&mut self, now: Millis) -> Due {
        let is_due = |at: Option<Millis>, since: Option<Millis>| {
            at.is_some_and(|at| at <= now) || since.is_some_and(|since| now < since)
        };
        let questions = is_due(self.questions_at(), self.gathering.map(|gathering| gathering.first));
        if questions {
            self.gathering = None;
        }
        let said_at = self.waits.as_ref().map(|(_, at)| *at);
        let ready = if is_due(self.ready_at(), said_at) { self.waits.take() } else { None };
        if ready.is_some() {
            self.ready_told_at = Some(now);
        }
        Due { questions, ready: ready.map(|(message, _)| message) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asks(ids: &[&str]) -> Fact {
        Fact::Asks(ids.iter().map(|id| ((*id).to_owned(), 0)).collect())
    }

    /// Lets time pass in small steps; the moments at which questions and readiness were told.
    fn run(watch: &mut Watch, from: Millis, to: Millis) -> (Vec<Millis>, Vec<Millis>) {
        let (mut questions, mut ready) = (Vec::new(), Vec::new());
        for now in from..to {
            let due = watch.take_due(now);
            questions.extend(due.questions.then_some(now));
            ready.extend(due.ready.map(|_| now));
        }
        (questions, ready)
    }

    #[test]
    fn the_same_questions_again_are_nothing_new() {
        let mut watch = Watch::default();
        watch.hear(Fact::Active, 0);
        watch.hear(asks(&["a"]), 100);
        assert_eq!(run(&mut watch, 0, 1_000).0, [600]);
        watch.hear(asks(&["a"]), 1_000);
        watch.hear(Fact::Active, 1_000);
        assert_eq!(watch.due_at(), None);
        watch.hear(asks(&["b", "a"]), 2_000);
        assert_eq!(watch.due_at(), Some(2_500));
        watch.hear(Fact::Inactive, 2_100);
        assert!(watch.is_idle());
        watch.hear(Fact::Active, 3_000);
        assert_eq!(watch.due_at(), Some(3_500), "what waits from before is looked at");
    }

    #[test]
    fn who_keeps_asking_is_heard_all_the_same() {
        let mut watch = Watch::default();
        let mut told = Vec::new();
        for turn in 0..30 {
            let at = turn * 400;
            watch.hear(asks(&[&turn.to_string()]), at);
            told.extend(run(&mut watch, at, at + 400).0);
        }
        assert_eq!(told, [5_000, 10_200]);
    }

    #[test]
    fn a_person_who_spoke_is_not_told_that_the_agent_waits() {
        let mut watch = Watch::default();
        watch.hear(Fact::Ready("1".into()), 0);
        assert_eq!(watch.take_due(0).ready.as_deref(), Some("1"));
        watch.hear(Fact::Ready("2".into()), 1_000);
        assert_eq!(watch.take_due(1_000), Due::default());
        watch.hear(Fact::Prompted, 2_000);
        assert_eq!(watch.due_at(), None);
        watch.hear(Fact::Ready("3".into()), 3_000);
        assert_eq!(watch.take_due(5_000).ready.as_deref(), Some("3"));
    }

    #[test]
    fn a_clock_put_back_holds_nothing_up() {
        let mut watch = Watch::default();
        watch.hear(Fact::Active, 10_000);
        watch.hear(Fact::Ready("1".into()), 10_000);
        assert_eq!(watch.take_due(9_000), Due { questions: true, ready: Some("1".into()) });
    }

    proptest! {
        #[test]
        fn questions_asked_together_are_told_once_and_not_at_once(gaps in prop::collection::vec(0_i64..500, 1..9)) {
            let mut watch = Watch::default();
            let (mut at, mut ids, mut told) = (0, Vec::new(), Vec::new());
            for gap in gaps {
                told.extend(run(&mut watch, at, at + gap).0);
                at += gap;
                ids.push((ids.len().to_string(), 0));
                watch.hear(Fact::Asks(ids.clone()), at);
            }
            told.extend(run(&mut watch, at, at + 10_000).0);
            prop_assert_eq!(told, [at + GATHERING]);
        }

        #[test]
        fn readiness_is_told_at_a_distance_and_never_lost(times in prop::collection::vec(0_i64..40_000, 1..12)) {
            let mut times = times;
            times.sort_unstable();
            let mut watch = Watch::default();
            let (mut from, mut told) = (0, Vec::new());
            for at in &times {
                told.extend(run(&mut watch, from, *at).1);
                watch.hear(Fact::Ready(at.to_string()), *at);
                from = *at;
            }
            told.extend(run(&mut watch, from, 60_000).1);
            prop_assert_eq!(told[0], times[0]);
            prop_assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= COOLDOWN));
            prop_assert!(times.iter().all(|at| told.iter().any(|told| (*at..=at + COOLDOWN).contains(told))));
        }
    }
}
