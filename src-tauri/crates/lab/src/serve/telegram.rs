//! The Telegram network behind the line protocol.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    bureau::files,
    telegram::{
        AccountId, Chat, Demo, Media, Message, MessageId, Network, NetworkOptions, NewAccount, NewUser, Picture, Push,
        UserId, since_epoch, strings,
    },
};

/// What can be asked of Telegram: `{"do": "telegram", "ask": {"send": {"from": 2000001, …}}}`. Chats are written
/// `{"user": 1000001}`, `{"group": 3000}`, `{"channel": 3001}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Answers with the addresses of the data centres.
    Endpoints,
    /// Answers with what `SKRYNKA_TELEGRAM_CENTRES` wants in its file: addresses, and keys for one sign-in.
    Centres,
    /// Plays the demo's past. Answers with its accounts, customers and rooms.
    Demo {
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// Lets a customer of the demo write once more.
    CustomerWrites,
    /// Answers with the account and a session for it.
    AddAccount {
        phone: String,
        first_name: String,
        password: Option<String>,
        #[serde(default = "home")]
        home_dc: i32,
    },
    /// Makes a new session at the account's home. Answers with it in every format.
    Session {
        account: AccountId,
        #[serde(default = "home")]
        dc: i32,
    },
    /// Makes a key that nobody is signed in with.
    FreshKey {
        dc: i32,
    },
    AddUser {
        first_name: String,
        last_name: Option<String>,
        username: Option<String>,
        phone: Option<String>,
    },
    AddGroup {
        title: String,
        members: Vec<UserId>,
    },
    AddSupergroup {
        title: String,
        members: Vec<UserId>,
        #[serde(default)]
        topics: Vec<String>,
    },
    AddChannel {
        title: String,
        members: Vec<UserId>,
    },
    /// Answers with the message, the id under which each account sees it, and the moment before it was pushed in Unix
    /// milliseconds.
    Send {
        from: UserId,
        chat: Chat,
        #[serde(default)]
        text: String,
        #[serde(default)]
        push: Push,
        reply_to: Option<MessageId>,
        topic: Option<i32>,
        file: Option<File>,
    },
    /// Sends numbered texts, from `first` on, each pushed.
    Burst {
        from: UserId,
        chat: Chat,
        first: usize,
        count: usize,
    },
    /// Lets a chat have this many numbered messages already.
    FillHistory {
        account: AccountId,
        with: UserId,
        count: usize,
    },
    Edit {
        message: MessageId,
        text: String,
        #[serde(default)]
        push: Push,
    },
    Delete {
        messages: Vec<MessageId>,
        #[serde(default)]
        push: Push,
    },
    React {
        user: UserId,
        message: MessageId,
        emoji: Option<String>,
    },
    Read {
        reader: UserId,
        message: MessageId,
    },
    Typing {
        user: UserId,
        chat: Chat,
    },
    /// A call that was missed, or took so many seconds.
    Call {
        from: UserId,
        to: UserId,
        seconds: Option<i32>,
    },
    /// Somebody asks for a secret chat.
    SecretChat {
        from: UserId,
        to: AccountId,
    },
    LoginCode {
        account: AccountId,
        code: String,
    },
    /// Scans a QR code: the token as it stands in `tg://login?token=`.
    AcceptLoginToken {
        account: AccountId,
        token: String,
    },
    Freeze,
    FreezeOpen,
    Thaw,
    /// Answers with how many connections were closed.
    Cut,
    Refuse(bool),
    Fail {
        method: String,
        times: u32,
        error: String,
    },
    StopFailing,
    EndSessions {
        account: AccountId,
        error: String,
    },
    RestoreSessions {
        account: AccountId,
    },
    LoseAnswers {
        method: String,
        times: u32,
    },
    AccountTooLongAfter(Option<i32>),
    ChannelTooLongAfter(Option<i32>),
    ExpireFileReferences,
    /// Answers with what clients did: connections, requests, complaints, messages, read marks.
    Stats,
}

/// A file to be sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum File {
    /// A generated photo.
    Photo { width: u32, height: u32, seed: u32 },
    /// A generated voice message.
    Voice { seconds: u32 },
    /// A round video note whose bytes are base64.
    VideoNote { seconds: f64, side: i32, bytes: String },
    /// A document whose bytes are base64.
    Document { name: String, mime: String, bytes: String },
}

impl File {
    fn media(self) -> Result<Media> {
        Ok(match self {
            Self::Photo { width, height, seed } => {
                let picture = |width: u32, height: u32| Picture {
                    bytes: files::png(width, height, seed),
                    width: width.cast_signed(),
                    height: height.cast_signed(),
                };
                Media::Photo { full: picture(width, height), thumb: Some(picture(width / 4 + 1, height / 4 + 1)) }
            }
            Self::Voice { seconds } => Media::Voice {
                bytes: files::voice(seconds),
                seconds: seconds.cast_signed(),
                waveform: files::waveform(),
            },
            Self::VideoNote { seconds, side, bytes } => {
                let bytes = STANDARD.decode(bytes).context("Not base64")?;
                Media::VideoNote { bytes, seconds, side, thumb: None }
            }
            Self::Document { name, mime, bytes } => {
                Media::Document { name, mime, bytes: STANDARD.decode(bytes).context("Not base64")?, thumb: None }
            }
        })
    }
}

fn home() -> i32 {
    NewAccount::default().home_dc
}

/// A network and the demo that may play in it.
pub(super) struct Telegram {
    network: Network,
    accounts: Vec<AccountId>,
    demo: Option<Demo>,
}

impl Telegram {
    pub(super) fn start() -> Result<Self> {
        Ok(Self { network: Network::start(NetworkOptions::default())?, accounts: Vec::new(), demo: None })
    }

    pub(super) fn carry_out(&mut self, ask: Ask) -> Result<Value> {
        let network = &self.network;
        match ask {
            Ask::Endpoints => return Ok(json!(network.endpoints())),
            Ask::Centres => return self.centres(),
            Ask::Demo { until } => return self.play(until),
            Ask::CustomerWrites => {
                let demo = self.demo.as_mut().context("The demo is not playing")?;
                let message = demo.customer_writes(network)?;
                return Ok(self.sent(message));
            }
            Ask::AddAccount { phone, first_name, password, home_dc } => {
                let new = NewAccount { phone, first_name, password, home_dc, ..NewAccount::default() };
                let account = network.add_account(new)?;
                self.accounts.push(account);
                return self.session(account, home_dc);
            }
            Ask::Session { account, dc } => return self.session(account, dc),
            Ask::FreshKey { dc } => {
                let key = network.fresh_key(dc)?;
                return Ok(json!({ "dc": dc, "address": network.endpoint(dc)?, "key": STANDARD.encode(key) }));
            }
            Ask::AddUser { first_name, last_name, username, phone } => {
                let new = NewUser { first_name, last_name, username, phone, ..NewUser::default() };
                return Ok(json!(network.add_user(new)));
            }
            Ask::AddGroup { title, members } => return Ok(json!(network.add_group(&title, &members))),
            Ask::AddSupergroup { title, members, topics } => {
                let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
                let chat = network.add_supergroup(&title, &members, &topics);
                return Ok(json!({ "chat": chat, "topics": network.topics(chat) }));
            }
            Ask::AddChannel { title, members } => return Ok(json!(network.add_channel(&title, &members))),
            Ask::Send { from, chat, text, push, reply_to, topic, file } => {
                let media = file.map(File::media).transpose()?;
                let message = Message { text, reply_to, topic, media, ..Message::default() };
                let at = since_epoch().as_secs_f64() * 1000.0;
                let mut sent = self.sent(network.send(from, chat, message, push)?);
                sent["at"] = at.into();
                return Ok(sent);
            }
            Ask::Burst { from, chat, first, count } => {
                for number in first..first + count {
                    network.send(from, chat, format!("Burst {number}: is the translation ready?"), Push::Pushed)?;
                }
            }
            Ask::FillHistory { account, with, count } => network.fill_history(account, with, count)?,
            Ask::Edit { message, text, push } => network.edit(message, &text, push)?,
            Ask::Delete { messages, push } => network.delete(&messages, push)?,
            Ask::React { user, message, emoji } => network.react(user, message, emoji.as_deref(), Push::Pushed)?,
            Ask::Read { reader, message } => network.read(reader, message, Push::Pushed)?,
            Ask::Typing { user, chat } => network.typing(user, chat),
            Ask::Call { from, to, seconds } => return Ok(self.sent(network.call(from, to, seconds, Push::Pushed)?)),
            Ask::SecretChat { from, to } => network.ask_secret_chat(from, to),
            Ask::LoginCode { account, code } => {
                return Ok(self.sent(network.post_login_code(account, &code, Push::Pushed)?));
            }
            Ask::AcceptLoginToken { account, token } => {
                let token = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).context("Not base64")?;
                network.accept_login_token(account, &token)?;
            }
            Ask::Freeze => network.freeze(),
            Ask::FreezeOpen => network.freeze_open(),
            Ask::Thaw => network.thaw(),
            Ask::Cut => return Ok(network.cut().into()),
            Ask::Refuse(refuse) => network.refuse(refuse),
            Ask::Fail { method, times, error } => network.fail(&method, times, &error),
            Ask::StopFailing => network.stop_failing(),
            Ask::EndSessions { account, error } => network.end_sessions(account, &error),
            Ask::RestoreSessions { account } => network.restore_sessions(account),
            Ask::LoseAnswers { method, times } => network.lose_answers(&method, times),
            Ask::AccountTooLongAfter(pts) => network.account_too_long_after(pts),
            Ask::ChannelTooLongAfter(pts) => network.channel_too_long_after(pts),
            Ask::ExpireFileReferences => network.expire_file_references(),
            Ask::Stats => return Ok(self.stats()),
        }
        Ok(Value::Null)
    }

    fn play(&mut self, until: OffsetDateTime) -> Result<Value> {
        let demo = Demo::play(&self.network, until)?;
        self.accounts.extend(demo.accounts);
        let accounts = demo.accounts.map(|account| self.session(account, home()));
        let played = json!({
            "accounts": accounts.into_iter().collect::<Result<Vec<_>>>()?,
            "customers": demo.customers,
            "group": demo.group,
            "forum": demo.forum,
            "channel": demo.channel,
        });
        self.demo = Some(demo);
        Ok(played)
    }

    fn centres(&self) -> Result<Value> {
        let mut centres = serde_json::Map::new();
        for (dc, address) in self.network.endpoints() {
            let key = self.network.fresh_key(*dc)?;
            let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            centres.insert(dc.to_string(), json!({ "address": address, "key": hex }));
        }
        Ok(centres.into())
    }

    /// Makes a session. The API id is any: the network does not know applications.
    fn session(&self, account: AccountId, dc: i32) -> Result<Value> {
        let (key, address) = (self.network.session(account, dc)?, self.network.endpoint(dc)?);
        Ok(json!({
            "account": account,
            "dc": dc,
            "address": address,
            "key": STANDARD.encode(key),
            "telethon": strings::telethon(dc, address, &key),
            "telethon_v6": strings::telethon_v6(dc, address, &key),
            "gramjs": strings::gramjs(dc, &address.ip().to_string(), address.port(), &key),
            "pyrogram": strings::pyrogram(dc, 12345, &key, account, false),
            "pyrogram_1": strings::pyrogram_1(dc, &key, account, false),
            "pyrogram_1_short": strings::pyrogram_1_short(dc, &key, account, false),
        }))
    }

    fn sent(&self, message: MessageId) -> Value {
        let ids: BTreeMap<i64, i32> = self
            .accounts
            .iter()
            .filter_map(|account| Some((account.0, self.network.id_for(*account, message)?)))
            .collect();
        json!({ "message": message, "ids": ids })
    }

    fn stats(&self) -> Value {
        let network = &self.network;
        let accounts: BTreeMap<i64, Value> = self
            .accounts
            .iter()
            .map(|account| {
                let (sent, reads) = (network.sent_by(*account), network.reads(*account));
                (account.0, json!({ "sent": sent, "reads": reads, "pts": network.pts(*account) }))
            })
            .collect();
        json!({
            "online": network.online(),
            "greatest_with_one_key": network.greatest_with_one_key(),
            "requests": network.requests(),
            "complaints": network.complaints(),
            "accounts": accounts,
        })
    }
}
