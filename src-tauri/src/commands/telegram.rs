//! Telegram accounts: signing in by steps, and their settings.

use secrecy::{ExposeSecret as _, SecretString};
use skrynka_core::model::{Endpoint, Proxy, TakenChats};
use skrynka_telegram::{
    session::formats::{self, FormatError, Found},
    sign_in::CodeSent,
};
use tauri::ipc::Channel;
use tokio_util::sync::CancellationToken;

use super::{DeskState, id, logged, message::ask};
use crate::{
    desk::{Desk, Office},
    sign_ins::{self, Entered, Stage},
    telegram_accounts::{self, Access, Choices, TelegramAccountError, TypedAccess},
    views,
    wire::{
        AccountView, CodeAsked, ErrorCode, FoundSession, ProxyForm, QrEvent, SignInKey, SignInStep, SignInTrouble,
        TelegramAccess, TelegramForm, WireError, count, stamp,
    },
};

/// Begins a sign-in by phone number: lets Telegram send a code. Replaces a sign-in that is under way.
#[tauri::command]
#[specta::specta]
pub async fn begin_phone_sign_in(
    desk: DeskState<'_>,
    access: TelegramAccess,
    phone: String,
) -> Result<CodeAsked, SignInTrouble> {
    let asked = async {
        let office = desk.office().await?;
        let mut access = self::access(&office, access).await?;
        let phone = telegram_accounts::read_phone(&phone)?;
        access.phone = Some(phone.clone());
        let (key, stop) = begin(&desk, &office).await;
        let (stage, sent) = until(&stop, sign_ins::request_code(&office.bureau, access, &phone)).await?;
        keep(&office, key, stage).await;
        Ok(code_asked(key, phone, sent))
    };
    steps("begin_phone_sign_in", Box::pin(asked)).await
}

/// Lets Telegram send the code again, in the next way.
#[tauri::command]
#[specta::specta]
pub async fn resend_code(desk: DeskState<'_>, sign_in: SignInKey) -> Result<CodeAsked, SignInTrouble> {
    steps("resend_code", async {
        let office = desk.office().await?;
        let (stage, stop) = office.sign_ins.take(sign_in)?;
        let Stage::Asked(mut asked, access) = stage else { return Err(TelegramAccountError::Over.into()) };
        let phone = access.phone.clone().unwrap_or_default();
        let sent = until(&stop, async { Ok(asked.request_code_again().await) }).await?;
        keep(&office, sign_in, Stage::Asked(asked, access)).await;
        Ok(code_asked(sign_in, phone, sent.map_err(TelegramAccountError::from)?))
    })
    .await
}

/// Enters the code. The form is cleared after it.
#[tauri::command]
#[specta::specta]
pub async fn submit_code(desk: DeskState<'_>, sign_in: SignInKey, code: String) -> Result<SignInStep, SignInTrouble> {
    steps("submit_code", Box::pin(enter(&desk, sign_in, Entered::Code(SecretString::from(code))))).await
}

/// Enters the two-step password. The form is cleared after it.
#[tauri::command]
#[specta::specta]
pub async fn submit_password(
    desk: DeskState<'_>,
    sign_in: SignInKey,
    password: String,
) -> Result<SignInStep, SignInTrouble> {
    steps("submit_password", Box::pin(enter(&desk, sign_in, Entered::Password(SecretString::from(password))))).await
}

/// Begins a sign-in by QR code and returns at once; codes, and what follows the scan, are told to the channel.
/// Replaces a sign-in that is under way.
#[tauri::command]
#[specta::specta]
pub async fn begin_qr_sign_in(
    desk: DeskState<'_>,
    access: TelegramAccess,
    on_event: Channel<QrEvent>,
) -> Result<SignInKey, SignInTrouble> {
    steps("begin_qr_sign_in", async {
        let office = desk.office().await?;
        let access = self::access(&office, access).await?;
        let (key, stop) = begin(&desk, &office).await;
        let scanning = async move {
            let tell = |event| {
                if let Err(error) = on_event.send(event) {
                    tracing::debug!(target: "skrynka::events", error = %error, "Code not told");
                }
            };
            let show = |code: &skrynka_telegram::sign_in::QrCode| {
                let url = code.url.expose_secret().to_owned();
                tell(QrEvent::Code { url, expires_at: stamp(code.expires_at) });
            };
            // A scan that Telegram has taken makes a session: it is seen through.
            let event = match Box::pin(sign_ins::scan(&office.bureau, access, show, &stop)).await {
                Ok((stage, reached)) => {
                    keep(&office, key, stage).await;
                    QrEvent::Scanned { step: views::sign_in_step(reached) }
                }
                Err(_) if stop.is_cancelled() && !office.sign_ins.expired(key) => return,
                Err(error) => QrEvent::Failed { trouble: error.into() },
            };
            tell(event);
        };
        desk.tasks().spawn("qr sign-in", scanning);
        Ok(key)
    })
    .await
}

/// Recognises a pasted session string. Nothing is sent, and the key is never shown. Replaces a sign-in that is under
/// way.
#[tauri::command]
#[specta::specta]
pub async fn inspect_session(desk: DeskState<'_>, text: String) -> Result<FoundSession, SignInTrouble> {
    steps("inspect_session", async {
        let text = zeroize::Zeroizing::new(text);
        found(&desk, formats::from_text(&text), None).await
    })
    .await
}

/// Asks for a session file and recognises it; null when the person cancelled.
#[tauri::command]
#[specta::specta]
pub async fn inspect_session_file(desk: DeskState<'_>) -> Result<Option<FoundSession>, SignInTrouble> {
    steps("inspect_session_file", async {
        let chosen = ask(&desk, |dialog, answer| dialog.pick_file(answer)).await?;
        let Some(path) = chosen else { return Ok(None) };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let read = tokio::task::spawn_blocking(move || formats::from_file(&path)).await;
        let read = read.map_err(|error| WireError { code: ErrorCode::Internal, detail: error.to_string() })?;
        Ok(Some(found(&desk, read, name).await?))
    })
    .await
}

/// Uses the recognised session: signs on with it as it is, or (`own`) makes a session of Skrynka's own with its help
/// and forgets it, which may ask for the two-step password.
#[tauri::command]
#[specta::specta]
pub async fn use_session(
    desk: DeskState<'_>,
    sign_in: SignInKey,
    access: TelegramAccess,
    phone: Option<String>,
    own: bool,
) -> Result<SignInStep, SignInTrouble> {
    let used = async {
        let office = desk.office().await?;
        let mut access = self::access(&office, access).await?;
        let said = phone.as_deref().filter(|phone| !phone.trim().is_empty());
        access.phone = said.map(telegram_accounts::read_phone).transpose()?;
        let (stage, stop) = office.sign_ins.take(sign_in)?;
        let Stage::Pasted(pasted) = stage else { return Err(TelegramAccountError::Over.into()) };
        let reached = to_the_end(&desk, &stop, async move {
            match sign_ins::use_session(&office.bureau, &pasted, access, own).await {
                Ok((stage, reached)) => {
                    keep(&office, sign_in, stage).await;
                    Ok(reached)
                }
                Err(error) => {
                    // What was wrong may have been the API ID, the proxy or the network: the session can be used again.
                    keep(&office, sign_in, Stage::Pasted(pasted)).await;
                    Err(error)
                }
            }
        });
        Ok(views::sign_in_step(reached.await?))
    };
    steps("use_session", Box::pin(used)).await
}

/// Saves the account that has signed in. The journal starts its listener. The password of a proxy is the sign-in's.
#[tauri::command]
#[specta::specta]
pub async fn finish_sign_in(
    desk: DeskState<'_>,
    sign_in: SignInKey,
    form: TelegramForm,
) -> Result<AccountView, SignInTrouble> {
    steps("finish_sign_in", async {
        let office = desk.office().await?;
        let (stage, stop) = office.sign_ins.take(sign_in)?;
        let Stage::Finished { finished, access, own } = stage else { return Err(TelegramAccountError::Over.into()) };
        match Box::pin(telegram_accounts::add(&office.bureau, &choices(&form), &access, &finished, &stop)).await {
            Ok(account) => {
                office.sign_ins.cancel(sign_in);
                view_of(&office, &account.id.to_string()).await
            }
            Err(error) => {
                keep(&office, sign_in, Stage::Finished { finished, access, own }).await;
                Err(error.into())
            }
        }
    })
    .await
}

/// Gives the account that signs in again its new session, and connects anew.
#[tauri::command]
#[specta::specta]
pub async fn finish_sign_in_again(desk: DeskState<'_>, sign_in: SignInKey) -> Result<AccountView, SignInTrouble> {
    steps("finish_sign_in_again", async {
        let office = desk.office().await?;
        let (stage, _) = office.sign_ins.take(sign_in)?;
        let Stage::Finished { finished, access, own } = stage else { return Err(TelegramAccountError::Over.into()) };
        match Box::pin(telegram_accounts::sign_in_again(&office.bureau, &access, &finished)).await {
            Ok((account, old)) => {
                office.sign_ins.cancel(sign_in);
                office.engine.reload(account).await.map_err(WireError::from)?;
                if let Some(old) = old {
                    let office = office.clone();
                    let ending = async move { telegram_accounts::end_session(&office.bureau, &old, &access.app).await };
                    desk.tasks().spawn("old session", ending);
                }
                view_of(&office, &account.to_string()).await
            }
            Err(error) => {
                keep(&office, sign_in, Stage::Finished { finished, access, own }).await;
                Err(error.into())
            }
        }
    })
    .await
}

/// Ends a sign-in. A session that was made and not saved is ended at Telegram too.
#[tauri::command]
#[specta::specta]
pub async fn cancel_sign_in(desk: DeskState<'_>, sign_in: SignInKey) -> Result<(), WireError> {
    logged("cancel_sign_in", async {
        let office = desk.office().await?;
        let left = office.sign_ins.cancel(sign_in);
        sign_ins::abandon(&office.bureau, left).await;
        Ok(())
    })
    .await
}

/// Changes an account's choices. A new proxy, or a new password of it, is tried before anything is saved; without a
/// password the kept one is used.
#[tauri::command]
#[specta::specta]
pub async fn update_telegram(
    desk: DeskState<'_>,
    account: String,
    form: TelegramForm,
    proxy_password: Option<String>,
) -> Result<(), WireError> {
    logged("update_telegram", async {
        let office = desk.office().await?;
        let (account, proxy) = (id(&account)?, form.proxy.clone().map(proxy));
        let password = proxy_password.map(SecretString::from);
        Box::pin(telegram_accounts::update(&office.bureau, account, &choices(&form), proxy, password)).await?;
        office.engine.reload(account).await?;
        Ok(())
    })
    .await
}

/// Tries a SOCKS5 proxy as far as Telegram's door. Nothing is saved. Without a password the one that is kept for the
/// account's proxy is used, for that proxy and user only.
#[tauri::command]
#[specta::specta]
pub async fn test_proxy(
    desk: DeskState<'_>,
    account: Option<String>,
    proxy: ProxyForm,
    password: Option<String>,
) -> Result<(), WireError> {
    logged("test_proxy", async {
        let proxy = self::proxy(proxy);
        telegram_accounts::check_proxy_form(&proxy)?;
        let bureau = &desk.office().await?.bureau;
        let password = match (password, account) {
            (Some(typed), _) => Some(SecretString::from(typed)),
            (None, Some(account)) => {
                let account = id(&account)?;
                let (_, settings) = telegram_accounts::settings_of(bureau, account).await?;
                telegram_accounts::kept_proxy_password(bureau, account, &settings, &proxy).await?
            }
            (None, None) => None,
        };
        Ok(telegram_accounts::check_proxy(&bureau.telegram(), proxy, password).await?)
    })
    .await
}

/// Runs a step and notes how it went, never with what.
async fn steps<T>(
    command: &'static str,
    work: impl Future<Output = Result<T, SignInTrouble>>,
) -> Result<T, SignInTrouble> {
    let mut retry_after = None;
    let noted = async {
        work.await.map_err(|trouble| {
            retry_after = trouble.retry_after;
            trouble.into()
        })
    };
    let result = logged(command, noted).await;
    result.map_err(|error| SignInTrouble { retry_after, ..error.into() })
}

/// Begins a sign-in in the place of the one before.
async fn begin(desk: &Desk, office: &std::sync::Arc<Office>) -> (SignInKey, CancellationToken) {
    let (key, before) = office.sign_ins.begin();
    let (watched, stopping) = (office.clone(), desk.tasks().stopping());
    desk.tasks().spawn("sign-in", async move {
        let left = tokio::select! {
            left = watched.sign_ins.expire(key) => left,
            // The window closes.
            () = stopping.cancelled() => watched.sign_ins.cancel(key),
        };
        sign_ins::abandon(&watched.bureau, left).await;
    });
    sign_ins::abandon(&office.bureau, before).await;
    (key, office.sign_ins.stop_of(key))
}

/// Keeps what a step has reached, unless the sign-in is over meanwhile.
async fn keep(office: &Office, key: SignInKey, stage: Stage) {
    let left = office.sign_ins.put(key, stage);
    sign_ins::abandon(&office.bureau, left).await;
}

/// Does a step until the sign-in is cancelled.
async fn until<T>(
    stop: &CancellationToken,
    step: impl Future<Output = Result<T, TelegramAccountError>>,
) -> Result<T, TelegramAccountError> {
    tokio::select! {
        () = stop.cancelled() => Err(TelegramAccountError::Over),
        done = step => done,
    }
}

async fn enter(desk: &Desk, key: SignInKey, entered: Entered) -> Result<SignInStep, SignInTrouble> {
    let office = desk.office().await?;
    let (stage, stop) = office.sign_ins.take(key)?;
    let reached = to_the_end(desk, &stop, async move {
        let (stage, reached) = sign_ins::enter(&office.bureau, stage, &entered).await;
        if let Some(stage) = stage {
            keep(&office, key, stage).await;
        }
        reached
    });
    Ok(views::sign_in_step(reached.await?))
}

/// Does a step to its end, whoever waits for it: a session that Telegram has made is kept, or ended where the sign-in is
/// over meanwhile. Waits until it is done or the sign-in is cancelled.
async fn to_the_end<T: Send + 'static>(
    desk: &Desk,
    stop: &CancellationToken,
    step: impl Future<Output = Result<T, TelegramAccountError>> + Send + 'static,
) -> Result<T, TelegramAccountError> {
    let (told, heard) = tokio::sync::oneshot::channel();
    let step = Box::pin(step);
    desk.tasks().spawn("sign-in step", async move {
        // Nobody waits where it was cancelled.
        let _unheard = told.send(step.await);
    });
    until(stop, async { heard.await.unwrap_or(Err(TelegramAccountError::Over)) }).await
}

async fn found(
    desk: &Desk,
    found: Result<Found, FormatError>,
    file: Option<String>,
) -> Result<FoundSession, SignInTrouble> {
    let found = found.map_err(TelegramAccountError::from)?;
    let office = desk.office().await?;
    let (key, _) = begin(desk, &office).await;
    let shown = FoundSession {
        sign_in: key,
        format: found.format.name().to_owned(),
        dc: u8::try_from(found.dc).unwrap_or(0),
        address: found.address.map(|address| address.to_string()),
        user_id: found.user_id.map(|user| user.to_string()),
        api_id: found.api_id.and_then(|id| u32::try_from(id).ok()),
        file,
    };
    keep(&office, key, Stage::Pasted(found.into_secret())).await;
    Ok(shown)
}

async fn access(office: &Office, access: TelegramAccess) -> Result<Access, SignInTrouble> {
    let typed = TypedAccess {
        account: access.account.as_deref().map(id).transpose()?,
        api_id: access.api_id,
        api_hash: access.api_hash,
        proxy: access.proxy.map(proxy),
        proxy_password: access.proxy_password.map(SecretString::from),
    };
    Ok(Access::read(&office.bureau, typed).await?)
}

fn proxy(form: ProxyForm) -> Proxy {
    let user = form.user.filter(|user| !user.is_empty());
    Proxy { server: Endpoint { host: form.host.trim().to_owned(), port: form.port }, user }
}

fn choices(form: &TelegramForm) -> Choices {
    Choices {
        name: form.name.trim().to_owned(),
        color: (form.color > 0).then_some(form.color.into()),
        takes: TakenChats { groups: form.groups, channels: form.channels, bots: form.bots },
        history_days: form.history_days,
        mark_read: form.mark_read,
        file_limit: u64::from(form.file_limit_kib) << 10,
    }
}

fn code_asked(sign_in: SignInKey, phone: String, sent: CodeSent) -> CodeAsked {
    CodeAsked {
        sign_in,
        phone,
        way: sent.way.into(),
        length: sent.length,
        next: sent.next.map(Into::into),
        again_after: sent.again_after.map(|wait| count(wait.as_secs())),
    }
}

async fn view_of(office: &Office, id: &str) -> Result<AccountView, SignInTrouble> {
    let view = views::accounts(office).await?.into_iter().find(|view| view.id == id);
    Ok(view.ok_or_else(|| WireError { code: ErrorCode::NotFound, detail: "account".to_owned() })?)
}
