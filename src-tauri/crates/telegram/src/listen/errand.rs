//! What the listener asks for beside the updates: the list of chats, pages of their past, the topics of forums.
//!
//! One errand at a time, beside the updates: a limit on history never holds up what is new.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use grammers_tl_types as tl;
use skrynka_core::model::Peer;

use super::chats::Gap;
use crate::{
    convert::{date, number, place},
    error::{Result, TelegramError},
    peers::{Book, named},
    pool::Pool,
};

/// The most messages that stand together and cannot be read.
const TOGETHER: i32 = 100;

/// An errand that is under way.
pub(crate) type Errand = BoxFuture<'static, (Asked, Result<Brought>)>;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Dialogs,
    Page { peer: Peer, gap: Gap, limit: i32 },
    Topics(i64),
}

/// What came back.
pub(crate) enum Brought {
    Dialogs(Vec<Dialog>),
    Page(Page),
    Unreadable(Lone),
    Topics,
}

/// A message that cannot be read.
pub(crate) struct Lone {
    pub(crate) number: u32,
    /// When the message before it was sent, if there is one.
    pub(crate) date: Option<i32>,
    pub(crate) why: String,
}

/// A chat in the account's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialog {
    pub(crate) peer: Peer,
    pub(crate) top: u32,
    pub(crate) read_in: u32,
    pub(crate) read_out: u32,
    pub(crate) pts: Option<i32>,
    /// When the last message was sent, in Unix seconds, where the list tells.
    pub(crate) date: Option<i32>,
}

/// A page of a chat's past, latest message first.
pub(crate) struct Page {
    pub(crate) messages: Vec<tl::enums::Message>,
    /// Whether there is nothing before it.
    pub(crate) is_last: bool,
}

/// Begins an errand after a pause.
pub(crate) fn run(asked: Asked, pause: Duration, pool: &Arc<Pool>, book: &Arc<Book>) -> Errand {
    let (pool, book) = (pool.clone(), book.clone());
    Box::pin(async move {
        tokio::time::sleep(pause).await;
        let brought = match asked {
            Asked::Dialogs => dialogs(&pool, &book).await.map(Brought::Dialogs),
            Asked::Page { peer, gap, limit } => {
                let high = i32::try_from(gap.high).unwrap_or(i32::MAX);
                let low = i32::try_from(gap.low).unwrap_or(i32::MAX);
                match page(&pool, &book, peer, high.saturating_add(1), low, limit).await {
                    Err(TelegramError::Unreadable(why)) if limit == 1 => {
                        lone(&pool, &book, peer, (low, high), why).await.map(Brought::Unreadable)
                    }
                    read => read.map(Brought::Page),
                }
            }
            Asked::Topics(forum) => topics(&pool, &book, forum).await.map(|()| Brought::Topics),
        };
        (asked, brought)
    })
}

/// Reads the whole list of chats, latest first, and learns who they are with.
pub(crate) async fn dialogs(pool: &Pool, book: &Book) -> Result<Vec<Dialog>> {
    let mut found: Vec<Dialog> = Vec::new();
    let mut request = tl::functions::messages::GetDialogs {
        exclude_pinned: false,
        folder_id: None,
        offset_date: 0,
        offset_id: 0,
        offset_peer: tl::enums::InputPeer::Empty,
        limit: pool.tuning().page,
        hash: 0,
    };
    let most = request.limit;
    loop {
        let answer = match pool.ask(&request).await {
            // One chat that cannot be read hides no other: the page is halved until it stands alone, then passed.
            Err(TelegramError::Unreadable(_)) if request.limit > 1 => {
                request.limit /= 2;
                continue;
            }
            Err(error @ TelegramError::Unreadable(_)) => {
                tracing::warn!(target: "skrynka::telegram", why = error.trouble().detail, "A chat cannot be listed");
                (request.exclude_pinned, request.offset_id) = (true, 0);
                request.offset_peer = tl::enums::InputPeer::Empty;
                request.offset_date = readable_before(pool, &request).await?;
                if request.offset_date <= 0 {
                    return Ok(found);
                }
                continue;
            }
            answer => answer?,
        };
        request.limit = request.limit.saturating_mul(2).min(most);
        let (dialogs, messages, is_last) = match answer {
            tl::enums::messages::Dialogs::Dialogs(all) => {
                book.learn(&all.users, &all.chats);
                (all.dialogs, all.messages, true)
            }
            tl::enums::messages::Dialogs::Slice(slice) => {
                book.learn(&slice.users, &slice.chats);
                let is_last = slice.dialogs.is_empty();
                (slice.dialogs, slice.messages, is_last)
            }
            tl::enums::messages::Dialogs::NotModified(_) => return Ok(found),
        };
        let dialogs = dialogs.iter().filter_map(|dialog| {
            let tl::enums::Dialog::Dialog(dialog) = dialog else { return None };
            Some(Dialog {
                peer: named(&dialog.peer),
                top: number(dialog.top_message).unwrap_or(0),
                read_in: number(dialog.read_inbox_max_id).unwrap_or(0),
                read_out: number(dialog.read_outbox_max_id).unwrap_or(0),
                pts: dialog.pts,
                date: None,
            })
        });
        let mut dialogs: Vec<Dialog> = dialogs.collect();
        let dates: HashMap<_, _> = messages.iter().filter_map(|one| Some((place(one)?, date(one)))).collect();
        for dialog in &mut dialogs {
            dialog.date = dates.get(&(dialog.peer, dialog.top)).copied();
        }
        for dialog in &dialogs {
            // A chat that got a message meanwhile moved to the front and is listed twice.
            if !found.iter().any(|known| known.peer == dialog.peer) {
                found.push(*dialog);
            }
        }
        // The next page begins after the last chat whose message came along.
        let last = dialogs.iter().rev().find_map(|dialog| Some((*dialog, dialog.date?)));
        let Some((dialog, date)) = last.filter(|_| !is_last) else { return Ok(found) };
        let before = (request.offset_date, request.offset_id);
        request.exclude_pinned = true;
        request.offset_date = date;
        request.offset_id = i32::try_from(dialog.top).unwrap_or(i32::MAX);
        if (request.offset_date, request.offset_id) == before {
            return Ok(found);
        }
        request.offset_peer = book.input(dialog.peer).unwrap_or(tl::enums::InputPeer::Empty);
    }
}

/// The latest date before which the list of chats can be read, below the one that a request names.
async fn readable_before(pool: &Pool, request: &tl::functions::messages::GetDialogs) -> Result<i32> {
    let mut high = if request.offset_date > 0 { request.offset_date } else { i32::MAX };
    let mut step = 1_i32;
    let mut low = loop {
        let low = high.saturating_sub(step).max(0);
        if low == 0 || is_listed(pool, request, low).await? {
            break low;
        }
        (high, step) = (low, step.saturating_mul(2));
    };
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_listed(pool, request, middle).await? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

async fn is_listed(pool: &Pool, request: &tl::functions::messages::GetDialogs, offset_date: i32) -> Result<bool> {
    match pool.ask(&tl::functions::messages::GetDialogs { offset_date, ..request.clone() }).await {
        Ok(_) => Ok(true),
        Err(TelegramError::Unreadable(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Finds the number of the latest message of a stretch, which cannot be read: numbers of private chats are the
/// account's, so others may lie between it and the end of the stretch.
async fn lone(pool: &Pool, book: &Book, peer: Peer, (after, up_to): (i32, i32), why: String) -> Result<Lone> {
    let mut together = 1;
    let readable = loop {
        match older(pool, book, peer, (up_to, after), together).await {
            Ok(readable) => break readable,
            Err(TelegramError::Unreadable(_)) if together < TOGETHER => together += 1,
            Err(error) => return Err(error),
        }
    };
    let (mut low, mut high) = (readable.map_or(after, |(number, _)| i32::try_from(number).unwrap_or(after)), up_to);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match older(pool, book, peer, (middle, after), together - 1).await {
            Ok(_) => low = middle,
            Err(TelegramError::Unreadable(_)) => high = middle,
            Err(error) => return Err(error),
        }
    }
    let number = number(high).ok_or_else(|| TelegramError::Unreadable(why.clone()))?;
    Ok(Lone { number, date: readable.map(|(_, date)| date), why })
}

/// Reads number and date of the message that stands so many before the latest one up to a number.
async fn older(
    pool: &Pool,
    book: &Book,
    peer: Peer,
    (up_to, after): (i32, i32),
    by: i32,
) -> Result<Option<(u32, i32)>> {
    let page = stretch(pool, book, peer, (up_to.saturating_add(1), after), by, 1).await?;
    Ok(page.messages.first().and_then(|message| Some((place(message)?.1, date(message)))))
}

/// Reads a page of a chat: the messages before `before` and after `after`, at most `limit`.
pub(crate) async fn page(pool: &Pool, book: &Book, peer: Peer, before: i32, after: i32, limit: i32) -> Result<Page> {
    stretch(pool, book, peer, (before, after), 0, limit).await
}

/// Reads a page that begins so many messages further back.
async fn stretch(
    pool: &Pool,
    book: &Book,
    peer: Peer,
    (before, after): (i32, i32),
    skipped: i32,
    limit: i32,
) -> Result<Page> {
    let request = tl::functions::messages::GetHistory {
        peer: book.input(peer).ok_or(TelegramError::UnknownChat)?,
        offset_id: before,
        offset_date: 0,
        add_offset: skipped,
        limit,
        max_id: 0,
        min_id: after,
        hash: 0,
    };
    let (mut messages, all) = listed(pool.ask(&request).await?, book);
    let is_last = all || messages.is_empty();
    messages.retain(|message| place(message).is_none_or(|(stands_in, _)| stands_in == peer));
    Ok(Page { messages, is_last })
}

/// The messages of an answer, and whether it says that they are all there are. Learns who they are from.
pub(crate) fn listed(answer: tl::enums::messages::Messages, book: &Book) -> (Vec<tl::enums::Message>, bool) {
    match answer {
        tl::enums::messages::Messages::Messages(all) => {
            book.learn(&all.users, &all.chats);
            (all.messages, true)
        }
        tl::enums::messages::Messages::Slice(slice) => {
            book.learn(&slice.users, &slice.chats);
            (slice.messages, false)
        }
        tl::enums::messages::Messages::ChannelMessages(slice) => {
            book.learn(&slice.users, &slice.chats);
            (slice.messages, false)
        }
        tl::enums::messages::Messages::NotModified(_) => (Vec::new(), false),
    }
}

/// Learns the names of a forum's latest topics.
async fn topics(pool: &Pool, book: &Book, forum: i64) -> Result<()> {
    let request = tl::functions::messages::GetForumTopics {
        peer: book.input(crate::peers::channel(forum)).ok_or(TelegramError::UnknownChat)?,
        q: None,
        offset_date: 0,
        offset_id: 0,
        offset_topic: 0,
        limit: pool.tuning().page,
    };
    let tl::enums::messages::ForumTopics::Topics(answer) = pool.ask(&request).await?;
    book.learn(&answer.users, &answer.chats);
    for topic in &answer.topics {
        if let tl::enums::ForumTopic::Topic(topic) = topic
            && let Some(id) = number(topic.id)
        {
            book.name_topic(forum, id, &topic.title);
        }
    }
    Ok(())
}
