//! Sealing a push for one browser (RFC 8291 in the coding of RFC 8188), so that its push service cannot read it.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use p256::{PublicKey, SecretKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToEncodedPoint};
use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
};

/// The one record that a push is must not be longer.
const RECORD: u32 = 4_096;
/// Stands behind the text of the last record.
const END: u8 = 2;
const SALT: usize = 16;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a browser gave for sealing.
pub struct BrowserKeys {
    public: PublicKey,
    auth: Vec<u8>,
}

impl BrowserKeys {
    /// Takes both alphabets of base64. `None` when these are no keys.
    pub fn read(p256dh: &str, auth: &str) -> Option<Self> {
        let bytes = |text: &str| BASE64.decode(text.replace('+', "-").replace('/', "_")).ok();
        let auth = bytes(auth).filter(|auth| !auth.is_empty())?;
        Some(Self { public: PublicKey::from_sec1_bytes(&bytes(p256dh)?).ok()?, auth })
    }
}

/// Seals with a fresh key and salt.
pub fn seal(keys: &BrowserKeys, text: &[u8]) -> Option<Vec<u8>> {
    let own = loop {
        // Almost every number of 32 bytes is a key.
        if let Ok(key) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
            break key;
        }
    };
    seal_with(keys, text, &own, rand::random())
}

/// `None` when the text is too long.
fn seal_with(keys: &BrowserKeys, text: &[u8], own: &SecretKey, salt: [u8; SALT]) -> Option<Vec<u8>> {
    let own_point = own.public_key().to_encoded_point(false);
    let browser_point = keys.public.to_encoded_point(false);
    let shared = diffie_hellman(own.to_nonzero_scalar(), keys.public.as_affine());
    let mix = Salt::new(HKDF_SHA256, &keys.auth).extract(shared.raw_secret_bytes());
    let secret: [u8; 32] =
        expand(&mix, &[b"WebPush: info\0", browser_point.as_bytes(), own_point.as_bytes()])?;
    let mix = Salt::new(HKDF_SHA256, &salt).extract(&secret);
    let key: [u8; 16] = expand(&mix, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expand(&mix, &[b"Content-Encoding: nonce\0"])?;

    let mut record = Vec::with_capacity(text.len() + 32);
    record.extend_from_slice(text);
    record.push(END);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    // The key is made for this one record, so the nonce cannot repeat under it.
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).ok()?;

    let mut sealed = Vec::with_capacity(record.len() + 86);
    sealed.extend_from_slice(&salt);
    sealed.extend_from_slice(&RECORD.to_be_bytes());
    sealed.push(u8::try_from(own_point.len()).ok()?);
    sealed.extend_from_slice(own_point.as_bytes());
    sealed.extend_from_slice(&record);
    (u32::try_from(sealed.len()).ok()? <= RECORD).then_some(sealed)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(mix: &Prk, about: &[&[u8]]) -> Option<[u8; N]> {
    let mut out = [0; N];
    mix.expand(about, Length(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notice::LONGEST_PAYLOAD;

    const BROWSER: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    #[test]
    fn the_example_of_the_standard_comes_out() {
        let keys = BrowserKeys::read(BROWSER, AUTH).unwrap();
        let own = BASE64.decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw").unwrap();
        let own = SecretKey::from_slice(&own).unwrap();
        let salt = BASE64.decode("DGv6ra1nlYgDCS1FRnbzlw").unwrap().try_into().unwrap();
        let text = b"When I grow up, I want to be a watermelon";
        let sealed = seal_with(&keys, text, &own, salt).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(BASE64.encode(&sealed).trim_end_matches('='), expected);
    }

    #[test]
    fn what_is_too_long_or_no_key_is_not_sealed() {
        let keys = BrowserKeys::read(BROWSER, AUTH).unwrap();
        let one = seal(&keys, &vec![b'x'; LONGEST_PAYLOAD]).unwrap();
        assert!(one.len() <= 4_096);
        assert_ne!(one, seal(&keys, &vec![b'x'; LONGEST_PAYLOAD]).unwrap(), "no two are alike");
        assert!(seal(&keys, &vec![b'x'; 4_000]).is_none());
        let standard = BROWSER.replace('-', "+").replace('_', "/");
        assert!(BrowserKeys::read(&format!("{standard}="), AUTH).is_some());
        for (key, auth) in [("p", "a"), ("", ""), (BROWSER, ""), (AUTH, AUTH), ("???", AUTH)] {
            assert!(BrowserKeys::read(key, auth).is_none(), "{key} {auth}");
        }
    }
}
