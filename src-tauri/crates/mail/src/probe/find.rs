//! Which of the guessed servers are there.

use std::time::Duration;

use futures_util::{StreamExt, future::join, stream};
use skrynka_core::model::{Auth, EmailSettings};
use tokio::time::timeout;

use crate::{
    connect,
    error::Result,
    providers::{Discovery, Provider, Server},
    smtp,
    tuning::Tuning,
};

/// Servers that are tried at the same time.
const AT_ONCE: usize = 6;
/// The longest a server may take to greet.
const ANSWER: Duration = Duration::from_secs(6);

/// Returns the best IMAP and the best SMTP server of the guesses that greet over a connection protected as the guess
/// says, with an accepted certificate; those of a known provider as they are. No name and no password is sent. Takes
/// at most about six seconds.
pub async fn find(discovery: &Discovery, tuning: &Tuning) -> (Option<Server>, Option<Server>) {
    match discovery {
        Discovery::Known(provider) => {
            let Provider { imap, smtp, .. } = &**provider;
            (Some(imap.clone()), Some(smtp.clone()))
        }
        Discovery::Guesses { imap, smtp } => {
            join(first(imap, Protocol::Imap, tuning), first(smtp, Protocol::Smtp, tuning)).await
        }
        Discovery::NotAnAddress => (None, None),
    }
}

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Imap,
    Smtp,
}

/// The first in the order of the guesses, though all are asked at once.
async fn first(servers: &[Server], protocol: Protocol, tuning: &Tuning) -> Option<Server> {
    let attempts = servers.iter().cloned().map(|server| {
        let tuning = tuning.clone();
        async move { matches!(timeout(ANSWER, greets(&server, protocol, &tuning)).await, Ok(Ok(()))).then_some(server) }
    });
    let found = stream::iter(attempts).buffered(AT_ONCE).filter_map(std::future::ready);
    std::pin::pin!(found).next().await
}

async fn greets(server: &Server, protocol: Protocol, tuning: &Tuning) -> Result<()> {
    let settings = settings(server);
    match protocol {
        Protocol::Imap => {
            let addresses = connect::resolve(&settings.imap, settings.imap_security, tuning).await?;
            let (tcp, _) = connect::dial(&settings.imap, &addresses, tuning.connect).await?;
            connect::greet(tcp, &settings, tuning).await.map(drop)
        }
        Protocol::Smtp => smtp::greeted(&settings, tuning).await.map(drop),
    }
}

fn settings(server: &Server) -> EmailSettings {
    EmailSettings {
        address: String::new(),
        imap: server.endpoint.clone(),
        imap_security: server.security,
        smtp: server.endpoint.clone(),
        smtp_security: server.security,
        user: String::new(),
        auth: Auth::Password,
        since: None,
        ca_pem: None,
        folders: Vec::new(),
        write_flags: false,
    }
}
