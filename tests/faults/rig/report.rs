//! What is shown of schedules: a line of each, and a table of all.

use std::{collections::BTreeMap, fmt::Write};

use super::{Outcome, Plan};

/// How many violations of one schedule are shown.
const SHOWN: usize = 12;

pub fn line(plan: &Plan, outcome: &Outcome) -> String {
    let verdict = if outcome.violations.is_empty() { "ok" } else { "FAILED" };
    let faults: Vec<_> = plan.steps.iter().map(|step| format!("{:?}", step.fault)).collect();
    let mut text = format!(
        "seed {:>5}  {verdict:<6}  messages {:>4}/{:<4} prompts {:>3} decisions {:>2} writes {:>3}  {}",
        plan.seed,
        outcome.acknowledged,
        outcome.messages,
        outcome.prompts,
        outcome.decisions,
        outcome.writes,
        faults.join(" ")
    );
    for violation in outcome.violations.iter().take(SHOWN) {
        let _ = write!(text, "\n            {violation}");
    }
    text
}

pub fn summary(outcomes: &[Outcome]) -> String {
    let sum = |what: fn(&Outcome) -> usize| outcomes.iter().map(what).sum::<usize>();
    let mut rows = vec![
        ("schedules".to_owned(), outcomes.len()),
        ("messages said".to_owned(), sum(|one| one.messages)),
        ("  acknowledged".to_owned(), sum(|one| one.acknowledged)),
        ("  late, never acknowledged".to_owned(), sum(|one| one.late)),
        ("prompts".to_owned(), sum(|one| one.prompts)),
        ("decisions".to_owned(), sum(|one| one.decisions)),
        ("versioned writes".to_owned(), sum(|one| one.writes)),
        ("messages streamed".to_owned(), sum(|one| one.events)),
        ("connections of agents".to_owned(), sum(|one| one.connections)),
        ("violations".to_owned(), sum(|one| one.violations.len())),
    ];
    let mut faults = BTreeMap::new();
    for (fault, count) in outcomes.iter().flat_map(|one| &one.faults) {
        *faults.entry(*fault).or_insert(0) += count;
    }
    rows.extend(faults.into_iter().map(|(fault, count)| (format!("fault {fault:?}"), count)));
    let mut text = String::new();
    for (name, count) in rows {
        let _ = writeln!(text, "{name:<28}{count:>8}");
    }
    let failed: Vec<u64> =
        outcomes.iter().filter(|one| !one.violations.is_empty()).map(|one| one.seed).collect();
    if !failed.is_empty() {
        let _ = writeln!(text, "failed seeds: {failed:?}");
    }
    text
}
