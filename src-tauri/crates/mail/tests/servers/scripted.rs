//! An IMAP server that does what Dovecot never would. It knows a mailbox of small mails; a script may answer any
//! command in its place.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::desk::mail;

/// What a script says to a command.
pub enum Say {
    /// The server's usual answer.
    Usual,
    /// These bytes. `{tag}` stands for the command's tag.
    Bytes(Vec<u8>),
    /// These bytes, and then the connection is closed.
    Last(Vec<u8>),
    /// Nothing, for ever.
    Silence,
    /// These bytes, and then a byte ten times a second, for ever, without an end of the line.
    Drip(Vec<u8>),
}

pub fn say(text: impl Into<String>) -> Say {
    Say::Bytes(text.into().into_bytes())
}

/// The script: which connection it is (from 1), and the command without its tag.
type Script = dyn Fn(usize, &str) -> Say + Send + Sync;

pub struct Server {
    pub port: u16,
    /// Every line the clients sent, without tags.
    pub heard: Arc<Mutex<Vec<String>>>,
    _stop: DropGuard,
}

pub const CAPABILITIES: &str = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS";

/// The answer to a FETCH of these UIDs, complete but for the tagged line.
pub fn fetched(uids: impl IntoIterator<Item = u32>) -> String {
    uids.into_iter().map(one).collect()
}

fn one(uid: u32) -> String {
    let raw = String::from_utf8(mail(uid)).unwrap();
    format!(
        "* {uid} FETCH (UID {uid} FLAGS () INTERNALDATE \"01-Jan-2026 10:00:00 +0000\" RFC822.SIZE {0} BODY[]<0> {{{0}}}\r\n{raw})\r\n",
        raw.len()
    )
}

impl Server {
    /// Starts with `count` mails in INBOX. `greeting` is the script's command for a new connection.
    pub async fn start(count: u32, script: impl Fn(usize, &str) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let stop = CancellationToken::new();
        let (stopped, lines, script) = (stop.clone(), heard.clone(), Arc::new(script));
        let number = AtomicUsize::new(0);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let listener = {
                let _inside = runtime.enter();
                let listener = listener.into_std().unwrap();
                TcpListener::from_std(listener).unwrap()
            };
            runtime.block_on(async move {
                let mut clients = JoinSet::new();
                let accept = async {
                    loop {
                        let (tcp, _) = listener.accept().await.unwrap();
                        let connection = number.fetch_add(1, Ordering::SeqCst) + 1;
                        clients.spawn(serve(tcp, count, connection, lines.clone(), script.clone() as Arc<Script>));
                    }
                };
                tokio::select! { () = accept => {}, () = stopped.cancelled() => {} }
            });
        });
        Self { port, heard, _stop: stop.drop_guard() }
    }

    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(tcp: TcpStream, count: u32, connection: usize, heard: Arc<Mutex<Vec<String>>>, script: Arc<Script>) {
    let mut stream = BufReader::new(tcp);
    let mut line = "- GREETING".to_owned();
    loop {
        let (tag, command) = line.trim_end().split_once(' ').unwrap_or(("", line.trim_end()));
        heard.lock().unwrap().push(command.to_owned());
        let (bytes, last) = match script(connection, command) {
            Say::Usual => (usual(command, count).into_bytes(), command == "LOGOUT"),
            Say::Bytes(bytes) => (bytes, false),
            Say::Last(bytes) => (bytes, true),
            Say::Silence => (Vec::new(), false),
            Say::Drip(bytes) => {
                let mut more = stream.write_all(&bytes).await;
                while more.is_ok() {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    more = stream.write_all(b"x").await;
                }
                return;
            }
        };
        let bytes = replaced(&bytes, b"{tag}", tag.as_bytes());
        if stream.write_all(&bytes).await.is_err() || last {
            return;
        }
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

fn usual(command: &str, count: u32) -> String {
    let range = |text: &str| {
        let number = |text: &str| if text == "*" { count } else { text.parse().unwrap_or(count) };
        let parts = text.split(',').flat_map(|part| {
            let (a, b) = part.split_once(':').unwrap_or((part, part));
            let (a, b) = (number(a), number(b));
            a.min(b)..=a.max(b)
        });
        parts.filter(|uid| (1..=count).contains(uid)).collect::<Vec<u32>>()
    };
    let words: Vec<&str> = command.split(' ').collect();
    let data = match words.as_slice() {
        ["GREETING"] => return format!("* OK [CAPABILITY {CAPABILITIES}] ready\r\n"),
        ["AUTHENTICATE", ..] | ["LOGIN", ..] => return format!("{{tag}} OK [CAPABILITY {CAPABILITIES}] in\r\n"),
        ["LIST", ..] => "* LIST () \"/\" INBOX\r\n".to_owned(),
        ["EXAMINE" | "SELECT", ..] => {
            format!("* {count} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT {}] x\r\n", count + 1)
        }
        ["UID", "SEARCH", "UID", set, ..] => {
            let uids: Vec<String> = range(set).iter().map(u32::to_string).collect();
            format!("* SEARCH {}\r\n", uids.join(" "))
        }
        ["UID", "FETCH", set, ..] if command.contains("BODY.PEEK[]<0") => fetched(range(set)),
        ["UID", "FETCH", set, ..] if command.contains("BODY.PEEK[HEADER]") => {
            let one = |uid: &u32| {
                format!("* {uid} FETCH (UID {uid} FLAGS () BODY[HEADER] {{17}}\r\nSubject: h{uid:03}\r\n\r\n)\r\n")
            };
            range(set).iter().map(one).collect()
        }
        ["UID", "FETCH", set, ..] => {
            range(set).iter().map(|uid| format!("* {uid} FETCH (UID {uid} FLAGS ())\r\n")).collect()
        }
        _ => String::new(),
    };
    format!("{data}{{tag}} OK done\r\n")
}

fn replaced(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}
