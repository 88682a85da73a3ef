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
    for (name, done) in actix_rt::System::new().block_on(rig::disk::all()) {
        println!(
            "{name:<40}  {}",
            done.as_ref().map_or_else(|error| format!("{error:#}"), |()| "ok".to_owned())
        );
        if done.is_err() {
            return Ok(ExitCode::FAILURE);
        }
    }
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
                    println!("{}", rig::report::line(&plan, &outcome));
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
                }
            });
        }
    });
    let outcomes = Arc::into_inner(outcomes).context("somebody still runs")?;
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(summary(&outcomes, began))
}

fn summary(outcomes: &[Outcome], began: Instant) -> ExitCode {
    println!("\n{}took {:.0?}", rig::report::summary(outcomes), began.elapsed());
    let is_sound = outcomes.iter().all(|one| one.violations.is_empty());
    if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
