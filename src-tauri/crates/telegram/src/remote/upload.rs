//! Bringing a file up, part after part (core.telegram.org/api/files). It goes as a document: Telegram would make a
//! smaller picture of a photo, and a scan has to stay what it is. A voice goes as one that is played in the chat.

use grammers_tl_types as tl;
use skrynka_core::{
    connector::{ConnectorError, SendError, SendFile},
    model::{Trouble, TroubleCode, VoiceNote},
};

use super::TelegramRemote;
use crate::error::TelegramError;

/// The size of a part, the largest that Telegram takes.
const PART: usize = 512 << 10;
/// A file above this size goes up by another method.
const BIG: u64 = 10 << 20;
/// Parts of one file that Telegram takes from an account without Premium; twice as many with it.
const MOST_PARTS: u64 = 8000;

impl TelegramRemote {
    /// Brings a file up. Whatever fails here, nothing has been sent.
    pub(super) async fn upload(&self, file: &SendFile) -> Result<tl::enums::InputMedia, SendError> {
        let failed = |error: TelegramError| SendError::NotSent(error.into_refusal(self.clock.now()));
        let total = file.size.div_ceil(PART as u64);
        if total == 0 || total > MOST_PARTS {
            let detail =
                format!("{} has {} bytes; Telegram takes 1 to {}", file.name, file.size, MOST_PARTS * PART as u64);
            return Err(SendError::NotSent(ConnectorError::Permanent(Trouble { code: TroubleCode::Refused, detail })));
        }
        let parts = i32::try_from(total).unwrap_or(i32::MAX);
        let id: i64 = rand::random();
        let is_big = file.size > BIG;
        let mut number = 0;
        for piece in 0.. {
            if number >= parts {
                break;
            }
            let bytes = file.source.piece(piece).await.map_err(SendError::NotSent)?;
            for part in bytes.chunks(PART) {
                self.bring_part((id, number, is_big.then_some(parts)), part).await.map_err(failed)?;
                number += 1;
            }
        }
        if number != parts {
            let detail = format!("{} is not as long as it was", file.name);
            return Err(SendError::NotSent(ConnectorError::Permanent(Trouble { code: TroubleCode::Refused, detail })));
        }
        let name = file.name.clone();
        let brought: tl::enums::InputFile = if is_big {
            tl::types::InputFileBig { id, parts, name }.into()
        } else {
            // The checksum is left out: the parts are carried by an encrypted connection that has its own.
            tl::types::InputFile { id, parts, name, md5_checksum: String::new() }.into()
        };
        let attribute = match &file.voice {
            Some(voice) => spoken(voice),
            None => tl::types::DocumentAttributeFilename { file_name: file.name.clone() }.into(),
        };
        Ok(tl::types::InputMediaUploadedDocument {
            nosound_video: false,
            force_file: file.voice.is_none(),
            spoiler: false,
            file: brought,
            thumb: None,
            mime_type: file.mime.clone(),
            attributes: vec![attribute],
            stickers: None,
            video_cover: None,
            video_timestamp: None,
            ttl_seconds: None,
        }
        .into())
    }

    async fn bring_part(
        &self,
        (file_id, file_part, total): (i64, i32, Option<i32>),
        bytes: &[u8],
    ) -> Result<(), TelegramError> {
        let (home, bytes) = (self.pool.home(), bytes.to_vec());
        let brought = match total {
            Some(file_total_parts) => {
                let request = tl::functions::upload::SaveBigFilePart { file_id, file_part, file_total_parts, bytes };
                self.pool.ask_for_part(home, &request).await?
            }
            None => {
                let request = tl::functions::upload::SaveFilePart { file_id, file_part, bytes };
                self.pool.ask_for_part(home, &request).await?
            }
        };
        if brought { Ok(()) } else { Err(TelegramError::Protocol("a part of the file was not taken".to_owned())) }
    }
}

/// What makes a document a voice. Telegram counts in seconds and plays none of no length.
fn spoken(voice: &VoiceNote) -> tl::enums::DocumentAttribute {
    let seconds = (voice.duration_ms.saturating_add(500) / 1000).max(1);
    tl::types::DocumentAttributeAudio {
        voice: true,
        duration: i32::try_from(seconds).unwrap_or(i32::MAX),
        title: None,
        performer: None,
        waveform: Some(voice.waveform.clone()),
    }
    .into()
}
