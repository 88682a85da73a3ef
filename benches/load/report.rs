//! Rows of the table: what was measured, in the units of the budgets.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::hub::Hub;

/// Time that a scenario runs before anything counts, so that caches and compilers are warm.
const WARM_UP: Duration = Duration::from_millis(700);

/// The part of a run that counts.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub from: Instant,
    pub until: Instant,
}

impl Window {
    pub fn starting_now(length: Duration) -> Self {
        let from = Instant::now() + WARM_UP;
        Self { from, until: from + length }
    }

    pub fn counts(&self, at: Instant) -> bool {
        self.from <= at && at <= self.until
    }

    pub fn is_over(&self) -> bool {
        Instant::now() > self.until
    }

    pub fn seconds(&self) -> f64 {
        (self.until - self.from).as_secs_f64()
    }

    /// The processor time that the hub uses within the window.
    pub async fn watch(self, hub: &Hub) -> Result<Duration> {
        tokio::time::sleep_until(self.from.into()).await;
        let before = hub.usage()?;
        tokio::time::sleep_until(self.until.into()).await;
        Ok(hub.usage()?.cpu.saturating_sub(before.cpu))
    }
}

/// Latencies in microseconds, and how many operations they stand for.
pub struct Times {
    histogram: Histogram<u64>,
    pub count: u64,
}

impl Times {
    pub fn new() -> Result<Self> {
        Ok(Self { histogram: Histogram::new(3)?, count: 0 })
    }

    pub fn note(&mut self, time: Duration) -> Result<()> {
        self.note_many(time, 1)
    }

    /// One latency that `operations` share.
    pub fn note_many(&mut self, time: Duration, operations: u64) -> Result<()> {
        self.count += operations;
        Ok(self.histogram.record(u64::try_from(time.as_micros())?)?)
    }

    pub fn add(&mut self, other: &Self) -> Result<()> {
        self.count += other.count;
        Ok(self.histogram.add(&other.histogram)?)
    }

    pub fn all(parts: impl IntoIterator<Item = Self>) -> Result<Self> {
        let mut sum = Self::new()?;
        for part in parts {
            sum.add(&part)?;
        }
        Ok(sum)
    }

    fn quantile(&self, quantile: f64) -> Option<f64> {
        let micros = u32::try_from(self.histogram.value_at_quantile(quantile)).ok()?;
        (!self.histogram.is_empty()).then(|| f64::from(micros) / 1_000.0)
    }
}

/// One line of the table. What a scenario does not measure is absent.
#[derive(Debug, Default, Serialize)]
pub struct Row {
    pub scenario: String,
    pub hub: &'static str,
    pub per_second: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p90_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub max_ms: Option<f64>,
    pub lost: Option<u64>,
    pub cpu_micros_each: Option<f64>,
    pub resident_mb: Option<f64>,
    pub note: String,
}

impl Row {
    pub fn named(scenario: impl Into<String>) -> Self {
        Self { scenario: scenario.into(), ..Self::default() }
    }

    pub fn times(mut self, times: &Times) -> Self {
        self.p50_ms = times.quantile(0.5);
        self.p90_ms = times.quantile(0.9);
        self.p99_ms = times.quantile(0.99);
        self.max_ms = times.quantile(1.0);
        self
    }

    pub fn rate(mut self, operations: f64, window: &Window, cpu: Duration) -> Self {
        self.per_second = Some(operations / window.seconds());
        self.cpu_micros_each = (operations > 0.0).then(|| cpu.as_secs_f64() * 1e6 / operations);
        self
    }

    pub fn lost(mut self, lost: u64) -> Self {
        self.lost = Some(lost);
        self
    }

    pub fn memory_of(mut self, hub: &Hub) -> Result<Self> {
        self.resident_mb = Some(megabytes(hub.usage()?.resident));
        Ok(self)
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

pub fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1_024).unwrap_or(u32::MAX)) / 1_024.0
}

/// The count as the number that rates are made of.
pub fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| scenario | hub | per s | p50 ms | p90 ms | p99 ms | max ms | lost | CPU µs each | RSS MB | note |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n",
    );
    for row in rows {
        let time = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
        let whole = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.0}"));
        let lost = row.lost.map_or_else(String::new, |lost| lost.to_string());
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {lost} | {} | {} | {} |",
            row.scenario,
            row.hub,
            whole(row.per_second),
            time(row.p50_ms),
            time(row.p90_ms),
            time(row.p99_ms),
            time(row.max_ms),
            row.cpu_micros_each.map_or_else(String::new, |cpu| format!("{cpu:.1}")),
            row.resident_mb.map_or_else(String::new, |megabytes| format!("{megabytes:.1}")),
            row.note
        );
    }
    text
}
