//! A SOCKS5 proxy on the way to Telegram.

use std::{net::SocketAddr, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use skrynka_core::model::Proxy;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::error::{Result, TelegramError};

/// A proxy with its password.
#[derive(Clone)]
pub(crate) struct ProxyLogin {
    pub(crate) proxy: Proxy,
    pub(crate) password: Option<SecretString>,
}

impl ProxyLogin {
    /// The form in which the library takes a proxy, with the address of the first host that can be resolved: left
    /// alone, the library panics where a system has no resolver configuration.
    pub(super) async fn url(&self, within: Duration) -> Result<String> {
        let address = self.address(within).await?;
        let user = self.proxy.user.as_deref().unwrap_or_default();
        let password = self.password.as_ref().map_or("", |password| password.expose_secret());
        if user.is_empty() {
            return Ok(format!("socks5://{address}"));
        }
        if !(is_plain(user) && is_plain(password)) {
            return Err(TelegramError::Proxy(
                "its user name or password holds characters that cannot be handed to it".to_owned(),
            ));
        }
        Ok(format!("socks5://{user}:{password}@{address}"))
    }

    async fn address(&self, within: Duration) -> Result<SocketAddr> {
        let server = &self.proxy.server;
        let looked_up = timeout(within, tokio::net::lookup_host((server.host.as_str(), server.port))).await;
        let found = looked_up.map_err(|_| failed("its name could not be resolved in time"))?;
        let mut addresses = found.map_err(|error| failed(&format!("its name could not be resolved: {error}")))?;
        addresses.next().ok_or_else(|| failed("its name has no address"))
    }

    /// Signs in to the proxy and lets it connect to `target`; nothing is sent there.
    pub(crate) async fn check(&self, target: SocketAddr, within: Duration) -> Result<()> {
        let address = self.address(within).await?;
        timeout(within, self.converse(address, target)).await.map_err(|_| failed("it does not answer in time"))?
    }

    async fn converse(&self, address: SocketAddr, target: SocketAddr) -> Result<()> {
        let broke = |error: std::io::Error| failed(&error.to_string());
        let mut stream = TcpStream::connect(address).await.map_err(broke)?;
        let user = self.proxy.user.as_deref().unwrap_or_default();
        let method = if user.is_empty() { 0 } else { 2 };
        stream.write_all(&[5, 1, method]).await.map_err(broke)?;
        let mut chosen = [0; 2];
        stream.read_exact(&mut chosen).await.map_err(broke)?;
        match chosen {
            [5, 0] if method == 0 => {}
            [5, 2] if method == 2 => self.sign_in(&mut stream, user).await?,
            [5, _] => return Err(failed("it wants another way of signing in")),
            _ => return Err(failed("it does not speak SOCKS5")),
        }
        let mut request = vec![5, 1, 0];
        match target {
            SocketAddr::V4(target) => {
                request.push(1);
                request.extend(target.ip().octets());
            }
            SocketAddr::V6(target) => {
                request.push(4);
                request.extend(target.ip().octets());
            }
        }
        request.extend(target.port().to_be_bytes());
        stream.write_all(&request).await.map_err(broke)?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.map_err(broke)?;
        match answer[1] {
            0 => Ok(()),
            2 => Err(failed("its rules do not allow the connection")),
            3..=5 => Err(failed("it cannot reach Telegram")),
            code => Err(failed(&format!("it refused the connection ({code})"))),
        }
    }

    async fn sign_in(&self, stream: &mut TcpStream, user: &str) -> Result<()> {
        let broke = |error: std::io::Error| failed(&error.to_string());
        let password = self.password.as_ref().map_or("", |password| password.expose_secret());
        let mut request = zeroize::Zeroizing::new(vec![1]);
        for word in [user, password] {
            request.push(u8::try_from(word.len()).map_err(|_| failed("its user name or password is too long"))?);
            request.extend(word.bytes());
        }
        stream.write_all(&request).await.map_err(broke)?;
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).await.map_err(broke)?;
        if answer[1] == 0 { Ok(()) } else { Err(failed("it refused the user name or password")) }
    }
}

fn failed(why: &str) -> TelegramError {
    TelegramError::Proxy(why.to_owned())
}

/// The library hands user name and password over as they stand in the address, escapes included, so what would have to
/// be escaped cannot be handed over.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !br##"/:;=@[\]^|?#<>"{}`%'"##.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(host: &str, user: Option<&str>, password: &str) -> ProxyLogin {
        let server = skrynka_core::model::Endpoint { host: host.to_owned(), port: 1080 };
        let proxy = Proxy { server, user: user.map(str::to_owned) };
        ProxyLogin { proxy, password: Some(password.to_owned().into()) }
    }

    #[tokio::test]
    async fn the_library_is_given_an_address_and_never_a_name() {
        let within = Duration::from_secs(5);
        assert_eq!(login("127.0.0.1", None, "").url(within).await.unwrap(), "socks5://127.0.0.1:1080");
        assert_eq!(login("::1", None, "").url(within).await.unwrap(), "socks5://[::1]:1080");
        let url = login("localhost", Some("user"), "pw").url(within).await.unwrap();
        assert!(url.starts_with("socks5://user:pw@") && !url.contains("localhost"), "{url}");
    }

    #[tokio::test]
    async fn a_password_that_would_arrive_changed_is_refused() {
        let within = Duration::from_secs(5);
        for password in ["p@ss", "p%41", "пароль", "a b"] {
            assert!(matches!(login("127.0.0.1", Some("u"), password).url(within).await, Err(TelegramError::Proxy(_))));
        }
    }
}
