//! Whether anything is missing: what Telegram says it holds, chat by chat, with few requests; and reading what is.
//!
//! The list of chats names the last message of each, so that a chat in which nothing was said since it was whole costs
//! nothing. Of the others the latest stretch is read: what was said since the account was added here, and since the
//! chat was whole. The numbers of the boxes (pts) are not compared: they count edits and marks too, and the listener
//! follows them by itself. Older history, chats that the account does not take, and what was deleted there are not
//! missing.

use std::{collections::BTreeMap, ops::RangeInclusive};

use grammers_tl_types as tl;
use skrynka_core::{
    connector::{Batch, ConnectorError, Cursor, Holding, Incoming, IncomingSender, Looked},
    model::{Peer, PeerKind, Place},
};
use tokio::time::{Instant, sleep};

use super::{PAGE, TelegramRemote};
use crate::{
    convert::{Reader, date, place},
    error::{Result, TelegramError},
    listen::{Gap, dialogs, gaps, listed, page, read_before},
    waits::{Limited, Wait},
};

/// Pages that are read in one comparison. Chats that are left over wait for the next, the latest ones first.
const MOST_PAGES: usize = 200;
/// With fewer pages left no further chat is begun.
const LEAST_PAGES: usize = 10;

/// The latest stretch of a chat.
struct Stretch {
    numbers: Vec<u32>,
    /// It begins above this number.
    above: u32,
    pages: usize,
}

impl TelegramRemote {
    /// Asks nothing while Telegram wants less of it; the listener is told nothing of a wait that a comparison met.
    pub(super) async fn compared(
        &self,
        cursors: Vec<Cursor>,
        whole: BTreeMap<String, u32>,
    ) -> std::result::Result<Vec<Holding>, ConnectorError> {
        let waits = [Limited::Comparing, Limited::Errands, Limited::Updates];
        if let Some(wait) = waits.into_iter().find_map(|what| self.waits.get(self.account, what)) {
            let until = self.clock.now() + (wait.until - Instant::now());
            return Err(ConnectorError::Limited { until, why: wait.why });
        }
        self.held(&cursors, &whole).await.map_err(|error| {
            self.note_wait(&error);
            self.failed(error)
        })
    }

    /// Notes a wait that Telegram asks for; tells whether this is one.
    fn note_wait(&self, error: &TelegramError) -> bool {
        let TelegramError::Flood { seconds, .. } = error else { return false };
        let until = Instant::now() + std::time::Duration::from_secs((*seconds).into());
        self.waits.note(self.account, Limited::Comparing, Wait { until, why: error.trouble() });
        true
    }

    async fn held(&self, cursors: &[Cursor], whole: &BTreeMap<String, u32>) -> Result<Vec<Holding>> {
        let since = i32::try_from(self.added_at.unix_timestamp()).unwrap_or(0);
        let mut pages = MOST_PAGES;
        let mut found = Vec::new();
        for dialog in dialogs(&self.pool, &self.book).await? {
            let Place { mailbox, epoch, .. } = dialog.peer.place(dialog.top);
            let above = whole.get(&mailbox).copied();
            let is_older = above.is_none() && dialog.date.is_some_and(|date| date < since);
            if is_older || !self.scope.takes(dialog.peer) {
                continue;
            }
            let name = self.book.name(dialog.peer).unwrap_or_else(|| mailbox.clone());
            let above = above.or_else(|| read_before(cursors, self.salt.as_ref(), dialog.peer)).unwrap_or(0);
            let (numbers, looked) = if dialog.top <= above {
                (Vec::new(), Looked::Above(above))
            } else if pages < LEAST_PAGES {
                (Vec::new(), Looked::NotNow)
            } else {
                match self.stretch(dialog.peer, above, since, pages).await {
                    Ok(stretch) => {
                        if stretch.above > above {
                            tracing::warn!(
                                target: "skrynka::telegram",
                                chat = %dialog.peer, above = stretch.above, pages = stretch.pages,
                                "Chat compared only in its latest stretch"
                            );
                        }
                        pages = pages.saturating_sub(stretch.pages);
                        let waits = gaps(cursors, dialog.peer);
                        (ranges(stretch.numbers, &waits), Looked::Above(stretch.above))
                    }
                    Err(
                        error @ (TelegramError::UnknownChat
                        | TelegramError::Unreadable(_)
                        | TelegramError::Refused { code: 400..=403 | 406, .. }),
                    ) => {
                        pages = pages.saturating_sub(1);
                        let why = error.trouble().detail;
                        tracing::info!(target: "skrynka::telegram", chat = %dialog.peer, why, "Chat not compared");
                        (Vec::new(), Looked::NotNow)
                    }
                    // What was compared stands; the rest follows with the next comparison.
                    Err(error) if found.iter().any(is_compared) && self.note_wait(&error) => {
                        tracing::info!(
                            target: "skrynka::telegram",
                            compared = found.len(), why = error.trouble().detail, "Comparison goes on later"
                        );
                        pages = 0;
                        (Vec::new(), Looked::NotNow)
                    }
                    Err(error) => return Err(error),
                }
            };
            found.push(Holding { mailbox, epoch, name, numbers, looked });
        }
        Ok(found)
    }

    /// Reads the numbers of what was said in a chat since `since`, above a number and in so many pages at most.
    async fn stretch(&self, peer: Peer, above: u32, since: i32, most: usize) -> Result<Stretch> {
        let after = i32::try_from(above).unwrap_or(i32::MAX);
        let (mut numbers, mut before) = (Vec::new(), 0_i32);
        let reader = Reader { book: &self.book, me: self.me, arrived_at: self.clock.now() };
        for pages in 1..=most {
            sleep(self.pool.tuning().look).await;
            let limit = i32::try_from(PAGE).unwrap_or(100);
            let read = page(&self.pool, &self.book, peer, before, after, limit).await?;
            let of_page = || read.messages.iter().filter_map(|message| Some((message, place(message)?.1)));
            let lowest = of_page().map(|(_, number)| number).min();
            let claimed = of_page().filter(|(message, number)| date(message) >= since && *number > above);
            // What is no message to the listener is none here.
            numbers.extend(claimed.filter(|(message, _)| reader.message(message, 0).is_some()).map(|(_, n)| n));
            let is_older = of_page().any(|(message, _)| date(message) < since);
            // A page may lack some messages; one that is not half full has nothing behind it.
            let is_last = read.is_last || is_older || of_page().count() < PAGE as usize / 2;
            let Some(lowest) = lowest.filter(|lowest| !is_last && *lowest > above + 1) else {
                return Ok(Stretch { numbers, above, pages });
            };
            if pages == most {
                return Ok(Stretch { numbers, above: lowest - 1, pages });
            }
            before = i32::try_from(lowest).unwrap_or(i32::MAX);
        }
        Ok(Stretch { numbers, above, pages: most })
    }

    /// Reads messages by their numbers and waits until they are stored. Those that are gone are passed over, and so are
    /// chats that cannot be read.
    pub(super) async fn again(&self, places: &[Place], inbox: &IncomingSender) -> Result<()> {
        let mut chats: BTreeMap<Peer, Vec<u32>> = BTreeMap::new();
        for place in places {
            // A place of another epoch is a secret chat's, which no request reads.
            let peer = place.mailbox.parse::<Peer>().ok().filter(|peer| *place == peer.place(place.number));
            if let Some(peer) = peer.filter(|peer| self.scope.takes(*peer)) {
                chats.entry(peer).or_default().push(place.number);
            }
        }
        for (peer, numbers) in chats {
            let mut waiting: Vec<&[u32]> = numbers.chunks(PAGE as usize).collect();
            while let Some(some) = waiting.pop() {
                match self.by_number(peer, some).await {
                    Ok(messages) => self.hand_over(peer, some, &messages, inbox).await?,
                    // One that cannot be read holds up no other.
                    Err(TelegramError::Unreadable(_)) if some.len() > 1 => {
                        let (one, other) = some.split_at(some.len() / 2);
                        waiting.extend([one, other]);
                    }
                    Err(
                        error @ (TelegramError::UnknownChat
                        | TelegramError::Unreadable(_)
                        | TelegramError::Refused { code: 400..=403 | 406, .. }),
                    ) => {
                        let (count, why) = (some.len(), error.trouble().detail);
                        tracing::warn!(
                            target: "skrynka::telegram",
                            chat = %peer, count, why, "Messages cannot be read again"
                        );
                    }
                    Err(error) => return Err(error),
                }
                sleep(self.pool.tuning().look).await;
            }
        }
        Ok(())
    }

    async fn hand_over(
        &self,
        peer: Peer,
        asked: &[u32],
        messages: &[tl::enums::Message],
        inbox: &IncomingSender,
    ) -> Result<()> {
        let reader = Reader { book: &self.book, me: self.me, arrived_at: self.clock.now() };
        let known = self.book.changed().into_iter().map(|peer| Incoming::Peer(Box::new(peer)));
        let mut incoming: Vec<Incoming> = known.collect();
        let of_chat = messages.iter().filter(|message| {
            place(message).is_some_and(|(stands_in, number)| stands_in == peer && asked.contains(&number))
        });
        // Whether it was read, the chat's own mark says.
        let read = of_chat.filter_map(|message| reader.message(message, 0));
        incoming.extend(read.map(|message| Incoming::Message(Box::new(message))));
        inbox.deliver(Batch { incoming, cursors: Vec::new() }).await.map_err(|_| TelegramError::StoreClosed)
    }

    /// Reads messages by their numbers, at most a page of them. Numbers of private chats and basic groups are the
    /// account's, so what comes may stand in another chat.
    pub(super) async fn by_number(&self, peer: Peer, numbers: &[u32]) -> Result<Vec<tl::enums::Message>> {
        let ids = numbers.iter().filter_map(|number| i32::try_from(*number).ok());
        let id = ids.map(|id| tl::types::InputMessageId { id }.into()).collect();
        let answer = if peer.kind == PeerKind::Channel {
            let channel = self.book.input_channel(peer.id).ok_or(TelegramError::UnknownChat)?;
            self.pool.ask_patiently(&tl::functions::channels::GetMessages { channel, id }, &|_| ()).await?
        } else {
            self.pool.ask_patiently(&tl::functions::messages::GetMessages { id }, &|_| ()).await?
        };
        Ok(listed(answer, &self.book).0)
    }
}

fn is_compared(holding: &Holding) -> bool {
    holding.looked != Looked::NotNow
}

/// Numbers as ascending ranges that do not touch, up to where the listener has yet to read: what is above is compared
/// once it has, or the chat would count as whole beyond a gap.
fn ranges(mut numbers: Vec<u32>, waits: &[Gap]) -> Vec<RangeInclusive<u32>> {
    numbers.retain(|number| waits.iter().all(|gap| *number <= gap.low));
    numbers.sort_unstable();
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(range) if number <= range.end().saturating_add(1) => *range = *range.start()..=number,
            _ => ranges.push(number..=number),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_to_be_read_is_not_held_against_anybody() {
        let waits = [Gap { low: 4, high: 7 }];
        assert_eq!(ranges(vec![9, 8, 7, 5, 4, 3, 1], &waits), [1..=1, 3..=4]);
        assert_eq!(ranges(vec![], &waits), []);
    }
}
