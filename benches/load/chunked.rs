//! An event stream on a bare socket. With thousands of streams a full HTTP client would take the processor away from
//! the hub that is measured.

use anyhow::{Context, Result, bail};
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::hub::Hub;

pub struct EventStream {
    pub socket: TcpStream,
    /// What came together with the head of the answer.
    pub first: Vec<u8>,
}

/// What a stream asks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub packed: bool,
    /// One session; otherwise everything.
    pub session: Option<String>,
    /// The last id that was seen.
    pub last_id: Option<String>,
}

impl EventStream {
    pub async fn open(hub: &Hub, jwt: &str, packed: bool) -> Result<Self> {
        Self::open_as(hub, jwt, &Wanted { packed, ..Wanted::default() }).await
    }

    pub async fn open_as(hub: &Hub, jwt: &str, wanted: &Wanted) -> Result<Self> {
        Self::open_to(hub.port, jwt, wanted).await
    }

    pub async fn open_to(port: u16, jwt: &str, wanted: &Wanted) -> Result<Self> {
        let packed = wanted.packed;
        let filter = wanted.session.as_ref().map_or("all=true".into(), |id| format!("sessionId={id}"));
        let resumed = wanted.last_id.as_ref().map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
        let accept = if packed { "gzip" } else { "identity" };
        let request = format!(
            "GET /api/events?{filter} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {jwt}\r\n\
             Accept-Encoding: {accept}\r\n{resumed}\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let end = loop {
            if let Some(end) = memmem::find(&answer, b"\r\n\r\n") {
                break end + 4;
            }
            if socket.read_buf(&mut answer).await? == 0 {
                bail!("the hub closed the event stream");
            }
        };
        let first = answer.split_off(end);
        let head = String::from_utf8(answer)?.to_ascii_lowercase();
        let is_chunked = head.contains("transfer-encoding: chunked");
        if !head.starts_with("http/1.1 200 ")
            || !is_chunked
            || head.contains("content-encoding: gzip") != packed
        {
            bail!("the event stream was not answered as asked for: {head}");
        }
        Ok(Self { socket, first })
    }
}

/// Takes the lengths out of a chunked body.
#[derive(Default)]
pub struct Chunks {
    /// Bytes of the chunk that are still to come, with its line end.
    left: usize,
    /// The line that tells the next length, as far as it came.
    line: Vec<u8>,
}

impl Chunks {
    /// Hands the content of `bytes` to `each`, piece by piece.
    pub fn split(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while !bytes.is_empty() {
            if self.left == 0 {
                let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
                let (line, rest) = bytes.split_at(end);
                self.line.extend_from_slice(line);
                bytes = rest;
                if self.line.ends_with(b"\n") {
                    let length = std::str::from_utf8(&self.line)?.trim();
                    self.left = usize::from_str_radix(length, 16).context("a chunk without a length")? + 2;
                    self.line.clear();
                }
                continue;
            }
            let (piece, rest) = bytes.split_at(self.left.min(bytes.len()));
            let content = self.left.saturating_sub(2).min(piece.len());
            each(piece.get(..content).unwrap_or_default())?;
            self.left -= piece.len();
            bytes = rest;
        }
        Ok(())
    }
}
