//! `upload.*`: files in parts, up and down.

use super::*;
use crate::telegram::now;

const LARGEST_PART: usize = 512 * 1024;
/// The most bytes in one answer, and what an answer may not cross.
const CHUNK: i64 = 1 << 20;
/// What offsets and limits are multiples of: finer where the client asks precisely.
const GRID: i64 = 4096;
const FINE_GRID: i64 = 1024;

impl Call<'_> {
    pub(super) fn files_area(&mut self, method: u32, body: &[u8]) -> Option<Answered<Vec<u8>>> {
        route! { self, method, body;
            f::upload::SaveFilePart => save_file_part,
            f::upload::SaveBigFilePart => save_big_file_part,
            f::upload::GetFile => get_file,
        }
    }

    fn save_file_part(&mut self, request: f::upload::SaveFilePart) -> Answered<bool> {
        self.save_part(request.file_id, request.file_part, None, request.bytes)
    }

    fn save_big_file_part(&mut self, request: f::upload::SaveBigFilePart) -> Answered<bool> {
        self.save_part(request.file_id, request.file_part, Some(request.file_total_parts), request.bytes)
    }

    fn save_part(&mut self, file: i64, part: i32, total: Option<i32>, bytes: Vec<u8>) -> Answered<bool> {
        let me = self.me()?;
        if bytes.is_empty() {
            return refuse("FILE_PART_EMPTY");
        }
        if bytes.len() > LARGEST_PART {
            return refuse("FILE_PART_TOO_BIG");
        }
        if !(0..8000).contains(&part) || total.is_some_and(|total| total >= 0 && part >= total) {
            return refuse("FILE_PART_INVALID");
        }
        let upload = self.world.uploads.entry((me, file)).or_default();
        upload.parts.insert(part, bytes);
        upload.total = total;
        Ok(true)
    }

    /// Puts an uploaded file together. Returns its name and its bytes.
    pub(super) fn assemble(&mut self, file: &tl::enums::InputFile) -> Answered<(String, Vec<u8>)> {
        let me = self.me()?;
        let (id, parts, name, big) = match file {
            tl::enums::InputFile::File(file) => (file.id, file.parts, &file.name, false),
            tl::enums::InputFile::Big(file) => (file.id, file.parts, &file.name, true),
            tl::enums::InputFile::StoryDocument(_) => return refuse("FILE_ID_INVALID"),
        };
        let Some(upload) = self.world.uploads.remove(&(me, id)) else { return refuse("FILE_PARTS_INVALID") };
        if big != upload.total.is_some() || upload.total.is_some_and(|total| total != parts) {
            return refuse("FILE_PARTS_INVALID");
        }
        let size = upload.parts.first_key_value().map_or(0, |(_, first)| first.len());
        let mut bytes = Vec::new();
        for part in 0..parts {
            let Some(piece) = upload.parts.get(&part) else { return refuse(format!("FILE_PART_{part}_MISSING")) };
            let last = part == parts - 1;
            if (!last && (piece.len() != size || size % 1024 != 0)) || piece.len() > size {
                return refuse("FILE_PART_SIZE_INVALID");
            }
            bytes.extend(piece);
        }
        Ok((name.clone(), bytes))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not played is refused, and layers add more")]
    fn get_file(&mut self, request: f::upload::GetFile) -> Answered<tl::enums::upload::File> {
        use tl::enums::InputFileLocation as Location;
        let (offset, limit) = (request.offset, i64::from(request.limit));
        let grid = if request.precise { FINE_GRID } else { GRID };
        if offset < 0 || offset % grid != 0 {
            return refuse("OFFSET_INVALID");
        }
        let whole = limit > 0 && limit <= CHUNK && limit % grid == 0 && (request.precise || CHUNK % limit == 0);
        if !whole || offset / CHUNK != (offset + limit - 1) / CHUNK {
            return refuse("LIMIT_INVALID");
        }
        let (id, size) = match &request.location {
            Location::InputDocumentFileLocation(at) => {
                self.opened(at.id, at.access_hash, &at.file_reference)?;
                (at.id, at.thumb_size.clone())
            }
            Location::InputPhotoFileLocation(at) => {
                self.opened(at.id, at.access_hash, &at.file_reference)?;
                (at.id, at.thumb_size.clone())
            }
            Location::InputPeerPhotoFileLocation(at) => {
                let chat = self.chat(&at.peer)?;
                let photos = self.world.people.values().filter(|person| person.photo == Some(at.photo_id));
                if !photos.into_iter().any(|person| crate::telegram::Chat::User(person.id) == chat) {
                    return refuse("PHOTO_ID_INVALID");
                }
                (at.photo_id, "x".to_owned())
            }
            _ => return refuse("LOCATION_INVALID"),
        };
        let Some(kept) = self.world.files.get(&id) else { return refuse("LOCATION_INVALID") };
        if kept.dc != self.dc {
            return refuse(format!("FILE_MIGRATE_{}", kept.dc));
        }
        let content = match size.as_str() {
            "" if !kept.photo => &kept.bytes,
            size => match kept.thumbs.get(size) {
                Some(thumb) => thumb,
                None => return refuse("LOCATION_INVALID"),
            },
        };
        let at = |position: i64| usize::try_from(position).unwrap_or(usize::MAX).min(content.len());
        let bytes = content[at(offset)..at(offset + limit)].to_vec();
        let r#type = tl::enums::storage::FileType::FileUnknown;
        Ok(tl::types::upload::File { r#type, mtime: now(), bytes }.into())
    }

    /// Checks that a client may open a file: its access hash and a reference that is still valid.
    pub(super) fn opened(&self, id: i64, access_hash: i64, reference: &[u8]) -> Answered<()> {
        match self.world.files.get(&id) {
            Some(kept) if kept.access_hash == access_hash => {}
            _ => return refuse("LOCATION_INVALID"),
        }
        if reference.is_empty() {
            refuse("FILE_REFERENCE_EMPTY")
        } else if reference != self.world.reference(id) {
            refuse("FILE_REFERENCE_EXPIRED")
        } else {
            Ok(())
        }
    }
}
