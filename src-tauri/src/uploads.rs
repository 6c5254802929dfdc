//! Files on their way from the window into the database, piece by piece: a page has a file's bytes and never its path.
//! What somebody says is on the disk as it is said: a recording outlives the page and the program.

use std::{
    collections::HashMap,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use skrynka_core::model::{AccountId, ConversationId};
use uuid::Uuid;

use crate::{
    commands::{file_error, not_found},
    wire::{ErrorCode, WireError},
};

/// The most bytes of one file: what Telegram takes.
const LARGEST: u64 = 4 << 30;
/// Files that may be under way at once; what a page forgot is dropped then, oldest first.
const AT_ONCE: usize = 64;
/// The extension of a recording; its name holds its key, its account and its conversation.
const VOICE: &str = "voice";

/// Files under way.
#[derive(Default)]
pub struct Uploads(Mutex<HashMap<Uuid, Arc<Mutex<Upload>>>>);

/// A file under way. What came of it is removed when this is dropped; a recording only once it was taken.
pub struct Upload {
    pub account: AccountId,
    pub name: String,
    file: File,
    size: u64,
    path: PathBuf,
    /// Whether what came of it goes with this.
    goes: bool,
    /// The conversation that it is recorded for.
    recorded_for: Option<ConversationId>,
}

/// A recording that nobody has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub key: Uuid,
    pub account: AccountId,
    pub conversation: ConversationId,
}

impl Uploads {
    /// Begins a file in `folder` and returns its key.
    pub fn begin(&self, folder: PathBuf, account: AccountId, name: String) -> Result<Uuid, WireError> {
        std::fs::create_dir_all(&folder).map_err(file_error)?;
        let key = Uuid::now_v7();
        let path = folder.join(format!("{key}.part"));
        let file = File::create_new(&path).map_err(file_error)?;
        self.insert(key, Upload { account, name, file, size: 0, path, goes: true, recorded_for: None });
        Ok(key)
    }

    /// Begins a recording for a conversation in `folder` and returns its key.
    pub fn record(&self, folder: PathBuf, account: AccountId, conversation: ConversationId) -> Result<Uuid, WireError> {
        std::fs::create_dir_all(&folder).map_err(file_error)?;
        let key = Uuid::now_v7();
        let path = folder.join(format!("{key}.{account}.{conversation}.{VOICE}"));
        let file = File::create_new(&path).map_err(file_error)?;
        self.insert(key, recording(account, conversation, file, 0, path));
        Ok(key)
    }

    /// Finds the recordings that nobody has ended: those of a page that is gone, and what another run left in `folder`.
    /// From then on they can be taken. An empty one is removed.
    pub fn left(&self, folder: &Path) -> Vec<Left> {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Some(Left { key, account, conversation }) = named(&path) else { continue };
            if self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key) {
                continue;
            }
            let opened = File::options().append(true).open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
            match opened {
                Ok((0, _)) => remove(&path),
                Ok((size, file)) => self.insert(key, recording(account, conversation, file, size, path)),
                Err(error) => tracing::warn!(target: "skrynka::app", error = %error, "Recording cannot be read again"),
            }
        }
        let uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left: Vec<Left> = uploads
            .iter()
            .filter_map(|(key, upload)| {
                let upload = upload.lock().unwrap_or_else(PoisonError::into_inner);
                let conversation = upload.recorded_for.filter(|_| upload.size > 0)?;
                Some(Left { key: *key, account: upload.account, conversation })
            })
            .collect();
        left.sort_unstable_by_key(|left| left.key);
        left
    }

    /// Takes back what could not be stored, so that it can be tried again.
    pub fn put_back(&self, key: Uuid, mut upload: Upload) {
        upload.goes = !upload.is_recording();
        self.insert(key, upload);
    }

    fn insert(&self, key: Uuid, upload: Upload) {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uploads.len() >= AT_ONCE
            && let Some(oldest) = uploads.keys().min().copied()
        {
            uploads.remove(&oldest);
        }
        uploads.insert(key, Arc::new(Mutex::new(upload)));
    }

    /// Adds a piece.
    pub fn add(&self, key: Uuid, bytes: &[u8]) -> Result<(), WireError> {
        let upload = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned().ok_or_else(not_found)?;
        let mut upload = upload.lock().unwrap_or_else(PoisonError::into_inner);
        upload.size += bytes.len() as u64;
        if upload.size > LARGEST {
            return Err(WireError { code: ErrorCode::TooLong, detail: upload.name.clone() });
        }
        upload.file.write_all(bytes).map_err(file_error)?;
        if upload.recorded_for.is_some() {
            // What was said cannot be said again: it also outlives a power cut.
            upload.file.sync_data().map_err(file_error)?;
        }
        Ok(())
    }

    /// Takes a file that is whole, or one that somebody gave up.
    pub fn take(&self, key: Uuid) -> Result<Upload, WireError> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key).ok_or_else(not_found)?;
        // A piece that is being written holds it for a moment more.
        let upload = Arc::into_inner(taken).ok_or_else(not_found)?;
        let mut upload = upload.into_inner().unwrap_or_else(PoisonError::into_inner);
        upload.goes = true;
        Ok(upload)
    }
}

fn recording(account: AccountId, conversation: ConversationId, file: File, size: u64, path: PathBuf) -> Upload {
    Upload { account, name: "voice.ogg".to_owned(), file, size, path, goes: false, recorded_for: Some(conversation) }
}

/// What the name of a recording holds.
fn named(path: &Path) -> Option<Left> {
    let name = path.file_name()?.to_str()?.strip_suffix(VOICE)?.strip_suffix('.')?;
    let mut parts = name.split('.');
    let (key, account, conversation) = (parts.next()?, parts.next()?, parts.next()?);
    let (key, account, conversation) = (key.parse().ok()?, account.parse().ok()?, conversation.parse().ok()?);
    parts.next().is_none().then_some(Left { key, account, conversation })
}

impl Upload {
    /// Whether it is what somebody said, which cannot be said again.
    pub const fn is_recording(&self) -> bool {
        self.recorded_for.is_some()
    }

    /// Where its bytes stand.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.goes {
            remove(&self.path);
        }
    }
}

fn remove(path: &Path) {
    // A file that is already gone is as good as removed.
    let _gone = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_in_pieces_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = Uploads::default();
        let account = AccountId(Uuid::nil());
        let key = uploads.begin(folder.path().to_owned(), account, "a.pdf".to_owned()).unwrap();
        uploads.add(key, b"one ").unwrap();
        uploads.add(key, b"two").unwrap();
        let upload = uploads.take(key).unwrap();
        assert_eq!(std::fs::read(upload.path()).unwrap(), b"one two");
        assert!(uploads.add(key, b"late").is_err());
        drop(upload);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_recording_outlives_its_page_and_its_program() {
        let folder = tempfile::tempdir().unwrap();
        let (account, conversation) = (AccountId(Uuid::now_v7()), ConversationId(Uuid::now_v7()));
        let uploads = Uploads::default();
        let key = uploads.record(folder.path().to_owned(), account, conversation).unwrap();
        uploads.record(folder.path().to_owned(), account, conversation).unwrap();
        let file = uploads.begin(folder.path().to_owned(), account, "a.pdf".to_owned()).unwrap();
        uploads.add(key, b"one ").unwrap();
        uploads.add(file, b"no recording").unwrap();
        let left = [Left { key, account, conversation }];
        assert_eq!(uploads.left(folder.path()), left, "of a page that is gone");
        // What was only being attached goes with its program.
        drop(uploads);
        let next = Uploads::default();
        assert_eq!(next.left(folder.path()), left, "the empty one is removed");
        assert_eq!(next.left(folder.path()), left, "each once");
        next.add(key, b"two").unwrap();
        let taken = next.take(key).unwrap();
        assert_eq!(std::fs::read(taken.path()).unwrap(), b"one two");
        drop(taken);
        assert_eq!(next.left(folder.path()), []);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
