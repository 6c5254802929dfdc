//! Files on their way from the window into the database, piece by piece: a page has a file's bytes and never its path.

use std::{
    collections::HashMap,
    fs::File,
    io::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use skrynka_core::{connector::TempFile, model::AccountId};
use uuid::Uuid;

use crate::{
    commands::{file_error, not_found},
    wire::{ErrorCode, WireError},
};

/// The most bytes of one file: what Telegram takes.
const LARGEST: u64 = 4 << 30;
/// Files that may be under way at once; what a page forgot is dropped then, oldest first.
const AT_ONCE: usize = 64;

/// Files under way.
#[derive(Default)]
pub struct Uploads(Mutex<HashMap<Uuid, Arc<Mutex<Upload>>>>);

/// A file under way. What came of it is removed when this is dropped.
pub struct Upload {
    pub account: AccountId,
    pub name: String,
    file: File,
    size: u64,
    temp: TempFile,
}

impl Uploads {
    /// Begins a file in `folder` and returns its key.
    pub fn begin(&self, folder: PathBuf, account: AccountId, name: String) -> Result<Uuid, WireError> {
        std::fs::create_dir_all(&folder).map_err(file_error)?;
        let key = Uuid::now_v7();
        let path = folder.join(format!("{key}.part"));
        let file = File::create_new(&path).map_err(file_error)?;
        let upload = Upload { account, name, file, size: 0, temp: TempFile { path } };
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uploads.len() >= AT_ONCE
            && let Some(oldest) = uploads.keys().min().copied()
        {
            uploads.remove(&oldest);
        }
        uploads.insert(key, Arc::new(Mutex::new(upload)));
        Ok(key)
    }

    /// Adds a piece.
    pub fn add(&self, key: Uuid, bytes: &[u8]) -> Result<(), WireError> {
        let upload = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned().ok_or_else(not_found)?;
        let mut upload = upload.lock().unwrap_or_else(PoisonError::into_inner);
        upload.size += bytes.len() as u64;
        if upload.size > LARGEST {
            return Err(WireError { code: ErrorCode::TooLong, detail: upload.name.clone() });
        }
        upload.file.write_all(bytes).map_err(file_error)
    }

    /// Takes a file that is whole, or one that somebody gave up.
    pub fn take(&self, key: Uuid) -> Result<Upload, WireError> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key).ok_or_else(not_found)?;
        // A piece that is being written holds it for a moment more.
        let upload = Arc::into_inner(taken).ok_or_else(not_found)?;
        Ok(upload.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Upload {
    /// Where its bytes stand.
    pub fn path(&self) -> &std::path::Path {
        &self.temp.path
    }
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
}
