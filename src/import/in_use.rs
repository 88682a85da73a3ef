//! Whether another program has the database open: SQLite's locks on it can be seen from outside, without touching it.

use std::{fs, ops::RangeInclusive, os::unix::fs::MetadataExt, path::Path};

/// The bytes that SQLite locks: of the database, and of the shared memory beside it.
const DATABASE_LOCKS: RangeInclusive<u64> = 0x4000_0000..=0x4000_01ff;
const MEMORY_LOCKS: RangeInclusive<u64> = 120..=128;

/// The other process that has the database open, where the system tells.
pub fn holder(database: &Path, memory: &Path) -> Option<String> {
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let ours = std::process::id().to_string();
    let held = |path: &Path, bytes| process_in(&locks, &ours, fs::metadata(path).ok()?.ino(), bytes);
    held(database, DATABASE_LOCKS).or_else(|| held(memory, MEMORY_LOCKS))
}

/// Looks for a lock on a file in lines such as `1: POSIX  ADVISORY  READ 812 fd:01:2755 1073741826 1073742335`.
fn process_in(locks: &str, ours: &str, inode: u64, bytes: RangeInclusive<u64>) -> Option<String> {
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().rev();
        let (_end, start, file, process) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let is_it = file.rsplit(':').next()?.parse() == Ok(inode) && bytes.contains(&start.parse().ok()?);
        (is_it && process != ours).then(|| process.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_locks_of_sqlite_on_this_file_count() {
        let locks = "1: POSIX  ADVISORY  READ 812 fd:01:2755 1073741826 1073742335\n\
                     2: FLOCK  ADVISORY  WRITE 700 fd:01:2756 0 EOF\n\
                     2: -> POSIX  ADVISORY  WRITE 901 fd:01:2757 1073741824 1073741824\n\
                     odd\n";
        assert_eq!(process_in(locks, "1", 2755, DATABASE_LOCKS).as_deref(), Some("812"));
        assert_eq!(process_in(locks, "1", 2757, DATABASE_LOCKS).as_deref(), Some("901"));
        assert_eq!(process_in(locks, "1", 2756, DATABASE_LOCKS), None);
        assert_eq!(process_in(locks, "1", 2755, MEMORY_LOCKS), None);
        assert_eq!(process_in(locks, "1", 275, DATABASE_LOCKS), None);
        assert_eq!(process_in(locks, "812", 2755, DATABASE_LOCKS), None, "our own do not count");
        assert_eq!(process_in("", "1", 1, DATABASE_LOCKS), None);
    }
}
