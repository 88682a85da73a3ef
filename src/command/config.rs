//! `wheelhouse config show`: each value in effect and its source. Writes nothing.

use std::fmt::Write;

use crate::config::{Config, Error, Sources};

pub fn show(sources: Sources) -> Result<String, Error> {
    let config = Config::load(sources)?;
    let mut text = format!("home = {}  ({})\n", config.home.display(), config.home.source);
    for line in config.show() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_with_their_source_and_secrets_are_hidden() {
        let home = tempfile::tempdir().unwrap();
        let env = [("CLI_API_TOKEN".to_owned(), "s3cret".to_owned())].into();
        let text = show(Sources { home: Some(home.path().to_owned()), env, ..Sources::default() }).unwrap();
        let text = text.replace(&home.path().display().to_string(), "<home>");
        insta::assert_snapshot!(text, @"");
    }
}
