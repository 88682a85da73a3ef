//! What the hub's processes use, as the kernel counts it.

use std::{
    fs::File,
    io::{Seek, Write},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// Linux counts processor time in hundredths of a second and memory in pages of 4 KiB, as seen from outside.
const TICK: Duration = Duration::from_millis(10);
const PAGE: u64 = 4_096;

#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Of all processes of the group together.
    pub cpu: Duration,
    /// Of the largest process of the group, so that a starter script beside it does not count.
    pub resident: u64,
}

/// Adds up every process of a group.
pub fn usage(group: u32) -> Result<Usage> {
    let mut sum = Usage::default();
    for entry in std::fs::read_dir("/proc").context("failed to list /proc")? {
        let path = entry?.path().join("stat");
        // Processes come and go while they are listed.
        let Ok(stat) = std::fs::read_to_string(path) else { continue };
        let Some((_, fields)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let number =
            |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        if number(2) != u64::from(group) {
            continue;
        }
        let ticks = u32::try_from(number(11) + number(12)).unwrap_or(u32::MAX);
        sum.cpu += TICK * ticks;
        sum.resident = sum.resident.max(number(21) * PAGE);
    }
    Ok(sum)
}

/// How long the disk below `folder` takes to make 4 KiB durable: the shortest time that any commit can take.
pub fn sync_times(folder: &Path, rounds: u32) -> Result<Vec<Duration>> {
    let path = folder.join("sync-probe");
    let mut file = File::create(&path)?;
    let block = [7_u8; 4_096];
    let mut times = Vec::new();
    for _ in 0..rounds {
        file.rewind()?;
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(times)
}
