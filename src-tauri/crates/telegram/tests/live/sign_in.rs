//! Signing in: phone and code, two-step password, QR code, and a session of our own from a pasted one.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use skrynka_core::clock::SystemClock;
use skrynka_lab::telegram::{AccountId, Network, NetworkOptions, NewAccount, strings};
use skrynka_telegram::{
    DataCentres, Device, TelegramConnector, TelegramError,
    session::formats,
    sign_in::{App, Finished, Scan, SignInError, Step},
};

use crate::desk::{centres, quick};

fn app() -> App {
    App { api_id: 12_345, api_hash: "0123456789abcdef0123456789abcdef".to_owned().into(), proxy: None }
}

struct Lab {
    net: Network,
    account: AccountId,
    connector: TelegramConnector,
}

fn lab(account: NewAccount) -> Lab {
    let net = Network::start(NetworkOptions::default()).unwrap();
    let account = net.add_account(account).unwrap();
    let connector =
        TelegramConnector::new(Arc::new(SystemClock), Device::default(), quick()).with_data_centres(centres(&net));
    Lab { net, account, connector }
}

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

fn done(step: Step) -> Finished {
    match step {
        Step::Done(finished) => *finished,
        Step::Password { .. } => panic!("no password is set"),
    }
}

async fn assert_usable(lab: &Lab, finished: &Finished) {
    assert_eq!(finished.user.id, lab.account.0);
    // What the keyring keeps opens the account again.
    let kept = skrynka_telegram::session::SessionSecret::from_secret(&finished.session.to_secret()).unwrap();
    let user = lab.connector.check_session(&kept, &app()).await.unwrap();
    assert_eq!(user, finished.user);
}

#[tokio::test]
async fn by_phone_and_code() {
    let lab = lab(NewAccount::default());
    let mut sign_in = lab.connector.sign_in(app()).await.unwrap();
    assert!(matches!(sign_in.enter_code(&secret("12345")).await, Err(SignInError::OutOfOrder)));
    let sent = sign_in.request_code("+380 44 555 01 00").await.unwrap();
    assert!(sent.length.is_none_or(|length| length == 5), "{sent:?}");
    assert!(matches!(sign_in.enter_code(&secret("99999")).await, Err(SignInError::WrongCode)));
    let finished = done(sign_in.enter_code(&secret("123 45")).await.unwrap());
    assert_eq!(finished.user.name, "Manager");
    assert_eq!(finished.user.phone.as_deref(), Some("+380445550100"));
    assert_eq!(finished.user.dc, 2);
    assert_usable(&lab, &finished).await;
}

/// Trap 19: after a wrong password the server's half of the proof is used up.
#[tokio::test]
async fn with_a_two_step_password() {
    let lab = lab(NewAccount { password: Some("пароль 1".to_owned()), ..NewAccount::default() });
    let mut sign_in = lab.connector.sign_in(app()).await.unwrap();
    sign_in.request_code("+380445550100").await.unwrap();
    assert!(matches!(sign_in.enter_code(&secret("12345")).await.unwrap(), Step::Password { .. }));
    for wrong in ["", "пароль 2"] {
        assert!(matches!(sign_in.enter_password(&secret(wrong)).await, Err(SignInError::WrongPassword)));
    }
    let finished = done(sign_in.enter_password(&secret("пароль 1")).await.unwrap());
    assert_usable(&lab, &finished).await;
}

#[tokio::test]
async fn at_another_data_centre() {
    let lab = lab(NewAccount { home_dc: 4, ..NewAccount::default() });
    let mut sign_in = lab.connector.sign_in(app()).await.unwrap();
    sign_in.request_code("+380445550100").await.unwrap();
    let finished = done(sign_in.enter_code(&secret("12345")).await.unwrap());
    assert_eq!(finished.user.dc, 4);
    assert_usable(&lab, &finished).await;
}

fn token(scan: &Scan) -> Vec<u8> {
    use base64::Engine as _;
    let Scan::Renewed(code) = scan else { panic!("a code to show: {scan:?}") };
    let url = code.url.expose_secret().strip_prefix("tg://login?token=").unwrap();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(url).unwrap()
}

async fn by_qr_code(home_dc: i32) {
    let lab = lab(NewAccount { home_dc, ..NewAccount::default() });
    let mut sign_in = lab.connector.sign_in(app()).await.unwrap();
    let shown = sign_in.qr_code().await.unwrap();
    let Scan::Renewed(code) = &shown else { panic!("a code to show") };
    let accept = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        lab.net.accept_login_token(lab.account, &token(&shown)).unwrap();
    };
    let (due, ()) = futures_util::future::join(sign_in.due(code), accept).await;
    due.unwrap();
    let Scan::Scanned(step) = sign_in.qr_code().await.unwrap() else { panic!("it was scanned") };
    let finished = done(step);
    assert_eq!(finished.user.dc, home_dc);
    assert_usable(&lab, &finished).await;
}

#[tokio::test]
async fn by_qr_code_at_the_first_data_centre() {
    by_qr_code(2).await;
}

#[tokio::test]
async fn by_qr_code_at_another_data_centre() {
    by_qr_code(4).await;
}

#[tokio::test]
async fn a_qr_code_that_nobody_scans_is_renewed() {
    let lab = lab(NewAccount::default());
    let mut sign_in = lab.connector.sign_in(app()).await.unwrap();
    let Scan::Renewed(code) = sign_in.qr_code().await.unwrap() else { panic!("a code to show") };
    sign_in.due(&code).await.unwrap();
    assert!(matches!(sign_in.qr_code().await.unwrap(), Scan::Renewed(_)));
}

#[tokio::test]
async fn a_session_of_our_own_is_made_from_a_pasted_one() {
    for password in [None, Some("two steps".to_owned())] {
        let lab = lab(NewAccount { password: password.clone(), ..NewAccount::default() });
        let key = lab.net.session(lab.account, 2).unwrap();
        let pasted = strings::telethon(2, lab.net.endpoint(2).unwrap(), &key);
        let pasted = formats::from_text(&pasted).unwrap().into_secret();
        let (mut sign_in, step) = lab.connector.own_session(&pasted, app()).await.unwrap();
        let step = match (step, password) {
            (Step::Password { .. }, Some(password)) => sign_in.enter_password(&secret(&password)).await.unwrap(),
            (step, _) => step,
        };
        let finished = done(step);
        assert!(finished.session != pasted);
        assert_usable(&lab, &finished).await;
        // The pasted one lives until it is ended.
        lab.connector.check_session(&pasted, &app()).await.unwrap();
        lab.connector.log_out(&pasted, &app()).await.unwrap();
        assert!(matches!(
            lab.connector.check_session(&pasted, &app()).await,
            Err(TelegramError::SessionRevoked(_) | TelegramError::KeyUnknown)
        ));
        lab.connector.check_session(&finished.session, &app()).await.unwrap();
    }
}

#[tokio::test]
async fn every_refusal_has_a_word_of_its_own() {
    let lab = lab(NewAccount::default());
    let mut sign_in = lab.connector.sign_in(app()).await.unwrap();
    for phone in ["not a phone", "+380-44-x", ""] {
        assert!(matches!(sign_in.request_code(phone).await, Err(SignInError::PhoneInvalid)));
    }
    assert_eq!(lab.net.requested("auth.sendCode"), 0, "nothing was sent");
    let refused = [
        ("PHONE_NUMBER_INVALID", "PhoneInvalid"),
        ("PHONE_NUMBER_BANNED", "PhoneBanned"),
        ("PHONE_NUMBER_FLOOD", "TooManyAttempts"),
        ("API_ID_INVALID", "ApiIdInvalid"),
        ("API_ID_PUBLISHED_FLOOD", "ApiIdPublished"),
        ("FLOOD_WAIT_86400", "Flood { seconds: 86400 }"),
    ];
    for (word, expected) in refused {
        lab.net.fail("auth.sendCode", 1, word);
        let error = sign_in.request_code("+380445550100").await.unwrap_err();
        assert_eq!(format!("{error:?}"), expected, "{word}");
    }
    sign_in.request_code("+380445550100").await.unwrap();
    for (word, expected) in [
        ("PHONE_CODE_EXPIRED", "ExpiredCode"),
        ("PHONE_CODE_INVALID", "WrongCode"),
        ("PHONE_NUMBER_UNOCCUPIED", "SignUpRequired"),
    ] {
        lab.net.fail("auth.signIn", 1, word);
        let error = sign_in.enter_code(&secret("12345")).await.unwrap_err();
        assert_eq!(format!("{error:?}"), expected, "{word}");
    }
    done(sign_in.enter_code(&secret("12345")).await.unwrap());
}

#[tokio::test]
async fn a_number_without_an_account_has_to_sign_up_first() {
    let lab = lab(NewAccount::default());
    let mut sign_in = lab.connector.sign_in(app()).await.unwrap();
    let asked = sign_in.request_code("+15550000001").await;
    let outcome = match asked {
        Ok(_) => sign_in.enter_code(&secret("12345")).await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(matches!(outcome, Err(SignInError::SignUpRequired | SignInError::PhoneInvalid)), "{outcome:?}");
}

#[tokio::test]
async fn nobody_answers_at_a_data_centre_that_is_closed() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let centres = DataCentres::default().with(2, closed, Some([7; 256]));
    let connector =
        TelegramConnector::new(Arc::new(SystemClock), Device::default(), quick()).with_data_centres(centres);
    let mut sign_in = connector.sign_in(app()).await.unwrap();
    let error = sign_in.request_code("+380445550100").await.unwrap_err();
    assert!(matches!(error, SignInError::Telegram(TelegramError::Connection(_))), "{error:?}");
}
