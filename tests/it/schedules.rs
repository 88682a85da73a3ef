//! The short form of the fault schedules. The long one is `cargo test --test faults`.

use crate::rig::{self, Outcome, Plan, report};

/// Runs these, each of which says its seed when it fails.
async fn run(seeds: impl IntoIterator<Item = u64>) {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for seed in seeds {
        let plan = Plan::new(seed);
        let outcome = rig::run(&plan).await.unwrap();
        println!("{}", report::line(&plan, &outcome));
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
        assert!(outcome.acknowledged > 0, "seed {seed}: nothing was ever acknowledged: {outcome:?}");
        outcomes.push(outcome);
    }
    println!("{}", report::summary(&outcomes));
}

#[actix_rt::test]
async fn nothing_acknowledged_is_lost_when_the_hub_its_clients_and_their_lines_die() {
    run([1, 2, 9, 10]).await;
}

#[actix_rt::test]
async fn nothing_acknowledged_is_lost_when_sessions_are_poisoned() {
    run([7, 15]).await;
}

#[actix_rt::test]
async fn a_disk_that_takes_nothing_is_told_and_survived() {
    for (name, done) in rig::disk::all().await {
        done.unwrap_or_else(|error| panic!("{name}: {error:#}"));
    }
}
