//! What a refused choice leaves behind.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use skrynka_core::secrets::memory::MemorySecrets;

use super::*;

#[tokio::test]
async fn a_refused_server_leaves_choice_and_password_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(folder.path()), time::macros::datetime!(2026-11-22 12:00 UTC)).unwrap();
    let secrets: Secrets = Arc::new(MemorySecrets::default());
    secrets.set(ServerUrl::PASSWORD, SecretString::from("the old one")).await.unwrap();

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("postgres://olena@{closed}/skrynka"), "postgres://olena@/skrynka".to_owned()] {
        let new = SecretString::from("the new one");
        assert!(use_server(&profile, &secrets, &url, Some(new)).await.is_err(), "{url}");
    }

    let kept = secrets.get(ServerUrl::PASSWORD).await.unwrap().unwrap();
    assert_eq!(kept.expose_secret(), "the old one");
    assert_eq!(profile.settings().unwrap().database.server_url, None);
}
