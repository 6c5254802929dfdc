//! The files of the old system: where a message's file stands in the folder that its owner names.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::row::Row;
use crate::model::MediaKind;

/// A file as the old system names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldFile {
    /// Its key there; empty where it has none.
    pub id: String,
    /// The name its sender gave it.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// What kind of file it is.
    pub kind: MediaKind,
    /// A path or an address, in one of several shapes.
    pub path: String,
    /// Its size, where that was noted.
    pub size: Option<i64>,
}

impl OldFile {
    fn of(row: &Row, [name, kind, path, size]: [&str; 4]) -> Option<Self> {
        let path = row.text(path)?;
        let name = row.text(name).unwrap_or_else(|| last_part(&path).unwrap_or_default());
        let mime = row.text("mime_type").filter(|mime| mime.contains('/'));
        Some(Self {
            id: row.text("id").unwrap_or_default(),
            name: name.chars().take(1000).collect(),
            mime: mime.unwrap_or_else(|| "application/octet-stream".to_owned()).to_lowercase(),
            kind: media_kind(&row.text(kind).unwrap_or_default()),
            path,
            size: row.number(size).filter(|size| *size >= 0),
        })
    }

    /// Of a row of the table of attachments.
    pub fn of_row(row: &Row) -> Option<Self> {
        Self::of(row, ["original_name", "file_type", "file_path", "file_size"])
    }

    /// Of a message's own list, what stands in the table left out.
    pub fn of_list(list: Option<Value>, rows: &[Self]) -> Vec<Self> {
        let Some(Value::Array(items)) = list else { return Vec::new() };
        let mut found: Vec<Self> = Vec::new();
        for item in items {
            let Value::Object(item) = item else { continue };
            let Some(file) = Self::of(&Row::from(item), ["filename", "type", "url", "size"]) else { continue };
            let same = |other: &Self| {
                (!file.id.is_empty() && other.id == file.id) || last_part(&other.path) == last_part(&file.path)
            };
            if !rows.iter().any(same) && !found.iter().any(same) {
                found.push(file);
            }
        }
        found
    }
}

/// The kind of file in our words.
fn media_kind(kind: &str) -> MediaKind {
    match super::words::word(kind).as_str() {
        "image" | "photo" => MediaKind::Photo,
        "video" => MediaKind::Video,
        "audio" => MediaKind::Audio,
        "voice" => MediaKind::Voice,
        "sticker" => MediaKind::Sticker,
        _ => MediaKind::Document,
    }
}

/// The folders in which files are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct MediaFolders(Vec<PathBuf>);

impl MediaFolders {
    /// Takes the folder that holds the old system's files: its media folder, or one above it and its uploads.
    pub fn new(folder: Option<&Path>) -> std::io::Result<Self> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        let root = folder.canonicalize()?;
        if !root.is_dir() {
            return Err(std::io::ErrorKind::NotADirectory.into());
        }
        Ok(Self(vec![root]))
    }

    /// Whether a folder was named.
    pub const fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds a file. What would lead out of the folder is not there.
    pub fn find(&self, path: &str) -> Option<PathBuf> {
        let candidates = candidates(path);
        for root in &self.0 {
            for candidate in &candidates {
                let Ok(found) = root.join(candidate).canonicalize() else { continue };
                if found.starts_with(root) && found.is_file() {
                    return Some(found);
                }
            }
        }
        None
    }
}

/// The last part of a path or an address, decoded.
fn last_part(path: &str) -> Option<String> {
    parts(path).pop()
}

/// The parts of a path or an address that name something, decoded.
fn parts(path: &str) -> Vec<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, rest)| rest));
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy().replace('\\', "/");
    let normal = Path::new(&decoded).components().filter_map(|component| match component {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
    });
    normal.collect()
}

/// Where a file may stand below the folder, the likeliest first: its path with fewer and fewer leading parts, then the
/// places that the old system falls back to.
fn candidates(path: &str) -> Vec<PathBuf> {
    let parts = parts(path);
    let Some(name) = parts.last() else { return Vec::new() };
    let mut found: Vec<PathBuf> = (0..parts.len()).map(|from| parts[from..].iter().collect()).collect();
    for folder in [
        "attachments",
        "media/attachments",
        "media",
        "uploads/messages",
        "backend/uploads/messages",
        "backend/media/attachments",
    ] {
        found.push(Path::new(folder).join(name));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: serde_json::Value) -> Row {
        Row::parse(&json.to_string()).unwrap()
    }

    #[test]
    fn a_file_is_found_under_every_shape_of_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        std::fs::create_dir_all(root.join("attachments")).unwrap();
        std::fs::create_dir_all(root.join("uploads/messages")).unwrap();
        std::fs::write(root.join("attachments/a b.pdf"), "a").unwrap();
        std::fs::write(root.join("uploads/messages/out.pdf"), "b").unwrap();
        std::fs::write(root.join("bare"), "c").unwrap();
        std::fs::write(folder.path().join("secret"), "no").unwrap();
        let media = MediaFolders::new(Some(&root)).unwrap();
        for path in [
            "attachments/a b.pdf",
            "/app/media/attachments/a b.pdf",
            "/media/a%20b.pdf",
            "/api/v1/communications/media/attachments/a%20b.pdf?x=1",
            "https://crm.example.org/media/a%20b.pdf",
            "a b.pdf",
            "C:\\media\\attachments\\a b.pdf",
        ] {
            assert_eq!(media.find(path), Some(root.join("attachments/a b.pdf").canonicalize().unwrap()), "{path}");
        }
        assert!(media.find("/api/v1/communications/files/out.pdf").is_some());
        assert!(media.find("bare").is_some());
        for path in ["../secret", "attachments/../../secret", "", "/", "attachments", "gone.pdf", "..", "secret"] {
            assert_eq!(media.find(path), None, "{path}");
        }
        assert!(MediaFolders::new(Some(&root.join("bare"))).is_err());
    }

    #[test]
    fn a_list_and_its_rows_name_each_file_once() {
        let rows: Vec<OldFile> = [row(serde_json::json!({"id": "1", "file_path": "attachments/x.pdf",
            "original_name": "Договір.pdf", "mime_type": "application/pdf", "file_type": "document", "file_size": 5}))]
        .iter()
        .filter_map(OldFile::of_row)
        .collect();
        let list = serde_json::json!([{"id": "1", "url": "/media/other.pdf"}, {"id": "2", "url": "/media/x.pdf"},
            {"id": "3", "url": "/media/y.ogg", "type": "voice"}, {"id": "3", "url": "/media/y.ogg"}, {"id": "4"}, 7]);
        let files = OldFile::of_list(Some(list), &rows);
        assert_eq!(files.iter().map(|file| (&*file.id, file.kind)).collect::<Vec<_>>(), [("3", MediaKind::Voice)]);
        assert_eq!((&*files[0].name, &*files[0].mime), ("y.ogg", "application/octet-stream"));
    }
}
