//! How far an import is, told in few lines.

/// Rows between two lines at the least.
const STEP: u64 = 10_000;
const LINES: u64 = 20;

/// Tells people what is being done.
pub struct Progress<'a> {
    tell: &'a mut dyn FnMut(&str),
    what: &'static str,
    done: u64,
    total: u64,
}

impl<'a> Progress<'a> {
    pub fn new(tell: &'a mut dyn FnMut(&str)) -> Self {
        Self { tell, what: "", done: 0, total: 0 }
    }

    pub fn say(&mut self, text: &str) {
        (self.tell)(text);
    }

    /// Begins to count rows of which there are `total`.
    pub fn begin(&mut self, what: &'static str, total: u64) {
        (self.what, self.done, self.total) = (what, 0, total);
        self.say(&format!("{what}: {total}"));
    }

    pub fn advance(&mut self) {
        self.done += 1;
        let step = (self.total / LINES).max(STEP);
        if self.done.is_multiple_of(step) && self.done < self.total {
            let line = format!("{}: {} of {}", self.what, self.done, self.total);
            self.say(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_lines_are_told_whatever_the_number_of_rows() {
        let mut lines = Vec::new();
        let mut tell = |line: &str| lines.push(line.to_owned());
        let mut progress = Progress::new(&mut tell);
        progress.begin("messages", 1_000_000);
        (0..1_000_000).for_each(|_| progress.advance());
        progress.begin("messages", 3);
        (0..3).for_each(|_| progress.advance());
        assert_eq!(lines.len(), 21);
        assert_eq!(lines[1], "messages: 50000 of 1000000");
    }
}
