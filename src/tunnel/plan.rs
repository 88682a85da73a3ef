//! What is run, and with what in its environment.

use std::{net::SocketAddr, time::Duration};

use tokio::process::Command;

use crate::config::{self, Config, Secret, Source};

/// How to run the program.
#[derive(Clone, Debug)]
pub struct Plan {
    pub program: String,
    pub arguments: Vec<String>,
    /// Goes by the environment: arguments can be read by everybody on the computer.
    pub token: Option<Secret>,
    /// Where the tunnel leads, if that is known beforehand.
    pub address: Option<String>,
    pub patience: Duration,
    /// The hub's own variables, secrets among them, are none of the program's business.
    withheld: Vec<String>,
}

impl Plan {
    /// `None` when no tunnel is wanted. A given address means a tunnel that has been made for it; without one the
    /// program asks for a quick tunnel to where the hub listens.
    pub fn new(config: &Config, listens: SocketAddr) -> Option<Self> {
        let tunnel = &config.tunnel;
        let program = tunnel.command.value.clone()?;
        let is_named = config.public_url.source != Source::Default;
        let mut arguments = vec!["tunnel".to_owned(), "--no-autoupdate".to_owned()];
        arguments.extend(tunnel.arguments.iter().cloned());
        if is_named {
            arguments.push("run".to_owned());
        } else {
            arguments.extend(["--url".to_owned(), format!("http://{}", reachable(listens))]);
        }
        Some(Self {
            program,
            arguments,
            token: tunnel.token.value.clone(),
            address: is_named.then(|| config::origin(&config.public_url)),
            patience: Duration::from_millis(*tunnel.address_within_ms),
            withheld: config.variables(),
        })
    }

    /// The program, by way of `before` if something has to run it.
    pub fn command(&self, before: &[&str]) -> Command {
        let mut words = before.iter().copied().chain([self.program.as_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(&self.arguments);
        for name in &self.withheld {
            command.env_remove(name);
        }
        if let Some(token) = &self.token {
            command.env("TUNNEL_TOKEN", token.expose());
        }
        command
    }

    /// A line of the program as it may be kept.
    pub fn masked(&self, line: String) -> String {
        match &self.token {
            Some(token) => line.replace(token.expose(), "***"),
            None => line,
        }
    }
}

/// Who listens everywhere is reached on this computer.
fn reachable(listens: SocketAddr) -> SocketAddr {
    let mut address = listens;
    if listens.ip().is_unspecified() {
        let loopback: std::net::IpAddr = if listens.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        };
        address.set_ip(loopback);
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn plan(toml: &str, listens: &str) -> Option<Plan> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("wheelhouse.toml"), toml).unwrap();
        let config =
            Config::load(Sources { home: Some(home.path().to_owned()), ..Sources::default() }).unwrap();
        Plan::new(&config, listens.parse().unwrap())
    }

    fn line(plan: &Plan) -> String {
        let command = plan.command(&[]);
        let command = command.as_std();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn without_an_address_it_is_a_quick_tunnel() {
        assert!(plan("", "127.0.0.1:3006").is_none());
        for (listens, url) in [
            ("127.0.0.1:3006", "http://127.0.0.1:3006"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
        ] {
            let plan = plan("tunnel.command = 'cloudflared'", listens).unwrap();
            assert_eq!(line(&plan), format!("cloudflared tunnel --no-autoupdate --url {url}"));
            assert_eq!(plan.address, None);
        }
    }

    #[test]
    fn an_address_means_a_tunnel_that_leads_there() {
        let toml = "public_url = 'https://Hub.example/'\n[tunnel]\ncommand = 'cloudflared'\narguments = ['--protocol', 'http2']\ntoken = 's3cret'";
        let plan = plan(toml, "127.0.0.1:3006").unwrap();
        assert_eq!(line(&plan), "cloudflared tunnel --no-autoupdate --protocol http2 run");
        assert_eq!(plan.address.as_deref(), Some("https://hub.example"));
        let command = plan.command(&[]);
        let given = |name: &str| {
            let mut given = command.as_std().get_envs();
            given
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.map(|value| value.to_str().unwrap()))
        };
        assert_eq!(given("TUNNEL_TOKEN"), Some(Some("s3cret")));
        for withheld in
            ["CLI_API_TOKEN", "OPENAI_API_KEY", "WHEELHOUSE__AUTH__BASE_TOKEN", "WHEELHOUSE__TUNNEL__TOKEN"]
        {
            assert_eq!(given(withheld), Some(None), "{withheld}");
        }
        assert_eq!(plan.masked("token s3cret!".to_owned()), "token ***!");
        assert!(!format!("{plan:?}").contains("s3cret"));
    }
}
