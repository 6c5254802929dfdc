//! Which of the guessed servers are there.

use futures_util::{StreamExt, stream};
use skrynka_core::model::Security;
use tokio::time::timeout;

use crate::{
    connect,
    error::Result,
    providers::{Discovery, Provider, Server},
    tuning::Tuning,
};

/// Servers that are tried at the same time.
const AT_ONCE: usize = 6;

/// Returns the first IMAP and the first SMTP server of the guesses that answer on their port; those of a known
/// provider as they are. Sends nothing to them but a connection. `None` where nothing answers.
pub async fn find(discovery: &Discovery, tuning: &Tuning) -> (Option<Server>, Option<Server>) {
    match discovery {
        Discovery::Known(provider) => {
            let Provider { imap, smtp, .. } = &**provider;
            (Some(imap.clone()), Some(smtp.clone()))
        }
        Discovery::Guesses { imap, smtp } => {
            futures_util::future::join(first_that_answers(imap, tuning), first_that_answers(smtp, tuning)).await
        }
        Discovery::NotAnAddress => (None, None),
    }
}

async fn first_that_answers(servers: &[Server], tuning: &Tuning) -> Option<Server> {
    let attempts = servers.iter().cloned().map(|server| {
        let tuning = tuning.clone();
        async move { answers(&server, &tuning).await.is_ok().then_some(server) }
    });
    let found = stream::iter(attempts).buffered(AT_ONCE).filter_map(std::future::ready);
    let mut found = std::pin::pin!(found);
    timeout(tuning.connect * 2, found.next()).await.ok().flatten()
}

async fn answers(server: &Server, tuning: &Tuning) -> Result<()> {
    let addresses = connect::resolve(&server.endpoint, Security::Tls, tuning).await?;
    connect::dial(&server.endpoint, &addresses, tuning.connect).await.map(drop)
}

#[cfg(test)]
mod tests {
    use skrynka_core::model::Endpoint;

    use super::*;

    #[tokio::test]
    async fn the_first_guess_that_answers_is_taken_in_the_order_of_the_guesses() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let server =
            |port| Server { endpoint: Endpoint { host: "127.0.0.1".to_owned(), port }, security: Security::Tls };
        let (first, second) = (listener.local_addr().unwrap().port(), other.local_addr().unwrap().port());
        let imap = vec![server(closed), server(first), server(second)];
        let guesses = Discovery::Guesses { imap, smtp: vec![server(closed)] };
        assert_eq!(find(&guesses, &Tuning::default()).await, (Some(server(first)), None));
    }
}
