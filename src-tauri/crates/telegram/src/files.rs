//! What a file is fetched by.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use grammers_tl_types as tl;
use serde::{Deserialize, Serialize};

/// A file on Telegram's servers, as a message named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handle {
    /// Whether it is a document; otherwise a photo.
    pub(crate) document: bool,
    pub(crate) id: i64,
    pub(crate) access_hash: i64,
    /// Opens the file for some time; a newer one comes with the message.
    pub(crate) reference: Vec<u8>,
    pub(crate) dc: i32,
    /// Which size of a photo.
    pub(crate) size_type: String,
    pub(crate) size: u64,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Stored {
    document: bool,
    id: i64,
    access_hash: i64,
    reference: String,
    dc: i32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    size_type: String,
    size: u64,
}

impl Handle {
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let Self { document, id, access_hash, reference, dc, size_type, size } = self.clone();
        let reference = STANDARD.encode(reference);
        // Numbers and words always are a JSON object.
        serde_json::to_value(Stored { document, id, access_hash, reference, dc, size_type, size }).unwrap_or_default()
    }

    pub(crate) fn from_json(json: serde_json::Value) -> Option<Self> {
        let Stored { document, id, access_hash, reference, dc, size_type, size } = serde_json::from_value(json).ok()?;
        let reference = STANDARD.decode(reference).ok()?;
        Some(Self { document, id, access_hash, reference, dc, size_type, size })
    }

    pub(crate) fn location(&self) -> tl::enums::InputFileLocation {
        let Self { document, id, access_hash, reference, size_type, .. } = self.clone();
        if document {
            let (file_reference, thumb_size) = (reference, size_type);
            tl::types::InputDocumentFileLocation { id, access_hash, file_reference, thumb_size }.into()
        } else {
            let (file_reference, thumb_size) = (reference, size_type);
            tl::types::InputPhotoFileLocation { id, access_hash, file_reference, thumb_size }.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_comes_back_as_it_was_stored() {
        let handle = Handle {
            document: true,
            id: i64::MAX,
            access_hash: i64::MIN,
            reference: vec![0, 255, 7],
            dc: 4,
            size_type: String::new(),
            size: 3 << 30,
        };
        assert_eq!(Handle::from_json(handle.to_json()), Some(handle));
        assert_eq!(Handle::from_json(serde_json::json!({"id": "x"})), None);
    }
}
