use super::*;
use crate::config::{Ceiling, Config, Sources};

fn limits(change: impl FnOnce(&mut config::Limits), clock: &Clock) -> Limits {
    let home = tempfile::tempdir().unwrap();
    let sources = Sources { home: Some(home.path().to_owned()), ..Sources::default() };
    let mut config = Config::load(sources).unwrap().limits;
    change(&mut config);
    Limits::new(&config, clock)
}

fn page(namespace: &str, user: &str) -> Who {
    Who::Page { namespace: namespace.into(), user: user.to_owned() }
}

fn cli(namespace: &str) -> Who {
    Who::Cli { namespace: namespace.into() }
}

#[test]
fn requests_wait_for_their_token_then_for_their_namespace_and_for_nobody_else() {
    let clock = Clock::manual(1_795_157_032_000);
    let limits = limits(
        |config| {
            config.rate_per_token.value = Ceiling(Some(1));
            config.burst_per_token.value = 2;
            config.rate_per_namespace.value = Ceiling(Some(1));
            config.burst_per_namespace.value = 3;
        },
        &clock,
    );
    let refused = |whose| Err(Refusal { what: What::Requests, whose, seconds: 1 });
    assert_eq!((limits.request(&page("a", "1")), limits.request(&page("a", "1"))), (Ok(()), Ok(())));
    assert_eq!(limits.request(&page("a", "1")), refused(Whose::Token));
    assert_eq!(limits.request(&cli("a")), Ok(()));
    assert_eq!(limits.request(&cli("a")), refused(Whose::Namespace));
    assert_eq!(limits.request(&page("b", "1")), Ok(()));
    clock.advance(1_000);
    assert_eq!(limits.request(&page("a", "1")), Ok(()));
}

#[test]
fn a_body_that_could_never_be_taken_is_known_before() {
    let limits =
        limits(|config| config.inflight_bytes_per_token.value = Ceiling(Some(10)), &Clock::manual(0));
    assert!(!limits.never_fits(&cli("a"), 10) && limits.never_fits(&cli("a"), 11));
    assert!(!limits.never_fits(&Who::stranger([10, 0, 0, 1].into()), 11));
}

#[test]
fn nobody_streams_without_a_token() {
    let limits = limits(|_| {}, &Clock::manual(0));
    let refusal = limits.stream(Who::stranger([10, 0, 0, 1].into())).unwrap_err();
    assert_eq!((refusal.what, refusal.whose), (What::Streams, Whose::Address));
}

#[test]
fn each_refusal_says_whose_limit_it_is() {
    let limits = limits(
        |config| {
            config.links.value = Ceiling(Some(4));
            config.links_per_namespace.value = Ceiling(Some(2));
            config.links_per_token.value = Ceiling(Some(1));
            config.links_of_strangers.value = Ceiling(Some(2));
            config.links_per_address.value = Ceiling(Some(1));
        },
        &Clock::manual(0),
    );
    let stranger = |last: u8| Who::stranger([10, 0, 0, last].into());
    let mut held = Vec::new();
    let mut whose = |who| match limits.link(who) {
        Ok(permit) => {
            held.push(permit);
            None
        }
        Err(refusal) => Some(refusal.whose),
    };
    assert_eq!((whose(cli("a")), whose(cli("a"))), (None, Some(Whose::Token)));
    assert_eq!((whose(page("a", "1")), whose(page("a", "2"))), (None, Some(Whose::Namespace)));
    assert_eq!((whose(stranger(1)), whose(stranger(1))), (None, Some(Whose::Address)));
    assert_eq!((whose(stranger(2)), whose(stranger(3))), (None, Some(Whose::Strangers)));
    assert_eq!(whose(cli("b")), Some(Whose::Hub));
}
