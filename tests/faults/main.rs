//! The long form of the fault schedules: as many as are asked for, from a seed on.
//!
//! `cargo test --test faults -- --schedules 200 --seed 1 --parallel 2`
//!
//! A schedule that fails is run again alone by `--schedules 1 --seed <its seed>`.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for developers, which stops where something is not as it must be"
)]

mod rig;

use std::{
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Parser;
use rig::{Outcome, Plan};

#[derive(Parser)]
struct Arguments {
    /// How many schedules
    #[arg(long, default_value_t = 20)]
    schedules: u64,
    /// The seed of the first; each next has the next number
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many at one time
    #[arg(long, default_value_t = 2)]
    parallel: usize,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let began = Instant::now();
    let next = AtomicU64::new(arguments.seed);
    let end = arguments.seed + arguments.schedules;
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..arguments.parallel.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let plan = Plan::new(seed);
                    let outcome = actix_rt::System::new().block_on(rig::run(&plan));
                    let outcome = outcome.unwrap_or_else(|error| Outcome {
                        seed,
                        violations: vec![format!("{error:#}")],
                        ..Outcome::default()
                    });
                    tell(&plan, &outcome);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
                }
            });
        }
    });
    let outcomes = Arc::into_inner(outcomes).context("somebody still runs")?;
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(summary(&outcomes, began))
}

fn tell(plan: &Plan, outcome: &Outcome) {
    let verdict = if outcome.violations.is_empty() { "ok" } else { "FAILED" };
    let faults: Vec<_> = plan.steps.iter().map(|step| format!("{:?}", step.fault)).collect();
    println!(
        "seed {:>5}  {verdict:<6}  messages {:>4}/{:<4} prompts {:>3} decisions {:>2} writes {:>3}  {}",
        plan.seed,
        outcome.acknowledged,
        outcome.messages,
        outcome.prompts,
        outcome.decisions,
        outcome.writes,
        faults.join(" ")
    );
    for violation in outcome.violations.iter().take(12) {
        println!("            {violation}");
    }
}

fn summary(outcomes: &[Outcome], began: Instant) -> ExitCode {
    let sum = |what: fn(&Outcome) -> usize| outcomes.iter().map(what).sum::<usize>();
    let failed: Vec<u64> =
        outcomes.iter().filter(|one| !one.violations.is_empty()).map(|one| one.seed).collect();
    println!("\nschedules         {:>8}  in {:.0?}", outcomes.len(), began.elapsed());
    for (name, count) in [
        ("messages said", sum(|one| one.messages)),
        ("  acknowledged", sum(|one| one.acknowledged)),
        ("prompts", sum(|one| one.prompts)),
        ("decisions", sum(|one| one.decisions)),
        ("versioned writes", sum(|one| one.writes)),
        ("messages streamed", sum(|one| one.events)),
        ("connections", sum(|one| usize::try_from(one.reconnects).unwrap_or(usize::MAX))),
        ("violations", sum(|one| one.violations.len())),
    ] {
        println!("{name:<18}{count:>8}");
    }
    let mut faults = std::collections::BTreeMap::new();
    for (fault, count) in outcomes.iter().flat_map(|one| &one.faults) {
        *faults.entry(*fault).or_insert(0) += count;
    }
    for (fault, count) in faults {
        println!("  {:<16}{count:>8}", format!("{fault:?}"));
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed seeds: {failed:?}");
    ExitCode::FAILURE
}
