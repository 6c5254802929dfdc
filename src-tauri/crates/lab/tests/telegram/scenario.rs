//! The list that every client must get through.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use skrynka_lab::telegram::{
    AccountId, Key, Media, Message, Network, NetworkOptions, NewAccount, Push, UserId, strings,
};

pub const WAIT: Duration = Duration::from_secs(15);

/// What a client hears.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Event {
    pub kind: String,
    pub text: String,
    pub id: i32,
    pub out: bool,
}

/// A client of Telegram, as much of it as the list needs.
pub trait Client {
    fn authorised(&mut self) -> bool;
    fn me(&mut self) -> (i64, String);
    fn dialogs(&mut self) -> Vec<String>;
    /// Returns a whole private chat, the newest first.
    fn history(&mut self, user: UserId) -> Vec<String>;
    /// From here on events are wanted.
    fn listen(&mut self);
    fn next(&mut self, wait: Duration) -> Option<Event>;
    /// Answers the message heard last.
    fn reply(&mut self, text: &str) -> i32;
    fn send(&mut self, user: UserId, text: &str) -> i32;
    fn edit(&mut self, user: UserId, id: i32, text: &str);
    fn delete(&mut self, user: UserId, id: i32);
    /// Passes a message on to somebody else.
    fn forward(&mut self, user: UserId, id: i32, to: UserId) -> i32;
    fn upload(&mut self, user: UserId, path: &Path) -> i32;
    fn download(&mut self, user: UserId, id: i32, path: &Path);
    fn read(&mut self, user: UserId);
}

/// A world with one account and a few chats.
pub struct Stage {
    pub network: Network,
    pub account: AccountId,
    pub key: Key,
    pub anna: UserId,
    pub borys: UserId,
}

impl Stage {
    pub fn set() -> Self {
        let network = Network::start(NetworkOptions::default()).unwrap();
        let account = network.add_account(NewAccount::default()).unwrap();
        let (anna, borys) = (network.add_user("Anna"), network.add_user("Borys"));
        network.fill_history(account, anna, 250).unwrap();
        network.send(borys, account, "Dzień dobry!", Push::Silent).unwrap();
        let group = network.add_group("Translators", &[account.user(), anna, borys]);
        network.send(anna, group, "Hello all", Push::Silent).unwrap();
        let forum = network.add_supergroup("Orders", &[account.user(), borys], &["Urgent"]);
        network.send(borys, forum, "An order", Push::Silent).unwrap();
        let key = network.session(account, 2).unwrap();
        Self { network, account, key, anna, borys }
    }

    pub fn telethon_string(&self) -> String {
        strings::telethon(2, self.network.endpoint(2).unwrap(), &self.key)
    }
}

/// Waits for an event of a kind from the other side and returns it.
fn hear(client: &mut dyn Client, kind: &str) -> Event {
    let end = Instant::now() + WAIT;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let event = client.next(left).unwrap_or_else(|| panic!("no {kind} event came"));
        if event.kind == kind && !event.out {
            return event;
        }
    }
}

/// Waits until a client has connected again, writes once more and returns what it heard. Some clients ask for what
/// they missed as soon as they are back, others when the next push shows them a gap.
fn comes_back(stage: &Stage, client: &mut dyn Client) -> Vec<String> {
    let (end, mut written, mut heard) = (Instant::now() + WAIT, false, Vec::new());
    while heard.len() < 2 {
        assert!(Instant::now() < end, "only this was heard: {heard:?}");
        heard.extend(client.next(Duration::from_millis(200)).map(|event| event.text));
        if stage.network.online() > 0 && !written {
            written = true;
            stage.network.send(stage.anna, stage.account, "Once it was back", Push::Pushed).unwrap();
        }
    }
    heard
}

/// Walks a client through the whole list.
pub fn walk(stage: &Stage, client: &mut dyn Client) {
    let Stage { network, account, key, anna, borys } = stage;
    let (account, anna, borys) = (*account, *anna, *borys);
    assert!(client.authorised());
    assert_eq!(client.me(), (account.0, "Manager".to_owned()));
    let mut dialogs = client.dialogs();
    dialogs.sort();
    assert_eq!(dialogs, ["Anna", "Borys", "Orders", "Translators"]);
    let history = client.history(anna);
    assert_eq!(history.len(), 250);
    assert!(history[0].starts_with("History message 249:") && history[249].starts_with("History message 0:"));
    client.listen();

    for (text, push) in [("Перший", Push::Pushed), ("Drugi", Push::Short)] {
        let sent = network.send(borys, account, text, push).unwrap();
        let event = hear(client, "new");
        assert_eq!((event.text.as_str(), Some(event.id)), (text, network.id_for(account, sent)), "{push:?}");
    }
    let id = client.reply("An answer");
    let sent = network.sent_by(account);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].text.as_str(), sent[0].id, sent[0].chat), ("An answer", id, borys.into()));
    assert_eq!(sent[0].reply_to, Some(id - 1));
    client.read(borys);
    assert_eq!(network.reads(account).last(), Some(&(borys.into(), id)));

    let pushed = network.send(anna, account, "To be changed", Push::Pushed).unwrap();
    hear(client, "new");
    network.edit(pushed, "Changed", Push::Pushed).unwrap();
    assert_eq!(hear(client, "edited").text, "Changed");
    network.delete(&[pushed], Push::Pushed).unwrap();
    assert_eq!(Some(hear(client, "deleted").id), network.id_for(account, pushed));

    network.send(anna, account, "Never pushed", Push::Silent).unwrap();
    network.send(anna, account, "Shows the gap", Push::Pushed).unwrap();
    let mut found = [hear(client, "new").text, hear(client, "new").text];
    found.sort();
    assert_eq!(found, ["Never pushed", "Shows the gap"]);
    network.send(anna, account, "Comes second", Push::Reordered).unwrap();
    network.send(anna, account, "Comes first", Push::Pushed).unwrap();
    let mut found = [hear(client, "new").text, hear(client, "new").text];
    found.sort();
    assert_eq!(found, ["Comes first", "Comes second"]);

    assert!(network.cut() >= 1);
    network.send(anna, account, "While it was away", Push::Pushed).unwrap();
    assert_eq!(comes_back(stage, client), ["While it was away", "Once it was back"]);

    let own = client.send(anna, "With a mistke");
    client.edit(anna, own, "With no mistake");
    let message = network.sent_by(account).last().unwrap().message;
    assert_eq!(network.text_of(message).as_deref(), Some("With no mistake"));
    let id = client.forward(anna, own, borys);
    let sent = network.sent_by(account);
    let passed = sent.last().unwrap();
    assert_eq!((passed.text.as_str(), passed.id, passed.chat), ("With no mistake", id, borys.into()));
    client.delete(anna, own);
    assert_eq!(network.text_of(message), None);

    files(stage, client);
    let connections = network.connections(key);
    assert_eq!((connections.now, connections.greatest), (1, 1), "{connections:?}");
    assert!(connections.total >= 2, "{connections:?}");
    assert_eq!(network.complaints(), Vec::<String>::new());
}

fn files(stage: &Stage, client: &mut dyn Client) {
    let Stage { network, account, anna, .. } = stage;
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..700_001_u32).map(|at| (at * 7 % 251) as u8).collect();
    let path = folder.path().join("договір.pdf");
    std::fs::write(&path, &bytes).unwrap();
    let id = client.upload(*anna, &path);
    let sent = network.sent_by(*account);
    let sent = sent.last().unwrap();
    assert_eq!((sent.id, sent.text.as_str()), (id, "see the file"));
    let file = sent.file.as_ref().unwrap();
    assert_eq!(file.name, "договір.pdf");
    assert!(file.bytes == bytes, "the upload differs");

    let media = Media::Document {
        name: "scan.bin".to_owned(),
        mime: "application/octet-stream".to_owned(),
        bytes: bytes.clone(),
        thumb: None,
    };
    let message = Message { text: "A scan".to_owned(), ..media.into() };
    network.send(*anna, *account, message, Push::Pushed).unwrap();
    let event = hear(client, "new");
    let path = folder.path().join("down.bin");
    client.download(*anna, event.id, &path);
    assert!(std::fs::read(&path).unwrap() == bytes, "the download differs");
}
