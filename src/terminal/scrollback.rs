//! What a terminal last showed, for a browser that comes back.

use std::collections::VecDeque;

/// Characters kept, as browsers count them.
const KEPT: usize = 262_144;

#[derive(Default)]
pub struct Scrollback {
    chunks: VecDeque<String>,
    units: usize,
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

impl Scrollback {
    pub fn push(&mut self, data: &str) {
        self.units += units(data);
        self.chunks.push_back(data.to_owned());
        while self.units > KEPT {
            let Some(oldest) = self.chunks.pop_front() else { return };
            let size = units(&oldest);
            let excess = self.units - KEPT;
            self.units -= size;
            if size > excess {
                let rest = skip_units(&oldest, excess);
                self.units += units(rest);
                self.chunks.push_front(rest.to_owned());
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub fn text(&self) -> String {
        self.chunks.iter().map(String::as_str).collect()
    }
}

/// The text without its first `count` units, and without half a pair.
fn skip_units(text: &str, count: usize) -> &str {
    let mut skipped = 0;
    for (at, c) in text.char_indices() {
        if skipped >= count {
            return text.get(at..).unwrap_or_default();
        }
        skipped += c.len_utf16();
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_end_of_all_output_is_kept(chunks in proptest::collection::vec("[a-z😀]{0,400}", 0..40), repeat in 1usize..60) {
            let mut scrollback = Scrollback::default();
            let mut all = String::new();
            for chunk in &chunks {
                let data = chunk.repeat(repeat);
                scrollback.push(&data);
                all.push_str(&data);
            }
            let kept = scrollback.text();
            proptest::prop_assert!(all.ends_with(&kept));
            proptest::prop_assert!(units(&kept) <= KEPT);
            proptest::prop_assert!(units(&all) <= KEPT || units(&kept) >= KEPT - 1);
        }
    }
}
