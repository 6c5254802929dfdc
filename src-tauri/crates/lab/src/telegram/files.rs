//! The bytes of files: kept, in parts on their way up, and by reference on their way down.

use std::collections::BTreeMap;

use grammers_tl_types as tl;

use super::{Network, Picture, UserId, media::Media, world::World};

/// A file that the network keeps.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) id: i64,
    pub(super) access_hash: i64,
    pub(super) dc: i32,
    pub(super) photo: bool,
    pub(super) bytes: Vec<u8>,
    /// Smaller sizes by their letter; a photo has nothing else.
    pub(super) thumbs: BTreeMap<String, Vec<u8>>,
}

/// The parts of a file on its way up.
#[derive(Debug, Default)]
pub(super) struct Upload {
    pub(super) parts: BTreeMap<i32, Vec<u8>>,
    /// What the client said about the number of parts, for big files.
    pub(super) total: Option<i32>,
}

impl Network {
    /// Keeps the files that come from here on in another data centre than their account's.
    pub fn keep_files_in(&self, dc: i32) {
        self.world().files_dc = Some(dc);
    }

    /// Gives a user a profile photo.
    pub fn set_photo(&self, user: impl Into<UserId>, picture: Picture) {
        let mut world = self.world();
        let media = world.keep_media(Media::Photo { full: picture, thumb: None }).into_tl();
        if let tl::enums::MessageMedia::Photo(tl::types::MessageMediaPhoto { photo: Some(photo), .. }) = media
            && let Some(person) = world.people.get_mut(&user.into().0)
        {
            person.photo = Some(photo.id());
        }
    }
}

impl World {
    /// Keeps a file and gives it a number, an access hash and a place.
    pub(super) fn keep_file(&mut self, kept: Kept) -> Kept {
        let id = 5_000_000_000_000 + self.next_number();
        let access_hash = super::render::access_hash(id, super::Chat::User(id));
        let dc = self.files_dc.or_else(|| self.accounts.values().next().map(|account| account.home_dc)).unwrap_or(2);
        let kept = Kept { id, access_hash, dc, ..kept };
        self.files.insert(id, kept.clone());
        kept
    }

    /// Returns the reference that opens a file now.
    pub(super) fn reference(&self, file: i64) -> Vec<u8> {
        [&self.reference_epoch.to_be_bytes()[..], &file.to_be_bytes()].concat()
    }

    /// Returns media with references that are valid now.
    pub(super) fn fresh(&self, media: &tl::enums::MessageMedia) -> tl::enums::MessageMedia {
        let mut media = media.clone();
        if let tl::enums::MessageMedia::Photo(tl::types::MessageMediaPhoto {
            photo: Some(tl::enums::Photo::Photo(photo)),
            ..
        }) = &mut media
        {
            photo.file_reference = self.reference(photo.id);
        }
        if let tl::enums::MessageMedia::Document(tl::types::MessageMediaDocument {
            document: Some(tl::enums::Document::Document(document)),
            ..
        }) = &mut media
        {
            document.file_reference = self.reference(document.id);
        }
        media
    }
}
