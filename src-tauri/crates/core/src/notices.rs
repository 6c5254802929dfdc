//! Which arrivals a person at the desk is told of, and how many at a time. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use time::{Duration, OffsetDateTime, Time};

use crate::{
    model::{AccountId, ConversationId, Direction, ServiceKind},
    profile::NoticeSettings,
};

/// A conversation, named across accounts.
pub type ConversationRef = (AccountId, ConversationId);

/// What came later than this after its server received it was caught up on, and is told as a count.
const FRESH: Duration = Duration::minutes(2);
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

/// Arrivals that are told together.
#[derive(Debug, Default)]
pub struct Burst {
    /// The latest of each conversation, and how many.
    fresh: BTreeMap<ConversationRef, (Arrival, u32)>,
    late: Pile,
    /// What the count says that is shown.
    counted: Pile,
}

#[derive(Debug, Default, Clone)]
struct Pile {
    messages: u32,
    conversations: BTreeSet<ConversationRef>,
}

impl Pile {
    fn add(&mut self, conversation: ConversationRef, messages: u32) {
        self.messages = self.messages.saturating_add(messages);
        self.conversations.insert(conversation);
    }
}

impl Burst {
    /// Adds an arrival that somebody is to be told of.
    pub fn add(&mut self, arrival: Arrival, now: OffsetDateTime) {
        let key = arrival.conversation;
        if now - arrival.received_at > FRESH {
            self.late.add(key, 1);
            return;
        }
        match self.fresh.get_mut(&key) {
            Some((latest, messages)) => {
                *messages += 1;
                if arrival.received_at >= latest.received_at {
                    *latest = arrival;
                }
            }
            None => {
                self.fresh.insert(key, (arrival, 1));
            }
        }
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.late.messages == 0
    }

    /// Takes what is to be told now. While an account is `catching_up`, what it brings is kept for one count.
    pub fn take(&mut self, catching_up: bool) -> Vec<Notice> {
        let fresh = std::mem::take(&mut self.fresh);
        let mut notices = Vec::new();
        let mut more = Pile::default();
        if fresh.len() > SINGLY {
            for (key, (_, messages)) in fresh {
                more.add(key, messages);
            }
        } else {
            notices.extend(fresh.into_values().map(|(latest, _)| Notice::Message(Box::new(latest))));
        }
        if !catching_up {
            let late = std::mem::take(&mut self.late);
            more.messages += late.messages;
            more.conversations.extend(late.conversations);
        }
        if more.messages > 0 {
            self.counted.messages = self.counted.messages.saturating_add(more.messages);
            self.counted.conversations.extend(more.conversations);
            let conversations = u32::try_from(self.counted.conversations.len()).unwrap_or(u32::MAX);
            notices.push(Notice::Count { messages: self.counted.messages, conversations });
        }
        notices
    }

    /// The count was looked at: the next one begins anew.
    pub fn counted(&mut self) {
        self.counted = Pile::default();
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
            account_added_at: NOW - Duration::days(10),
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
        assert_eq!(why(|arrival| arrival.account_added_at = NOW + Duration::SECOND), Some(Silence::History));
        assert_eq!(why(|arrival| arrival.account_added_at = NOW), None);
    }

    #[test]
    fn a_mute_ends_at_its_moment() {
        assert_eq!(why(|arrival| arrival.account_muted = true), Some(Silence::AccountMuted));
        assert_eq!(why(|arrival| arrival.muted_until = Some(NOW + Duration::SECOND)), Some(Silence::Muted));
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
        let mut burst = Burst::default();
        for (second, text) in [(1, "два"), (2, "три"), (0, "раз")] {
            let received_at = NOW + Duration::seconds(second);
            burst.add(Arrival { snippet: text.to_owned(), received_at, ..arrival(1) }, NOW);
        }
        let notices = burst.take(false);
        assert!(matches!(&*notices, [Notice::Message(latest)] if latest.snippet == "три"), "{notices:?}");
        assert!(burst.is_empty() && burst.take(false).is_empty());
    }

    #[test]
    fn three_conversations_are_named_and_four_are_a_count() {
        let told = |conversations| {
            let mut burst = Burst::default();
            (0..conversations).for_each(|number| burst.add(arrival(number), NOW));
            burst.take(false)
        };
        assert_eq!(told(3).len(), 3);
        assert_eq!(told(4), [Notice::Count { messages: 4, conversations: 4 }]);
    }

    #[test]
    fn three_hundred_messages_after_a_night_are_one_notice_with_a_count() {
        let mut burst = Burst::default();
        let mut told = Vec::new();
        for number in 0..300 {
            let received_at = NOW - Duration::hours(8) + Duration::minutes(number.into());
            burst.add(Arrival { received_at, ..arrival(u128::from(number % 7_u16)) }, NOW);
            told.extend(burst.take(true));
        }
        assert_eq!(told, [], "nothing is told while the account is catching up");
        assert_eq!(burst.take(false), [Notice::Count { messages: 300, conversations: 7 }]);
        assert!(burst.is_empty());
    }

    #[test]
    fn a_fresh_message_does_not_wait_for_another_accounts_catching_up() {
        let mut burst = Burst::default();
        burst.add(Arrival { received_at: NOW - Duration::hours(1), ..arrival(1) }, NOW);
        burst.add(arrival(2), NOW);
        assert_eq!(burst.take(true), [Notice::Message(Box::new(arrival(2)))]);
        assert_eq!(burst.take(false), [Notice::Count { messages: 1, conversations: 1 }]);
    }

    #[test]
    fn a_count_grows_until_it_was_looked_at() {
        let mut burst = Burst::default();
        let flood = |burst: &mut Burst| (0..5).for_each(|number| burst.add(arrival(number), NOW));
        flood(&mut burst);
        assert_eq!(burst.take(false), [Notice::Count { messages: 5, conversations: 5 }]);
        flood(&mut burst);
        assert_eq!(burst.take(false), [Notice::Count { messages: 10, conversations: 5 }]);
        burst.counted();
        flood(&mut burst);
        assert_eq!(burst.take(false), [Notice::Count { messages: 5, conversations: 5 }]);
    }
}
