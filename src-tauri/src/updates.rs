//! Updates of the program itself, through Tauri's updater: looked for, fetched, proved and installed, each when a person
//! says so. The signature covers the package with its version (`requireSignedVersion`), and only a newer version is taken,
//! so neither an older package nor another one under a newer number gets in. The size is checked while it comes.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde::Deserialize;
use tauri::AppHandle;
use tauri_plugin_updater::{Update, Updater, UpdaterExt as _};
use tokio::sync::{Mutex, Notify};

use crate::{
    desk::Desk,
    wire::{UpdateFailure, UpdateStep, UpdateView},
};

/// How long the other side may say nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(20);
/// No package of ours is larger, whatever its manifest says.
const LARGEST: u64 = 1 << 30;
/// The first look by itself comes once the inbox has been there for a while …
const FIRST: Duration = Duration::from_secs(300);
/// … and then one follows each day.
const EVERY: Duration = Duration::from_secs(24 * 3600);

/// How far the update is. One thing is done at a time.
#[derive(Default)]
pub struct Updates {
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    step: UpdateStep,
    update: Option<Update>,
    /// The package, once it is whole and proved.
    package: Option<Vec<u8>>,
}

/// Where updates come from, which a build is told by whoever releases it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Source {
    endpoints: Vec<String>,
    pubkey: String,
}

impl Source {
    fn of(handle: &AppHandle) -> Self {
        #[cfg(feature = "testing")]
        if let Ok(given) = std::env::var("SKRYNKA_TEST_UPDATES")
            && let Some((endpoint, pubkey)) = given.split_once(' ')
        {
            return Self { endpoints: vec![endpoint.to_owned()], pubkey: pubkey.to_owned() };
        }
        let config = handle.config().plugins.0.get("updater").cloned().unwrap_or_default();
        serde_json::from_value(config).unwrap_or_default()
    }

    fn is_known(&self) -> bool {
        !self.endpoints.is_empty() && !self.pubkey.is_empty()
    }
}

/// Says how far the update is.
pub async fn view(desk: &Desk) -> UpdateView {
    let step = desk.updates.found.lock().await.step.clone();
    with_settings(desk, step)
}

fn with_settings(desk: &Desk, step: UpdateStep) -> UpdateView {
    let known = desk.handle().is_some_and(|handle| Source::of(handle).is_known());
    let daily = desk.settings().is_some_and(|settings| settings.updates.daily);
    UpdateView { daily, step: if known { step } else { UpdateStep::NoSource } }
}

/// Looks for an update by itself once a day, where that is wanted, until it is dropped. Fetches nothing.
pub async fn watch(desk: &Desk) {
    tokio::time::sleep(FIRST).await;
    loop {
        let wanted = desk.settings().is_some_and(|settings| settings.updates.daily);
        if wanted && desk.handle().is_some_and(|handle| Source::of(handle).is_known()) {
            check(desk).await;
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Asks whether there is a newer version.
pub async fn check(desk: &Desk) -> UpdateView {
    let mut found = desk.updates.found.lock().await;
    if found.package.is_none() {
        let asked = match desk.handle() {
            Some(handle) => ask(handle).await,
            None => Ok(None),
        };
        found.step = match asked {
            Ok(Some(update)) => {
                let step = UpdateStep::Found { version: update.version.clone(), notes: update.body.clone() };
                tracing::info!(target: "skrynka::app", version = update.version, "Update found");
                found.update = Some(update);
                step
            }
            Ok(None) => {
                found.update = None;
                UpdateStep::Newest
            }
            Err(error) => failed(&error),
        };
    }
    with_settings(desk, found.step.clone())
}

async fn ask(handle: &AppHandle) -> Result<Option<Update>, tauri_plugin_updater::Error> {
    updater(handle)?.check().await
}

fn updater(handle: &AppHandle) -> Result<Updater, tauri_plugin_updater::Error> {
    let source = Source::of(handle);
    let endpoints = source.endpoints.iter().filter_map(|endpoint| endpoint.parse().ok()).collect();
    let ended = handle.clone();
    handle
        .updater_builder()
        .endpoints(endpoints)?
        .pubkey(source.pubkey)
        .configure_client(|client| client.connect_timeout(CONNECT).read_timeout(SILENCE))
        // The installer of Windows is started by a program that ends right after: everything is closed before.
        .on_before_exit(move || {
            use tauri::Manager as _;
            let desk = ended.state::<std::sync::Arc<Desk>>().inner().clone();
            tauri::async_runtime::block_on(desk.end());
            ended.cleanup_before_exit();
        })
        .build()
}

/// Fetches the package that was found and proves it; `progress` hears the bytes that have come, and how many come.
/// What breaks off or does not prove right is thrown away.
pub async fn fetch(desk: &Desk, progress: impl Fn(u64, u64) + Send) -> UpdateView {
    let mut found = desk.updates.found.lock().await;
    if let (Some(update), None) = (found.update.clone(), &found.package) {
        found.step = match download(&update, progress).await {
            Ok(package) => {
                tracing::info!(target: "skrynka::app", version = update.version, bytes = package.len(), "Update fetched");
                found.package = Some(package);
                UpdateStep::Fetched { version: update.version.clone() }
            }
            Err(step) => step,
        };
    }
    with_settings(desk, found.step.clone())
}

async fn download(update: &Update, progress: impl Fn(u64, u64) + Send) -> Result<Vec<u8>, UpdateStep> {
    let refused = |detail: String| {
        tracing::warn!(target: "skrynka::app", version = update.version, detail, "Update refused");
        UpdateStep::Failed { why: UpdateFailure::Refused, detail }
    };
    let Some(size) = size_of(update).filter(|size| *size <= LARGEST) else {
        return Err(refused("the manifest names no size, or one that no package has".to_owned()));
    };
    let (received, too_much) = (AtomicU64::new(0), Notify::new());
    let coming = update.download(
        |bytes, _| {
            let so_far = received.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
            if so_far > size { too_much.notify_one() } else { progress(so_far, size) }
        },
        || {},
    );
    let package = tokio::select! {
        biased;
        () = too_much.notified() => return Err(refused(format!("more than the {size} bytes that were announced"))),
        package = coming => package.map_err(|error| failed(&error))?,
    };
    if package.len() as u64 != size {
        return Err(refused(format!("{} bytes instead of {size}", package.len())));
    }
    Ok(package)
}

/// The size that the manifest names beside the signature.
fn size_of(update: &Update) -> Option<u64> {
    let platforms = update.raw_json.get("platforms")?.as_object()?;
    let of = |entry: &&serde_json::Value| {
        entry.get("signature").and_then(serde_json::Value::as_str) == Some(&update.signature)
    };
    platforms.values().find(of)?.get("size")?.as_u64()
}

/// Installs what was fetched and starts the program anew. Refuses while a message is being sent. On Windows it does not
/// return.
pub async fn install(desk: &Desk) -> UpdateView {
    let mut found = desk.updates.found.lock().await;
    if let (Some(update), Some(package)) = (found.update.clone(), found.package.clone()) {
        let sending = match desk.office().await {
            Ok(office) => office.bureau.store.is_sending().await.unwrap_or(true),
            // Without a database nothing is sent.
            Err(_) => false,
        };
        if sending {
            let step = UpdateStep::Failed { why: UpdateFailure::Sending, detail: update.version };
            return with_settings(desk, step);
        }
        tracing::info!(target: "skrynka::app", version = update.version, "Update is installed");
        // Where a package manager does it, somebody types a password meanwhile.
        let installed = tokio::task::spawn_blocking(move || update.install(package)).await;
        found.step = match installed {
            Ok(Ok(())) => {
                found.package = None;
                if let Some(handle) = desk.handle() {
                    handle.request_restart();
                }
                UpdateStep::Installed
            }
            Ok(Err(error)) => {
                UpdateStep::Failed { why: UpdateFailure::NotInstalled, detail: skrynka_core::chain(&error) }
            }
            Err(error) => UpdateStep::Failed { why: UpdateFailure::NotInstalled, detail: skrynka_core::chain(&error) },
        };
    }
    with_settings(desk, found.step.clone())
}

/// Tells a package that is not what it says from a source that did not answer.
fn failed(error: &tauri_plugin_updater::Error) -> UpdateStep {
    use tauri_plugin_updater::Error;

    let detail = skrynka_core::chain(error);
    let refused = matches!(
        error,
        Error::Minisign(_)
            | Error::Base64(_)
            | Error::SignatureUtf8(_)
            | Error::MissingSignedVersion
            | Error::SignedVersionMismatch { .. }
    );
    tracing::warn!(target: "skrynka::app", error = detail, refused, "Update failed");
    let why = if refused { UpdateFailure::Refused } else { UpdateFailure::Unreachable };
    UpdateStep::Failed { why, detail }
}
