//! The vault file, and the choice of a store.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::{ExposeSecret, SecretString};
use skrynka_core::{
    model::AccountId,
    profile::Profile,
    secrets::{
        OpenOptions, Opened, SecretKind, SecretName, SecretStore, SecretsError, open,
        vault::{Vault, read_key_file},
    },
};
use time::macros::datetime;

/// Long enough to count as a key, so that the tests do not pay for a slow derivation each time.
const KEY: &str = "0123456789abcdefghijABCDEFGHIJ0123456789abc";

fn name(number: u128) -> SecretName {
    SecretName { kind: SecretKind::MailPassword, account: AccountId(uuid::Uuid::from_u128(number)) }
}

async fn value(store: &dyn SecretStore, name: SecretName) -> Option<String> {
    store.get(name).await.unwrap().map(|value| value.expose_secret().to_owned())
}

fn key_file(dir: &Path, text: &str, mode: u32) -> PathBuf {
    let path = dir.join("key");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[tokio::test]
async fn a_vault_keeps_secrets_over_restarts_and_shows_none_in_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault.json");
    let passphrase = SecretString::from("вишневий сад");
    let vault = Vault::create(&path, &passphrase).unwrap();
    vault.set(name(1), "пароль \"перший\"".into()).await.unwrap();
    vault.set(name(2), "x".repeat(70_000).into()).await.unwrap();
    vault.set(name(3), "third".into()).await.unwrap();
    vault.remove(name(3)).await.unwrap();
    vault.remove(name(4)).await.unwrap();

    let again = Vault::open(&path, &passphrase).unwrap();
    assert_eq!(value(&again, name(1)).await.as_deref(), Some("пароль \"перший\""));
    assert_eq!(value(&again, name(2)).await.map(|text| text.len()), Some(70_000));
    assert_eq!(value(&again, name(3)).await, None);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("mail-password") && !text.contains("перший"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_wrong_passphrase_is_told_from_a_damaged_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault.json");
    let vault = Vault::create(&path, &KEY.into()).unwrap();
    vault.set(name(1), "password".into()).await.unwrap();
    let whole = fs::read(&path).unwrap();

    let wrong = Vault::open(&path, &format!("{KEY}x").into());
    assert!(matches!(wrong, Err(SecretsError::WrongPassphrase)));

    for length in [0, 1, whole.len() / 2, whole.len() - 3] {
        fs::write(&path, &whole[..length]).unwrap();
        let cut = Vault::open(&path, &KEY.into());
        assert!(matches!(cut, Err(SecretsError::Damaged(_))), "cut at {length}");
        assert_eq!(fs::read(&path).unwrap().len(), length, "a damaged file is left as it is");
    }
    for at in (0..whole.len()).step_by(7) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        if serde_json::from_slice::<serde_json::Value>(&flipped).ok() == serde_json::from_slice(&whole).ok() {
            continue; // White space.
        }
        fs::write(&path, &flipped).unwrap();
        let opened = Vault::open(&path, &KEY.into());
        assert!(matches!(opened, Err(SecretsError::Damaged(_))), "flipped at {at}");
    }
}

#[tokio::test]
async fn a_vault_is_not_made_over_another_or_without_a_passphrase() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault.json");
    assert!(Vault::create(&path, &"".into()).is_err());
    assert!(!path.exists());
    Vault::create(&path, &KEY.into()).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(Vault::create(&path, &KEY.into()).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Each vault stands for a program of its own: they share nothing but the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_programs_that_write_at_once_lose_nothing_of_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault.json");
    let first = Vault::create(&path, &KEY.into()).unwrap();
    let second = Vault::open(&path, &KEY.into()).unwrap();
    let writes = (0..40_u128).map(|number| {
        let vault = if number % 2 == 0 { first.clone() } else { second.clone() };
        async move { vault.set(name(number), format!("password {number}").into()).await.unwrap() }
    });
    futures_util::future::join_all(writes).await;
    for number in 0..40 {
        assert_eq!(value(&first, name(number)).await, Some(format!("password {number}")));
    }
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "vault and lock: {left:?}");
}

#[tokio::test]
async fn a_key_file_that_others_may_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for mode in [0o644, 0o640, 0o604, 0o660, 0o601] {
        let error = read_key_file(&key_file(dir.path(), KEY, mode)).unwrap_err();
        assert!(matches!(error, SecretsError::KeyFile(_)));
        assert!(error.to_string().contains("chmod 600"), "{error}");
        assert!(!error.to_string().contains(KEY), "{error}");
    }
    for text in ["", "\n", " \nsecond line"] {
        assert!(read_key_file(&key_file(dir.path(), text, 0o600)).is_err(), "{text:?}");
    }
    assert!(read_key_file(&dir.path().join("missing")).is_err());
    assert!(read_key_file(dir.path()).is_err());
    let key = read_key_file(&key_file(dir.path(), &format!("{KEY}\n"), 0o600)).unwrap();
    assert_eq!(key.expose_secret(), KEY);
}

#[tokio::test]
async fn a_key_file_of_another_user_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = key_file(dir.path(), KEY, 0o600);
    // Only root can give a file away; an ordinary user cannot even open the other's.
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() {
        assert!(read_key_file(Path::new("/etc/shadow")).is_err());
        return;
    }
    let error = read_key_file(&path).unwrap_err();
    assert!(error.to_string().contains("12345"), "{error}");
}

#[tokio::test]
async fn a_key_file_means_the_vault_and_a_vault_asks_for_its_passphrase() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(dir.path()), datetime!(2026-11-22 12:00 UTC)).unwrap();
    let with_key = OpenOptions { vault_key_file: Some(key_file(dir.path(), KEY, 0o600)), ..OpenOptions::new(&profile) };
    let Opened::Ready(made) = open(with_key.clone()).await.unwrap() else { panic!("a vault is made") };
    made.set(name(1), "password".into()).await.unwrap();
    let Opened::Ready(opened) = open(with_key).await.unwrap() else { panic!("the vault opens") };
    assert_eq!(opened.kind(), "vault");
    assert_eq!(value(&*opened, name(1)).await.as_deref(), Some("password"));

    let without = OpenOptions::new(&profile);
    assert!(matches!(open(without.clone()).await.unwrap(), Opened::NeedsPassphrase));
    let typed = OpenOptions { passphrase: Some(KEY.into()), ..without.clone() };
    let Opened::Ready(typed) = open(typed).await.unwrap() else { panic!("the vault opens") };
    assert_eq!(value(&*typed, name(1)).await.as_deref(), Some("password"));
    let wrong = OpenOptions { passphrase: Some("another passphrase".into()), ..without };
    assert!(matches!(open(wrong).await, Err(SecretsError::WrongPassphrase)));
}

#[tokio::test]
async fn a_key_file_makes_no_empty_vault_beside_secrets_that_are_elsewhere() {
    for trace in ["keyring.used", "postgres"] {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(dir.path()), datetime!(2026-11-22 12:00 UTC)).unwrap();
        fs::write(dir.path().join(trace), "").unwrap();
        let key = Some(key_file(dir.path(), KEY, 0o600));
        let refused = open(OpenOptions { vault_key_file: key, ..OpenOptions::new(&profile) }).await;
        let Err(error) = refused else { panic!("it is refused beside {trace}") };
        assert!(error.to_string().contains("--vault-key-file"), "{error}");
        assert!(!profile.vault_file().exists());
    }
}

#[tokio::test]
async fn two_programs_that_make_the_vault_at_once_share_one() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(dir.path()), datetime!(2026-11-22 12:00 UTC)).unwrap();
    let options =
        Arc::new(OpenOptions { vault_key_file: Some(key_file(dir.path(), KEY, 0o600)), ..OpenOptions::new(&profile) });
    let (first, second) = futures_util::join!(open((*options).clone()), open((*options).clone()));
    let (Ok(Opened::Ready(first)), Ok(Opened::Ready(second))) = (first, second) else { panic!("both open") };
    first.set(name(1), "of the first".into()).await.unwrap();
    assert_eq!(value(&*second, name(1)).await.as_deref(), Some("of the first"));
}
