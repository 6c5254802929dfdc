//! An OAuth 2.0 server: it makes access tokens from refresh tokens (RFC 6749 section 6) over TLS, and tells Dovecot whose
//! an access token is (RFC 7662).

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    authority::{Authority, Certificate},
    background::Background,
};

/// The client that the server knows.
pub const CLIENT_ID: &str = "bureau.example.org";
/// Its secret.
pub const CLIENT_SECRET: &str = "canary-client-secret";

/// Who has which tokens. Refresh tokens are good once: each refresh gives the next one.
#[derive(Debug, Default)]
pub struct Grants {
    /// Refresh token to user.
    refresh: HashMap<String, String>,
    /// Access token to user.
    access: HashMap<String, String>,
    /// How often an access token was asked for.
    asked: usize,
    /// Seconds that an access token is said to live.
    lifetime: i64,
    is_down: bool,
}

/// A running server.
pub struct Oauth2 {
    tls: SocketAddr,
    plain: SocketAddr,
    grants: Arc<Mutex<Grants>>,
    _background: Background,
}

impl Oauth2 {
    /// Starts a server whose certificate comes from `authority`.
    pub fn start(authority: &Authority) -> Result<Self> {
        let identity = authority.issue(Certificate::Valid)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("Failed to choose TLS versions")?
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).context("Bad certificate")?],
                PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).context("Bad key")?,
            )
            .context("Failed to set up TLS")?;
        let grants = Arc::new(Mutex::new(Grants { lifetime: 3600, ..Grants::default() }));
        let (tls, plain) = (listen()?, listen()?);
        let (tls_address, plain_address) = (tls.local_addr()?, plain.local_addr()?);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let background = Background::run("lab-oauth2", serve(tls, plain, acceptor, Arc::clone(&grants)))?;
        Ok(Self { tls: tls_address, plain: plain_address, grants, _background: background })
    }

    /// Returns where access tokens are made.
    pub fn token_endpoint(&self) -> String {
        format!("https://127.0.0.1:{}/token", self.tls.port())
    }

    /// Returns where Dovecot asks whose an access token is.
    pub fn introspection(&self) -> String {
        format!("http://{}/introspect", self.plain)
    }

    /// Gives a user a refresh token.
    pub fn grant(&self, user: &str) -> String {
        let token = format!("1//canary-{:016x}", rand::random::<u64>());
        lock(&self.grants).refresh.insert(token.clone(), user.to_owned());
        token
    }

    /// Takes every refresh token of a user back.
    pub fn revoke(&self, user: &str) {
        lock(&self.grants).refresh.retain(|_, of| of != user);
    }

    /// Ends every access token before its time.
    pub fn end_access(&self) {
        lock(&self.grants).access.clear();
    }

    /// Sets how many seconds access tokens are said to live from here on.
    pub fn set_lifetime(&self, seconds: i64) {
        lock(&self.grants).lifetime = seconds;
    }

    /// From here on nothing but `503` is said, or no longer.
    pub fn set_down(&self, is_down: bool) {
        lock(&self.grants).is_down = is_down;
    }

    /// Returns how often an access token was asked for.
    pub fn asked(&self) -> usize {
        lock(&self.grants).asked
    }

    /// Returns who has which tokens, for a server that takes them itself.
    pub fn grants(&self) -> Arc<Mutex<Grants>> {
        Arc::clone(&self.grants)
    }
}

impl Grants {
    /// Returns whose an access token is.
    pub fn user(&self, token: &str) -> Option<&str> {
        self.access.get(token).map(String::as_str)
    }

    /// Makes an access token, and the next refresh token of this one.
    fn refresh(&mut self, form: &HashMap<String, String>) -> (StatusCode, serde_json::Value) {
        self.asked += 1;
        let given = |name: &str| form.get(name).map(String::as_str);
        if self.is_down {
            return (StatusCode::SERVICE_UNAVAILABLE, json!(null));
        }
        let denied = |status, error: &str| (status, json!({"error": error, "error_description": "As the lab says."}));
        if given("client_id") != Some(CLIENT_ID) || given("client_secret") != Some(CLIENT_SECRET) {
            return denied(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        if given("grant_type") != Some("refresh_token") {
            return denied(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        }
        let Some(user) = given("refresh_token").and_then(|token| self.refresh.remove(token)) else {
            return denied(StatusCode::BAD_REQUEST, "invalid_grant");
        };
        let access = format!("ya29.{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        let next = format!("1//canary-{:016x}", rand::random::<u64>());
        self.access.insert(access.clone(), user.clone());
        self.refresh.insert(next.clone(), user);
        let answer = json!({
            "access_token": access, "token_type": "Bearer", "expires_in": self.lifetime, "refresh_token": next,
        });
        (StatusCode::OK, answer)
    }

    fn introspect(&self, form: &HashMap<String, String>) -> (StatusCode, serde_json::Value) {
        let user = form.get("token").and_then(|token| self.user(token));
        let answer = match user {
            Some(user) => json!({"active": true, "username": user}),
            None => json!({"active": false}),
        };
        (StatusCode::OK, answer)
    }
}

fn lock(grants: &Mutex<Grants>) -> MutexGuard<'_, Grants> {
    grants.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen() -> Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("Failed to open a port")?;
    listener.set_nonblocking(true).context("Failed to open a port")?;
    Ok(listener)
}

async fn serve(
    tls: std::net::TcpListener,
    plain: std::net::TcpListener,
    acceptor: TlsAcceptor,
    grants: Arc<Mutex<Grants>>,
) {
    let (Ok(tls), Ok(plain)) = (TcpListener::from_std(tls), TcpListener::from_std(plain)) else { return };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = tls.accept() => {
                connections.spawn(inside_tls(stream, acceptor.clone(), Arc::clone(&grants)));
            }
            Ok((stream, _)) = plain.accept() => {
                connections.spawn(converse(stream, Arc::clone(&grants)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn inside_tls(stream: TcpStream, acceptor: TlsAcceptor, grants: Arc<Mutex<Grants>>) {
    if let Ok(stream) = acceptor.accept(stream).await {
        converse(stream, grants).await;
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, grants: Arc<Mutex<Grants>>) {
    let service = service_fn(move |request| {
        let grants = Arc::clone(&grants);
        async move { Ok::<_, Infallible>(answer(request, &grants).await) }
    });
    let _gone = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, grants: &Mutex<Grants>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let (status, json) = match path.as_str() {
        "/token" => lock(grants).refresh(&form),
        "/introspect" => lock(grants).introspect(&form),
        _ => (StatusCode::NOT_FOUND, json!(null)),
    };
    let mut response = Response::new(Full::new(Bytes::from(json.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    response
}
