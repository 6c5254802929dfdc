//! How far each chat has been handed over, and what is missing of it. No I/O.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use grammers_session::types::{ChannelState, UpdatesState};
use serde::{Deserialize, Serialize};
use skrynka_core::{
    connector::{Cursor, Resume, Salt, hidden_cursor},
    model::{Peer, PeerKind},
};

use crate::peers::channel;

/// The cursor of the account's own box: private chats and basic groups.
const ACCOUNT: &str = "account";

/// Messages that are missing: above `low` (0: as far back as the account wants), up to and including `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    pub(crate) low: u32,
    pub(crate) high: u32,
}

/// What is kept of a chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    /// Up to this number everything was handed over, gaps left out.
    top: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<Gap>,
    /// The state of a channel's own box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pts: Option<i32>,
    /// Read by this account, and by the other side.
    #[serde(default)]
    read_in: u32,
    #[serde(default)]
    read_out: u32,
}

/// The state of the account's own box, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct StoredBox {
    pts: i32,
    qts: i32,
    date: i32,
    seq: i32,
    /// Telegram skipped messages before this state, and the chats have not been compared since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    skipped: bool,
}

#[derive(Debug, Default)]
struct Progress {
    stored: Stored,
    /// While something older is being asked for: what `top` was before.
    settled: Option<u32>,
    /// Pages read of its gaps on this connection, so that every chat gets its first before any gets its second.
    pages: u32,
}

/// Every chat of an account.
#[derive(Debug, Default)]
pub(crate) struct Chats {
    chats: HashMap<Peer, Progress>,
    /// Chats by their last message, latest first.
    order: HashMap<Peer, usize>,
    account: Option<StoredBox>,
    /// Telegram skipped messages, and the chats have not been compared since. Kept with the state that jumped: after a
    /// crash the messages behind it are still missing.
    skipped: bool,
    dirty: BTreeSet<Peer>,
    /// What was stored, and what hides the names of some of it.
    hidden: (Vec<Cursor>, Option<Salt>),
}

impl Chats {
    /// Takes back what was stored.
    pub(crate) fn restore(resume: &Resume) -> Self {
        let mut chats = Self::default();
        for cursor in &resume.cursors {
            if cursor.mailbox == ACCOUNT {
                chats.account = serde_json::from_value(cursor.state.clone()).ok();
                chats.skipped = chats.account.is_some_and(|account| account.skipped);
            } else if let (Ok(peer), Ok(stored)) =
                (cursor.mailbox.parse(), serde_json::from_value(cursor.state.clone()))
            {
                chats.chats.insert(peer, Progress { stored, ..Progress::default() });
            }
        }
        for (mailbox, latest) in &resume.latest {
            if let Ok(peer) = mailbox.parse::<Peer>() {
                // Messages without a cursor were taken over from another program.
                chats.chats.entry(peer).or_insert_with(|| {
                    let stored = Stored { top: *latest, ..Stored::default() };
                    Progress { stored, ..Progress::default() }
                });
            }
        }
        let is_hidden = |cursor: &&Cursor| cursor.mailbox.parse::<Peer>().is_err();
        chats.hidden = (resume.cursors.iter().filter(is_hidden).cloned().collect(), resume.salt.clone());
        chats
    }

    /// A chat; one that is met for the first time may have been read before all the same, with nothing kept of it.
    fn chat(&mut self, peer: Peer) -> &mut Progress {
        let (cursors, salt) = &self.hidden;
        self.chats.entry(peer).or_insert_with(|| {
            let stored = hidden_cursor(cursors, salt.as_ref(), &peer.to_string());
            let stored = stored.and_then(|state| Stored::deserialize(state).ok()).unwrap_or_default();
            Progress { stored, ..Progress::default() }
        })
    }

    /// The state from which to go on; channels that `follows` refuses are left out. `None` the first time.
    pub(crate) fn state(&self, follows: impl Fn(Peer) -> bool) -> Option<UpdatesState> {
        let StoredBox { pts, qts, date, seq, .. } = self.account?;
        let channels = self.chats.iter().filter_map(|(peer, progress)| {
            let pts = progress.stored.pts.filter(|_| peer.kind == PeerKind::Channel && follows(*peer))?;
            Some(ChannelState { id: peer.id, pts })
        });
        Some(UpdatesState { pts, qts, date, seq, channels: channels.collect() })
    }

    /// The date of the state that was stored: what was sent later is new. `None` the first time.
    pub(crate) fn date(&self) -> Option<i32> {
        self.account.map(|account| account.date).filter(|date| *date > 0)
    }

    /// Whether Telegram skipped messages and the chats have not been compared since.
    pub(crate) const fn is_skipped(&self) -> bool {
        self.skipped
    }

    /// Notes whether it did.
    pub(crate) const fn set_skipped(&mut self, skipped: bool) {
        self.skipped = skipped;
    }

    /// Notes a message that is handed over. `behind`: older ones are still being asked for.
    ///
    /// A chat that was not known may have a past, and what was said in a channel while it was not followed is missing.
    pub(crate) fn arrived(&mut self, peer: Peer, number: u32, behind: bool) {
        let is_known = self.chats.contains_key(&peer);
        let progress = self.chat(peer);
        let is_new = !is_known && progress.stored.top == 0;
        if number > progress.stored.top {
            if behind && progress.settled.is_none() {
                progress.settled = Some(progress.stored.top);
            }
            let is_followed = peer.kind != PeerKind::Channel || progress.stored.pts.is_some();
            let low = progress.settled.unwrap_or(progress.stored.top);
            if (is_new || !is_followed) && number > low + 1 {
                progress.stored.gaps.push(Gap { low, high: number - 1 });
            }
            progress.stored.top = number;
            self.dirty.insert(peer);
        }
    }

    /// Notes that a channel is no longer followed.
    pub(crate) fn unfollow(&mut self, channel: Peer) {
        if let Some(progress) = self.chats.get_mut(&channel)
            && progress.stored.pts.take().is_some()
        {
            self.dirty.insert(channel);
        }
    }

    /// Everything that was asked for has come, but for chats that are `late`.
    pub(crate) fn settle(&mut self, late: impl Fn(Peer) -> bool) {
        for (peer, progress) in &mut self.chats {
            if progress.settled.is_some() && !late(*peer) {
                progress.settled = None;
                self.dirty.insert(*peer);
            }
        }
    }

    /// Compares a chat with the last message that the server has, and notes what is missing. Tells whether anything is.
    pub(crate) fn compare(&mut self, peer: Peer, top: u32) -> bool {
        let progress = self.chat(peer);
        let low = progress.settled.unwrap_or(progress.stored.top);
        if top <= low {
            return false;
        }
        progress.stored.gaps.push(Gap { low, high: top });
        progress.stored.top = progress.stored.top.max(top);
        progress.settled = None;
        self.dirty.insert(peer);
        true
    }

    /// Notes the order in which chats are to be read.
    pub(crate) fn set_order(&mut self, peers: impl Iterator<Item = Peer>) {
        self.order = peers.enumerate().map(|(at, peer)| (peer, at)).collect();
    }

    /// What to read next: holes before first histories, latest chats first, a page of each before a second of any.
    pub(crate) fn next_gap(&self) -> Option<(Peer, Gap)> {
        let gaps = self
            .chats
            .iter()
            .flat_map(|(peer, progress)| progress.stored.gaps.iter().map(move |gap| (peer, progress, gap)));
        let urgency = |(peer, progress, gap): &(&Peer, &Progress, &Gap)| {
            let order = self.order.get(peer).copied().unwrap_or(usize::MAX);
            (gap.low == 0, progress.pages, order, **peer, gap.high)
        };
        gaps.min_by_key(urgency).map(|(peer, _, gap)| (*peer, *gap))
    }

    /// How many chats there are.
    pub(crate) fn known(&self) -> usize {
        self.chats.len()
    }

    /// How many gaps there are.
    pub(crate) fn gaps(&self) -> usize {
        self.chats.values().map(|progress| progress.stored.gaps.len()).sum()
    }

    /// Notes that a gap was read down to, and including, `lowest`; `None`: to its end.
    pub(crate) fn filled(&mut self, peer: Peer, gap: Gap, lowest: Option<u32>) {
        let Some(progress) = self.chats.get_mut(&peer) else { return };
        progress.pages += 1;
        let left = lowest.and_then(|lowest| lowest.checked_sub(1)).filter(|high| *high > gap.low && *high < gap.high);
        let Some(at) = progress.stored.gaps.iter().position(|known| *known == gap) else { return };
        match (left, progress.stored.gaps.get_mut(at)) {
            (Some(high), Some(gap)) => gap.high = high,
            _ => {
                progress.stored.gaps.swap_remove(at);
            }
        }
        self.dirty.insert(peer);
    }

    /// Notes up to where this account has read a chat. Tells whether that is news.
    pub(crate) fn read_in(&mut self, peer: Peer, up_to: u32) -> bool {
        let Some(progress) = self.chats.get_mut(&peer) else { return false };
        let is_news = up_to > progress.stored.read_in;
        if is_news {
            progress.stored.read_in = up_to;
            self.dirty.insert(peer);
        }
        is_news
    }

    /// The same for the other side.
    pub(crate) fn read_out(&mut self, peer: Peer, up_to: u32) -> bool {
        let Some(progress) = self.chats.get_mut(&peer) else { return false };
        let is_news = up_to > progress.stored.read_out;
        if is_news {
            progress.stored.read_out = up_to;
            self.dirty.insert(peer);
        }
        is_news
    }

    /// Up to where this account has read a chat.
    pub(crate) fn read_up_to(&self, peer: Peer) -> u32 {
        self.chats.get(&peer).map_or(0, |progress| progress.stored.read_in)
    }

    /// The cursors that follow what was noted, of those that changed. Channels that `follows` refuses have none.
    pub(crate) fn cursors(&mut self, state: &UpdatesState, follows: impl Fn(Peer) -> bool) -> Vec<Cursor> {
        let pts: BTreeMap<i64, i32> = state.channels.iter().map(|channel| (channel.id, channel.pts)).collect();
        for (id, pts) in &pts {
            let peer = channel(*id);
            if !follows(peer) {
                continue;
            }
            let progress = self.chats.entry(peer).or_default();
            if progress.stored.pts != Some(*pts) {
                progress.stored.pts = Some(*pts);
                self.dirty.insert(peer);
            }
        }
        let mut cursors = Vec::new();
        for peer in std::mem::take(&mut self.dirty) {
            let Some(progress) = self.chats.get(&peer) else { continue };
            // What is not settled may still prove to have holes, so it does not count yet.
            let top = progress.settled.unwrap_or(progress.stored.top);
            let stored = Stored { top, ..progress.stored.clone() };
            cursors.push(cursor(peer.to_string(), &stored));
        }
        let UpdatesState { pts, qts, date, seq, .. } = *state;
        let account = StoredBox { pts, qts, date, seq, skipped: self.skipped };
        if self.account != Some(account) {
            self.account = Some(account);
            cursors.push(cursor(ACCOUNT.to_owned(), &account));
        }
        cursors
    }
}

/// What stored cursors say is still to be read of a chat.
pub(crate) fn gaps(cursors: &[Cursor], peer: Peer) -> Vec<Gap> {
    let mailbox = peer.to_string();
    let stored = cursors.iter().find(|cursor| cursor.mailbox == mailbox);
    let stored = stored.and_then(|cursor| Stored::deserialize(&cursor.state).ok());
    stored.map(|stored| stored.gaps).unwrap_or_default()
}

/// Up to where a chat was read of which nothing is kept.
pub(crate) fn read_before(cursors: &[Cursor], salt: Option<&Salt>, peer: Peer) -> Option<u32> {
    let stored = Stored::deserialize(hidden_cursor(cursors, salt, &peer.to_string())?).ok()?;
    Some(stored.top).filter(|_| stored.gaps.is_empty())
}

fn cursor(mailbox: String, state: &impl Serialize) -> Cursor {
    // Numbers always are a JSON object.
    Cursor { mailbox, state: serde_json::to_value(state).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::user;

    const ALICE: Peer = user(5);

    fn state(pts: i32) -> UpdatesState {
        UpdatesState { pts, ..UpdatesState::default() }
    }

    fn restored(cursors: Vec<Cursor>) -> Chats {
        Chats::restore(&Resume { cursors, ..Resume::default() })
    }

    #[test]
    fn what_is_handed_over_comes_back_and_only_changes_are_written() {
        let mut chats = Chats::default();
        assert!(chats.state(|_| true).is_none());
        chats.arrived(ALICE, 1, false);
        let cursors = chats.cursors(&state(3), |_| true);
        assert_eq!(cursors.len(), 2);
        assert!(chats.cursors(&state(3), |_| true).is_empty());
        let again = restored(cursors);
        assert_eq!(again.state(|_| true).unwrap().pts, 3);
        assert_eq!(again.next_gap(), None);
    }

    #[test]
    fn a_jump_leaves_a_hole_that_is_read_backwards() {
        let mut chats = Chats::default();
        chats.compare(ALICE, 10);
        chats.filled(ALICE, Gap { low: 0, high: 10 }, None);
        assert!(chats.compare(ALICE, 350));
        assert!(!chats.compare(ALICE, 350));
        let hole = Gap { low: 10, high: 350 };
        assert_eq!(chats.next_gap(), Some((ALICE, hole)));
        chats.filled(ALICE, hole, Some(251));
        let mut again = restored(chats.cursors(&state(1), |_| true));
        assert_eq!(again.next_gap(), Some((ALICE, Gap { low: 10, high: 250 })));
        again.filled(ALICE, Gap { low: 10, high: 250 }, Some(11));
        assert_eq!(again.next_gap(), None);
    }

    #[test]
    fn a_push_ahead_of_what_is_asked_for_hides_no_hole() {
        let mut chats = Chats::default();
        chats.arrived(ALICE, 1, false);
        chats.arrived(ALICE, 400, true);
        // A crash here goes on from 1.
        let again = restored(chats.cursors(&state(1), |_| true));
        assert_eq!(again.chats[&ALICE].stored.top, 1);
        assert!(chats.compare(ALICE, 399));
        assert_eq!(chats.next_gap(), Some((ALICE, Gap { low: 1, high: 399 })));
    }

    #[test]
    fn every_chat_gets_its_first_page_before_any_its_second() {
        let mut chats = Chats::default();
        for id in [1, 2] {
            chats.compare(user(id), 300);
        }
        chats.set_order([user(2), user(1)].into_iter());
        let gap = Gap { low: 0, high: 300 };
        assert_eq!(chats.next_gap(), Some((user(2), gap)));
        chats.filled(user(2), gap, Some(201));
        assert_eq!(chats.next_gap(), Some((user(1), gap)));
    }

    #[test]
    fn a_channel_that_is_not_taken_has_no_state() {
        let mut chats = Chats::default();
        let channels = vec![ChannelState { id: 7, pts: 5 }, ChannelState { id: 8, pts: 6 }];
        let taken = |peer: Peer| peer.id != 8;
        let cursors = chats.cursors(&UpdatesState { pts: 1, channels, ..UpdatesState::default() }, taken);
        assert_eq!(restored(cursors).state(taken).unwrap().channels, [ChannelState { id: 7, pts: 5 }]);
    }
}
