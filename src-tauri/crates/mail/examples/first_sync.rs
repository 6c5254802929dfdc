//! Reads a mailbox of bench mails from the lab's Dovecot and prints the rate: reading and parsing, nothing stored.
//!
//! `cargo run --release -p skrynka-mail --example first_sync -- 20000`

use std::{io::Write, sync::Arc, time::Instant};

use anyhow::{Context, Result};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use skrynka_core::{
    clock::{Clock, SystemClock},
    connector::{Connector, Incoming, IncomingSender, Resume},
    model::{Account, AccountId, AccountState, Auth, Channel, EmailSettings, Endpoint, Security},
    secrets::{SecretName, SecretStore, SecretsError},
};
use skrynka_lab::{Dovecot, Options, numbered::bench_mails};
use skrynka_mail::{MailConnector, Tuning};
use tokio_util::sync::CancellationToken;

const USER: &str = "bench@example.org";
const PASSWORD: &str = "bench";

struct Known;

impl SecretStore for Known {
    fn get(&self, _: SecretName) -> BoxFuture<'_, Result<Option<SecretString>, SecretsError>> {
        Box::pin(async { Ok(Some(PASSWORD.into())) })
    }

    fn set(&self, _: SecretName, _: SecretString) -> BoxFuture<'_, Result<(), SecretsError>> {
        Box::pin(async { Ok(()) })
    }

    fn remove(&self, _: SecretName) -> BoxFuture<'_, Result<(), SecretsError>> {
        Box::pin(async { Ok(()) })
    }

    fn kind(&self) -> &'static str {
        "memory"
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let count: u32 = std::env::args().nth(1).map_or(Ok(2_000), |text| text.parse()).context("not a number")?;
    let dovecot = Dovecot::start(Options::default())?;
    dovecot.add_user(USER, PASSWORD)?;
    dovecot.fill(USER, "INBOX", bench_mails(count))?;
    for (security, port) in [
        (Security::LoopbackPlain, dovecot.imap().port()),
        (Security::LoopbackPlain, dovecot.imap().port()),
        (Security::Tls, dovecot.imaps().port()),
    ] {
        run(&account(security, port, dovecot.ca_pem())).await?;
    }
    Ok(())
}

fn account(security: Security, port: u16, ca: &str) -> Account {
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port };
    let now = SystemClock.now();
    let email = EmailSettings {
        address: USER.to_owned(),
        imap: endpoint.clone(),
        imap_security: security,
        smtp: endpoint,
        smtp_security: security,
        user: USER.to_owned(),
        auth: Auth::Password,
        since: None,
        ca_pem: Some(ca.to_owned()),
        folders: Vec::new(),
        write_flags: false,
    };
    Account {
        id: AccountId::new(now),
        channel: Channel::Email,
        name: "Bench".to_owned(),
        code: "B".to_owned(),
        color: 1,
        enabled: true,
        muted: false,
        email: Some(email),
        telegram: None,
        created_at: now,
    }
}

async fn run(account: &Account) -> Result<()> {
    let spool = std::env::temp_dir().join(format!("skrynka-first-sync-{}", std::process::id()));
    let connector = MailConnector::new(Arc::new(SystemClock), spool, Tuning::default());
    let started = Instant::now();
    let (listener, _) = connector.open(account, Resume::default(), Arc::new(Known), CancellationToken::new()).await?;
    let (sender, mut deliveries, mut status) = IncomingSender::channel(4);
    let stop = CancellationToken::new();
    let mut running = listener.run(sender, stop.clone());
    let (mut messages, mut bytes, mut batches) = (0_u64, 0_u64, 0_u64);
    loop {
        tokio::select! {
            outcome = &mut running => { outcome?; break; }
            Some(delivery) = deliveries.recv() => {
                batches += 1;
                for incoming in &delivery.batch.incoming {
                    if let Incoming::Message(message) = incoming {
                        messages += 1;
                        bytes += message.raw.size;
                    }
                }
                delivery.stored.send(()).ok();
            }
            Ok(()) = status.changed() => {
                if status.borrow().state == AccountState::Live {
                    let took = started.elapsed().as_secs_f64();
                    writeln!(
                        std::io::stdout(),
                        "{messages} messages, {:.1} MB in {batches} batches, {took:.2} s: {:.0} messages/s, {:.0} MB/s",
                        bytes as f64 / 1e6, messages as f64 / took, bytes as f64 / 1e6 / took
                    )?;
                    stop.cancel();
                }
            }
        }
    }
    Ok(())
}
