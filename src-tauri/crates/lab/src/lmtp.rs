//! As much of an LMTP client (RFC 2033) as a delivery needs.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};

const DEADLINE: Duration = Duration::from_secs(60);

/// One connection; any number of mails can go through it.
pub(crate) struct Lmtp {
    stream: BufReader<TcpStream>,
}

impl Lmtp {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE).context("Failed to reach LMTP")?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        let mut lmtp = Self { stream: BufReader::new(stream) };
        lmtp.expect("220")?;
        lmtp.send("LHLO localhost", "250")?;
        Ok(lmtp)
    }

    /// Delivers one mail. Returns once the server has stored it.
    pub(crate) fn deliver(&mut self, recipient: &str, raw: &[u8]) -> Result<()> {
        self.send("MAIL FROM:<lab@example.org>", "250")?;
        self.send(&format!("RCPT TO:<{recipient}>"), "250")?;
        self.send("DATA", "354")?;
        let mut data = Vec::with_capacity(raw.len() + 1024);
        stuff(raw, &mut data);
        self.stream.get_mut().write_all(&data).context("Failed to send a mail")?;
        self.expect("250")
    }

    fn send(&mut self, line: &str, code: &str) -> Result<()> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).context("Failed to speak LMTP")?;
        self.expect(code).with_context(|| format!("LMTP refused {line}"))
    }

    /// Reads one answer, whose last line has a space after the code.
    fn expect(&mut self, code: &str) -> Result<()> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).context("Failed to hear from LMTP")? == 0 {
                bail!("LMTP closed the connection");
            }
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            if !line.starts_with(code) {
                bail!("LMTP answered {}", line.trim_end());
            }
            return Ok(());
        }
    }
}

/// Writes a mail with CRLF line ends, doubled leading dots and the closing dot (RFC 5321, section 4.5.2).
fn stuff(raw: &[u8], out: &mut Vec<u8>) {
    for line in raw.strip_suffix(b"\n").unwrap_or(raw).split(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
}

#[cfg(test)]
mod tests {
    use super::stuff;

    fn stuffed(raw: &str) -> String {
        let mut out = Vec::new();
        stuff(raw.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_lone_dot_in_a_mail_does_not_end_it() {
        assert_eq!(stuffed("a\n.\n..b\n"), "a\r\n..\r\n...b\r\n.\r\n");
    }

    #[test]
    fn line_ends_become_crlf_once() {
        assert_eq!(stuffed("a\r\nb"), "a\r\nb\r\n.\r\n");
    }
}
