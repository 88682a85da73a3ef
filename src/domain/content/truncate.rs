//! Cutting of overlong texts in what agents write. What people write is never cut.

use std::ops::Range;

use super::scan;

/// Longer texts are cut. Like the parts kept, it counts UTF-16 code units.
pub const MAX_UNITS: usize = 65_536;
const HEAD_UNITS: usize = 49_152;
const TAIL_UNITS: usize = 12_288;

/// The raw JSON of a message with its overlong texts cut; `None` when there is nothing to cut.
pub fn truncate_agent_strings(raw_json: &str) -> Option<String> {
    // A code unit takes at least one byte, so short JSON holds no long text.
    if raw_json.len() <= MAX_UNITS {
        return None;
    }
    let text = |span: &Range<usize>| raw_json.get(span.clone());
    let mut is_agent = false;
    let mut key = None;
    let mut long = Vec::new();
    for literal in scan::literals(raw_json) {
        if literal.is_key {
            key = (literal.depth == 1).then(|| text(&literal.span)).flatten();
            continue;
        }
        if literal.depth == 1 && key == Some("role") {
            is_agent = text(&literal.span) == Some("agent");
        }
        if literal.span.len() > MAX_UNITS {
            long.push(literal.span);
        }
    }
    if !is_agent {
        return None;
    }
    let mut cut = String::with_capacity(raw_json.len());
    let mut copied = 0;
    for span in long {
        let Some(shorter) = text(&span).and_then(shorten) else { continue };
        cut.push_str(raw_json.get(copied..span.start)?);
        cut.push_str(&shorter);
        copied = span.end;
    }
    if copied == 0 {
        return None;
    }
    cut.push_str(raw_json.get(copied..)?);
    Some(cut)
}

/// One written piece of a literal: where it lies and how many code units it stands for.
struct Piece {
    span: Range<usize>,
    units: usize,
}

fn shorten(literal: &str) -> Option<String> {
    let length: usize = pieces(literal).map(|piece| piece.units).sum();
    if length <= MAX_UNITS {
        return None;
    }
    let tail_start = length - TAIL_UNITS;
    let mut shorter = String::with_capacity(literal.len().min(4 * MAX_UNITS));
    let mut counted = 0;
    for piece in pieces(literal) {
        let (start, end) = (counted, counted + piece.units);
        counted = end;
        let in_head = start < HEAD_UNITS;
        if in_head || end > tail_start {
            let is_split = (in_head && end > HEAD_UNITS) || (!in_head && start < tail_start);
            // Half of a pair stands alone for nothing, and strict readers refuse it.
            shorter.push_str(if is_split { "\\ufffd" } else { literal.get(piece.span)? });
        }
        if start < HEAD_UNITS && end >= HEAD_UNITS {
            let removed = length - HEAD_UNITS - TAIL_UNITS;
            shorter.push_str(&format!("\\n…[hapi: truncated {removed} chars]…\\n"));
        }
    }
    Some(shorter)
}

fn pieces(literal: &str) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        let c = literal.get(at..)?.chars().next()?;
        let units = if c == '\\' {
            let pair = is_high(unit(literal, at)) && is_low(unit(literal, at + 6));
            let is_unicode = literal.get(at + 1..)?.starts_with('u');
            at += if pair {
                12
            } else if is_unicode {
                6
            } else {
                2
            };
            if pair { 2 } else { 1 }
        } else {
            at += c.len_utf8();
            c.len_utf16()
        };
        Some(Piece { span: start..at, units })
    })
}

/// The code unit of the escape at this place.
fn unit(literal: &str, at: usize) -> Option<u16> {
    let digits = literal.get(at..)?.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

fn is_high(unit: Option<u16>) -> bool {
    unit.is_some_and(|unit| (0xD800..0xDC00).contains(&unit))
}

fn is_low(unit: Option<u16>) -> bool {
    unit.is_some_and(|unit| (0xDC00..0xE000).contains(&unit))
}

#[cfg(test)]
#[path = "truncate_tests.rs"]
mod tests;
