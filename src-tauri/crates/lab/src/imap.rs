//! A plain IMAP connection for tests: what goes in and out stands in the test itself.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use time::{OffsetDateTime, macros::format_description};

const DEADLINE: Duration = Duration::from_secs(60);

/// A blocking connection without TLS.
pub struct Imap {
    stream: BufReader<TcpStream>,
    tag: u32,
}

impl Imap {
    /// Connects and reads the greeting.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE).context("Failed to reach IMAP")?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        let mut imap = Self { stream: BufReader::new(stream), tag: 0 };
        let greeting = imap.line()?;
        if !greeting.starts_with("* OK") {
            bail!("IMAP greeted with {greeting}");
        }
        Ok(imap)
    }

    /// Connects and signs in.
    pub fn sign_in(address: SocketAddr, user: &str, password: &str) -> Result<Self> {
        let mut imap = Self::connect(address)?;
        imap.command(&format!("LOGIN {} {}", quoted(user), quoted(password)))?;
        Ok(imap)
    }

    /// Sends one command and returns the untagged lines of its answer; literals stand in them as text.
    ///
    /// Fails unless the tagged answer is `OK`.
    pub fn command(&mut self, command: &str) -> Result<Vec<String>> {
        let tag = self.send(command)?;
        self.finish(&tag).with_context(|| format!("IMAP refused {}", command.split(' ').next().unwrap_or_default()))
    }

    /// Stores a mail in a folder with the given flags and internal date.
    pub fn append(&mut self, folder: &str, flags: &str, received: Option<OffsetDateTime>, raw: &[u8]) -> Result<()> {
        let date = match received {
            Some(at) => format!(
                "\"{}\" ",
                at.format(format_description!(
                    "[day padding:space]-[month repr:short]-[year] [hour]:[minute]:[second] \
                     [offset_hour sign:mandatory][offset_minute]"
                ))?
            ),
            None => String::new(),
        };
        let tag = self.send(&format!("APPEND {} ({flags}) {date}{{{}}}", quoted(folder), raw.len()))?;
        let go_on = self.line()?;
        if !go_on.starts_with('+') {
            bail!("IMAP refused the mail: {go_on}");
        }
        self.stream.get_mut().write_all(raw)?;
        self.stream.get_mut().write_all(b"\r\n")?;
        self.finish(&tag)?;
        Ok(())
    }

    /// Starts IDLE; [`Imap::line`] then returns what the server says by itself.
    pub fn idle(&mut self) -> Result<()> {
        self.send("IDLE")?;
        let go_on = self.line()?;
        if !go_on.starts_with('+') {
            bail!("IMAP refused IDLE: {go_on}");
        }
        Ok(())
    }

    /// Reads one line, with the literals that belong to it, without the line end.
    pub fn line(&mut self) -> Result<String> {
        let mut text = Vec::new();
        loop {
            let start = text.len();
            if self.stream.read_until(b'\n', &mut text).context("Failed to hear from IMAP")? == 0 {
                bail!("IMAP closed the connection");
            }
            let end = text[start..]
                .iter()
                .rposition(|byte| !matches!(byte, b'\r' | b'\n'))
                .map_or(start, |at| start + at + 1);
            text.truncate(end);
            let Some(length) = literal_length(&text[start..]) else {
                return Ok(String::from_utf8_lossy(&text).into_owned());
            };
            text.resize(end + length, 0);
            self.stream.read_exact(&mut text[end..]).context("IMAP ended inside a literal")?;
        }
    }

    fn send(&mut self, command: &str) -> Result<String> {
        self.tag += 1;
        let tag = format!("L{}", self.tag);
        self.stream.get_mut().write_all(format!("{tag} {command}\r\n").as_bytes()).context("Failed to speak IMAP")?;
        Ok(tag)
    }

    fn finish(&mut self, tag: &str) -> Result<Vec<String>> {
        let mut untagged = Vec::new();
        loop {
            let line = self.line()?;
            let Some(status) = line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) else {
                untagged.push(line);
                continue;
            };
            if !status.starts_with("OK") {
                bail!("IMAP answered {status}");
            }
            return Ok(untagged);
        }
    }
}

/// Returns the length of the literal that a line announces at its end.
fn literal_length(line: &[u8]) -> Option<usize> {
    let open = line.strip_suffix(b"}")?.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(&line[open + 1..line.len() - 1]).ok()?.parse().ok()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
