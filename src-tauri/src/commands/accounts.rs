//! Accounts: their state, and adding a mailbox by steps.

use skrynka_core::model::{AccountId, Auth, EmailSettings, Endpoint, Security};
use skrynka_mail::{
    Credential, Tokens, Tuning,
    probe::{self, Finding, Step, StepName},
    providers::{self, Passwords, Server},
};
use tauri::ipc::Channel;
use tauri_plugin_dialog::DialogExt as _;
use time::{Date, format_description::well_known::Iso8601};

use super::{DeskState, id, logged};
use crate::{
    copies,
    desk::Office,
    mailboxes::{self, Mailbox, MailboxError, Tried},
    views,
    wire::{
        AccountView, AuthName, Discovery, ErrorCode, Estimate, MailboxForm, PasswordPolicy, TestStep, TestStepName,
        TestStepState, TokensForm, WireError, count,
    },
    wiring::free_bytes,
};

/// Every account with its live state.
#[tauri::command]
#[specta::specta]
pub async fn accounts(desk: DeskState<'_>) -> Result<Vec<AccountView>, WireError> {
    logged("accounts", async { views::accounts(&*desk.office().await?).await }).await
}

/// Finds the settings of an address: the table's, or the first guess that answers.
#[tauri::command]
#[specta::specta]
pub async fn discover_mailbox(address: String) -> Result<Discovery, WireError> {
    logged("discover_mailbox", async {
        let found = providers::discover(&address);
        let (provider, passwords, help_url) = match &found {
            providers::Discovery::NotAnAddress => {
                return Err(WireError { code: ErrorCode::InvalidInput, detail: "address".to_owned() });
            }
            providers::Discovery::Guesses { .. } => (None, PasswordPolicy::Password, None),
            providers::Discovery::Known(known) => {
                let passwords = match known.passwords {
                    Passwords::No => PasswordPolicy::None,
                    Passwords::AppPassword => PasswordPolicy::AppPassword,
                    Passwords::SwitchOnFirst => PasswordPolicy::SwitchOnFirst,
                    Passwords::Yes => PasswordPolicy::Password,
                };
                (Some(known.name.to_owned()), passwords, known.help_url.map(ToOwned::to_owned))
            }
        };
        let (imap, smtp) = probe::find(&found, &Tuning::default()).await;
        let answered = imap.is_some();
        Ok(Discovery {
            provider,
            passwords,
            help_url,
            mailbox: Some(start_form(&address, &found, imap, smtp)),
            answered,
        })
    })
    .await
}

/// Tells how many mails a start date means and how much room they need.
#[tauri::command]
#[specta::specta]
pub async fn estimate_mailbox(
    desk: DeskState<'_>,
    form: MailboxForm,
    password: Option<String>,
    tokens: Option<TokensForm>,
    account: Option<String>,
) -> Result<Estimate, WireError> {
    logged("estimate_mailbox", async {
        let office = desk.office().await?;
        let mailbox = mailbox(form, &office, account.as_deref()).await?;
        let now = office.bureau.clock.now();
        mailbox.check(now)?;
        let typed = typed(&mailbox, password, tokens);
        let mut tried = tried(&office, &mailbox, typed.clone(), account.as_deref()).await?;
        let (settings, since) = (&mailbox.settings, mailbox.settings.since);
        let estimate = probe::estimate(settings, &mut tried.credential, since, &Tuning::default(), now).await;
        keep(&office, typed, &tried).await?;
        let estimate = estimate?;
        let free = office.bureau.has_private_database().then(|| free_bytes(desk.ground().ok()?.profile.root()));
        Ok(Estimate {
            messages: count(estimate.messages),
            kib: count(estimate.bytes / 1024),
            free_kib: free.flatten().map(|bytes| count(bytes / 1024)),
        })
    })
    .await
}

/// Tests the connection; each step is told to the channel. Nothing is saved.
#[tauri::command]
#[specta::specta]
pub async fn test_mailbox(
    desk: DeskState<'_>,
    form: MailboxForm,
    password: Option<String>,
    tokens: Option<TokensForm>,
    account: Option<String>,
    on_step: Channel<TestStep>,
) -> Result<(), WireError> {
    logged("test_mailbox", async {
        let office = desk.office().await?;
        let mailbox = mailbox(form, &office, account.as_deref()).await?;
        let typed = typed(&mailbox, password, tokens);
        let mut tried = tried(&office, &mailbox, typed.clone(), account.as_deref()).await?;
        let send = |step: TestStep| {
            if let Err(error) = on_step.send(step) {
                tracing::debug!(target: "skrynka::events", error = %error, "Step not told");
            }
        };
        send(running(TestStepName::Resolve));
        let mut tell = |step: &Step| {
            let follows = step.outcome.is_ok().then(|| next(step.name)).flatten();
            send(step_view(step));
            if let Some(follows) = follows {
                send(running(follows));
            }
        };
        let now = office.bureau.clock.now();
        let tested = mailboxes::test(&mailbox, &mut tried.credential, now, &mut tell).await;
        keep(&office, typed, &tried).await?;
        tested?;
        Ok(())
    })
    .await
}

/// Adds a mailbox once its sign-in has passed and its secret has been read back. The journal starts its listener.
#[tauri::command]
#[specta::specta]
pub async fn add_mailbox(
    desk: DeskState<'_>,
    form: MailboxForm,
    password: Option<String>,
    tokens: Option<TokensForm>,
) -> Result<AccountView, WireError> {
    logged("add_mailbox", async {
        let office = desk.office().await?;
        let mailbox = mailbox(form, &office, None).await?;
        let typed = typed(&mailbox, password, tokens).ok_or_else(missing)?;
        let account = mailboxes::add(&office.bureau, mailbox, office.renewed.of(typed)).await?;
        office.renewed.forget();
        let id = account.id.to_string();
        let view = views::accounts(&office).await?.into_iter().find(|view| view.id == id);
        view.ok_or_else(|| WireError { code: ErrorCode::NotFound, detail: "account".to_owned() })
    })
    .await
}

/// Changes a mailbox once its sign-in has passed. Without a password or tokens the kept ones are used.
#[tauri::command]
#[specta::specta]
pub async fn update_mailbox(
    desk: DeskState<'_>,
    account: String,
    form: MailboxForm,
    password: Option<String>,
    tokens: Option<TokensForm>,
) -> Result<(), WireError> {
    logged("update_mailbox", async {
        let office = desk.office().await?;
        let mailbox = mailbox(form, &office, Some(&account)).await?;
        let account = id(&account)?;
        let typed = typed(&mailbox, password, tokens).map(|typed| office.renewed.of(typed));
        mailboxes::update(&office.bureau, &office.engine, account, mailbox, typed).await?;
        office.renewed.forget();
        office.engine.reload(account).await?;
        Ok(())
    })
    .await
}

/// Switches an account on or off. The journal starts or stops its listener.
#[tauri::command]
#[specta::specta]
pub async fn set_account_enabled(desk: DeskState<'_>, account: String, enabled: bool) -> Result<(), WireError> {
    logged("set_account_enabled", async {
        Ok(desk.office().await?.bureau.store.set_account_enabled(id(&account)?, enabled).await?)
    })
    .await
}

/// Mutes an account, or tells of its messages again.
#[tauri::command]
#[specta::specta]
pub async fn set_account_muted(desk: DeskState<'_>, account: String, muted: bool) -> Result<(), WireError> {
    logged("set_account_muted", async {
        Ok(desk.office().await?.bureau.store.set_account_muted(id(&account)?, muted).await?)
    })
    .await
}

/// Ends whatever an account waits for, so that it tries again at once.
#[tauri::command]
#[specta::specta]
pub async fn retry_account(desk: DeskState<'_>, account: String) -> Result<(), WireError> {
    logged("retry_account", async {
        desk.office().await?.engine.retry_now(id(&account)?).await;
        Ok(())
    })
    .await
}

/// Removes an account; its messages stay unless asked otherwise.
#[tauri::command]
#[specta::specta]
pub async fn remove_account(desk: DeskState<'_>, account: String, delete_messages: bool) -> Result<(), WireError> {
    logged("remove_account", async {
        let office = desk.office().await?;
        let account: AccountId = id(&account)?;
        // The listener ends first: it would go on storing into an account that is being removed.
        office.bureau.store.set_account_enabled(account, false).await?;
        office.engine.reload(account).await?;
        mailboxes::remove(&office.bureau, account, delete_messages).await?;
        office.engine.reload(account).await?;
        if delete_messages {
            copies::forget(&desk.ground()?.profile, &office.bureau.store).await?;
        }
        Ok(())
    })
    .await
}

/// Asks for a file with certificate authorities.
#[tauri::command]
#[specta::specta]
pub async fn pick_ca_file(desk: DeskState<'_>) -> Result<Option<String>, WireError> {
    let Some(handle) = desk.handle() else { return Ok(None) };
    let (answer, answered) = tokio::sync::oneshot::channel();
    handle.dialog().file().add_filter("PEM", &["pem", "crt", "cer"]).pick_file(move |path| {
        // The window may have been closed while the dialog was open.
        let _nobody_waits = answer.send(path);
    });
    Ok(answered.await.ok().flatten().map(|path| path.to_string()))
}

/// What the mailbox is tried with: what came with the form, or what is kept of the account that is being changed.
async fn tried(
    office: &Office,
    mailbox: &Mailbox,
    typed: Option<Credential>,
    account: Option<&str>,
) -> Result<Tried, WireError> {
    let account = account.map(id).transpose()?;
    if typed.is_none() && account.is_none() {
        return Err(missing());
    }
    let typed = typed.map(|typed| office.renewed.of(typed));
    Ok(Tried::of(&office.bureau, account, mailbox.settings.auth, typed).await?)
}

/// Keeps what a test has made anew: of what was kept before in the keyring, of what was typed in memory.
async fn keep(office: &Office, typed: Option<Credential>, tried: &Tried) -> Result<(), WireError> {
    if let Some(typed) = typed {
        office.renewed.note(&typed, &tried.credential);
    }
    Ok(tried.keep(&office.bureau).await?)
}

/// What was typed for the way to sign in that was chosen.
fn typed(mailbox: &Mailbox, password: Option<String>, tokens: Option<TokensForm>) -> Option<Credential> {
    match mailbox.settings.auth {
        Auth::Password => password.map(|password| Credential::Password(password.into())),
        Auth::Xoauth2 => tokens.map(|form| {
            Credential::Tokens(Box::new(Tokens {
                client_id: form.client_id.trim().to_owned(),
                client_secret: Some(form.client_secret.trim().to_owned())
                    .filter(|given| !given.is_empty())
                    .map(Into::into),
                refresh_token: form.refresh_token.trim().to_owned().into(),
                token_endpoint: form.token_endpoint.trim().to_owned(),
                access_token: None,
                expires_at: None,
            }))
        }),
    }
}

fn missing() -> WireError {
    WireError { code: ErrorCode::InvalidInput, detail: "nothing was given to sign in with".to_owned() }
}

/// Reads the form. Certificate authorities that an account has are kept when the form names no new file.
async fn mailbox(form: MailboxForm, office: &Office, account: Option<&str>) -> Result<Mailbox, WireError> {
    let ca_pem = match (&form.ca_file, account) {
        (Some(path), _) => Some(mailboxes::read_ca(path.as_ref())?),
        (None, Some(account)) => {
            office.bureau.store.account(id(account)?).await?.and_then(|account| account.email?.ca_pem)
        }
        (None, None) => None,
    };
    let since = form.since.as_deref().map(day).transpose()?;
    Ok(Mailbox {
        name: form.name.trim().to_owned(),
        color: (form.color > 0).then_some(form.color.into()),
        settings: EmailSettings {
            address: form.address.trim().to_owned(),
            imap: Endpoint { host: form.imap_host.trim().to_owned(), port: form.imap_port },
            imap_security: form.imap_security.into(),
            smtp: Endpoint { host: form.smtp_host.trim().to_owned(), port: form.smtp_port },
            smtp_security: form.smtp_security.into(),
            user: form.user.trim().to_owned(),
            auth: form.auth.into(),
            since,
            ca_pem,
            folders: form.folders,
            write_flags: form.write_flags,
        },
    })
}

/// A form to start from: what was found, else the first guess.
fn start_form(address: &str, found: &providers::Discovery, imap: Option<Server>, smtp: Option<Server>) -> MailboxForm {
    let (first_imap, first_smtp) = match found {
        providers::Discovery::Guesses { imap, smtp } => (imap.first().cloned(), smtp.first().cloned()),
        providers::Discovery::Known(_) | providers::Discovery::NotAnAddress => (None, None),
    };
    let none = |port| Server { endpoint: Endpoint { host: String::new(), port }, security: Security::Tls };
    let imap = imap.or(first_imap).unwrap_or_else(|| none(993));
    let smtp = smtp.or(first_smtp).unwrap_or_else(|| none(465));
    MailboxForm {
        name: address.split('@').next().unwrap_or_default().to_owned(),
        address: address.to_owned(),
        imap_host: imap.endpoint.host,
        imap_port: imap.endpoint.port,
        imap_security: imap.security.into(),
        smtp_host: smtp.endpoint.host,
        smtp_port: smtp.endpoint.port,
        smtp_security: smtp.security.into(),
        user: address.to_owned(),
        auth: AuthName::Password,
        since: None,
        ca_file: None,
        folders: Vec::new(),
        write_flags: false,
        color: 0,
    }
}

fn day(text: &str) -> Result<time::OffsetDateTime, MailboxError> {
    Date::parse(text, &Iso8601::DATE)
        .map(|date| date.midnight().assume_utc())
        .map_err(|_| MailboxError::Invalid { field: "since", why: "not a day".to_owned() })
}

fn step_view(step: &Step) -> TestStep {
    let (state, detail, error) = match &step.outcome {
        Ok(finding) => (state_of(finding), detail_of(finding), None),
        Err(trouble) => (TestStepState::Failed, String::new(), Some(trouble.clone().into())),
    };
    TestStep { step: step_name(step.name), state, ms: Some(count(step.took.as_millis())), detail, error }
}

fn running(step: TestStepName) -> TestStep {
    TestStep { step, state: TestStepState::Running, ms: None, detail: String::new(), error: None }
}

const fn step_name(name: StepName) -> TestStepName {
    match name {
        StepName::Resolve => TestStepName::Resolve,
        StepName::Connect => TestStepName::Connect,
        StepName::Tls => TestStepName::Tls,
        StepName::SignIn => TestStepName::SignIn,
        StepName::Folders => TestStepName::Folders,
        StepName::Idle => TestStepName::Idle,
        StepName::Smtp => TestStepName::Smtp,
    }
}

/// The step that begins when this one has passed.
const fn next(name: StepName) -> Option<TestStepName> {
    match name {
        StepName::Resolve => Some(TestStepName::Connect),
        StepName::Connect => Some(TestStepName::Tls),
        StepName::Tls => Some(TestStepName::SignIn),
        StepName::SignIn => Some(TestStepName::Folders),
        StepName::Folders => Some(TestStepName::Idle),
        StepName::Idle => Some(TestStepName::Smtp),
        StepName::Smtp => None,
    }
}

const fn state_of(finding: &Finding) -> TestStepState {
    match finding {
        Finding::Idle(false) => TestStepState::Warned,
        Finding::Tls(None) => TestStepState::Skipped,
        Finding::Addresses(_)
        | Finding::Peer(_)
        | Finding::Tls(Some(_))
        | Finding::SignedIn
        | Finding::Folders { .. }
        | Finding::Idle(true)
        | Finding::Smtp(_) => TestStepState::Passed,
    }
}

/// The facts of a step on one technical line.
pub(crate) fn detail_of(finding: &Finding) -> String {
    match finding {
        Finding::Addresses(addresses) => addresses.join(", "),
        Finding::Peer(peer) => peer.clone(),
        Finding::Tls(Some(facts)) | Finding::Smtp(Some(facts)) => format!(
            "{} · {} · {} · {}",
            facts.version.replace("TLSv1_", "TLS 1."),
            facts.names.join(", "),
            facts.issuer,
            facts.expires.date()
        ),
        Finding::Folders { names, sent } => {
            let sent = sent.as_ref().map(|sent| format!(" · Sent: {sent}")).unwrap_or_default();
            format!("{}{sent}", names.len())
        }
        Finding::Idle(offered) => if *offered { "IDLE" } else { "NOOP" }.to_owned(),
        Finding::Tls(None) | Finding::Smtp(None) | Finding::SignedIn => String::new(),
    }
}
