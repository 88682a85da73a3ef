//! The contents of messages as the released hub packs them: JSON text, or the same compressed by Zstandard.

use std::{
    borrow::Cow,
    io::{self, Read},
};

use crate::domain::json::{self, Json};

/// More than this comes out of no frame that a client could have sent.
const MOST_BYTES: u64 = 128 * 1024 * 1024;

#[derive(Clone, Debug)]
pub struct Decoded {
    /// `None` when the content cannot be understood.
    pub json: Option<Json>,
    /// Something in it had to be replaced to make it whole.
    pub is_repaired: bool,
}

pub fn decode(bytes: Option<&[u8]>, is_blob: bool) -> Decoded {
    let lost = Decoded { json: None, is_repaired: false };
    let Some(bytes) = bytes else { return lost };
    if !is_blob {
        return parse(bytes);
    }
    match unpack(bytes) {
        Ok(Some(unpacked)) => parse(&unpacked),
        Ok(None) | Err(_) => lost,
    }
}

/// JSON text from a client of JavaScript, which may hold halves of surrogate pairs.
pub fn parse(bytes: &[u8]) -> Decoded {
    let text = String::from_utf8_lossy(bytes);
    let whole = json::repair_surrogates(&text);
    let is_repaired = matches!(text, Cow::Owned(_)) || matches!(whole, Cow::Owned(_));
    Decoded { json: json::raw(whole.into_owned()), is_repaired }
}

/// `None` when there is more than anybody could have put in.
fn unpack(bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut unpacked = Vec::new();
    let read = zstd::stream::read::Decoder::new(bytes)?.take(MOST_BYTES + 1).read_to_end(&mut unpacked)?;
    Ok((u64::try_from(read).is_ok_and(|read| read <= MOST_BYTES)).then_some(unpacked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: &[u8]) -> (Option<String>, bool) {
        let Decoded { json, is_repaired } = decode(Some(bytes), false);
        (json.map(|json| json.get().to_owned()), is_repaired)
    }

    fn packed(bytes: &[u8]) -> Option<String> {
        decode(Some(bytes), true).json.map(|json| json.get().to_owned())
    }

    #[test]
    fn plain_and_packed_contents_are_read_as_they_were_written() {
        let text = r#"{"b":1.50,"a":"é😀"}"#;
        assert_eq!(plain(text.as_bytes()), (Some(text.to_owned()), false));
        let whole = zstd::bulk::compress(text.as_bytes(), 3).unwrap();
        assert_eq!(packed(&whole).as_deref(), Some(text));
    }

    #[test]
    fn halves_of_pairs_and_broken_bytes_are_replaced() {
        assert_eq!(plain(br#""a\ud83d""#), (Some(r#""a\uFFFD""#.to_owned()), true));
        assert_eq!(plain(b"\"a\xff\""), (Some("\"a\u{fffd}\"".to_owned()), true));
    }

    #[test]
    fn what_cannot_be_understood_is_told() {
        let cut = zstd::bulk::compress(&[b'1'; 1_000], 3).unwrap();
        assert!(decode(None, false).json.is_none());
        for odd in [&b""[..], b"{", b"no json", b"\x00", b"{} {}"] {
            assert_eq!(plain(odd).0, None, "{odd:?}");
        }
        for odd in [&b""[..], b"{}", &cut[..cut.len() - 3], &cut[..5], b"\x28\xb5\x2f\xfd"] {
            assert_eq!(packed(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_small_blob_cannot_fill_the_memory() {
        let mut writer = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        io::copy(&mut io::repeat(b' ').take(MOST_BYTES + 1), &mut writer).unwrap();
        let bomb = writer.finish().unwrap();
        assert!(bomb.len() < 100_000);
        assert_eq!(packed(&bomb), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_survives_either_way(text in ".{0,300}") {
            let json = serde_json::to_string(&text).unwrap();
            let blob = zstd::bulk::compress(json.as_bytes(), 3).unwrap();
            proptest::prop_assert_eq!(plain(json.as_bytes()), (Some(json.clone()), false));
            proptest::prop_assert_eq!(packed(&blob), Some(json));
        }

        #[test]
        fn any_bytes_are_judged(bytes: Vec<u8>, is_blob: bool) {
            let _ = decode(Some(&bytes), is_blob);
        }
    }
}
