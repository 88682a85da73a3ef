//! How browsers are told the name of a file.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Whether a browser shows a file or saves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Inline,
    Attachment,
}

/// What stands for itself in the encoded form.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'!').remove(b'~');

/// The header's value: always ASCII without quotes or line ends inside, whatever the name is. Names beyond ASCII come
/// in the second form too, which browsers prefer.
pub fn header(shown: Shown, filename: &str) -> String {
    let shown = if shown == Shown::Inline { "inline" } else { "attachment" };
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%');
    let ascii: String = filename.chars().map(|c| if is_plain(c) || c == ' ' { c } else { '_' }).collect();
    if ascii == filename {
        return format!("{shown}; filename=\"{ascii}\"");
    }
    format!("{shown}; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(filename, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_in_the_form_they_need() {
        assert_eq!(header(Shown::Inline, "a b.png"), r#"inline; filename="a b.png""#);
        let expected = r#"attachment; filename="_.md"; filename*=UTF-8''%C3%BC.md"#;
        assert_eq!(header(Shown::Attachment, "ü.md"), expected);
    }

    proptest::proptest! {
        #[test]
        fn no_name_breaks_out(filename in ".{0,40}") {
            let value = header(Shown::Inline, &filename);
            proptest::prop_assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            proptest::prop_assert_eq!(value.matches('"').count(), 2);
        }
    }
}
