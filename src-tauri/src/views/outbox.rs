//! What is written and sent, as the window sees it.

use std::fmt::Write as _;

use skrynka_core::{
    connector::Outcome,
    model::VoiceNote,
    store::{OutgoingFile, StoredMail},
};

use super::people;
use crate::{
    mails::{Beginning, Overlooked},
    wire::{AttachedFile, MailBeginning, OutgoingMailView, OverlookedView, RefusedView, VoiceView, count},
};

/// A file whose bytes are stored.
pub fn attached(file: OutgoingFile) -> AttachedFile {
    let mut sha256 = String::with_capacity(64);
    for byte in file.sha256 {
        let _infallible = write!(sha256, "{byte:02x}");
    }
    let view = |voice: VoiceNote| VoiceView {
        duration_ms: voice.duration_ms,
        waveform: super::chat::loudness(&voice.waveform),
    };
    let voice = file.voice.map(view);
    AttachedFile { sha256, name: file.name, mime: file.mime, size: count(file.size), voice }
}

/// What a mail on its way has beside a text.
pub fn mail(mail: StoredMail) -> OutgoingMailView {
    let refused = mail.outcomes.iter().filter_map(|(address, outcome)| match outcome {
        Outcome::Refused { reply } => Some((address, reply, false)),
        Outcome::Later { reply } => Some((address, reply, true)),
        Outcome::Told | Outcome::Accepted => None,
    });
    let refused =
        refused.map(|(address, reply, later)| RefusedView { address: address.clone(), reply: reply.clone(), later });
    OutgoingMailView {
        refused: refused.collect(),
        partly_sent: mail.outcomes.values().any(|outcome| *outcome == Outcome::Accepted),
        subject: mail.subject,
        to: people(mail.to),
        cc: people(mail.cc),
        bcc: people(mail.bcc),
    }
}

/// How an answer begins.
pub fn mail_beginning(begun: Beginning, files: Vec<OutgoingFile>) -> MailBeginning {
    MailBeginning {
        to: people(begun.to),
        cc: people(begun.cc),
        subject: begun.subject,
        quote: begun.quote,
        files: files.into_iter().map(attached).collect(),
    }
}

/// What a person may have overlooked.
pub fn overlooked(overlooked: Overlooked) -> OverlookedView {
    match overlooked {
        Overlooked::NoFile => OverlookedView::NoFile,
        Overlooked::NoSubject => OverlookedView::NoSubject,
        Overlooked::FileOfAnother { name, from } => OverlookedView::FileOfAnother { name, from },
        Overlooked::NewAddress(address) => OverlookedView::NewAddress { address },
        Overlooked::TooLarge { bytes, most } => OverlookedView::TooLarge { bytes: count(bytes), most: count(most) },
    }
}
