//! What comes with a message.

use grammers_tl_types as tl;

use super::{blank, files::Kept, now, world::World};

/// A small picture up to so many bytes comes with its message.
const CACHED: usize = 16 << 10;

/// Something that comes with a message.
#[derive(Debug, Clone)]
pub enum Media {
    /// A photo; `full` is what "as a photo" downloads, `thumb` a smaller size.
    Photo {
        full: Picture,
        thumb: Option<Picture>,
    },
    Document {
        name: String,
        mime: String,
        bytes: Vec<u8>,
        thumb: Option<Picture>,
    },
    /// A document of any size: messages tell of it, and nobody has its bytes.
    Claimed {
        name: String,
        mime: String,
        size: i64,
    },
    /// A voice message: OGG with Opus and 100 samples of 5 bits.
    Voice {
        bytes: Vec<u8>,
        seconds: i32,
        waveform: Vec<u8>,
    },
    /// A round video note.
    VideoNote {
        bytes: Vec<u8>,
        seconds: f64,
        side: i32,
        thumb: Option<Picture>,
    },
    Sticker {
        bytes: Vec<u8>,
        emoji: String,
    },
    Location {
        latitude: f64,
        longitude: f64,
    },
    Contact {
        phone: String,
        first_name: String,
        last_name: String,
    },
    Poll {
        question: String,
        answers: Vec<String>,
    },
    /// What this layer has no name for.
    Unsupported,
    /// Any other media as Telegram describes it.
    Raw(Box<tl::enums::MessageMedia>),
}

/// A JPEG or PNG with its size.
#[derive(Debug, Clone)]
pub struct Picture {
    pub bytes: Vec<u8>,
    pub width: i32,
    pub height: i32,
}

/// Media whose bytes the world keeps.
pub(super) struct Stored(tl::enums::MessageMedia);

impl Stored {
    pub(super) fn into_tl(self) -> tl::enums::MessageMedia {
        self.0
    }
}

impl World {
    /// Keeps the bytes of media and returns what messages say about it.
    pub(super) fn keep_media(&mut self, media: Media) -> Stored {
        Stored(match media {
            Media::Photo { full, thumb } => blank::photo_media(self.keep_photo(full, thumb)).into(),
            Media::Document { name, mime, bytes, thumb } => {
                let attributes = vec![tl::types::DocumentAttributeFilename { file_name: name }.into()];
                blank::document_media(self.keep_document(&mime, bytes, thumb, attributes)).into()
            }
            Media::Claimed { name, mime, size } => {
                let attributes = vec![tl::types::DocumentAttributeFilename { file_name: name }.into()];
                let mut document = self.keep_document(&mime, Vec::new(), None, attributes);
                if let tl::enums::Document::Document(document) = &mut document {
                    document.size = size;
                }
                blank::document_media(document).into()
            }
            Media::Voice { bytes, seconds, waveform } => {
                let attribute = tl::types::DocumentAttributeAudio {
                    voice: true,
                    duration: seconds,
                    title: None,
                    performer: None,
                    waveform: Some(waveform),
                };
                let document = self.keep_document("audio/ogg", bytes, None, vec![attribute.into()]);
                tl::types::MessageMediaDocument { voice: true, ..blank::document_media(document) }.into()
            }
            Media::VideoNote { bytes, seconds, side, thumb } => {
                let attribute = tl::types::DocumentAttributeVideo {
                    round_message: true,
                    supports_streaming: true,
                    nosound: false,
                    duration: seconds,
                    w: side,
                    h: side,
                    preload_prefix_size: None,
                    video_start_ts: None,
                    video_codec: None,
                };
                let document = self.keep_document("video/mp4", bytes, thumb, vec![attribute.into()]);
                tl::types::MessageMediaDocument { video: true, round: true, ..blank::document_media(document) }.into()
            }
            Media::Sticker { bytes, emoji } => {
                let attributes = vec![
                    tl::types::DocumentAttributeImageSize { w: 512, h: 512 }.into(),
                    tl::types::DocumentAttributeSticker {
                        mask: false,
                        alt: emoji,
                        stickerset: tl::enums::InputStickerSet::Empty,
                        mask_coords: None,
                    }
                    .into(),
                ];
                blank::document_media(self.keep_document("image/webp", bytes, None, attributes)).into()
            }
            Media::Location { latitude, longitude } => tl::types::MessageMediaGeo {
                geo: tl::types::GeoPoint { long: longitude, lat: latitude, access_hash: 1, accuracy_radius: None }
                    .into(),
            }
            .into(),
            Media::Contact { phone, first_name, last_name } => tl::types::MessageMediaContact {
                phone_number: phone,
                first_name,
                last_name,
                vcard: String::new(),
                user_id: 0,
            }
            .into(),
            Media::Poll { question, answers } => blank::poll(self.next_number(), question, answers).into(),
            Media::Unsupported => tl::enums::MessageMedia::Unsupported,
            Media::Raw(media) => *media,
        })
    }

    fn keep_photo(&mut self, full: Picture, thumb: Option<Picture>) -> tl::enums::Photo {
        let size = |kind: &str, picture: &Picture| {
            tl::types::PhotoSize {
                r#type: kind.to_owned(),
                w: picture.width,
                h: picture.height,
                size: i32::try_from(picture.bytes.len()).unwrap_or(i32::MAX),
            }
            .into()
        };
        let mut sizes = Vec::new();
        // Telegram sends a small picture with the message itself.
        if let Some(thumb) = thumb.as_ref().filter(|thumb| thumb.bytes.len() <= CACHED) {
            let (w, h, bytes) = (thumb.width, thumb.height, thumb.bytes.clone());
            sizes.push(tl::types::PhotoCachedSize { r#type: "s".to_owned(), w, h, bytes }.into());
        }
        let mut thumbs = std::collections::BTreeMap::new();
        for (kind, picture) in thumb.into_iter().map(|thumb| ("m", thumb)).chain([("x", full)]) {
            sizes.push(size(kind, &picture));
            thumbs.insert(kind.to_owned(), picture.bytes);
        }
        let kept = self.keep_file(Kept { photo: true, thumbs, ..Kept::default() });
        tl::types::Photo {
            has_stickers: false,
            id: kept.id,
            access_hash: kept.access_hash,
            file_reference: Vec::new(),
            date: now(),
            sizes,
            video_sizes: None,
            dc_id: kept.dc,
        }
        .into()
    }

    /// Keeps a file and returns what messages say about it.
    pub(super) fn keep_document(
        &mut self,
        mime: &str,
        bytes: Vec<u8>,
        thumb: Option<Picture>,
        attributes: Vec<tl::enums::DocumentAttribute>,
    ) -> tl::enums::Document {
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let thumbs = thumb.map(|thumb| {
            let size = tl::types::PhotoSize {
                r#type: "m".to_owned(),
                w: thumb.width,
                h: thumb.height,
                size: i32::try_from(thumb.bytes.len()).unwrap_or(i32::MAX),
            };
            (thumb.bytes, tl::enums::PhotoSize::from(size))
        });
        let (thumb_bytes, sizes) = thumbs.unzip();
        let kept = self.keep_file(Kept {
            bytes,
            thumbs: thumb_bytes.into_iter().map(|bytes| ("m".to_owned(), bytes)).collect(),
            ..Kept::default()
        });
        tl::types::Document {
            id: kept.id,
            access_hash: kept.access_hash,
            file_reference: Vec::new(),
            date: now(),
            mime_type: mime.to_owned(),
            size,
            thumbs: sizes.map(|size| vec![size]),
            video_thumbs: None,
            dc_id: kept.dc,
            attributes,
        }
        .into()
    }
}
