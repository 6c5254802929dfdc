//! The line to an IMAP server: commands out, responses in, each read within a deadline.
//!
//! The grammar of FETCH and LIST is imap-proto's. Framing is our own (see `frame`), because a client that parses
//! while it reads has to give up the connection over one odd response and allocates whatever size is announced.

pub(crate) mod frame;
pub(crate) mod reply;
pub(crate) mod status;

use std::{fmt, io, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use self::{frame::Scan, reply::Reply};
use crate::error::{MailError, Result};

/// Anything bytes can be read from and written to.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The connection's bytes as responses.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    buffer: BytesMut,
    scan: Scan,
    tags: u32,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("buffered", &self.buffer.len()).finish_non_exhaustive()
    }
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, buffer: BytesMut::with_capacity(64 << 10), scan: Scan::default(), tags: 0 }
    }

    /// Sends a command and returns its tag.
    pub(crate) async fn send(&mut self, command: &str, deadline: Duration) -> Result<String> {
        self.tags += 1;
        let tag = format!("S{}", self.tags);
        self.send_line(&format!("{tag} {command}"), deadline).await?;
        Ok(tag)
    }

    /// Sends a line as it is: `DONE`, or the answer to a continuation.
    pub(crate) async fn send_line(&mut self, line: &str, deadline: Duration) -> Result<()> {
        debug_assert!(!line.contains(['\r', '\n']), "a line break would start another command");
        let bytes = [line.as_bytes(), b"\r\n"].concat();
        let write = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        timeout(deadline, write).await.map_err(|_| MailError::Silent(deadline))?.map_err(MailError::Broken)
    }

    /// Sends the bytes that a continuation asked for, and the end of the command. Each piece has its own deadline.
    pub(crate) async fn send_literal(&mut self, bytes: &[u8], deadline: Duration) -> Result<()> {
        for piece in bytes.chunks(64 << 10).chain([b"\r\n".as_slice()]) {
            let write = async {
                self.stream.write_all(piece).await?;
                self.stream.flush().await
            };
            timeout(deadline, write).await.map_err(|_| MailError::Silent(deadline))?.map_err(MailError::Broken)?;
        }
        Ok(())
    }

    /// Returns the next response. Fails when the server says nothing for `silence`. Cancelling loses nothing.
    pub(crate) async fn next(&mut self, silence: Duration) -> Result<Reply> {
        loop {
            match self.scan.end(&self.buffer) {
                Ok(Some(end)) => return Ok(Reply::read(&self.buffer.split_to(end))),
                Ok(None) => {}
                Err(frame::TooLarge(size)) => return Err(MailError::TooLarge(size)),
            }
            let missing = self.scan.needed().saturating_sub(self.buffer.len());
            self.buffer.reserve(missing.max(32 << 10));
            let read = timeout(silence, self.stream.read_buf(&mut self.buffer)).await;
            let count = match read.map_err(|_| MailError::Silent(silence))? {
                // Closed without TLS's own farewell (RFC 8446 section 6.1), as many servers do.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                other => other.map_err(MailError::Broken)?,
            };
            if count == 0 {
                return Err(MailError::Closed { cut: self.has_begun() });
            }
        }
    }

    /// Whether a response has begun that has not come to its end.
    pub(crate) fn has_begun(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Gives the stream back for a TLS handshake.
    ///
    /// # Errors
    /// What the server sent beyond its answer was not protected by the handshake that follows and could be an
    /// injected command (RFC 9051 section 11.3.1): the connection is refused.
    pub(crate) fn into_stream(self) -> Result<Box<dyn Stream>> {
        if self.buffer.is_empty() { Ok(self.stream) } else { Err(MailError::Injected) }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use tokio::io::ReadBuf;

    use super::*;

    /// What rustls says of a connection that was closed without a farewell.
    struct Unended(&'static [u8]);

    impl AsyncRead for Unended {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let bytes = std::mem::take(&mut self.0);
            buffer.put_slice(bytes);
            Poll::Ready(if bytes.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) })
        }
    }

    impl AsyncWrite for Unended {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn an_end_without_a_farewell_is_the_servers_doing() {
        for (bytes, was_cut) in [(&b"* 5 FETCH (BODY[] {100}\r\ncut"[..], true), (b"", false)] {
            let mut wire = Wire::new(Box::new(Unended(bytes)));
            let error = wire.next(Duration::from_secs(5)).await.unwrap_err();
            assert!(matches!(error, MailError::Closed { cut } if cut == was_cut), "{error:?}");
        }
    }
}
