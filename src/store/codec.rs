//! How message contents lie on disk: JSON text as received, compressed above a size.

use super::error::{Error, Result};

/// Below this many bytes compression costs more than it saves.
const COMPRESS_FROM: usize = 8 * 1024;
const PLAIN: i16 = 0;
const ZSTANDARD: i16 = 1;

/// Packs JSON text. Content that does not shrink is kept as it is.
pub fn encode(json: &str) -> (i16, Vec<u8>) {
    if json.len() >= COMPRESS_FROM
        && let Ok(packed) = zstd::bulk::compress(json.as_bytes(), 1)
        && packed.len() < json.len()
    {
        return (ZSTANDARD, packed);
    }
    (PLAIN, json.as_bytes().to_vec())
}

pub fn decode(encoding: i16, content: Vec<u8>) -> Result<String> {
    let bytes = match encoding {
        ZSTANDARD => zstd::stream::decode_all(content.as_slice()).map_err(Error::Content)?,
        _ => content,
    };
    String::from_utf8(bytes)
        .map_err(|e| Error::Content(std::io::Error::new(std::io::ErrorKind::InvalidData, e)))
}

/// How large stored content is when it is unpacked, by its length and its first bytes.
pub fn decoded_size(encoding: i16, stored: u64, head: &[u8]) -> u64 {
    match encoding {
        ZSTANDARD => zstd::zstd_safe::get_frame_content_size(head).ok().flatten().unwrap_or(stored),
        _ => stored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_was_packed_unpacks_to_itself(text in ".{0,200}", times in 1usize..200) {
            let json = serde_json::to_string(&text.repeat(times)).unwrap();
            let (encoding, packed) = encode(&json);
            proptest::prop_assert!(packed.len() <= json.len());
            proptest::prop_assert_eq!(decode(encoding, packed).unwrap(), json);
        }
    }
}
