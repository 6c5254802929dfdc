//! What a message carries beside its text.

use grammers_tl_types as tl;
use skrynka_core::model::{Media, MediaFile, MediaKind, PollAnswer};

use super::{constructor, text::body, thumbnail};
use crate::{
    files::Handle,
    peers::{clean, e164},
};

/// Reads a message's media. `None` where there is none, or none that is worth a word.
pub(super) fn of(media: &tl::enums::MessageMedia) -> Option<Media> {
    use tl::enums::MessageMedia as Told;
    let read = match media {
        Told::Empty => return None,
        Told::Photo(media) => match &media.photo {
            Some(tl::enums::Photo::Photo(photo)) => file(photo_file(photo)),
            Some(tl::enums::Photo::Empty(_)) | None => None,
        },
        Told::Document(media) => match &media.document {
            Some(tl::enums::Document::Document(document)) => file(Some(document_file(document, media))),
            Some(tl::enums::Document::Empty(_)) | None => None,
        },
        Told::Geo(media) => location(&media.geo, "", ""),
        Told::GeoLive(media) => location(&media.geo, "", ""),
        Told::Venue(media) => location(&media.geo, &media.title, &media.address),
        Told::Contact(media) => Some(contact(media)),
        Told::Poll(media) => Some(poll(media)),
        // A page that is not known yet, or has no preview, adds nothing to the link in the text.
        Told::WebPage(media) => match &media.webpage {
            tl::enums::WebPage::Page(page) => Some(web_page(page)),
            _ => return None,
        },
        _ => None,
    };
    Some(read.unwrap_or_else(|| Media::Unsupported { what: constructor(media) }))
}

fn file(file: Option<MediaFile>) -> Option<Media> {
    file.map(|file| Media::File(Box::new(file)))
}

fn location(point: &tl::enums::GeoPoint, title: &str, address: &str) -> Option<Media> {
    let tl::enums::GeoPoint::Point(point) = point else { return None };
    (point.lat.is_finite() && point.long.is_finite()).then(|| Media::Location {
        latitude: point.lat,
        longitude: point.long,
        title: clean(title),
        address: clean(address),
    })
}

fn contact(card: &tl::types::MessageMediaContact) -> Media {
    let names = [card.first_name.as_str(), card.last_name.as_str()];
    let name = names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ");
    let phone = e164(&card.phone_number).unwrap_or_default();
    Media::Contact { name: clean(&name), phone, user: Some(card.user_id).filter(|id| *id > 0) }
}

fn poll(media: &tl::types::MessageMediaPoll) -> Media {
    let (tl::enums::Poll::Poll(poll), tl::enums::PollResults::Results(results)) = (&media.poll, &media.results);
    let text = |text: &tl::enums::TextWithEntities| {
        let tl::enums::TextWithEntities::Entities(text) = text;
        body(&text.text)
    };
    let answers = poll.answers.iter().filter_map(|answer| {
        let tl::enums::PollAnswer::Answer(answer) = answer else { return None };
        let counted = results.results.iter().flatten().find_map(|voters| {
            let tl::enums::PollAnswerVoters::Voters(voters) = voters;
            (voters.option == answer.option).then_some(voters)
        });
        let voters = counted.and_then(|counted| counted.voters).and_then(|voters| u32::try_from(voters).ok());
        let chosen = counted.is_some_and(|counted| counted.chosen);
        Some(PollAnswer { text: text(&answer.text), voters: voters.unwrap_or_default(), chosen })
    });
    Media::Poll {
        question: text(&poll.question),
        answers: answers.collect(),
        voters: results.total_voters.and_then(|voters| u32::try_from(voters).ok()).unwrap_or_default(),
        closed: poll.closed,
    }
}

fn web_page(page: &tl::types::WebPage) -> Media {
    let word = |word: &Option<String>| word.as_deref().map(clean).unwrap_or_default();
    Media::WebPage {
        url: clean(&page.url),
        site: word(&page.site_name),
        title: word(&page.title),
        description: word(&page.description),
    }
}

/// The largest size of a photo that can be fetched.
fn photo_file(photo: &tl::types::Photo) -> Option<MediaFile> {
    let sizes = photo.sizes.iter().filter_map(|size| match size {
        tl::enums::PhotoSize::Size(size) => Some((&size.r#type, size.w, size.h, size.size)),
        tl::enums::PhotoSize::Progressive(size) => {
            Some((&size.r#type, size.w, size.h, size.sizes.iter().copied().max()?))
        }
        tl::enums::PhotoSize::Empty(_)
        | tl::enums::PhotoSize::PhotoCachedSize(_)
        | tl::enums::PhotoSize::PhotoStrippedSize(_)
        | tl::enums::PhotoSize::PhotoPathSize(_) => None,
    });
    let (size_type, width, height, size) = sizes.max_by_key(|(_, width, height, _)| width.saturating_mul(*height))?;
    let handle = Handle {
        document: false,
        id: photo.id,
        access_hash: photo.access_hash,
        reference: photo.file_reference.clone(),
        dc: photo.dc_id,
        size_type: size_type.clone(),
        size: u64::try_from(size).unwrap_or_default(),
    };
    Some(MediaFile {
        kind: MediaKind::Photo,
        name: String::new(),
        mime: "image/jpeg".to_owned(),
        size: handle.size,
        width: u32::try_from(width).ok(),
        height: u32::try_from(height).ok(),
        duration_ms: None,
        waveform: None,
        thumbnail: thumbnail::of(&photo.sizes),
        remote: handle.to_json(),
    })
}

fn document_file(document: &tl::types::Document, media: &tl::types::MessageMediaDocument) -> MediaFile {
    let handle = Handle {
        document: true,
        id: document.id,
        access_hash: document.access_hash,
        reference: document.file_reference.clone(),
        dc: document.dc_id,
        size_type: String::new(),
        size: u64::try_from(document.size).unwrap_or_default(),
    };
    let mut file = MediaFile {
        kind: MediaKind::Document,
        name: String::new(),
        mime: document.mime_type.to_lowercase(),
        size: handle.size,
        width: None,
        height: None,
        duration_ms: None,
        waveform: None,
        thumbnail: document.thumbs.as_deref().and_then(thumbnail::of),
        remote: handle.to_json(),
    };
    for attribute in &document.attributes {
        describe(&mut file, attribute);
    }
    // The message itself knows too, and better than a document that was sent once before.
    if media.round {
        file.kind = MediaKind::VideoNote;
    } else if media.voice {
        file.kind = MediaKind::Voice;
    }
    file
}

/// What an attribute tells of a file. A sticker or animation says so beside saying that it is a film.
fn describe(file: &mut MediaFile, attribute: &tl::enums::DocumentAttribute) {
    use tl::enums::DocumentAttribute as Attribute;
    let pixels = |pixels: i32| u32::try_from(pixels).ok().filter(|pixels| *pixels > 0);
    match attribute {
        Attribute::Filename(attribute) => {
            if file.kind != MediaKind::Sticker {
                file.name = clean(&attribute.file_name);
            }
        }
        Attribute::ImageSize(attribute) => {
            (file.width, file.height) = (pixels(attribute.w), pixels(attribute.h));
        }
        Attribute::Video(attribute) => {
            (file.width, file.height) = (pixels(attribute.w), pixels(attribute.h));
            file.duration_ms = milliseconds(attribute.duration);
            if attribute.round_message {
                file.kind = MediaKind::VideoNote;
            } else if file.kind == MediaKind::Document {
                file.kind = MediaKind::Video;
            }
        }
        Attribute::Audio(attribute) => {
            file.duration_ms = milliseconds(attribute.duration.into());
            file.kind = if attribute.voice { MediaKind::Voice } else { MediaKind::Audio };
            file.waveform.clone_from(&attribute.waveform);
            if file.name.is_empty() && !attribute.voice {
                let words = [attribute.performer.as_deref(), attribute.title.as_deref()];
                file.name = clean(&words.into_iter().flatten().collect::<Vec<_>>().join(" – "));
            }
        }
        Attribute::Animated => file.kind = MediaKind::Animation,
        Attribute::Sticker(attribute) => {
            file.kind = MediaKind::Sticker;
            file.name = clean(&attribute.alt);
        }
        Attribute::HasStickers | Attribute::CustomEmoji(_) => {}
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what the target holds")]
fn milliseconds(seconds: f64) -> Option<u32> {
    (seconds.is_finite() && seconds >= 0.0).then(|| (seconds * 1000.0).round().min(f64::from(u32::MAX)) as u32)
}
