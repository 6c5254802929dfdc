//! The Telegram test DC against strangers: grammers and, as the independent witness, Telethon.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

#[path = "telegram/grammers.rs"]
mod grammers;
#[path = "telegram/scenario.rs"]
mod scenario;
#[path = "telegram/telethon.rs"]
mod telethon;

use std::time::{Duration, Instant};

use grammers_client::{InvocationError, SignInError, media::InputMedia, tl};
use skrynka_lab::{
    bureau::files,
    telegram::{Chat, Forward, Key, Media, Message, Network, NetworkOptions, NewAccount, NewUser, Picture, Push},
};

use self::{
    grammers::GrammersClient,
    scenario::{Client, Stage, walk},
    telethon::Telethon,
};

#[test]
fn grammers_gets_through_the_list() {
    let stage = Stage::set();
    let mut client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    walk(&stage, &mut client);
}

#[test]
fn telethon_gets_through_the_same_list() {
    let stage = Stage::set();
    match Telethon::start(&stage.telethon_string()) {
        Ok(mut client) => walk(&stage, &mut client),
        Err(reason) => panic!("the independent witness cannot be made: {reason}"),
    }
}

/// Opens a client that has a key for data centre 2 and is not signed in.
fn stranger(network: &Network) -> GrammersClient {
    GrammersClient::open(network, &[(2, network.fresh_key(2).unwrap())])
}

#[test]
fn signs_in_by_code_and_password() {
    let network = Network::start(NetworkOptions::default()).unwrap();
    let account = network
        .add_account(NewAccount { password: Some("правильний кінь".to_owned()), ..NewAccount::default() })
        .unwrap();
    let mut client = stranger(&network);
    assert!(!client.authorised());
    let token = client.runtime.block_on(client.client.request_login_code("+380 44 555 0100", "hash")).unwrap();
    let refused = client.runtime.block_on(client.client.sign_in(&token, "00000"));
    assert!(matches!(refused, Err(SignInError::InvalidCode)));
    let Err(SignInError::PasswordRequired(password)) = client.runtime.block_on(client.client.sign_in(&token, "12345"))
    else {
        panic!("a password was to be asked for")
    };
    let refused = client.runtime.block_on(client.client.check_password(password, "wrong"));
    let Err(SignInError::InvalidPassword(password)) = refused else { panic!("a wrong password was taken") };
    let user = client.runtime.block_on(client.client.check_password(password, "правильний кінь")).unwrap();
    assert_eq!(user.id().bare_id(), Some(account.0));
    assert!(client.authorised());
    client.runtime.block_on(client.client.sign_out()).unwrap();
    assert!(!client.authorised());
}

#[test]
fn signs_in_at_another_data_centre() {
    let network = Network::start(NetworkOptions::default()).unwrap();
    network.add_account(NewAccount { home_dc: 4, ..NewAccount::default() }).unwrap();
    let keys = [(2, network.fresh_key(2).unwrap()), (4, network.fresh_key(4).unwrap())];
    let mut client = GrammersClient::open(&network, &keys);
    let token = client.runtime.block_on(client.client.request_login_code("380445550100", "hash")).unwrap();
    client.runtime.block_on(client.client.sign_in(&token, "12345")).unwrap();
    assert!(client.authorised());
    assert_eq!(network.connections(&keys[1].1).now, 1);
}

#[test]
fn signs_in_by_qr_code() {
    let network = Network::start(NetworkOptions::default()).unwrap();
    let account = network.add_account(NewAccount::default()).unwrap();
    let mut client = stranger(&network);
    let request =
        tl::functions::auth::ExportLoginToken { api_id: 12345, api_hash: "hash".to_owned(), except_ids: Vec::new() };
    let tl::enums::auth::LoginToken::Token(token) = client.invoke(&request).unwrap() else {
        panic!("nobody has accepted yet")
    };
    network.accept_login_token(account, &token.token).unwrap();
    assert!(matches!(client.invoke(&request).unwrap(), tl::enums::auth::LoginToken::Success(_)));
    assert!(client.authorised());
}

#[test]
fn a_bot_signs_in_with_its_token() {
    let network = Network::start(NetworkOptions::default()).unwrap();
    let bot = NewAccount { phone: String::new(), bot_token: Some("7:secret".to_owned()), ..NewAccount::default() };
    network.add_account(bot).unwrap();
    let mut client = stranger(&network);
    let refused = client.runtime.block_on(client.client.bot_sign_in("7:other", "hash"));
    assert!(refused.unwrap_err().is("ACCESS_TOKEN_INVALID"));
    assert!(client.runtime.block_on(client.client.bot_sign_in("7:secret", "hash")).unwrap().is_bot());
    assert!(client.authorised());
}

/// Returns an error's code and name, digits included.
fn named(error: InvocationError) -> (i32, String) {
    let InvocationError::Rpc(error) = error else { panic!("{error:?}") };
    let value = error.value.map(|value| format!("_{value}")).unwrap_or_default();
    (error.code, format!("{}{value}", error.name))
}

#[test]
fn fails_as_it_is_told() {
    let stage = Stage::set();
    let mut client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    client.dialogs();
    let get_state = tl::functions::updates::GetState {};
    let refused = |error: &str| {
        // The library retries short waits once by itself.
        stage.network.fail("updates.getState", 1, error);
        named(client.invoke(&get_state).unwrap_err())
    };
    for (error, code) in
        [("FLOOD_WAIT_90", 420), ("FROZEN_METHOD_INVALID", 420), ("INTERNAL", 500), ("USER_MIGRATE_4", 303)]
    {
        assert_eq!(refused(error), (code, error.to_owned()));
    }
    for (error, code) in [("AUTH_KEY_DUPLICATED", 406), ("SESSION_REVOKED", 401), ("USER_DEACTIVATED", 401)] {
        stage.network.end_session(&stage.key, error);
        assert_eq!(named(client.invoke(&get_state).unwrap_err()), (code, error.to_owned()));
    }
    stage.network.restore_session(&stage.key);
    client.invoke(&get_state).unwrap();
    stage.network.slow("updates.getState", Duration::from_millis(300));
    let before = Instant::now();
    client.invoke(&get_state).unwrap();
    assert!(before.elapsed() >= Duration::from_millis(300));
    stage.network.slow("updates.getState", Duration::ZERO);
    stage.network.rotate_salts();
    client.invoke(&get_state).unwrap();
    stage.network.forget_key(&stage.key);
    assert!(client.invoke(&get_state).is_err());
}

#[test]
fn a_lost_answer_can_be_asked_about_again() {
    let stage = Stage::set();
    let mut client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    client.dialogs();
    let peer: tl::enums::InputPeer = client.peer(stage.anna).into();
    let request = send_message(peer, "Only once", 77);
    stage.network.lose_answers("messages.sendMessage", 1);
    let lost = client
        .runtime
        .block_on(async { tokio::time::timeout(Duration::from_millis(300), client.client.invoke(&request)).await });
    assert!(lost.is_err());
    assert_eq!(named(client.invoke(&request).unwrap_err()), (500, "RANDOM_ID_DUPLICATE".to_owned()));
    assert_eq!(stage.network.sent_by(stage.account).len(), 1);
}

fn send_message(peer: tl::enums::InputPeer, text: &str, random_id: i64) -> tl::functions::messages::SendMessage {
    tl::functions::messages::SendMessage {
        no_webpage: false,
        silent: false,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer,
        reply_to: None,
        message: text.to_owned(),
        random_id,
        reply_markup: None,
        entities: None,
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
        rich_message: None,
    }
}

#[test]
fn access_hashes_belong_to_one_account() {
    let stage = Stage::set();
    let other = stage.network.add_account(NewAccount { phone: "380445550199".to_owned(), ..NewAccount::default() });
    let key = stage.network.session(other.unwrap(), 2).unwrap();
    let mut first = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    first.dialogs();
    let stolen: tl::enums::InputPeer = first.peer(stage.anna).into();
    first.invoke(&send_message(stolen.clone(), "Mine", 1)).unwrap();
    let second = GrammersClient::open(&stage.network, &[(2, key)]);
    let refused = second.invoke(&send_message(stolen, "Not mine", 2)).unwrap_err();
    assert_eq!(named(refused), (400, "PEER_ID_INVALID".to_owned()));
}

#[test]
fn a_frozen_connection_hangs_and_goes_on() {
    let stage = Stage::set();
    let mut client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    client.dialogs();
    stage.network.freeze();
    let get_state = tl::functions::updates::GetState {};
    let hung = client
        .runtime
        .block_on(async { tokio::time::timeout(Duration::from_millis(300), client.client.invoke(&get_state)).await });
    assert!(hung.is_err());
    stage.network.thaw();
    client.invoke(&get_state).unwrap();
    stage.network.refuse(true);
    assert!(client.invoke(&get_state).is_err());
    stage.network.refuse(false);
    client.invoke(&get_state).unwrap();
}

#[test]
fn counts_connections_that_share_a_key() {
    let stage = Stage::set();
    stage.network.punish_duplicates(true);
    let mut first = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    assert!(first.authorised());
    let second = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    let refused = second.invoke(&tl::functions::updates::GetState {}).unwrap_err();
    assert_eq!(named(refused), (406, "AUTH_KEY_DUPLICATED".to_owned()));
    assert_eq!(stage.network.connections(&stage.key).greatest, 2);
}

#[test]
fn an_unknown_method_is_refused_by_name_and_counted() {
    let stage = Stage::set();
    let client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    let refused = client.invoke(&tl::functions::help::GetSupport {}).unwrap_err();
    assert_eq!(named(refused), (400, "METHOD_INVALID_HELP_GETSUPPORT".to_owned()));
    assert_eq!(stage.network.requested("help.getSupport"), 1);
    assert!(stage.network.complaints()[0].contains("help.getSupport"));
}

#[test]
fn differences_come_in_slices_or_too_long() {
    let stage = Stage::set();
    let client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    let pts = stage.network.pts(stage.account);
    for number in 0..250 {
        stage.network.send(stage.anna, stage.account, format!("Offline {number}"), Push::Silent).unwrap();
    }
    let difference = |pts| {
        let request = tl::functions::updates::GetDifference {
            pts,
            pts_limit: None,
            pts_total_limit: None,
            date: 1,
            qts: 0,
            qts_limit: None,
        };
        client.invoke(&request).unwrap()
    };
    let tl::enums::updates::Difference::Slice(slice) = difference(pts) else { panic!("a slice was due") };
    assert_eq!(slice.new_messages.len(), 100);
    let tl::enums::updates::Difference::Difference(rest) = difference(pts + 200) else { panic!("the rest was due") };
    assert_eq!(rest.new_messages.len(), 50);
    stage.network.account_too_long_after(Some(100));
    assert!(matches!(difference(pts), tl::enums::updates::Difference::TooLong(_)));
    stage.network.push_unknown(stage.account);
    stage.network.push_unknown_inside(stage.account);
}

#[test]
fn a_key_is_known_at_its_own_data_centre_only() {
    let network = Network::start(NetworkOptions::default()).unwrap();
    let account = network.add_account(NewAccount::default()).unwrap();
    let key: Key = network.session(account, 2).unwrap();
    let client = GrammersClient::open(&network, &[(4, key)]);
    assert!(client.invoke(&tl::functions::updates::GetState {}).is_err());
    let away = GrammersClient::open(&network, &[(4, network.session(account, 4).unwrap())]);
    let refused = away.runtime.block_on(away.client.invoke_in_dc(4, &tl::functions::updates::GetState {}));
    assert!(refused.is_err());
}

#[test]
fn a_file_at_another_data_centre_is_fetched_there() {
    let stage = Stage::set();
    let elsewhere = stage.network.fresh_key(4).unwrap();
    let mut client = GrammersClient::open(&stage.network, &[(2, stage.key), (4, elsewhere)]);
    client.dialogs();
    stage.network.keep_files_in(4);
    let media = |bytes: Vec<u8>| Media::Document {
        name: "a.bin".to_owned(),
        mime: "application/octet-stream".to_owned(),
        bytes,
        thumb: None,
    };
    let message = stage.network.send(stage.anna, stage.account, media(vec![7; 300_000]), Push::Silent).unwrap();
    let id = stage.network.id_for(stage.account, message).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bin");
    client.download(stage.anna, id, &path);
    assert!(std::fs::read(&path).unwrap() == vec![7; 300_000]);
    assert_eq!(stage.network.requested("auth.importAuthorization"), 1);
}

#[test]
fn a_file_reference_expires() {
    let stage = Stage::set();
    let mut client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    client.dialogs();
    let picture = Picture { bytes: vec![1; 5000], width: 90, height: 60 };
    let photo = Media::Photo { full: picture.clone(), thumb: Some(picture) };
    let message = stage.network.send(stage.anna, stage.account, photo, Push::Silent).unwrap();
    let id = stage.network.id_for(stage.account, message).unwrap();
    let peer = client.peer(stage.anna);
    let fetched = client.runtime.block_on(client.client.get_messages_by_id(peer, &[id])).unwrap();
    let media = fetched[0].as_ref().unwrap().media().unwrap();
    let download = |client: &GrammersClient| {
        let mut parts = client.client.iter_download(&media);
        client.runtime.block_on(parts.next())
    };
    assert_eq!(download(&client).unwrap().unwrap().len(), 5000);
    stage.network.expire_file_references();
    assert_eq!(named(download(&client).unwrap_err()), (400, "FILE_REFERENCE_EXPIRED".to_owned()));
}

/// Returns a channel as its account names it, by the list of chats.
fn channel_named(client: &GrammersClient, title: &str) -> tl::types::Channel {
    let request = tl::functions::messages::GetDialogs {
        exclude_pinned: false,
        folder_id: None,
        offset_date: 0,
        offset_id: 0,
        offset_peer: tl::enums::InputPeer::Empty,
        limit: 100,
        hash: 0,
    };
    let tl::enums::messages::Dialogs::Dialogs(list) = client.invoke(&request).unwrap() else { panic!("few chats") };
    let found = list.chats.into_iter().find_map(|chat| {
        let channel = tl::types::Channel::try_from(chat).ok()?;
        (channel.title == title).then_some(channel)
    });
    found.unwrap()
}

#[test]
fn a_forum_has_topics_and_a_difference_of_its_own() {
    let stage = Stage::set();
    let client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    let channel = channel_named(&client, "Orders");
    let chat = Chat::Channel(channel.id);
    assert!(channel.forum && channel.megagroup);
    let hash = channel.access_hash.unwrap();
    let peer: tl::enums::InputPeer = tl::types::InputPeerChannel { channel_id: channel.id, access_hash: hash }.into();
    let topics = stage.network.topics(chat);
    assert_eq!(topics[1].1, "Urgent");
    let pts = stage.network.channel_pts(chat);
    let message = Message { topic: Some(topics[1].0), .."Who takes it?".into() };
    let question = stage.network.send(stage.borys, chat, message, Push::Silent).unwrap();
    let answer = Message { reply_to: Some(question), topic: Some(topics[1].0), .."I do".into() };
    stage.network.send(stage.account, chat, answer, Push::Silent).unwrap();
    let request = tl::functions::messages::GetForumTopics {
        peer: peer.clone(),
        q: None,
        offset_date: 0,
        offset_id: 0,
        offset_topic: 0,
        limit: 10,
    };
    let tl::enums::messages::ForumTopics::Topics(list) = client.invoke(&request).unwrap();
    assert_eq!((list.topics.len(), list.messages.len()), (2, 2));
    let request = tl::functions::messages::GetReplies {
        peer,
        msg_id: topics[1].0,
        offset_id: 0,
        offset_date: 0,
        add_offset: 0,
        limit: 10,
        max_id: 0,
        min_id: 0,
        hash: 0,
    };
    let tl::enums::messages::Messages::ChannelMessages(list) = client.invoke(&request).unwrap() else {
        panic!("a channel answers as one")
    };
    let tl::enums::Message::Message(newest) = &list.messages[0] else { panic!("a message") };
    let Some(tl::enums::MessageReplyHeader::Header(header)) = &newest.reply_to else { panic!("a reply") };
    assert_eq!((newest.message.as_str(), newest.out), ("I do", true));
    assert!(header.forum_topic);
    assert_eq!(header.reply_to_top_id, Some(topics[1].0));
    assert_eq!(header.reply_to_msg_id, stage.network.id_for(stage.account, question));

    let difference = |pts, limit| {
        let channel = tl::types::InputChannel { channel_id: channel.id, access_hash: hash };
        let request = tl::functions::updates::GetChannelDifference {
            force: false,
            channel: channel.into(),
            filter: tl::enums::ChannelMessagesFilter::Empty,
            pts,
            limit,
        };
        client.invoke(&request).unwrap()
    };
    let tl::enums::updates::ChannelDifference::Difference(two) = difference(pts, 100) else { panic!("two came") };
    assert_eq!((two.new_messages.len(), two.r#final), (2, true));
    assert!(matches!(difference(pts, 1), tl::enums::updates::ChannelDifference::TooLong(_)));
    assert!(matches!(difference(two.pts, 1), tl::enums::updates::ChannelDifference::Empty(_)));
}

#[test]
fn two_accounts_talk_under_ids_of_their_own() {
    let stage = Stage::set();
    let new = NewAccount { phone: "380445550199".to_owned(), first_name: "Second".to_owned(), ..NewAccount::default() };
    let second = stage.network.add_account(new).unwrap();
    let key = stage.network.session(second, 2).unwrap();
    let message = stage.network.send(second, stage.account, "Between us", Push::Silent).unwrap();
    let ids = [stage.account, second].map(|account| stage.network.id_for(account, message).unwrap());
    assert_ne!(ids[0], ids[1]);
    let mut reader = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    reader.dialogs();
    let pts = stage.network.pts(second);
    reader.read(second.user());
    assert_eq!(stage.network.pts(second), pts + 1, "the writer was not told");
    let mut writer = GrammersClient::open(&stage.network, &[(2, key)]);
    assert_eq!(writer.dialogs(), ["Manager"]);
}

#[test]
fn people_and_rooms_are_found_and_described() {
    let stage = Stage::set();
    let known = NewUser {
        first_name: "Olena".to_owned(),
        username: Some("olena".to_owned()),
        phone: Some("380445550777".to_owned()),
        contact: true,
        ..NewUser::default()
    };
    let olena = stage.network.add_user(known);
    let client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    let by_phone = tl::functions::contacts::ResolvePhone { phone: "380445550777".to_owned() };
    let by_name = tl::functions::contacts::ResolveUsername { username: "Olena".to_owned(), referer: None };
    for found in [client.invoke(&by_phone).unwrap(), client.invoke(&by_name).unwrap()] {
        let tl::enums::contacts::ResolvedPeer::Peer(found) = found;
        assert_eq!(found.users[0].id(), olena.0);
    }
    let nobody = tl::functions::contacts::ResolvePhone { phone: "380445550000".to_owned() };
    assert_eq!(named(client.invoke(&nobody).unwrap_err()).1, "PHONE_NOT_OCCUPIED");
    let contacts = client.invoke(&tl::functions::contacts::GetContacts { hash: 0 }).unwrap();
    let tl::enums::contacts::Contacts::Contacts(contacts) = contacts else { panic!("there is one") };
    assert_eq!(contacts.contacts.len(), 1);
    let me = tl::functions::users::GetFullUser { id: tl::enums::InputUser::UserSelf };
    client.invoke(&me).unwrap();
    let channel = channel_named(&client, "Orders");
    let input = tl::types::InputChannel { channel_id: channel.id, access_hash: channel.access_hash.unwrap() };
    let full = tl::functions::channels::GetFullChannel { channel: input.clone().into() };
    let tl::enums::messages::ChatFull::Full(full) = client.invoke(&full).unwrap();
    assert_eq!(full.chats[0].id(), channel.id);
    client.invoke(&tl::functions::channels::GetChannels { id: vec![input.into()] }).unwrap();
    let wrong = tl::types::InputChannel { channel_id: channel.id, access_hash: 1 };
    let wrong = tl::functions::channels::GetFullChannel { channel: wrong.into() };
    assert_eq!(named(client.invoke(&wrong).unwrap_err()).1, "CHANNEL_INVALID");
    stage.network.leave(Chat::Channel(channel.id), stage.account).unwrap();
    assert_eq!(named(client.invoke(&full_of(&channel)).unwrap_err()), (403, "CHANNEL_PRIVATE".to_owned()));
    assert_eq!(stage.network.complaints(), Vec::<String>::new());
}

fn full_of(channel: &tl::types::Channel) -> tl::functions::channels::GetFullChannel {
    let access_hash = channel.access_hash.unwrap();
    let channel = tl::types::InputChannel { channel_id: channel.id, access_hash };
    tl::functions::channels::GetFullChannel { channel: channel.into() }
}

#[test]
fn a_silent_reaction_a_forward_and_an_album_are_in_the_history() {
    let stage = Stage::set();
    let mut client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    client.dialogs();
    let (network, anna) = (&stage.network, stage.anna);
    let picture = |seed| {
        let full = Picture { bytes: files::png(40, 30, seed), width: 40, height: 30 };
        Message::from(Media::Photo { full, thumb: None })
    };
    network.send_album(anna, stage.account, vec![picture(1), picture(2)], Push::Silent).unwrap();
    let forward = Message { forward: Some(Forward::Hidden("Somebody".to_owned())), .."From elsewhere".into() };
    let forwarded = network.send(anna, stage.account, forward, Push::Silent).unwrap();
    network.react(anna, forwarded, Some("👍"), Push::Silent).unwrap();
    network.call(anna, stage.account, None, Push::Silent).unwrap();
    let peer = client.peer(anna);
    let messages = client.runtime.block_on(async {
        let (mut found, mut messages) = (Vec::new(), client.client.iter_messages(peer).limit(4));
        while let Some(message) = messages.next().await.unwrap() {
            found.push(message);
        }
        found
    });
    assert!(matches!(messages[0].action(), Some(tl::enums::MessageAction::PhoneCall(_))));
    assert_eq!(messages[1].reaction_count(), Some(1));
    let Some(tl::enums::MessageFwdHeader::Header(header)) = messages[1].forward_header() else { panic!("a forward") };
    assert_eq!(header.from_name.as_deref(), Some("Somebody"));
    assert!(messages[2].grouped_id().is_some() && messages[2].grouped_id() == messages[3].grouped_id());

    let (id, random) = (messages[1].id(), 5);
    client.runtime.block_on(Box::pin(client.client.forward_messages(peer, &[id], peer))).unwrap();
    assert_eq!(network.sent_by(stage.account).last().unwrap().text, "From elsewhere");
    let reaction = tl::types::ReactionEmoji { emoticon: "🔥".to_owned() }.into();
    let request = tl::functions::messages::SendReaction {
        big: false,
        add_to_recent: false,
        peer: peer.into(),
        msg_id: id,
        reaction: Some(vec![reaction]),
    };
    client.invoke(&request).unwrap();
    let search = client.runtime.block_on(client.client.search_messages(peer).query("elsewhere").total()).unwrap();
    assert_eq!(search, 2);
    client.invoke(&send_message(peer.into(), &"ї".repeat(4096), random)).unwrap();
    let refused = client.invoke(&send_message(peer.into(), &"ї".repeat(4097), random + 1)).unwrap_err();
    assert_eq!(named(refused).1, "MESSAGE_TOO_LONG");
    assert_eq!(network.complaints(), Vec::<String>::new());
}

#[test]
fn a_half_open_connection_hangs_alone_and_a_burst_arrives_in_full() {
    let stage = Stage::set();
    let mut old = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    assert!(old.authorised());
    stage.network.freeze_open();
    let other = stage.network.session(stage.account, 2).unwrap();
    let mut fresh = GrammersClient::open(&stage.network, &[(2, other)]);
    assert!(fresh.authorised());
    fresh.dialogs();
    fresh.listen();
    for number in 0..60 {
        stage.network.send(stage.borys, stage.account, format!("Burst {number}"), Push::Pushed).unwrap();
    }
    for number in 0..60 {
        assert_eq!(fresh.next(scenario::WAIT).unwrap().text, format!("Burst {number}"));
    }
    let get_state = tl::functions::updates::GetState {};
    let hung = old
        .runtime
        .block_on(async { tokio::time::timeout(Duration::from_millis(300), old.client.invoke(&get_state)).await });
    assert!(hung.is_err());
    assert_eq!(stage.network.connections(&stage.key).now, 1);
    drop(old);
    let gone = Instant::now() + scenario::WAIT;
    while stage.network.connections(&stage.key).now > 0 {
        assert!(Instant::now() < gone, "the end of a frozen connection was not noticed");
        std::thread::yield_now();
    }
}

#[test]
fn a_client_sends_an_album() {
    let stage = Stage::set();
    let mut client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    client.dialogs();
    let peer = client.peer(stage.anna);
    let sent = client.runtime.block_on(async {
        let mut album = Vec::new();
        for seed in [1, 2] {
            let bytes = files::png(40, 30, seed);
            let size = bytes.len();
            let file = client.client.upload_stream(&mut bytes.as_slice(), size, "photo.png".to_owned()).await.unwrap();
            album.push(InputMedia::new().photo(file));
        }
        Box::pin(client.client.send_album(peer, album)).await.unwrap()
    });
    assert_eq!(sent.len(), 2);
    let albums: Vec<_> = sent.iter().map(|message| message.as_ref().unwrap().grouped_id().unwrap()).collect();
    assert_eq!(albums[0], albums[1]);
    assert_eq!(stage.network.sent_by(stage.account).len(), 2);
    assert_eq!(stage.network.complaints(), Vec::<String>::new());
}

#[test]
fn somebody_who_is_min_cannot_be_addressed_by_what_was_pushed() {
    let stage = Stage::set();
    let stranger = stage.network.add_user(NewUser { min: true, ..NewUser::from("Stranger") });
    let mut client = GrammersClient::open(&stage.network, &[(2, stage.key)]);
    client.dialogs();
    client.listen();
    let group = stage.network.add_supergroup("Open", &[stage.account.user(), stranger], &[]);
    let message = stage.network.send(stranger, group, "Anybody here?", Push::Pushed).unwrap();
    assert_eq!(client.next(scenario::WAIT).unwrap().text, "Anybody here?");
    let channel = channel_named(&client, "Open");
    let within = tl::types::InputPeerChannel { channel_id: channel.id, access_hash: channel.access_hash.unwrap() };
    let seen = tl::types::InputPeerUserFromMessage {
        peer: within.into(),
        msg_id: stage.network.id_for(stage.account, message).unwrap(),
        user_id: stranger.0,
    };
    client.invoke(&send_message(seen.into(), "I am", 1)).unwrap();
    let guessed = tl::types::InputPeerUser { user_id: stranger.0, access_hash: 7 };
    let refused = client.invoke(&send_message(guessed.into(), "I am", 2)).unwrap_err();
    assert_eq!(named(refused).1, "PEER_ID_INVALID");
}
