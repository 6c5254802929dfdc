//! Old databases in every state and in combinations, taken over and compared with a reading in Python that shares
//! nothing with the program: psycopg, and the rules as the old system's description has them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use serde_json::Value;
use skrynka_core::{
    adopt::{AdoptOptions, Adoption, Thing},
    clock::SystemClock,
    postgres::testing::{Reached, TestDatabase},
};
use tokio_util::sync::CancellationToken;

use crate::common::Bureau;

const PINNED: &str = "psycopg[binary]==3.2.13";
/// The first eight go through the states one by one.
const SYSTEMS: u64 = 10;

/// Returns the Python of an environment that holds psycopg, and makes it if this is the first time.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("psycopg-3.2.13");
    let python = folder.join("bin/python");
    if !folder.join("complete").exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", PINNED];
        run(Command::new(&python).args(pip));
        std::fs::write(folder.join("complete"), "").unwrap();
    }
    python
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A database's address in the words of libpq.
fn address(database: &TestDatabase) -> String {
    let Reached { host, port, role, password, database } = database.reached();
    format!("host='{host}' port={port} user='{role}' password='{password}' dbname='{database}'")
}

#[tokio::test]
async fn every_row_is_what_another_programs_reading_says() {
    let python = python();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/road/old_systems.py");
    let first: u64 = std::env::var("SKRYNKA_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let mut messages = 0;
    for seed in first..first + SYSTEMS {
        let (old, bureau) = (TestDatabase::new().await, Bureau::new().await);
        let folder = tempfile::tempdir().unwrap();
        let media = folder.path().join("media");
        let ask = |words: &[&str]| {
            let mut command = Command::new(&python);
            command.arg(&script).args(words).arg(&media);
            command.env("OLD", address(&old)).env("NEW", address(&bureau.database));
            run(&mut command)
        };
        ask(&["make", &seed.to_string()]);
        let adopt = async || {
            let options = AdoptOptions { media: Some(media.clone()), ..AdoptOptions::default() };
            let store = bureau.store.clone();
            let mut adoption =
                Adoption::open(&old.connect_options(), store, Arc::new(SystemClock), options).await.unwrap();
            let stop = CancellationToken::new();
            let would = adoption.look(&|_| {}, &stop).await.unwrap();
            let came = adoption.run(&|_| {}, &stop).await.unwrap();
            adoption.close().await;
            for thing in [Thing::TelegramAccounts, Thing::Mailboxes, Thing::Colleagues, Thing::Notes, Thing::Files] {
                assert_eq!(would.of(thing).found, came.of(thing).found, "seed {seed}: {thing:?}");
            }
            came
        };
        adopt().await;
        let compared: Value = serde_json::from_slice(&ask(&["compare"])).unwrap();
        assert_eq!(compared["wrong"], serde_json::json!([]), "seed {seed}: {compared:#}");
        bureau.assert_summaries_true().await;
        let again = adopt().await;
        for (thing, counted) in &again.counted {
            // Who works at the bureau stands in each computer's settings, which the core does not know.
            assert!(counted.new == 0 || *thing == Thing::Colleagues, "seed {seed}: {thing:?} {counted:?}");
        }
        let twice: Value = serde_json::from_slice(&ask(&["compare"])).unwrap();
        assert_eq!(compared, twice, "seed {seed}: a second run changes nothing");
        messages += compared["messages"].as_u64().unwrap();
    }
    assert!(messages > SYSTEMS * 50, "{messages}");
}
