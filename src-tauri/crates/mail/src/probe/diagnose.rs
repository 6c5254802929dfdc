//! Whether a server speaks the other kind of encryption than was chosen: the commonest mistake of all, and the one
//! that servers answer with silence or noise.

use std::time::Duration;

use skrynka_core::model::{Endpoint, Security};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

use crate::{
    connect::{dial, resolve, tls::protect},
    error::{MailError, Result},
    tuning::Tuning,
};

/// The longest a second look may take.
const LOOK: Duration = Duration::from_secs(4);

/// Returns the error, or a clearer one when a second look at the server finds it.
pub(super) async fn explained(error: MailError, server: &Endpoint, security: Security, tuning: &Tuning) -> MailError {
    let confused = matches!(
        error,
        MailError::Silent(_)
            | MailError::Endless(_)
            | MailError::Closed { .. }
            | MailError::Broken(_)
            | MailError::Tls(_)
    );
    let tuning = Tuning { connect: tuning.connect.min(LOOK), ..tuning.clone() };
    let advice = match security {
        Security::Starttls if confused && expects_tls(server, &tuning).await => {
            "expects TLS from the first byte; choose TLS instead of STARTTLS"
        }
        Security::Tls if confused && greets_in_plain_text(server, &tuning).await => {
            "begins in plain text; choose STARTTLS instead of TLS"
        }
        Security::Tls | Security::Starttls | Security::LoopbackPlain => return error,
    };
    MailError::Tls(format!("{server} {advice}"))
}

async fn expects_tls(server: &Endpoint, tuning: &Tuning) -> bool {
    let Ok(tcp) = connected(server, tuning).await else { return false };
    // A certificate that is not trusted is TLS as well.
    matches!(protect(Box::new(tcp), &server.host, None, tuning.connect).await, Ok(_) | Err(MailError::Certificate(_)))
}

async fn greets_in_plain_text(server: &Endpoint, tuning: &Tuning) -> bool {
    let Ok(mut tcp) = connected(server, tuning).await else { return false };
    let mut start = [0; 3];
    let read = timeout(tuning.connect, tcp.read_exact(&mut start)).await;
    matches!(read, Ok(Ok(_))) && (start.starts_with(b"* ") || start.starts_with(b"220"))
}

async fn connected(server: &Endpoint, tuning: &Tuning) -> Result<TcpStream> {
    let addresses = resolve(server, Security::Tls, tuning).await?;
    Ok(dial(server, &addresses, tuning.connect).await?.0)
}
