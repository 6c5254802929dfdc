//! Files on their way up, and changes to what was said.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    connector::{AlbumError, ConnectorError, FileSource, SendError, SendFile},
    model::{Entity, EntityKind, Media, MediaKind, Peer, PeerKind, Trouble, TroubleCode},
};
use skrynka_lab::telegram::Push;
use skrynka_telegram::voice;

use crate::desk::{Desk, Office, chat, text};

const MIB: usize = 1 << 20;

/// Bytes in pieces; gives up after so many.
struct Bytes {
    bytes: Vec<u8>,
    until: u32,
    read: AtomicU32,
}

impl FileSource for Bytes {
    fn piece(&self, number: u32) -> BoxFuture<'_, Result<Vec<u8>, ConnectorError>> {
        self.read.fetch_add(1, Ordering::Relaxed);
        let piece = self.bytes.chunks(MIB).nth(number as usize).map(<[u8]>::to_vec);
        let given_up = number >= self.until;
        Box::pin(async move {
            let why = Trouble { code: TroubleCode::Refused, detail: "given up".to_owned() };
            piece.filter(|_| !given_up).ok_or(ConnectorError::Permanent(why))
        })
    }
}

fn file(name: &str, bytes: Vec<u8>, until: u32) -> SendFile {
    let size = bytes.len() as u64;
    let source = Arc::new(Bytes { bytes, until, read: AtomicU32::new(0) });
    SendFile { name: name.to_owned(), mime: "application/pdf".to_owned(), size, voice: None, source }
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n * 31 % 251) as u8).collect()
}

/// Small and big files go up by different methods; each arrives byte for byte, once, with its text.
#[tokio::test]
async fn files_arrive_as_they_are() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "send me the papers", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    for (number, size) in [1, 600_000, 10 * MIB, 10 * MIB + 1, 12 * MIB + 5].into_iter().enumerate() {
        let words = format!("paper {number}");
        let sent = remote.send_text(
            text(chat(olena), &words, 100 + number as i64),
            Some(file("Свідоцтво (копія).pdf", bytes(size), u32::MAX)),
        );
        let sent = listening.beside(&mut desk, sent).await.unwrap();
        listening.until_text(&mut desk, &words).await;
        let Some(Media::File(kept)) = &desk.chat(&sent.place).media else { panic!("no file") };
        assert_eq!((kept.name.as_str(), kept.size), ("Свідоцтво (копія).pdf", size as u64));
    }
    let seen = office.net.sent_by(office.account);
    assert_eq!(seen.len(), 5);
    for (sent, size) in seen.iter().zip([1, 600_000, 10 * MIB, 10 * MIB + 1, 12 * MIB + 5]) {
        let there = sent.file.as_ref().unwrap();
        assert!(there.bytes == bytes(size), "{size} bytes are not those that were sent");
        assert_eq!(there.mime, "application/pdf");
    }
    listening.stop(&mut desk).await;
}

/// An album is one request: its files stand together, in order, with their texts. The same again is found, not sent.
#[tokio::test]
async fn an_album_arrives_together_and_once() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "send me the papers", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let album = || {
        let item = |number: i64| {
            let words = if number == 0 { "both pages" } else { "" };
            let paper = file(&format!("page {number}.pdf"), bytes(700_000 + number as usize), u32::MAX);
            (text(chat(olena), words, 100 + number), paper)
        };
        (0..3).map(item).collect::<Vec<_>>()
    };
    // Telegram takes it and the answer is lost: the second try finds what the first one sent.
    office.net.lose_answers("messages.sendMultiMedia", 1);
    let lost = listening.beside(&mut desk, remote.send_album(album())).await;
    assert!(matches!(lost, Err(AlbumError { why: SendError::Uncertain(_), .. })), "{lost:?}");
    let sent = listening.beside(&mut desk, remote.send_album(album())).await.unwrap();
    listening.until_text(&mut desk, "both pages").await;
    let seen = office.net.sent_by(office.account);
    let numbers: Vec<i32> = seen.iter().map(|sent| sent.id).collect();
    assert_eq!(sent.iter().map(|sent| sent.place.number as i32).collect::<Vec<_>>(), numbers);
    assert_eq!(seen.iter().map(|sent| sent.text.as_str()).collect::<Vec<_>>(), ["both pages", "", ""]);
    for (number, sent) in seen.iter().enumerate() {
        let there = sent.file.as_ref().unwrap();
        assert_eq!(there.name, format!("page {number}.pdf"));
        assert!(there.bytes == bytes(700_000 + number), "page {number} is not what was sent");
    }
    let albums: Vec<_> = sent.iter().map(|sent| desk.chat(&sent.place).album).collect();
    assert!(albums[0].is_some() && albums.iter().all(|album| *album == albums[0]), "{albums:?}");
    listening.stop(&mut desk).await;
}

/// A recording arrives as a voice, to be played in the chat: byte for byte, with its length and loudness.
#[tokio::test]
async fn a_voice_arrives_as_one() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "call me", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let recorded: Vec<u8> = (0..72_000_i32).flat_map(|n| ((n * 79 % 16_000) as i16).to_le_bytes()).collect();
    let mut written = Vec::new();
    let voice = voice::encode(recorded.as_slice(), &mut written).unwrap();
    let spoken = SendFile {
        mime: "audio/ogg".to_owned(),
        voice: Some(voice.clone()),
        ..file("voice.ogg", written.clone(), u32::MAX)
    };
    let remote = listening.remote.clone();
    let sent = remote.send_text(text(chat(olena), "listen", 100), Some(spoken));
    let sent = listening.beside(&mut desk, sent).await.unwrap();
    listening.until_text(&mut desk, "listen").await;
    let Some(Media::File(heard)) = &desk.chat(&sent.place).media else { panic!("no file") };
    assert_eq!((heard.kind, heard.mime.as_str(), heard.duration_ms), (MediaKind::Voice, "audio/ogg", Some(2000)));
    assert_eq!(heard.waveform.as_ref(), Some(&voice.waveform));
    assert!(office.net.sent_by(office.account)[0].file.as_ref().unwrap().bytes == written, "other bytes");
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn a_file_that_is_given_up_is_not_sent() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let sent = remote.send_text(text(chat(olena), "half", 1), Some(file("a.pdf", bytes(5 * MIB), 2)));
    let sent = listening.beside(&mut desk, sent).await;
    assert!(matches!(sent, Err(SendError::NotSent(ConnectorError::Permanent(_)))), "{sent:?}");
    let empty = remote.send_text(text(chat(olena), "nothing", 2), Some(file("a.pdf", Vec::new(), 2)));
    let empty = listening.beside(&mut desk, empty).await;
    assert!(matches!(empty, Err(SendError::NotSent(ConnectorError::Permanent(_)))), "{empty:?}");
    assert!(office.net.sent_by(office.account).is_empty());
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn what_was_said_is_changed_and_deleted_for_everybody() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.writes(olena, "first", Push::Pushed);
    office.net.send(olena, supergroup, "hello", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let skrynka_lab::telegram::Chat::Channel(id) = supergroup else { panic!("a supergroup is a channel") };
    let group = Peer { kind: PeerKind::Channel, id }.into();
    for (number, chat) in [chat(olena), group].into_iter().enumerate() {
        let words = format!("tomorow {number}");
        let sent =
            listening.beside(&mut desk, remote.send_text(text(chat, &words, 10 + number as i64), None)).await.unwrap();
        listening.until_text(&mut desk, &words).await;
        let bold = vec![Entity { offset: 0, length: 8, kind: EntityKind::Bold }];
        let better = format!("tomorrow {number}");
        let edited = remote.edit_text(chat, sent.place.number, better.clone(), bold);
        listening.beside(&mut desk, edited).await.unwrap();
        listening.until_text(&mut desk, &better).await;
        assert_eq!(desk.chat(&sent.place).entities.len(), 1);
        // The same again is no failure.
        let bold = vec![Entity { offset: 0, length: 8, kind: EntityKind::Bold }];
        listening.beside(&mut desk, remote.edit_text(chat, sent.place.number, better, bold)).await.unwrap();
        listening.beside(&mut desk, remote.delete_message(chat, sent.place.number)).await.unwrap();
        // Nobody has it any more.
        let gone = remote.edit_text(chat, sent.place.number, "again".to_owned(), Vec::new());
        assert!(listening.beside(&mut desk, gone).await.is_err());
    }
    let foreign = listening.beside(&mut desk, remote.edit_text(chat(olena), 1, "mine".to_owned(), Vec::new())).await;
    assert!(foreign.is_err());
    listening.stop(&mut desk).await;
}
