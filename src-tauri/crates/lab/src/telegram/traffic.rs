//! What happens in the chats: messages, edits, deletions, reactions, read marks, typing, calls.

use anyhow::{Context, Result, bail};
use grammers_tl_types::{self as tl, Serializable};
use time::OffsetDateTime;

use super::{
    AccountId, Chat, MessageId, Network, UserId,
    media::{Media, Stored},
    now,
    world::{Delivery, Post, Reply, SERVICE_USER, World},
};

/// How something reaches the clients that are connected. It always reaches the difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Push {
    /// As `updates` with the people and chats concerned.
    #[default]
    Pushed,
    /// Not at all: the client finds a gap, or nothing.
    Silent,
    /// Behind the next thing that is pushed to the account.
    Reordered,
    /// As `updateShortMessage` or `updateShortChatMessage`, without people; `updates` where no short form exists.
    Short,
}

/// A message to be sent.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub text: String,
    /// Offsets count UTF-16 units, as Telegram's do.
    pub entities: Vec<tl::enums::MessageEntity>,
    pub reply_to: Option<MessageId>,
    /// The topic of a forum.
    pub topic: Option<i32>,
    pub forward: Option<Forward>,
    pub media: Option<Media>,
    /// Messages with the same number are one album.
    pub album: Option<i64>,
    /// When it was sent; now, if it does not say.
    pub at: Option<OffsetDateTime>,
    /// Makes it a service message.
    pub action: Option<tl::enums::MessageAction>,
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl From<Media> for Message {
    fn from(media: Media) -> Self {
        Self { media: Some(media), ..Self::default() }
    }
}

/// Where a forwarded message comes from.
#[derive(Debug, Clone)]
pub enum Forward {
    User(UserId),
    /// Somebody who hides behind a name.
    Hidden(String),
    /// A post of a channel.
    Post(MessageId),
}

impl Network {
    /// Lets a user write. Between a person and an account the chat is named from the writer's side: a customer writes
    /// to the account, an account's owner writes to the customer from their phone.
    pub fn send(
        &self,
        from: impl Into<UserId>,
        chat: impl Into<Chat>,
        message: impl Into<Message>,
        push: Push,
    ) -> Result<MessageId> {
        let (from, chat, message) = (from.into().0, chat.into(), message.into());
        let mut world = self.world();
        let post = world.compose(from, chat, message)?;
        Ok(world.deliver(post, Delivery::from(push)))
    }

    /// Sends several messages as one album: each is an update of its own.
    pub fn send_album(
        &self,
        from: impl Into<UserId>,
        chat: impl Into<Chat>,
        messages: Vec<Message>,
        push: Push,
    ) -> Result<Vec<MessageId>> {
        let (from, chat) = (from.into(), chat.into());
        let album = self.world().next_album();
        messages
            .into_iter()
            .map(|message| self.send(from, chat, Message { album: Some(album), ..message }, push))
            .collect()
    }

    /// Fills a chat with numbered messages, `count` of them, without pushing: two from the other side, one from
    /// `account`, and so on.
    pub fn fill_history(&self, account: AccountId, with: impl Into<UserId>, count: usize) -> Result<()> {
        let with = with.into();
        let mut world = self.world();
        for number in 0..count {
            let text = format!("History message {number}: the translation is ready, please check the names.");
            let (from, chat) = if number % 3 == 2 { (account.user(), with) } else { (with, account.user()) };
            let post = world.compose(from.0, chat.into(), text.into())?;
            world.deliver(post, Delivery::from(Push::Silent));
        }
        Ok(())
    }

    /// Changes a message's text.
    pub fn edit(&self, message: MessageId, text: &str, push: Push) -> Result<()> {
        self.world().edit(message, Some(text.to_owned()), Some(Vec::new()), push, None)
    }

    /// Deletes messages for everybody.
    pub fn delete(&self, messages: &[MessageId], push: Push) -> Result<()> {
        self.world().delete(messages, push, None)
    }

    /// Sets a user's reaction to a message; `None` takes it away. Reactions have no place in the difference.
    pub fn react(&self, user: impl Into<UserId>, message: MessageId, emoji: Option<&str>, push: Push) -> Result<()> {
        self.world().react(user.into().0, message, emoji, push)
    }

    /// Lets a reader read a chat up to a message: the other side of it, or an account's owner on their phone.
    pub fn read(&self, reader: impl Into<UserId>, message: MessageId, push: Push) -> Result<()> {
        self.world().read(reader.into().0, message, push)
    }

    /// Shows a user typing. Typing has no place in the difference.
    pub fn typing(&self, user: impl Into<UserId>, chat: impl Into<Chat>) {
        self.world().typing(user.into().0, chat.into(), &tl::enums::SendMessageAction::SendMessageTypingAction);
    }

    /// Notes a call between a user and an account that was missed, or took so many seconds.
    pub fn call(
        &self,
        from: impl Into<UserId>,
        to: impl Into<UserId>,
        seconds: Option<i32>,
        push: Push,
    ) -> Result<MessageId> {
        let reason = match seconds {
            Some(_) => tl::enums::PhoneCallDiscardReason::Hangup,
            None => tl::enums::PhoneCallDiscardReason::Missed,
        };
        let action = tl::types::MessageActionPhoneCall {
            video: false,
            call_id: i64::from(now()),
            reason: Some(reason),
            duration: seconds,
        };
        self.send(from, to.into(), Message { action: Some(action.into()), ..Message::default() }, push)
    }

    /// Asks an account for a secret chat, as every device of it is told (`updateEncryption`).
    pub fn ask_secret_chat(&self, from: impl Into<UserId>, to: AccountId) {
        let (from, mut world) = (from.into().0, self.world());
        let asked = tl::types::EncryptedChatRequested {
            folder_id: None,
            id: -1_900_000_001,
            access_hash: 1,
            date: now(),
            admin_id: from,
            participant_id: to.0,
            g_a: vec![7; 256],
        };
        let update = tl::types::UpdateEncryption { chat: asked.into(), date: now() };
        let users = world.user(to.0, from, true).into_iter().collect();
        let updates =
            tl::types::Updates { updates: vec![update.into()], users, chats: Vec::new(), date: now(), seq: 0 };
        world.push(to.0, tl::enums::Updates::Updates(updates).to_bytes());
    }

    /// Writes a login code into the account's service chat, as Telegram does when somebody signs in.
    pub fn post_login_code(&self, account: AccountId, code: &str, push: Push) -> Result<MessageId> {
        let text =
            format!("Login code: {code}. Do not give this code to anyone, even if they say they are from Telegram!");
        self.send(UserId(SERVICE_USER), account, text, push)
    }

    /// Returns the id under which an account sees a message.
    pub fn id_for(&self, account: AccountId, message: MessageId) -> Option<i32> {
        self.world().posts.get(&message.0)?.id_for(account.0)
    }

    /// Returns the text of a message, unless it was deleted.
    pub fn text_of(&self, message: MessageId) -> Option<String> {
        self.world().posts.get(&message.0).filter(|post| !post.deleted).map(|post| post.text.clone())
    }
}

impl World {
    /// Turns what somebody says into a post with a number, without delivering it.
    fn compose(&mut self, from: i64, chat: Chat, message: Message) -> Result<Post> {
        if !self.people.contains_key(&from) {
            bail!("There is no user {from}");
        }
        let reply = match (message.reply_to, message.topic) {
            (None, None) => None,
            (Some(to), topic) => Some(Reply { to: Some(to.0), topic }),
            (None, topic) => Some(Reply { to: None, topic }),
        };
        let media = message.media.map(|media| self.keep_media(media));
        let post = Post {
            entities: message.entities,
            reply,
            forward: message.forward.map(|forward| self.forwarded(forward)).transpose()?,
            media: media.map(Stored::into_tl),
            album: message.album,
            date: message.at.map_or_else(now, |at| i32::try_from(at.unix_timestamp()).unwrap_or(i32::MAX)),
            action: message.action,
            ..Post::new(from, chat, message.text)
        };
        Ok(post)
    }

    fn forwarded(&self, forward: Forward) -> Result<tl::types::MessageFwdHeader> {
        let date = now();
        Ok(match forward {
            Forward::User(user) => tl::types::MessageFwdHeader {
                from_id: Some(tl::types::PeerUser { user_id: user.0 }.into()),
                ..super::blank::forward(date)
            },
            Forward::Hidden(name) => {
                tl::types::MessageFwdHeader { from_name: Some(name), ..super::blank::forward(date) }
            }
            Forward::Post(message) => {
                let post = self.posts.get(&message.0).context("There is no message to forward")?;
                tl::types::MessageFwdHeader {
                    from_id: Some(super::render::peer(post.chat)),
                    channel_post: post.shared_id,
                    ..super::blank::forward(post.date)
                }
            }
        })
    }
}

/// Returns `updateShort` with one update.
pub(super) fn short(update: tl::enums::Update) -> Vec<u8> {
    tl::enums::Updates::UpdateShort(tl::types::UpdateShort { update, date: now() }).to_bytes()
}
