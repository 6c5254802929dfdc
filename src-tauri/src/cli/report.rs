//! `skrynka report`: the support report as an archive. A file that is there is overwritten only with `--force`.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use skrynka_core::{
    chain,
    clock::{Clock as _, SystemClock},
    engine::blocking,
    files,
    profile::Profile,
};

use super::{Common, Output};
use crate::{
    report::{Report, Sources},
    wiring::{Bureau, Ground},
};

#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The archive to write (ZIP).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Overwrite a file that is there.
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Written<'a> {
    file: String,
    bytes: usize,
    files: Vec<&'a str>,
    removed: Vec<Removed>,
    untold: Vec<&'a str>,
}

#[derive(Serialize)]
struct Removed {
    what: skrynka_core::logbook::redact::What,
    count: u64,
}

pub async fn run(common: &Common, output: Output, arguments: ReportArguments) -> anyhow::Result<ExitCode> {
    let root = Profile::find(common.profile.as_deref())?;
    let ReportArguments { file, force } = arguments;
    let there = || format!("{} exists already; name another file, or overwrite it with --force", file.display());
    // What takes a while is not begun in vain.
    if !force && file.exists() {
        bail!(there());
    }
    let report = Arc::new(Box::pin(make(common, &root)).await);
    let (packed, path) = (report.clone(), file.clone());
    let written = blocking(move || {
        let bytes = packed.archive()?;
        if force {
            files::replace(&path, &bytes)?
        } else {
            files::create_new(&path, &bytes)?
        }
        Ok::<usize, io::Error>(bytes.len())
    });
    let bytes = match written.await.map_err(anyhow::Error::msg)? {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!(there()),
        written => written.with_context(|| format!("{} could not be written", file.display()))?,
    };
    let written = Written {
        file: file.display().to_string(),
        bytes,
        files: report.files.iter().map(|(name, _)| *name).collect(),
        removed: report.removed.iter().map(|(what, count)| Removed { what: *what, count: *count }).collect(),
        untold: report.untold.iter().map(|(part, _)| *part).collect(),
    };
    output.record(&written, || said(&written))?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a report from whatever can be opened.
async fn make(common: &Common, root: &Path) -> Report {
    let places = common.places();
    let ground = Ground::open(&places).map_err(|error| chain(&error));
    let secrets = match &ground {
        Ok(ground) => ground.secrets(&places, None).await.map_err(|error| chain(&error)),
        Err(reason) => Err(reason.clone()),
    };
    // The schema is left as it is: what is wrong with it belongs into the report.
    let bureau = match (&ground, &secrets) {
        (Ok(ground), Ok(secrets)) => {
            Bureau::connect(ground, &places, secrets.clone(), &|_| {}).await.map_err(|error| chain(&error))
        }
        _ => Err("not tried without secrets".to_owned()),
    };
    let sources = Sources {
        profile: root,
        ground: ground.as_ref().map_err(Clone::clone),
        secrets: secrets.as_ref().map_err(Clone::clone),
        bureau: bureau.as_ref().map_err(Clone::clone),
        monitor: None,
        now: SystemClock.now(),
    };
    let report = Report::make(&sources).await;
    if let Ok(bureau) = bureau {
        bureau.close().await;
    }
    report
}

fn said(written: &Written<'_>) -> String {
    let removed: Vec<String> = written.removed.iter().map(|one| format!("{} {}", one.count, word(one))).collect();
    let mut text = format!("{}: {} KiB, {}", written.file, written.bytes.div_ceil(1024), written.files.join(", "));
    text += &format!("\nremoved: {}", if removed.is_empty() { "nothing".to_owned() } else { removed.join(", ") });
    if !written.untold.is_empty() {
        text += &format!("\ncould not be told: {}", written.untold.join(", "));
    }
    text
}

fn word(removed: &Removed) -> String {
    let name = serde_json::to_value(removed.what).ok().and_then(|name| name.as_str().map(str::to_owned));
    let name = name.unwrap_or_default();
    match (removed.count, name.as_str()) {
        (1, _) | (_, "words" | "quoted") => name,
        (_, "address") => "addresses".to_owned(),
        _ => name + "s",
    }
}
