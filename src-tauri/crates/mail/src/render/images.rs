//! Images that stand inside the mail, as `data:` addresses. Only raster formats, told by their first bytes and never
//! by what the mail says of them.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Bytes of one image, and of all images of a mail.
const ONE: usize = 5 << 20;
const ALL: usize = 20 << 20;

/// Gives out images while there is room for them.
pub(super) struct Images {
    parts: Vec<(String, Vec<u8>)>,
    room: usize,
}

impl Images {
    pub(super) const fn new(parts: Vec<(String, Vec<u8>)>) -> Self {
        Self { parts, room: ALL }
    }

    /// The image that `cid:` names in this mail.
    pub(super) fn by_content_id(&mut self, id: &str) -> Option<String> {
        let decoded = percent_encoding::percent_decode_str(id).decode_utf8_lossy();
        let place = self.parts.iter().position(|(known, _)| known == id || *known == decoded)?;
        let bytes = &self.parts.get(place)?.1;
        let written = data_address(bytes).filter(|_| bytes.len() <= self.room)?;
        self.room -= bytes.len();
        Some(written)
    }

    /// An image that the mail carries in its HTML, checked and written anew.
    pub(super) fn rewritten(&mut self, address: &str) -> Option<String> {
        let (_, encoded) = address.split_once(";base64,").filter(|(_, encoded)| encoded.len() <= 2 * ONE)?;
        let encoded: String = encoded.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let bytes = STANDARD.decode(encoded).ok().filter(|bytes| bytes.len() <= self.room)?;
        let written = data_address(&bytes)?;
        self.room -= bytes.len();
        Some(written)
    }
}

fn data_address(bytes: &[u8]) -> Option<String> {
    let kind = raster_type(bytes).filter(|_| bytes.len() <= ONE)?;
    Some(format!("data:{kind};base64,{}", STANDARD.encode(bytes)))
}

fn raster_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some("image/bmp"),
        _ => None,
    }
}
