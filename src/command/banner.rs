//! What the hub says at its start: where everything is, so that people can help themselves. A token is told only by
//! the start that made it.

use std::fmt::Write;

use fast_qr::{ECL, QRBuilder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::hub::Start;
use crate::{config::Source, domain::token as grammar};

/// What a query value may not hold as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The whole text, ending in a line break.
pub fn text(start: &Start) -> String {
    let Start { config, secrets, clock: _ } = start;
    let listen = &config.listen;
    let mut lines = vec![
        format!("Wheelhouse {}", env!("CARGO_PKG_VERSION")),
        format!("  home      {}  ({})", config.home.display(), config.home.source),
        format!("  database  {}  ({})", config.database.display(), config.database.source),
        format!(
            "  listen    {}  (host: {}, port: {})",
            listen.address(),
            listen.host.source,
            listen.port.source
        ),
        format!("  web       {}  ({})", *config.public_url, config.public_url.source),
    ];
    let token = &secrets.base_token;
    if token.is_new {
        lines.extend(new_token(&config.public_url, token.token.expose()));
    } else {
        lines.push(format!("  token     {}", token_place(start)));
    }
    if let Some(program) = &*config.tunnel.command {
        lines.push(format!("  tunnel    starting  ({program}; {})", config.tunnel.command.source));
    }
    if let Some(weakness) = grammar::weakness(token.token.expose()) {
        lines.push(format!("  warning   the access token is weak: {weakness}"));
    }
    joined(lines)
}

/// What is told once the hub can be reached from outside. Only a token made by this start is told, and only once more.
pub fn tunnel(start: &Start, address: &str, is_first: bool) -> String {
    let token = &start.secrets.base_token;
    let mut lines = vec![format!("  tunnel    {address}")];
    if token.is_new && is_first {
        lines.extend(sign_in(address, token.token.expose()));
    } else {
        lines.push(format!("  Sign in there with the access token: {}", token_place(start)));
    }
    joined(lines)
}

fn token_place(start: &Start) -> String {
    match &start.secrets.base_token.source {
        Source::Settings => {
            format!("`cliApiToken` in {}", start.config.home.join("settings.json").display())
        }
        other => other.to_string(),
    }
}

fn joined(lines: Vec<String>) -> String {
    let mut text = String::new();
    for line in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
    text
}

fn new_token(public_url: &str, token: &str) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("  Your access token: {token}"),
        "  It is shown this once and kept as `cliApiToken` in settings.json.".to_owned(),
    ];
    lines.extend(sign_in(public_url, token));
    lines
}

fn sign_in(public_url: &str, token: &str) -> Vec<String> {
    let link = format!("{public_url}/?token={}", utf8_percent_encode(token, ESCAPED));
    let mut lines = vec![format!("  Sign in: {link}"), String::new()];
    // An address too long for a code can still be typed.
    if let Ok(code) = QRBuilder::new(link).ecl(ECL::L).build() {
        lines.push(code.to_str());
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{clock::Clock, command::hub, config::Sources};

    fn start(home: &Path, env: &[(&str, &str)]) -> Start {
        let env = env.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        hub::prepare(Sources { home: Some(home.to_owned()), env, ..Sources::default() }, Clock::system())
            .unwrap()
    }

    fn told(start: &Start) -> String {
        let home = start.config.home.display().to_string();
        text(start).replace(&home, "<home>").replace(env!("CARGO_PKG_VERSION"), "<version>")
    }

    #[test]
    fn a_new_token_is_told_once_with_a_code() {
        let home = tempfile::tempdir().unwrap();
        let first = start(home.path(), &[]);
        let token = first.secrets.base_token.token.expose().to_owned();
        let first = told(&first);
        assert!(first.contains(&format!("Your access token: {token}\n")), "{first}");
        assert!(
            first.contains(&format!("http://localhost:3006/?token={token}\n")) && first.contains('█'),
            "{first}"
        );

        let told = told(&start(home.path(), &[]));
        assert!(!told.contains(&token) && !told.contains('█'), "{told}");
        insta::assert_snapshot!(told, @"
        Wheelhouse <version>
          home      <home>  (flag --home)
          database  <home>/wheelhouse.db  (default)
          listen    127.0.0.1:3006  (host: default, port: default)
          web       http://localhost:3006  (default)
          token     `cliApiToken` in <home>/settings.json
        ");
    }

    #[test]
    fn a_given_token_is_never_told_but_a_weak_one_is_warned_of() {
        let home = tempfile::tempdir().unwrap();
        let told = told(&start(home.path(), &[("CLI_API_TOKEN", "s3cret"), ("HAPI_LISTEN_HOST", "::1")]));
        insta::assert_snapshot!(told, @"
        Wheelhouse <version>
          home      <home>  (flag --home)
          database  <home>/wheelhouse.db  (default)
          listen    [::1]:3006  (host: environment HAPI_LISTEN_HOST, port: default)
          web       http://localhost:3006  (default)
          token     environment CLI_API_TOKEN
          warning   the access token is weak: it has fewer than 16 characters
        ");
    }
}
