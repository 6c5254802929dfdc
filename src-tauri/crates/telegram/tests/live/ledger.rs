//! Whether anything is missing: what Telegram holds of each chat is told, and what is missing comes again.

use std::collections::BTreeMap;

use skrynka_core::{
    connector::{ConnectorError, Cursor, Delivery, Holding, IncomingSender, Looked},
    model::{AccountState, Place, TakenChats, TroubleCode},
};
use skrynka_lab::telegram::{Message, Push};
use time::Duration;
use tokio::sync::oneshot;

use crate::{
    desk::{Desk, Listening, Office},
    history::now,
};

impl Desk {
    /// A hole in what is stored.
    fn lose(&mut self, text: &str) -> Place {
        let at = self.order.iter().position(|place| self.chat(place).text == text);
        let place = self.order.remove(at.unwrap_or_else(|| panic!("{text} is there")));
        self.messages.remove(&place);
        place
    }

    fn missing(&self, holdings: &[Holding]) -> Vec<Place> {
        let places = holdings.iter().flat_map(|Holding { mailbox, epoch, numbers, .. }| {
            let place = |number| Place { mailbox: mailbox.clone(), epoch: *epoch, number };
            numbers.iter().cloned().flatten().map(place)
        });
        places.filter(|place| !self.messages.contains_key(place)).collect()
    }
}

async fn told(
    listening: &mut Listening,
    desk: &mut Desk,
    whole: &BTreeMap<String, u32>,
) -> Result<Vec<Holding>, ConnectorError> {
    let (remote, whole) = (listening.remote.clone(), whole.clone());
    let stored = desk.cursors.iter();
    let cursors = stored.map(|(mailbox, state)| Cursor { mailbox: mailbox.clone(), state: state.clone() }).collect();
    listening.beside(desk, remote.holdings(cursors, whole)).await
}

async fn fetched(listening: &mut Listening, desk: &mut Desk, places: Vec<Place>) {
    let remote = listening.remote.clone();
    let (sender, mut deliveries, _status) = IncomingSender::channel(4);
    let mut batches = Vec::new();
    let fetch = async {
        let keep = async {
            while let Some(Delivery { batch, stored }) = deliveries.recv().await {
                batches.push(batch);
                stored.send(()).unwrap();
            }
        };
        tokio::join!(remote.fetch_again(places, sender), keep).0
    };
    listening.beside(desk, fetch).await.unwrap();
    for batch in batches {
        assert_eq!(batch.cursors, [], "the listener's cursors are its own");
        desk.commit(Delivery { batch, stored: oneshot::channel().0 });
    }
}

/// Up to where everything was there.
fn whole(holdings: &[Holding]) -> BTreeMap<String, u32> {
    let up_to = |holding: &Holding| Some((holding.mailbox.clone(), *holding.numbers.last()?.end()));
    holdings.iter().filter_map(up_to).collect()
}

#[tokio::test]
async fn a_gap_in_chat_and_channel_is_found_and_closed_with_few_requests() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    let petro = office.customer("Petro");
    for number in 1..=5 {
        office.writes(olena, format!("olena {number}"), Push::Silent);
        office.writes(petro, format!("petro {number}"), Push::Silent);
        office.net.send(olena, supergroup, format!("group {number}"), Push::Silent).unwrap();
    }
    let deleted = office.writes(petro, "deleted", Push::Silent);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let all = told(&mut listening, &mut desk, &BTreeMap::new()).await.unwrap();
    let mut names: Vec<_> = all.iter().map(|chat| chat.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Bureau", "Olena", "Petro"]);
    assert_eq!(desk.missing(&all), []);
    assert!(all.iter().all(|chat| chat.looked == Looked::Above(0)));

    // What is deleted there is not missing, stored or not.
    let mut lost = vec![desk.lose("olena 2"), desk.lose("group 3"), desk.lose("group 4")];
    let gone = desk.lose("deleted");
    office.net.delete(&[deleted], Push::Silent).unwrap();
    let found = told(&mut listening, &mut desk, &BTreeMap::new()).await.unwrap();
    let mut missing = desk.missing(&found);
    missing.sort();
    lost.sort();
    assert_eq!(missing, lost);
    // One that no version can read holds up no other.
    office.net.garble_text("group 4");
    fetched(&mut listening, &mut desk, missing.into_iter().chain([gone.clone()]).collect()).await;
    assert_eq!((desk.has("olena 2"), desk.has("group 3"), desk.has("group 4")), (true, true, false));
    assert!(!desk.messages.contains_key(&gone));
    office.net.stop_garbling();
    let found = told(&mut listening, &mut desk, &BTreeMap::new()).await.unwrap();
    let missing = desk.missing(&found);
    fetched(&mut listening, &mut desk, missing).await;
    let found = told(&mut listening, &mut desk, &BTreeMap::new()).await.unwrap();
    assert_eq!(desk.missing(&found), []);

    // A chat in which nothing was said since costs nothing.
    let up_to = whole(&found);
    let asked = office.net.requested("messages.getHistory");
    let quiet = told(&mut listening, &mut desk, &up_to).await.unwrap();
    assert_eq!(quiet.len(), 3);
    assert!(quiet.iter().all(|chat| chat.numbers.is_empty()), "{quiet:?}");
    assert_eq!(office.net.requested("messages.getHistory"), asked);
    office.writes(olena, "olena 6", Push::Pushed);
    listening.until_text(&mut desk, "olena 6").await;
    let lost = desk.lose("olena 6");
    let found = told(&mut listening, &mut desk, &up_to).await.unwrap();
    assert_eq!(office.net.requested("messages.getHistory"), asked + 1);
    assert_eq!(desk.missing(&found), [lost]);
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn what_is_not_taken_or_was_never_fetched_is_not_missing() {
    let mut office = Office::open().await;
    office.settings.takes = TakenChats { groups: false, channels: false, bots: false };
    (office.settings.history_days, office.added_at) = (5, now() - Duration::days(5));
    let (olena, petro) = (office.customer("Olena"), office.customer("Petro"));
    let group = office.net.add_supergroup("Bureau", &[office.account.user(), olena], &[]);
    office.net.send(olena, group, "not taken", Push::Silent).unwrap();
    let said = |days| Message { at: Some(now() - Duration::days(days)), ..Message::from("long ago") };
    office.writes(petro, said(40), Push::Silent);
    office.writes(olena, said(10), Push::Silent);
    office.writes(olena, "today", Push::Silent);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    assert_eq!(desk.texts(), ["today"]);
    let found = told(&mut listening, &mut desk, &BTreeMap::new()).await.unwrap();
    assert_eq!(found.iter().map(|chat| chat.name.as_str()).collect::<Vec<_>>(), ["Olena"]);
    assert_eq!(desk.missing(&found), []);
    let today = desk.lose("today");
    let found = told(&mut listening, &mut desk, &BTreeMap::new()).await.unwrap();
    assert_eq!(desk.missing(&found), [today]);
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn a_wait_ends_the_comparison_and_not_the_listener() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Silent);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.fail("messages.getHistory", 1, "FLOOD_WAIT_90");
    for _ in 0..2 {
        // The second one asks nothing, so it meets the same wait.
        let refused = told(&mut listening, &mut desk, &BTreeMap::new()).await;
        let Err(ConnectorError::Limited { until, why }) = refused else { panic!("{refused:?}") };
        assert_eq!(why.code, TroubleCode::Limited);
        assert!((80..=91).contains(&(until - now()).whole_seconds()), "{until}");
    }
    let asked = office.net.requested("messages.getHistory");
    office.writes(olena, "second", Push::Pushed);
    listening.until_text(&mut desk, "second").await;
    assert_eq!(listening.status.borrow().state, AccountState::Live);
    assert!(!listening.states.iter().any(|state| matches!(state, AccountState::Limited { .. })));
    assert_eq!(office.net.requested("messages.getHistory"), asked);
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn what_was_compared_before_a_wait_stands() {
    let office = Office::open().await;
    let (olena, ivan) = (office.customer("Olena"), office.customer("Ivan"));
    office.writes(ivan, "first", Push::Silent);
    office.writes(olena, "second", Push::Silent);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let held = told(&mut listening, &mut desk, &BTreeMap::new()).await.unwrap();
    let mut whole: BTreeMap<String, u32> = BTreeMap::new();
    for holding in &held {
        whole.insert(holding.mailbox.clone(), *holding.numbers.last().unwrap().end());
    }
    // The chat that was written to last comes first: it is whole, and the other is to be read.
    let (last, other) = (held[0].mailbox.clone(), held[1].mailbox.clone());
    whole.remove(&other);
    office.net.fail("messages.getHistory", 1, "FLOOD_WAIT_90");
    let held = told(&mut listening, &mut desk, &whole).await.unwrap();
    let looked: Vec<_> = held.iter().map(|holding| (holding.mailbox.clone(), holding.looked)).collect();
    assert_eq!(looked, [(last.clone(), Looked::Above(whole[&last])), (other, Looked::NotNow)]);
    listening.stop(&mut desk).await;
}

/// Which is said each time, under the chat's name, and costs the others nothing.
#[tokio::test]
async fn a_chat_that_can_never_be_read_is_named_and_the_rest_compared() {
    let office = Office::open().await;
    let (olena, petro) = (office.customer("Olena"), office.customer("Petro"));
    for text in ["first", "no client can read this", "last"] {
        office.writes(petro, text, Push::Silent);
    }
    office.writes(olena, "whole", Push::Silent);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let lost = desk.lose("whole");
    office.net.garble_text("no client can read this");
    for _ in 0..2 {
        let found = told(&mut listening, &mut desk, &BTreeMap::new()).await.unwrap();
        let mut looked: Vec<_> = found.iter().map(|chat| (chat.name.as_str(), chat.looked)).collect();
        looked.sort_by_key(|(name, _)| *name);
        assert_eq!(looked, [("Olena", Looked::Above(0)), ("Petro", Looked::NotNow)]);
        assert_eq!(desk.missing(&found), std::slice::from_ref(&lost));
    }
    fetched(&mut listening, &mut desk, vec![lost]).await;
    assert!(desk.has("whole"));
    assert_eq!(listening.status.borrow().state, AccountState::Live);
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn a_busy_chat_is_read_back_to_where_it_was_whole() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.net.fill_history(office.account, olena, 250).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let places: Vec<Place> = desk.messages.keys().cloned().collect();
    let count = |found: &[Holding]| found[0].numbers.iter().cloned().flatten().count();
    // The first time everything since the account was added is looked at.
    let first = told(&mut listening, &mut desk, &BTreeMap::new()).await.unwrap();
    assert_eq!((count(&first), first[0].looked), (250, Looked::Above(0)));
    let asked = office.net.requested("messages.getHistory");
    let known = BTreeMap::from([(places[19].mailbox.clone(), places[19].number)]);
    let found = told(&mut listening, &mut desk, &known).await.unwrap();
    assert_eq!((count(&found), found[0].looked), (230, Looked::Above(places[19].number)));
    assert_eq!(office.net.requested("messages.getHistory"), asked + 3);
    listening.stop(&mut desk).await;
}
