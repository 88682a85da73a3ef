//! The blocks of `docs/cloudflare-tunnel.md`, so that what people copy is what is tried.

const PAGE: &str = include_str!("../../../docs/cloudflare-tunnel.md");

/// The texts of all blocks of one kind, in order.
pub fn blocks(kind: &str) -> Vec<String> {
    let parts = PAGE.split("\n```");
    let of_kind = |part: &str| part.strip_prefix(kind)?.strip_prefix('\n').map(str::to_owned);
    parts.filter_map(of_kind).collect()
}

/// The only block of its kind.
pub fn block(kind: &str) -> String {
    let mut blocks = blocks(kind);
    assert_eq!(blocks.len(), 1, "{kind}");
    blocks.remove(0)
}
