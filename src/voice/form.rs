//! A form with one recording, written for a provider. The recording itself is not copied.

use std::convert::Infallible;

use actix_web::body::SizedStream;
use awc::{ClientRequest, SendClientRequest, http::header::CONTENT_TYPE};
use bytes::Bytes;
use futures_util::stream;

use super::Audio;

/// Sends the fields and then the recording. Lengths are told up front: some providers refuse chunked bodies.
pub fn send(request: ClientRequest, fields: &[(&str, &str)], audio: &Audio) -> SendClientRequest {
    let boundary = uuid::Uuid::new_v4().simple().to_string();
    let chunks = encode(&boundary, fields, audio);
    let size = chunks.iter().map(|chunk| u64::try_from(chunk.len()).unwrap_or(u64::MAX)).sum();
    let body = SizedStream::new(size, stream::iter(chunks.map(Ok::<_, Infallible>)));
    request.insert_header((CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))).send_body(body)
}

/// The boundary is random, so no value can hold it.
fn encode(boundary: &str, fields: &[(&str, &str)], audio: &Audio) -> [Bytes; 3] {
    let mut head = String::new();
    for (name, value) in fields {
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    head.push_str(&format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
        audio.kind.file_name(),
        audio.kind.mime_type,
    ));
    [head.into(), audio.content.clone(), format!("\r\n--{boundary}--\r\n").into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::voice::audio::Kind;

    #[test]
    fn fields_come_before_the_recording() {
        let kind = Kind::of(Some("audio/webm"), None).unwrap();
        let audio = Audio { content: Bytes::from_static(b"abc"), kind };
        let form = encode("b", &[("model", "m")], &audio).concat();
        let expected = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n\
                        --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"audio.webm\"\r\n\
                        Content-Type: audio/webm\r\n\r\nabc\r\n--b--\r\n";
        assert_eq!(String::from_utf8(form).unwrap(), expected);
    }
}
