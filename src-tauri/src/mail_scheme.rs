//! The scheme that mails' HTML is served from, and the guard that keeps the window where it is.
//!
//! `mail://localhost/<account>/<message>[?remote]` answers with the sanitised document and a CSP of its own. A click
//! on a link asks for `mail://localhost/link/<account>/<message>/<number>`: nothing is opened, the window is told.

use std::sync::Arc;

use skrynka_core::model::{AccountId, MessageId};
use skrynka_mail::render::{Link, RemoteContent, RenderOptions, Rendered, render};
use tauri::{
    Url,
    http::{Request, Response, StatusCode, header},
};
use tauri_specta::Event as _;

use crate::{
    desk::Desk,
    wire::{ErrorCode, LinkClicked, LinkView, WireError},
};

/// The scheme's name.
pub const NAME: &str = "mail";

/// The address of a message's frame. Windows and Android serve custom schemes from a host of their own.
pub fn frame_url(account: AccountId, message: MessageId, show_remote: bool) -> String {
    let origin = if cfg!(windows) { "http://mail.localhost" } else { "mail://localhost" };
    let query = if show_remote { "?remote" } else { "" };
    format!("{origin}/{account}/{message}{query}")
}

/// A message's HTML as it was rendered last: the command that opens a message and its frame ask one after the other.
pub struct Shown {
    account: AccountId,
    message: MessageId,
    remote: bool,
    document: Arc<Rendered>,
}

/// Renders a message's HTML.
pub async fn rendered(
    desk: &Desk,
    account: AccountId,
    message: MessageId,
    show_remote: bool,
) -> Result<Arc<Rendered>, WireError> {
    if let Some(shown) = &*desk.shown()
        && (shown.account, shown.message, shown.remote) == (account, message, show_remote)
    {
        return Ok(shown.document.clone());
    }
    let raw = desk.office().await?.bureau.store.raw_message(account, message).await?;
    let options = RenderOptions {
        remote: if show_remote { RemoteContent::Allowed } else { RemoteContent::Blocked },
        dark: false,
        link_base: format!("/link/{account}/{message}"),
    };
    let document = tokio::task::spawn_blocking(move || render(&raw, &options))
        .await
        .map_err(|error| WireError { code: ErrorCode::Internal, detail: error.to_string() })?
        .ok_or_else(|| WireError { code: ErrorCode::NotFound, detail: "the message has no HTML".to_owned() })?;
    let document = Arc::new(document);
    *desk.shown() = Some(Shown { account, message, remote: show_remote, document: document.clone() });
    Ok(document)
}

/// Answers a request of a mail's frame. Anything that is not a message's own address is not found.
pub async fn respond(desk: &Desk, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let path = request.uri().path();
    let show_remote = request.uri().query() == Some("remote");
    let wanted = link_of(path).map(|(account, message, _)| (account, message)).or_else(|| message_of(path));
    let Some((account, message)) = wanted else { return empty(StatusCode::NOT_FOUND) };
    match rendered(desk, account, message, show_remote).await {
        Ok(document) => {
            // Where a platform does not ask before a frame navigates, the click arrives here: the frame shows its
            // mail again and the window is told.
            if let Some((.., number)) = link_of(path) {
                tell_link(desk, document.links.get(number));
            }
            page(&document)
        }
        Err(error) => {
            tracing::warn!(target: "skrynka::ui", code = ?error.code, detail = error.detail, "Mail not shown");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Lets the window show the app and mails, nothing else. A link in a mail is told to the window instead of followed.
pub fn may_navigate(desk: &Arc<Desk>, url: &Url) -> bool {
    let is_mail = url.scheme() == NAME || url.host_str() == Some("mail.localhost");
    if is_mail && let Some((account, message, number)) = link_of(url.path()) {
        let teller = desk.clone();
        desk.tasks().spawn("link", async move {
            match rendered(&teller, account, message, true).await {
                Ok(document) => tell_link(&teller, document.links.get(number)),
                Err(error) => tracing::warn!(target: "skrynka::ui", code = ?error.code, "Link not read"),
            }
        });
        return false;
    }
    let is_app = matches!(url.scheme(), "tauri" | "about")
        || url.host_str() == Some("tauri.localhost")
        || (cfg!(dev) && url.host_str() == Some("127.0.0.1"));
    if !is_app && !is_mail {
        tracing::warn!(target: "skrynka::ui", scheme = url.scheme(), "Navigation refused");
    }
    is_app || is_mail
}

/// Shows the window a link before it is opened.
fn tell_link(desk: &Desk, link: Option<&Link>) {
    let (Some(link), Some(handle)) = (link, desk.handle()) else { return };
    let link = LinkView {
        text: link.text.clone(),
        url: link.href.clone(),
        host: link.host.clone(),
        mismatched: link.mismatched,
    };
    if let Err(error) = (LinkClicked { link }).emit(handle) {
        tracing::warn!(target: "skrynka::events", error = %error, "Event not sent");
    }
}

/// Reads `/<account>/<message>`.
fn message_of(path: &str) -> Option<(AccountId, MessageId)> {
    let (account, message) = path.strip_prefix('/')?.split_once('/')?;
    Some((account.parse().ok()?, message.parse().ok()?))
}

/// Reads `/link/<account>/<message>/<number>`.
fn link_of(path: &str) -> Option<(AccountId, MessageId, usize)> {
    let (message, number) = path.strip_prefix("/link")?.rsplit_once('/')?;
    let (account, message) = message_of(message)?;
    Some((account, message, number.parse().ok()?))
}

fn page(document: &Rendered) -> Response<Vec<u8>> {
    let mut response = Response::new(document.html.clone().into_bytes());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer"));
    match header::HeaderValue::from_str(&document.csp) {
        Ok(csp) => {
            headers.insert(header::CONTENT_SECURITY_POLICY, csp);
            response
        }
        // Without its policy a mail is not shown at all.
        Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn empty(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "019a0000-0000-7000-8000-000000000001";
    const MESSAGE: &str = "019a0000-0000-7000-8000-000000000002";

    #[test]
    fn only_a_message_or_its_link_has_an_address() {
        assert!(message_of(&format!("/{ACCOUNT}/{MESSAGE}")).is_some());
        assert_eq!(link_of(&format!("/link/{ACCOUNT}/{MESSAGE}/7")).unwrap().2, 7);
        for path in ["", "/", "/x/y", "/link/x/y/1", "/../etc/passwd", &format!("/{ACCOUNT}/{MESSAGE}/extra")] {
            assert!(message_of(path).is_none() && link_of(path).is_none(), "{path}");
        }
        assert!(link_of(&format!("/link/{ACCOUNT}/{MESSAGE}/-1")).is_none());
    }
}
