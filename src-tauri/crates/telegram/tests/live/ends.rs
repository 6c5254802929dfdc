//! The ends that a session can come to: each with a word of its own, none with a storm.

use secrecy::ExposeSecret as _;
use skrynka_core::{connector::ConnectorError, model::TroubleCode};
use skrynka_lab::telegram::{NewAccount, Push, strings};

use crate::desk::{Desk, Office};

const ENDS: [(&str, TroubleCode); 6] = [
    ("AUTH_KEY_UNREGISTERED", TroubleCode::SessionRevoked),
    ("SESSION_REVOKED", TroubleCode::SessionRevoked),
    ("SESSION_EXPIRED", TroubleCode::SessionRevoked),
    ("AUTH_KEY_DUPLICATED", TroubleCode::SessionDuplicated),
    ("USER_DEACTIVATED", TroubleCode::Deactivated),
    ("USER_DEACTIVATED_BAN", TroubleCode::Banned),
];

fn assert_final(error: &ConnectorError, code: TroubleCode) {
    assert!(matches!(error, ConnectorError::SignInRequired(_) | ConnectorError::Permanent(_)), "{error:?}");
    assert_eq!(error.trouble().code, code, "{error:?}");
}

/// Trap 18: the library calls some of these "not signed in" and others an error.
#[tokio::test]
async fn an_ended_session_is_told_at_the_start() {
    for (word, code) in ENDS {
        let office = Office::open().await;
        office.net.end_session(&office.key, word);
        let Err(error) = office.try_open(&Desk::default()).await else { panic!("{word} was passed over") };
        assert_final(&error, code);
        assert!(office.net.connections(&office.key).total <= 2, "{word}");
    }
}

#[tokio::test]
async fn a_session_that_ends_meanwhile_is_told_once() {
    for (word, code) in ENDS {
        let office = Office::open().await;
        let olena = office.customer("Olena");
        office.writes(olena, "first", Push::Pushed);
        let mut desk = Desk::default();
        let mut listening = office.caught_up(&mut desk).await;
        office.net.end_session(&office.key, word);
        office.net.cut();
        let error = listening.end(&mut desk).await;
        assert_final(&error, code);
        assert!(office.net.connections(&office.key).total <= 3, "{word}");
    }
}

/// Trap 9: the library makes a new key in silence and puts it in the place of the account's.
#[tokio::test]
async fn a_key_that_telegram_forgot_is_told_and_the_stored_one_kept() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let before = office.session().await.expose_secret().to_owned();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.forget_key(&office.key);
    let error = listening.end(&mut desk).await;
    assert_final(&error, TroubleCode::SessionRevoked);
    assert_eq!(office.session().await.expose_secret(), before);
    let Err(error) = office.try_open(&desk).await else { panic!("the key is unknown") };
    assert_final(&error, TroubleCode::SessionRevoked);
}

#[tokio::test]
async fn a_session_of_another_account_is_refused() {
    let office = Office::open().await;
    let other =
        office.net.add_account(NewAccount { phone: "380441112233".to_owned(), ..NewAccount::default() }).unwrap();
    let key = office.net.session(other, 2).unwrap();
    office.keep_session(&strings::telethon(2, office.net.endpoint(2).unwrap(), &key)).await;
    let Err(error) = office.try_open(&Desk::default()).await else { panic!("another's session") };
    assert!(matches!(error, ConnectorError::SignInRequired(_)), "{error:?}");
    assert_eq!(error.trouble().code, TroubleCode::SignIn);
}

#[tokio::test]
async fn a_network_that_refuses_is_tried_again() {
    let office = Office::open().await;
    office.net.refuse(true);
    let Err(error) = office.try_open(&Desk::default()).await else { panic!("nobody listens") };
    assert!(matches!(error, ConnectorError::Transient { .. }), "{error:?}");
    assert_eq!(error.trouble().code, TroubleCode::Network);
    office.net.refuse(false);
    let mut desk = Desk::default();
    let listening = office.listen(&desk).await;
    listening.stop(&mut desk).await;
}

/// Sessions of every program reach the same account: with an address inside, and by their data centre.
#[tokio::test]
async fn sessions_of_every_program_open_the_account() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let (dc, endpoint, key) = (2, office.net.endpoint(2).unwrap(), office.key);
    for text in [
        strings::telethon(dc, endpoint, &key),
        strings::telethon_v6(dc, endpoint, &key),
        strings::gramjs(dc, "127.0.0.1", endpoint.port(), &key),
        strings::gramjs(dc, "pluto.web.telegram.org", 443, &key),
        strings::pyrogram(dc, 12_345, &key, office.account, false),
        strings::pyrogram_1(dc, &key, office.account, false),
        strings::pyrogram_1_short(dc, &key, office.account, false),
    ] {
        office.keep_session(&text).await;
        let mut desk = Desk::default();
        let listening = office.caught_up(&mut desk).await;
        assert!(desk.has("first"));
        listening.stop(&mut desk).await;
    }
}
