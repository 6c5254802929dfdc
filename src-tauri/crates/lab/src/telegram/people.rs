//! Who is there: accounts, people, bots, groups and channels.

use anyhow::{Context, Result};

use super::{
    AccountId, Chat, Network, UserId,
    world::{Account, Person, Room, RoomKind, World},
};

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Digits only, as Telegram keeps them.
    pub phone: String,
    pub first_name: String,
    pub last_name: Option<String>,
    pub username: Option<String>,
    /// The two-step password.
    pub password: Option<String>,
    /// Makes the account a bot that signs in with this token.
    pub bot_token: Option<String>,
    pub home_dc: i32,
}

impl Default for NewAccount {
    fn default() -> Self {
        Self {
            phone: "380445550100".to_owned(),
            first_name: "Manager".to_owned(),
            last_name: None,
            username: None,
            password: None,
            bot_token: None,
            home_dc: 2,
        }
    }
}

/// A person who writes to accounts. Nobody can sign in as them.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    pub first_name: String,
    pub last_name: Option<String>,
    pub username: Option<String>,
    pub phone: Option<String>,
    /// Whether the accounts have them in their address book.
    pub contact: bool,
    /// Whether pushes carry them as `min`: without a usable access hash. Answers still carry them in full.
    pub min: bool,
}

impl From<&str> for NewUser {
    fn from(first_name: &str) -> Self {
        Self { first_name: first_name.to_owned(), ..Self::default() }
    }
}

impl Network {
    /// Makes an account. Its update state starts at pts 1.
    pub fn add_account(&self, new: NewAccount) -> Result<AccountId> {
        self.endpoint(new.home_dc)?;
        let mut world = self.world();
        let id = world.next_user_id(1_000_000);
        world.people.insert(
            id,
            Person {
                id,
                first_name: new.first_name,
                last_name: new.last_name,
                username: new.username,
                phone: Some(new.phone.clone()),
                bot: new.bot_token.is_some(),
                contact: false,
                min: false,
                photo: None,
            },
        );
        world.accounts.insert(id, Account::new(new.phone, new.home_dc, new.password.as_deref(), new.bot_token));
        Ok(AccountId(id))
    }

    /// Makes a person.
    pub fn add_user(&self, new: impl Into<NewUser>) -> UserId {
        let new = new.into();
        self.world().add_person(new, false)
    }

    /// Makes a bot that writes to accounts.
    pub fn add_bot(&self, first_name: &str) -> UserId {
        self.world().add_person(first_name.into(), true)
    }

    /// Makes a basic group. Its accounts find a service message about it.
    pub fn add_group(&self, title: &str, members: &[UserId]) -> Chat {
        self.world().add_group(title, members)
    }

    /// Makes a supergroup; with topics it is a forum. The topics' ids are those of their first messages:
    /// [`Network::topics`].
    pub fn add_supergroup(&self, title: &str, members: &[UserId], topics: &[&str]) -> Chat {
        let mut world = self.world();
        let chat = world.add_channel(title, members, RoomKind::Supergroup { forum: !topics.is_empty() });
        for topic in topics {
            world.add_topic(chat, topic);
        }
        chat
    }

    /// Makes a broadcast channel. The first member owns it and is the only one who writes.
    pub fn add_channel(&self, title: &str, members: &[UserId]) -> Chat {
        self.world().add_channel(title, members, RoomKind::Broadcast)
    }

    /// Returns the topics of a forum: id and title. The topic "General" has the id 1.
    pub fn topics(&self, chat: Chat) -> Vec<(i32, String)> {
        self.world().room(chat).map(|room| room.topics.clone()).unwrap_or_default()
    }

    /// Makes a user a member, without a message about it.
    pub fn join(&self, chat: Chat, user: impl Into<UserId>) -> Result<()> {
        let user = user.into();
        let mut world = self.world();
        let room = world.room_mut(chat).context("Only groups and channels have members")?;
        if !room.members.contains(&user.0) {
            room.members.push(user.0);
        }
        Ok(())
    }

    /// Ends a membership, without a message about it. An account that left may no longer ask about a channel.
    pub fn leave(&self, chat: Chat, user: impl Into<UserId>) -> Result<()> {
        let user = user.into();
        let mut world = self.world();
        let room = world.room_mut(chat).context("Only groups and channels have members")?;
        room.members.retain(|member| *member != user.0);
        Ok(())
    }

    /// Gives a person other names or another phone.
    pub fn rename(&self, user: impl Into<UserId>, new: NewUser) -> Result<()> {
        let mut world = self.world();
        let person = world.people.get_mut(&user.into().0).context("There is no such user")?;
        person.first_name = new.first_name;
        person.last_name = new.last_name;
        person.username = new.username;
        person.phone = new.phone;
        Ok(())
    }
}

impl World {
    fn add_person(&mut self, new: NewUser, bot: bool) -> UserId {
        let id = self.next_user_id(2_000_000);
        self.people.insert(
            id,
            Person {
                id,
                first_name: new.first_name,
                last_name: new.last_name,
                username: new.username,
                phone: new.phone,
                bot,
                contact: new.contact,
                min: new.min,
                photo: None,
            },
        );
        UserId(id)
    }

    /// Adds a room with its members and without a message.
    pub(super) fn add_room(&mut self, title: &str, members: &[UserId], kind: RoomKind) -> i64 {
        let id = 3_000 + self.rooms.len() as i64;
        let members = members.iter().map(|member| member.0).collect();
        let chat = kind.chat(id);
        self.rooms.insert(chat, Room::new(id, title, members, kind));
        id
    }
}
