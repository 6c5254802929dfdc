//! Which arrivals a person at the desk is told of, and how many at a time. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use time::{OffsetDateTime, Time};

use crate::{
    model::{AccountId, ConversationId, Direction, MessageId, ServiceKind},
    profile::NoticeSettings,
};

/// A conversation, named across accounts.
pub type ConversationRef = (AccountId, ConversationId);

/// What an account catches up on is told once it has not been catching up for this long …
const SETTLED: std::time::Duration = std::time::Duration::from_secs(2);
/// … or has been for so long that a part of it is told.
const HELD_AT_MOST: std::time::Duration = std::time::Duration::from_secs(60);
/// More conversations than this in one burst are told as a count.
const SINGLY: usize = 3;

/// A stored message, with what decides whether somebody is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Its conversation.
    pub conversation: ConversationRef,
    /// What the bureau calls its account.
    pub account_name: String,
    /// Whether its account is muted.
    pub account_muted: bool,
    /// When its account was added: what the server received before is history.
    pub account_added_at: OffsetDateTime,
    /// Until when its conversation is muted.
    pub muted_until: Option<OffsetDateTime>,
    /// Whose it is.
    pub direction: Direction,
    /// Whether it was read.
    pub seen: bool,
    /// When its server received it.
    pub received_at: OffsetDateTime,
    /// The other side's name, or the group's; its address where it has none.
    pub peer: String,
    /// Who wrote it, where several write.
    pub author: Option<String>,
    /// A mail's subject.
    pub subject: String,
    /// Its first words; empty where it has no text.
    pub snippet: String,
    /// What it is, where it is not text: a kind of file, `location`, `contact`, `poll`.
    pub media: Option<String>,
    /// What it tells of, where nobody typed it.
    pub service: Option<ServiceKind>,
    /// Unread messages of its conversation.
    pub unread: u32,
}

/// The desk at the moment of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scene {
    /// The moment.
    pub now: OffsetDateTime,
    /// The wall clock of the place.
    pub local: Time,
    /// The conversation that somebody is looking at.
    pub front: Option<ConversationRef>,
}

/// Why nobody is told of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// It is ours.
    Ours,
    /// It was read already.
    Read,
    /// It is older than its account here.
    History,
    /// A line that nobody typed and that asks for nothing.
    Quiet,
    /// Its account is muted.
    AccountMuted,
    /// Its conversation is muted.
    Muted,
    /// Somebody is looking at its conversation.
    InFront,
    /// Notices are off.
    Off,
    /// Do not disturb, by hand or by the clock.
    DoNotDisturb,
}

/// Tells why nobody is told of an arrival; `None` where somebody is.
pub fn silence(arrival: &Arrival, settings: &NoticeSettings, scene: &Scene) -> Option<Silence> {
    let reasons = [
        (arrival.direction == Direction::Out, Silence::Ours),
        (arrival.seen, Silence::Read),
        (arrival.received_at < arrival.account_added_at, Silence::History),
        (arrival.service.is_some_and(|kind| !kind.asks()), Silence::Quiet),
        (arrival.account_muted, Silence::AccountMuted),
        (is_muted(arrival.muted_until, scene.now), Silence::Muted),
        (scene.front == Some(arrival.conversation), Silence::InFront),
        (!settings.enabled, Silence::Off),
        (settings.is_quiet(scene.local), Silence::DoNotDisturb),
    ];
    reasons.into_iter().find_map(|(holds, why)| holds.then_some(why))
}

/// Whether a conversation that is muted until then is muted now.
pub fn is_muted(until: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
    until.is_some_and(|until| until > now)
}

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The latest message of a conversation. It takes the place of the notice before it.
    Message(Box<Arrival>),
    /// How much came, where naming each would be a flood. It takes the place of the one before it.
    Count {
        /// Messages since the last count was looked at.
        messages: u32,
        /// In so many conversations.
        conversations: u32,
    },
}

/// Stored messages that wait for their turn to be told of. Times are since any one moment.
#[derive(Debug, Default)]
pub struct Waiting {
    accounts: BTreeMap<AccountId, Turn>,
}

#[derive(Debug)]
struct Turn {
    messages: BTreeSet<MessageId>,
    since: std::time::Duration,
    not_before: std::time::Duration,
}

impl Waiting {
    /// Adds messages that were stored.
    pub fn add(&mut self, messages: impl IntoIterator<Item = (AccountId, MessageId)>, now: std::time::Duration) {
        for (account, message) in messages {
            let turn = self.accounts.entry(account);
            let new = || Turn { messages: BTreeSet::new(), since: now, not_before: now };
            turn.or_insert_with(new).messages.insert(message);
        }
    }

    /// Takes the messages of every account whose turn it is. What an account catches up on is kept together.
    pub fn take(
        &mut self,
        now: std::time::Duration,
        is_catching_up: impl Fn(AccountId) -> bool,
    ) -> Vec<(AccountId, MessageId)> {
        let mut taken = Vec::new();
        self.accounts.retain(|account, turn| {
            if is_catching_up(*account) {
                turn.not_before = now + SETTLED;
            }
            let waits = now < turn.not_before && now < turn.since + HELD_AT_MOST;
            if !waits {
                taken.extend(turn.messages.iter().map(|message| (*account, *message)));
            }
            waits
        });
        taken
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

/// What the count says that is shown.
#[derive(Debug, Default)]
pub struct Count {
    conversations: BTreeMap<ConversationRef, u32>,
}

impl Count {
    /// Puts arrivals that somebody is to be told of, oldest first, into notices; those of many conversations are added
    /// to the count.
    pub fn notices(&mut self, arrivals: Vec<Arrival>) -> Vec<Notice> {
        let mut latest: BTreeMap<ConversationRef, (Arrival, u32)> = BTreeMap::new();
        for arrival in arrivals {
            let messages = latest.get(&arrival.conversation).map_or(1, |(_, messages)| messages + 1);
            latest.insert(arrival.conversation, (arrival, messages));
        }
        if latest.len() <= SINGLY {
            return latest.into_values().map(|(latest, _)| Notice::Message(Box::new(latest))).collect();
        }
        for (conversation, (_, messages)) in latest {
            let counted = self.conversations.entry(conversation).or_default();
            *counted = counted.saturating_add(messages);
        }
        let messages = self.conversations.values().fold(0_u32, |sum, messages| sum.saturating_add(*messages));
        let conversations = u32::try_from(self.conversations.len()).unwrap_or(u32::MAX);
        vec![Notice::Count { messages, conversations }]
    }

    /// Whether messages of this conversation are part of it.
    pub fn covers(&self, conversation: &ConversationRef) -> bool {
        self.conversations.contains_key(conversation)
    }

    /// Leaves out a conversation that was read, and tells whether nothing is left to be counted.
    pub fn read(&mut self, conversation: &ConversationRef) -> bool {
        self.conversations.remove(conversation).is_some() && self.conversations.is_empty()
    }

    /// The count was looked at: the next one begins anew.
    pub fn looked_at(&mut self) {
        self.conversations.clear();
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{datetime, time};
    use uuid::Uuid;

    use super::*;
    use crate::profile::QuietHours;

    const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

    fn key(number: u128) -> ConversationRef {
        (AccountId(Uuid::from_u128(1)), ConversationId(Uuid::from_u128(number)))
    }

    fn arrival(number: u128) -> Arrival {
        Arrival {
            conversation: key(number),
            account_name: "Замовлення".to_owned(),
            account_muted: false,
            account_added_at: NOW - time::Duration::days(10),
            muted_until: None,
            direction: Direction::In,
            seen: false,
            received_at: NOW,
            peer: "Олена".to_owned(),
            author: None,
            subject: String::new(),
            snippet: "Добрий день".to_owned(),
            media: None,
            service: None,
            unread: 1,
        }
    }

    fn scene() -> Scene {
        Scene { now: NOW, local: time!(12:00), front: None }
    }

    fn why(change: impl FnOnce(&mut Arrival)) -> Option<Silence> {
        let mut arrival = arrival(1);
        change(&mut arrival);
        silence(&arrival, &NoticeSettings::default(), &scene())
    }

    #[test]
    fn a_message_that_just_came_is_told() {
        assert_eq!(why(|_| ()), None);
    }

    #[test]
    fn what_asks_for_nothing_is_not_told() {
        assert_eq!(why(|arrival| arrival.direction = Direction::Out), Some(Silence::Ours));
        assert_eq!(why(|arrival| arrival.seen = true), Some(Silence::Read));
        assert_eq!(why(|arrival| arrival.service = Some(ServiceKind::MessagePinned)), Some(Silence::Quiet));
        assert_eq!(why(|arrival| arrival.service = Some(ServiceKind::Call)), Some(Silence::Quiet));
    }

    #[test]
    fn a_missed_call_and_a_secret_chat_are_told() {
        assert_eq!(why(|arrival| arrival.service = Some(ServiceKind::MissedCall)), None);
        assert_eq!(why(|arrival| arrival.service = Some(ServiceKind::SecretChat)), None);
    }

    #[test]
    fn what_is_older_than_its_account_is_history() {
        assert_eq!(why(|arrival| arrival.account_added_at = NOW + time::Duration::SECOND), Some(Silence::History));
        assert_eq!(why(|arrival| arrival.account_added_at = NOW), None);
    }

    #[test]
    fn a_mute_ends_at_its_moment() {
        assert_eq!(why(|arrival| arrival.account_muted = true), Some(Silence::AccountMuted));
        assert_eq!(why(|arrival| arrival.muted_until = Some(NOW + time::Duration::SECOND)), Some(Silence::Muted));
        assert_eq!(why(|arrival| arrival.muted_until = Some(NOW)), None);
    }

    #[test]
    fn only_the_conversation_in_front_is_silent() {
        let settings = NoticeSettings::default();
        let at = |number| Scene { front: Some(key(number)), ..scene() };
        assert_eq!(silence(&arrival(1), &settings, &at(1)), Some(Silence::InFront));
        assert_eq!(silence(&arrival(1), &settings, &at(2)), None);
    }

    #[test]
    fn settings_silence_everything() {
        let said = |settings: NoticeSettings| silence(&arrival(1), &settings, &scene());
        assert_eq!(said(NoticeSettings { enabled: false, ..NoticeSettings::default() }), Some(Silence::Off));
        let by_hand = NoticeSettings { do_not_disturb: true, ..NoticeSettings::default() };
        assert_eq!(said(by_hand), Some(Silence::DoNotDisturb));
    }

    #[test]
    fn quiet_hours_go_by_the_wall_clock_and_over_midnight() {
        let hours =
            |from, to| NoticeSettings { quiet_hours: QuietHours { on: true, from, to }, ..NoticeSettings::default() };
        let night = hours(time!(22:00), time!(08:00));
        for (local, quiet) in [
            (time!(21:59:59), false),
            (time!(22:00), true),
            (time!(00:00), true),
            (time!(07:59:59), true),
            (time!(08:00), false),
            (time!(12:00), false),
        ] {
            assert_eq!(night.is_quiet(local), quiet, "{local}");
        }
        let lunch = hours(time!(13:00), time!(14:00));
        assert!(lunch.is_quiet(time!(13:30)) && !lunch.is_quiet(time!(14:00)) && !lunch.is_quiet(time!(02:00)));
        let never = hours(time!(09:00), time!(09:00));
        assert!(!never.is_quiet(time!(09:00)) && !never.is_quiet(time!(21:00)));
        let off = NoticeSettings { quiet_hours: QuietHours { on: false, ..night.quiet_hours }, ..night };
        assert!(!off.is_quiet(time!(23:00)));
    }

    #[test]
    fn several_messages_of_one_conversation_are_one_notice_with_the_latest() {
        let said = |text: &str| Arrival { snippet: text.to_owned(), ..arrival(1) };
        let notices = Count::default().notices(vec![said("раз"), said("два"), said("три")]);
        assert!(matches!(&*notices, [Notice::Message(latest)] if latest.snippet == "три"), "{notices:?}");
    }

    #[test]
    fn three_conversations_are_named_and_four_are_a_count() {
        let told = |conversations| Count::default().notices((0..conversations).map(arrival).collect());
        assert_eq!(told(3).len(), 3);
        assert_eq!(told(4), [Notice::Count { messages: 4, conversations: 4 }]);
    }

    #[test]
    fn a_count_grows_until_it_was_looked_at_and_forgets_what_was_read() {
        let mut count = Count::default();
        let flood = |count: &mut Count| count.notices((0..5).map(arrival).collect());
        assert_eq!(flood(&mut count), [Notice::Count { messages: 5, conversations: 5 }]);
        assert_eq!(flood(&mut count), [Notice::Count { messages: 10, conversations: 5 }]);
        assert!(count.covers(&key(3)) && !count.read(&key(3)) && !count.covers(&key(3)));
        assert_eq!(flood(&mut count), [Notice::Count { messages: 13, conversations: 5 }]);
        assert!(!count.read(&key(9)), "it was not part of it");
        assert_eq!(
            (0..5).map(|number| count.read(&key(number))).collect::<Vec<_>>(),
            [false, false, false, false, true]
        );
        flood(&mut count);
        count.looked_at();
        assert_eq!(flood(&mut count), [Notice::Count { messages: 5, conversations: 5 }]);
    }

    fn seconds(seconds: u64) -> std::time::Duration {
        std::time::Duration::from_secs(seconds)
    }

    fn message(number: u128) -> MessageId {
        MessageId(Uuid::from_u128(number))
    }

    const NIGHT: AccountId = AccountId(Uuid::from_u128(1));
    const DAY: AccountId = AccountId(Uuid::from_u128(2));

    #[test]
    fn what_is_caught_up_on_waits_until_it_is_whole_and_keeps_no_other_account_waiting() {
        let mut waiting = Waiting::default();
        let is_catching_up = |account| account == NIGHT;
        waiting.add([(NIGHT, message(1)), (DAY, message(2))], seconds(0));
        assert_eq!(waiting.take(seconds(1), is_catching_up), [(DAY, message(2))]);
        waiting.add([(NIGHT, message(3)), (NIGHT, message(1))], seconds(10));
        assert_eq!(waiting.take(seconds(10), is_catching_up), []);
        assert_eq!(waiting.take(seconds(11), |_| false), [], "it may go on at once");
        assert_eq!(waiting.take(seconds(12), |_| false), [(NIGHT, message(1)), (NIGHT, message(3))]);
        assert!(waiting.is_empty());
    }

    #[test]
    fn what_takes_long_to_catch_up_on_is_told_in_parts() {
        let mut waiting = Waiting::default();
        waiting.add([(NIGHT, message(1))], seconds(0));
        assert_eq!(waiting.take(seconds(59), |_| true), []);
        assert_eq!(waiting.take(seconds(60), |_| true), [(NIGHT, message(1))]);
    }
}
