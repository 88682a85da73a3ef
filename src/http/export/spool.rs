//! Where an export waits between store and reader: a small one in memory, a large one in a file without a name. So a
//! slow reader holds neither a connection to the database nor much memory.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, Write},
    path::Path,
};

use actix_web::{HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use futures_util::stream;
use tempfile::{SpooledData, SpooledTempFile, spooled_tempfile_in};

/// Up to here it stays in memory.
const IN_MEMORY: usize = 4 * 1024 * 1024;
const CHUNK: usize = 128 * 1024;

pub struct Spool(BufWriter<SpooledTempFile>);

impl Spool {
    pub fn new(folder: &Path) -> Self {
        Self(BufWriter::with_capacity(CHUNK, spooled_tempfile_in(IN_MEMORY, folder)))
    }

    pub fn write(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes())
    }

    /// Puts down what is still in the buffer.
    pub fn finish(&mut self) -> io::Result<()> {
        self.0.flush()
    }

    /// Ends the answer with what was written.
    pub fn send(self, mut response: HttpResponseBuilder) -> HttpResponse {
        let spooled = self.0.into_inner().map_err(io::IntoInnerError::into_error);
        match spooled.map(SpooledTempFile::into_inner) {
            Ok(SpooledData::InMemory(written)) => response.body(written.into_inner()),
            Ok(SpooledData::OnDisk(file)) => response.streaming(chunks(file)),
            // Nobody finished it, and its end could not be written: the reader learns of it by an answer that breaks off.
            Err(error) => response.streaming(stream::iter([Err::<Bytes, _>(error)])),
        }
    }
}

fn chunks(file: File) -> impl stream::Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((file, true), |(mut file, is_first)| async move {
        let read = web::block(move || {
            if is_first {
                file.rewind()?;
            }
            let mut chunk = vec![0; CHUNK];
            let length = file.read(&mut chunk)?;
            chunk.truncate(length);
            Ok::<_, io::Error>((Bytes::from(chunk), file))
        });
        let (chunk, file) = read.await.map_err(io::Error::other)??;
        Ok((!chunk.is_empty()).then_some((chunk, (file, false))))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_rt::test]
    async fn what_is_written_is_sent_whether_small_or_large() {
        let folder = tempfile::tempdir().unwrap();
        for lines in [0_usize, 3, 1_000_000] {
            let mut spool = Spool::new(folder.path());
            let mut expected = String::new();
            for line in 0..lines {
                spool.write(&format!("{line}\n")).unwrap();
                expected.push_str(&format!("{line}\n"));
            }
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a file without a name");
            let body = to_bytes(spool.send(HttpResponse::Ok()).into_body()).await.unwrap();
            assert!(body == expected.as_bytes(), "{lines} lines");
        }
    }
}
