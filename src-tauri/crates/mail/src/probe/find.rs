//! Which of the servers an address may have are there.

use std::time::Duration;

use futures_util::{StreamExt, future::join, stream};
use skrynka_core::model::EmailSettings;
use tokio::time::timeout;

use super::smtp;
use crate::{
    connect,
    error::Result,
    providers::{Discovery, Servers},
    tuning::Tuning,
};

/// Servers that are tried at the same time.
const AT_ONCE: usize = 6;
/// The longest a server may take to answer.
const ANSWER: Duration = Duration::from_secs(6);

/// Returns the best servers that answer with an accepted certificate, IMAP and SMTP each by itself; `None` when no
/// IMAP server does. No name and no password is sent. Takes at most about six seconds.
pub async fn find(discovery: &Discovery) -> Option<Servers> {
    let tuning = Tuning { connect: ANSWER, command: ANSWER, silence: ANSWER, ..Tuning::default() };
    let candidates = &discovery.servers;
    let imap = first(candidates, |servers| imap_answers(servers, &tuning));
    let smtp = first(candidates, |servers| smtp_answers(servers, &tuning));
    let (imap, smtp) = join(imap, smtp).await;
    let imap = imap?;
    // Many networks close the ports of SMTP; then the name that goes with the IMAP server is the best guess.
    let smtp = smtp.unwrap_or(imap);
    Some(Servers {
        imap: imap.imap.clone(),
        imap_security: imap.imap_security,
        smtp: smtp.smtp.clone(),
        smtp_security: smtp.smtp_security,
    })
}

/// The first in the order of the candidates, though all are asked at once.
async fn first<'s, F>(candidates: &'s [Servers], answers: impl Fn(&'s Servers) -> F) -> Option<&'s Servers>
where
    F: Future<Output = Result<()>>,
{
    let attempts: Vec<_> = candidates.iter().map(|servers| (servers, answers(servers))).collect();
    let attempts = attempts
        .into_iter()
        .map(|(servers, answer)| async move { matches!(timeout(ANSWER, answer).await, Ok(Ok(()))).then_some(servers) });
    let found = stream::iter(attempts).buffered(AT_ONCE).filter_map(std::future::ready);
    std::pin::pin!(found).next().await
}

async fn imap_answers(servers: &Servers, tuning: &Tuning) -> Result<()> {
    let settings = settings(servers);
    let addresses = connect::resolve(&settings.imap, settings.imap_security, tuning).await?;
    let (tcp, _) = connect::dial(&settings.imap, &addresses, tuning.connect).await?;
    connect::greet(tcp, &settings, tuning).await.map(drop)
}

async fn smtp_answers(servers: &Servers, tuning: &Tuning) -> Result<()> {
    smtp::greeted(&settings(servers), tuning).await.map(drop)
}

fn settings(servers: &Servers) -> EmailSettings {
    let Servers { imap, imap_security, smtp, smtp_security } = servers.clone();
    let (address, user) = (String::new(), String::new());
    let (since, ca_pem, folders) = (None, None, Vec::new());
    EmailSettings {
        address,
        imap,
        imap_security,
        smtp,
        smtp_security,
        user,
        since,
        ca_pem,
        folders,
        write_flags: false,
    }
}
