//! What is shown again of a terminal program's output to somebody who comes late.

/// A program takes the whole screen, and gives it back.
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// The part that puts the screen back as it last meant something: when the program has given the screen back, what
/// came from then on would wipe what it showed.
pub fn replay(output: &str) -> &str {
    let Some(left) = output.rfind(LEAVE) else { return output };
    if output.rfind(ENTER).is_some_and(|entered| entered > left) {
        return output;
    }
    output.get(..left).unwrap_or(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_that_was_given_back_is_shown_as_it_was() {
        assert_eq!(replay("a\u{1b}[?1049hb\u{1b}[?1049lc"), "a\u{1b}[?1049hb");
        assert_eq!(replay("b\u{1b}[?1049lc"), "b");
    }

    #[test]
    fn a_screen_that_stands_is_shown_whole() {
        for whole in ["", "plain", "a\u{1b}[?1049hb", "\u{1b}[?1049l\u{1b}[?1049hb", "\u{1b}[?1049"] {
            assert_eq!(replay(whole), whole);
        }
    }
}
