//! A sign-in to Telegram between the window's commands: one at a time, dropped when it is cancelled, replaced by
//! another one, or too long untouched.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use skrynka_telegram::{
    session::SessionSecret,
    sign_in::{CodeSent, Finished, QrCode, Scan, SignIn, SignInError, Step},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    telegram_accounts::{self, Access, TelegramAccountError},
    wiring::Bureau,
};

/// A sign-in that nobody touches for so long is dropped.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

type Result<T> = std::result::Result<T, TelegramAccountError>;

/// The sign-in under way, if any.
#[derive(Default)]
pub struct SignIns {
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    /// Which sign-in it is; grows with each.
    key: u32,
    stop: CancellationToken,
    touched: Option<Instant>,
    /// Whether it ended because nobody touched it.
    expired: bool,
    /// `None` while a step is under way, and when there is none.
    stage: Option<Stage>,
}

impl Slot {
    /// Ends the sign-in; what it had reached is returned to be ended.
    fn end(&mut self) -> Option<Stage> {
        self.stop.cancel();
        self.touched = None;
        self.stage.take()
    }
}

/// How far a sign-in is.
pub enum Stage {
    /// A session of another program, not used yet.
    Pasted(SessionSecret),
    /// Waits for a code, a password or a scan.
    Asked(Box<SignIn>, Access),
    /// Signed in; nothing is saved. `own` tells whether this program made the session.
    Finished {
        /// The session and its user.
        finished: Box<Finished>,
        /// What it was made with.
        access: Access,
        /// Whether this program made the session: what is not saved is ended.
        own: bool,
    },
}

impl SignIns {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a sign-in in the place of the one before, which is returned to be ended.
    pub fn begin(&self) -> (u32, Option<Stage>) {
        let mut slot = self.slot();
        let before = slot.end();
        let key = slot.key.wrapping_add(1);
        *slot = Slot { key, stop: CancellationToken::new(), touched: Some(Instant::now()), ..Slot::default() };
        (key, before)
    }

    /// Ends a sign-in; what it had reached is returned to be ended.
    pub fn cancel(&self, key: u32) -> Option<Stage> {
        let mut slot = self.slot();
        if slot.key != key {
            return None;
        }
        slot.end()
    }

    /// Ends a sign-in once nobody has touched it for too long. Returns what it had reached, to be ended.
    pub async fn expire(&self, key: u32) -> Option<Stage> {
        loop {
            let (until, stop) = {
                let slot = self.slot();
                if slot.key != key {
                    return None;
                }
                (slot.touched? + LIFETIME, slot.stop.clone())
            };
            if until <= Instant::now() {
                tracing::info!(target: "skrynka::telegram", "Sign-in dropped, too long untouched");
                let mut slot = self.slot();
                if slot.key != key {
                    return None;
                }
                slot.expired = true;
                return slot.end();
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// Whether a sign-in ended because nobody touched it: its page still stands there and has to be told.
    pub fn expired(&self, key: u32) -> bool {
        let slot = self.slot();
        slot.key == key && slot.expired
    }

    /// Takes what a sign-in has reached, for the next step.
    pub fn take(&self, key: u32) -> Result<(Stage, CancellationToken)> {
        let mut slot = self.slot();
        if slot.key != key {
            return Err(TelegramAccountError::Over);
        }
        slot.touched = Some(Instant::now());
        let stage = slot.stage.take().ok_or(TelegramAccountError::Over)?;
        Ok((stage, slot.stop.clone()))
    }

    /// The token that ends when this sign-in does.
    pub fn stop_of(&self, key: u32) -> CancellationToken {
        let slot = self.slot();
        if slot.key == key {
            return slot.stop.clone();
        }
        let over = CancellationToken::new();
        over.cancel();
        over
    }

    /// Puts back what a step has reached. Gives it back where the sign-in is over meanwhile.
    pub fn put(&self, key: u32, stage: Stage) -> Option<Stage> {
        let mut slot = self.slot();
        if slot.key != key || slot.stop.is_cancelled() {
            return Some(stage);
        }
        slot.touched = Some(Instant::now());
        slot.stage = Some(stage);
        None
    }
}

/// Ends a session that this program made and nobody saved.
pub async fn abandon(bureau: &Bureau, stage: Option<Stage>) {
    let Some(Stage::Finished { finished, access, own: true }) = stage else { return };
    telegram_accounts::end_session(bureau, &finished.session, &access.app).await;
}

/// What a step has led to, as the window is told.
pub enum Reached {
    /// The two-step password is asked for.
    Password(Option<String>),
    /// Signed in.
    User(skrynka_telegram::sign_in::SignedInUser),
}

/// Lets Telegram send a code.
pub async fn request_code(bureau: &Bureau, access: Access, phone: &str) -> Result<(Stage, CodeSent)> {
    let mut sign_in = Box::new(bureau.telegram().sign_in(access.app.clone()).await?);
    let sent = sign_in.request_code(phone).await?;
    Ok((Stage::Asked(sign_in, access), sent))
}

/// Goes on from a step: what was reached, and the stage to keep. After an error the step may be tried again.
pub async fn reached(
    bureau: &Bureau,
    sign_in: Option<Box<SignIn>>,
    access: Access,
    step: Step,
) -> Result<(Stage, Reached)> {
    match step {
        Step::Password { hint } => {
            let sign_in = sign_in.ok_or(TelegramAccountError::Over)?;
            Ok((Stage::Asked(sign_in, access), Reached::Password(hint)))
        }
        Step::Done(finished) => {
            let user = finished.user.clone();
            let stage = Stage::Finished { finished, access: access.clone(), own: true };
            match telegram_accounts::check_user(bureau, &access, &user).await {
                Ok(()) => Ok((stage, Reached::User(user))),
                Err(error) => {
                    abandon(bureau, Some(stage)).await;
                    Err(error)
                }
            }
        }
    }
}

/// What a person enters.
pub enum Entered {
    /// The code.
    Code(SecretString),
    /// The two-step password.
    Password(SecretString),
}

/// Enters a code or a password. Gives the stage back where the step may be tried again.
pub async fn enter(bureau: &Bureau, stage: Stage, entered: &Entered) -> (Option<Stage>, Result<Reached>) {
    let Stage::Asked(mut sign_in, access) = stage else { return (Some(stage), Err(SignInError::OutOfOrder.into())) };
    let step = match entered {
        Entered::Code(code) => sign_in.enter_code(code).await,
        Entered::Password(password) => sign_in.enter_password(password).await,
    };
    match step {
        Ok(step) => match Box::pin(reached(bureau, Some(sign_in), access, step)).await {
            Ok((stage, reached)) => (Some(stage), Ok(reached)),
            Err(error) => (None, Err(error)),
        },
        Err(error) => (Some(Stage::Asked(sign_in, access)), Err(error.into())),
    }
}

/// Shows code after code until one is scanned, or the sign-in is over.
pub async fn scan(
    bureau: &Bureau,
    access: Access,
    show: impl Fn(&QrCode),
    stop: &CancellationToken,
) -> Result<(Stage, Reached)> {
    let mut sign_in = Box::new(bureau.telegram().sign_in(access.app.clone()).await?);
    let mut scan = sign_in.qr_code().await?;
    loop {
        match scan {
            Scan::Renewed(code) => {
                show(&code);
                tokio::select! {
                    () = stop.cancelled() => return Err(TelegramAccountError::Over),
                    due = sign_in.due(&code) => due?,
                }
                scan = sign_in.qr_code().await?;
            }
            Scan::Scanned(step) => return Box::pin(reached(bureau, Some(sign_in), access, step)).await,
        }
    }
}

/// Uses a session of another program: signs on with it, or makes one of our own with its help and forgets it.
pub async fn use_session(
    bureau: &Bureau,
    pasted: &SessionSecret,
    access: Access,
    own: bool,
) -> Result<(Stage, Reached)> {
    let user = telegram_accounts::check_session(bureau, pasted, &access).await?;
    telegram_accounts::check_user(bureau, &access, &user).await?;
    if own {
        let (sign_in, step) = Box::pin(bureau.telegram().own_session(pasted, access.app.clone())).await?;
        return Box::pin(reached(bureau, Some(Box::new(sign_in)), access, step)).await;
    }
    let finished = Box::new(Finished { session: pasted.clone(), user: user.clone() });
    Ok((Stage::Finished { finished, access, own: false }, Reached::User(user)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skrynka_core::{postgres::testing::scratch_folder, secrets::memory::MemorySecrets};
    use skrynka_lab::telegram::{Key, Network, NetworkOptions, NewAccount, strings};
    use skrynka_telegram::sign_in::App;

    use super::*;
    use crate::{
        telegram_accounts::Choices,
        wiring::{Ground, Places},
    };

    fn pasted() -> Stage {
        let address = "127.0.0.1:443".parse().unwrap();
        let text = skrynka_lab::telegram::strings::telethon(2, address, &[7; 256]);
        Stage::Pasted(skrynka_telegram::session::formats::from_text(&text).unwrap().into_secret())
    }

    #[test]
    fn a_sign_in_that_was_replaced_or_cancelled_is_over() {
        let sign_ins = SignIns::default();
        let (first, _) = sign_ins.begin();
        assert!(sign_ins.put(first, pasted()).is_none());
        let (second, before) = sign_ins.begin();
        assert!(matches!(before, Some(Stage::Pasted(_))));
        assert!(matches!(sign_ins.take(first), Err(TelegramAccountError::Over)));
        assert!(sign_ins.put(first, pasted()).is_some(), "a late step changes nothing");
        assert!(sign_ins.put(second, pasted()).is_none());
        let (stage, stop) = sign_ins.take(second).unwrap();
        assert!(matches!(sign_ins.take(second), Err(TelegramAccountError::Over)), "one step at a time");
        sign_ins.cancel(second);
        assert!(stop.is_cancelled());
        assert!(sign_ins.put(second, stage).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_in_that_nobody_touches_is_dropped() {
        let sign_ins = SignIns::default();
        let (key, _) = sign_ins.begin();
        assert!(sign_ins.put(key, pasted()).is_none());
        let started = Instant::now();
        assert!(matches!(sign_ins.expire(key).await, Some(Stage::Pasted(_))));
        assert!(started.elapsed() >= LIFETIME);
        assert!(sign_ins.expired(key), "its page is told");
        assert!(matches!(sign_ins.take(key), Err(TelegramAccountError::Over)));
    }

    /// Somebody signs in again and enters the code, or scans with the phone, of another account.
    #[tokio::test]
    async fn another_accounts_sign_in_does_not_take_the_place_of_the_kept_one() {
        let net = Network::start(NetworkOptions::default()).unwrap();
        let secret_of = |key: &Key| {
            let text = strings::telethon(2, net.endpoint(2).unwrap(), key);
            skrynka_telegram::session::formats::from_text(&text).unwrap().into_secret()
        };
        let ours = net.session(net.add_account(NewAccount::default()).unwrap(), 2).unwrap();
        let other = NewAccount { phone: "380445550999".to_owned(), ..NewAccount::default() };
        let theirs = net.session(net.add_account(other).unwrap(), 2).unwrap();

        let folder = scratch_folder();
        let places = Places { profile: Some(folder.path().join("profile")), ..Places::default() };
        let ground = Ground::open(&places).unwrap();
        let secrets = Arc::new(MemorySecrets::default());
        let bureau = Bureau::open(&ground, &places, secrets, |_| {}).await.unwrap();
        let hash = "0123456789abcdef0123456789abcdef".to_owned();
        let access = |account| Access {
            account,
            app: App { api_id: 1, api_hash: SecretString::from(hash.clone()), proxy: None },
            phone: None,
        };
        let finished = async |key: &Key| {
            let session = secret_of(key);
            let user = bureau.telegram().check_session(&session, &access(None).app).await.unwrap();
            Box::new(Finished { session, user })
        };
        let choices = Choices { name: "Olena".to_owned(), ..Choices::default() };
        let stop = CancellationToken::new();
        let first = finished(&ours).await;
        let account = telegram_accounts::add(&bureau, &choices, &access(None), &first, &stop).await.unwrap();

        let step = Step::Done(finished(&theirs).await);
        let refused = reached(&bureau, None, access(Some(account.id)), step).await.map(|(_, reached)| reached);

        assert!(matches!(refused, Err(TelegramAccountError::OtherUser)));
        assert!(bureau.telegram().check_session(&secret_of(&theirs), &access(None).app).await.is_err(), "ended there");
        let (kept, app) = telegram_accounts::kept_session(&bureau, account.id).await.unwrap().unwrap();
        assert!(kept.has_key_of(&first.session));
        assert_eq!(bureau.telegram().check_session(&kept, &app).await.unwrap().id, first.user.id);
        bureau.close().await;
    }
}
