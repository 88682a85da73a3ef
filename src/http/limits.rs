//! Sizes of what people may send.

/// The most an uploaded file may weigh, decoded.
pub const UPLOAD: usize = 50 * 1024 * 1024;

/// How many bytes base64 text decodes to.
pub fn decoded_size(base64: &str) -> usize {
    let padding = if base64.ends_with("==") { 2 } else { usize::from(base64.ends_with('=')) };
    (base64.len() * 3 / 4).saturating_sub(padding)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    proptest::proptest! {
        #[test]
        fn the_decoded_size_is_known_without_decoding(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            proptest::prop_assert_eq!(super::decoded_size(&STANDARD.encode(&bytes)), bytes.len());
        }
    }
}
