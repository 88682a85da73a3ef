//! The columns that a table has, and lists of what to select that stand in for those it lacks.

use std::collections::BTreeSet;

/// The column names of one table.
#[derive(Debug, Default)]
pub struct Columns(BTreeSet<String>);

impl FromIterator<String> for Columns {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self(names.into_iter().collect())
    }
}

impl Columns {
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Selects each name as bytes or as a whole number, NULL where the table has no such column.
    pub fn list(&self, texts: &[&str], numbers: &[&str]) -> String {
        let texts = texts.iter().map(|name| self.cast(name, "BLOB"));
        let numbers = numbers.iter().map(|name| self.cast(name, "INTEGER"));
        texts.chain(numbers).collect::<Vec<_>>().join(", ")
    }

    /// The column, or NULL in its place.
    pub fn or_null(&self, name: &str) -> String {
        if self.has(name) { quoted(name) } else { "NULL".to_owned() }
    }

    fn cast(&self, name: &str, kind: &str) -> String {
        let column = match former(name) {
            Some(former) if !self.has(name) => self.or_null(former),
            _ => self.or_null(name),
        };
        format!("CAST({column} AS {kind}) AS {}", quoted(name))
    }
}

/// What a column was called in the first layout.
fn former(name: &str) -> Option<&'static str> {
    match name {
        "runner_state" => Some("daemon_state"),
        "runner_state_version" => Some("daemon_state_version"),
        _ => None,
    }
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_are_missing_are_null_and_renamed_ones_are_found() {
        let columns: Columns = ["id", "daemon_state"].map(str::to_owned).into_iter().collect();
        assert_eq!(
            columns.list(&["id", "tag", "runner_state"], &["seq"]),
            r#"CAST("id" AS BLOB) AS "id", CAST(NULL AS BLOB) AS "tag", CAST("daemon_state" AS BLOB) AS "runner_state", CAST(NULL AS INTEGER) AS "seq""#
        );
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
