//! The layer between packets and requests: message ids, salts, containers, compression, acknowledgements.

use std::{
    collections::HashSet,
    io::{Read, Write},
    sync::Arc,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use grammers_tl_types::{self as tl, Cursor, Deserializable, Identifiable, Serializable};
use rand::RngExt;
use tokio::{sync::mpsc, task::JoinSet};

use super::{Shared, cipher::KeyId, now, rpc, since_epoch};

const CONTAINER: u32 = 0x73f1_f8dc;
const GZIP_PACKED: u32 = 0x3072_cfa1;
const RPC_RESULT: u32 = 0xf35c_6d01;
const FUTURE_SALTS: u32 = 0xae50_0895;

/// Nobody compresses more than this into one request.
const MAX_UNPACKED: u64 = 16 << 20;

/// How far a client's clock may be off, as in Telegram's documentation.
const TOO_OLD: i32 = 300;
const TOO_NEW: i32 = 30;

/// Something on its way to a client.
pub(super) enum Out {
    /// The answer to the request with this message id.
    Answer(i64, Vec<u8>),
    /// A message of the service: whether the client must acknowledge it.
    Service(Vec<u8>, bool),
    Push(Arc<Vec<u8>>),
}

/// What a client says in one session.
pub(super) struct Inbound {
    pub(super) session_id: i64,
    pub(super) key_id: KeyId,
    dc: i32,
    link: u64,
    seen: HashSet<i64>,
    greeted: bool,
}

/// The head of a decrypted packet.
struct Head {
    salt: i64,
    session_id: i64,
    message: i64,
    seqno: i32,
}

fn split(plain: &[u8]) -> Result<(Head, &[u8]), &'static str> {
    let mut cursor = Cursor::from_slice(plain);
    let mut head = || -> tl::deserialize::Result<(Head, i32)> {
        let cursor = &mut cursor;
        let head = Head {
            salt: i64::deserialize(cursor)?,
            session_id: i64::deserialize(cursor)?,
            message: i64::deserialize(cursor)?,
            seqno: i32::deserialize(cursor)?,
        };
        Ok((head, i32::deserialize(cursor)?))
    };
    let (head, length) = head().map_err(|_| "A packet that ends in its head")?;
    let rest = &plain[cursor.pos()..];
    let length = usize::try_from(length).map_err(|_| "A message of negative length")?;
    let body = rest.get(..length).ok_or("A message longer than its packet")?;
    match rest.len() - length {
        12..=1024 => Ok((head, body)),
        _ => Err("A packet with too little or too much padding"),
    }
}

impl Inbound {
    /// Begins with a connection's first packet.
    pub(super) fn begin(plain: &[u8], key_id: KeyId, dc: i32, link: u64) -> Result<Self, &'static str> {
        let (head, _) = split(plain)?;
        Ok(Self { session_id: head.session_id, key_id, dc, link, seen: HashSet::new(), greeted: false })
    }

    /// Takes one packet in. An error is what no honest client sends.
    pub(super) fn packet(
        &mut self,
        plain: &[u8],
        shared: &Arc<Shared>,
        out: &mpsc::UnboundedSender<Out>,
        late: &mut JoinSet<Out>,
    ) -> Result<(), &'static str> {
        let (head, body) = split(plain)?;
        if head.session_id != self.session_id {
            return Err("A connection that changed its session");
        }
        let mut say = |out_message: Out| {
            let _gone = out.send(out_message);
        };
        let salt = shared.world().salt;
        if !std::mem::replace(&mut self.greeted, true) {
            let created = tl::types::NewSessionCreated {
                first_msg_id: head.message,
                unique_id: rand::rng().random(),
                server_salt: salt,
            };
            say(Out::Service(tl::enums::NewSession::Created(created).to_bytes(), true));
        }
        if let Some(error_code) = wrong_clock(head.message) {
            let notice =
                tl::types::BadMsgNotification { bad_msg_id: head.message, bad_msg_seqno: head.seqno, error_code };
            say(Out::Service(tl::enums::BadMsgNotification::Notification(notice).to_bytes(), false));
            return Ok(());
        }
        if head.salt != salt {
            let notice = tl::types::BadServerSalt {
                bad_msg_id: head.message,
                bad_msg_seqno: head.seqno,
                error_code: 48,
                new_server_salt: salt,
            };
            say(Out::Service(tl::enums::BadMsgNotification::BadServerSalt(notice).to_bytes(), false));
            return Ok(());
        }
        self.message(head.message, body, shared, &mut say, late)
    }

    fn message(
        &mut self,
        id: i64,
        body: &[u8],
        shared: &Arc<Shared>,
        say: &mut impl FnMut(Out),
        late: &mut JoinSet<Out>,
    ) -> Result<(), &'static str> {
        if !self.seen.insert(id) {
            return Err("Two messages with one id");
        }
        let cursor = &mut Cursor::from_slice(body);
        let broken = |_| "A message that cannot be read";
        match u32::deserialize(cursor).map_err(broken)? {
            CONTAINER => self.container(&body[4..], shared, say, late)?,
            GZIP_PACKED => {
                let packed = Vec::<u8>::deserialize(cursor).map_err(broken)?;
                self.seen.remove(&id);
                self.message(id, &unpack(&packed)?, shared, say, late)?;
            }
            tl::types::MsgsAck::CONSTRUCTOR_ID
            | tl::types::MsgsStateReq::CONSTRUCTOR_ID
            | tl::types::MsgResendReq::CONSTRUCTOR_ID
            | tl::types::MsgsAllInfo::CONSTRUCTOR_ID => {}
            tl::functions::Ping::CONSTRUCTOR_ID | tl::functions::PingDelayDisconnect::CONSTRUCTOR_ID => {
                let ping_id = i64::deserialize(cursor).map_err(broken)?;
                shared.world().count("ping");
                say(Out::Service(tl::enums::Pong::Pong(tl::types::Pong { msg_id: id, ping_id }).to_bytes(), false));
            }
            tl::functions::GetFutureSalts::CONSTRUCTOR_ID => {
                say(Out::Service(future_salts(id, shared.world().salt), false));
            }
            tl::functions::DestroySession::CONSTRUCTOR_ID => {
                let session_id = i64::deserialize(cursor).map_err(broken)?;
                let destroyed = tl::types::DestroySessionOk { session_id };
                say(Out::Service(tl::enums::DestroySessionRes::DestroySessionOk(destroyed).to_bytes(), false));
            }
            tl::functions::RpcDropAnswer::CONSTRUCTOR_ID => {
                say(Out::Answer(id, tl::enums::RpcDropAnswer::RpcAnswerUnknown.to_bytes()));
            }
            _ => {
                let reply = rpc::answer(shared, self.key_id, self.dc, self.link, body);
                let Some(answer) = reply.answer else { return Ok(()) };
                let limit = shared.options.gzip_over;
                let answer = Out::Answer(id, if answer.len() > limit { pack(&answer) } else { answer });
                if reply.delay.is_zero() {
                    say(answer);
                } else {
                    late.spawn(async move {
                        tokio::time::sleep(reply.delay).await;
                        answer
                    });
                }
            }
        }
        Ok(())
    }

    fn container(
        &mut self,
        mut rest: &[u8],
        shared: &Arc<Shared>,
        say: &mut impl FnMut(Out),
        late: &mut JoinSet<Out>,
    ) -> Result<(), &'static str> {
        let broken = |_| "A container that cannot be read";
        let cursor = &mut Cursor::from_slice(rest);
        let count = i32::deserialize(cursor).map_err(broken)?;
        rest = &rest[4..];
        for _ in 0..count {
            let cursor = &mut Cursor::from_slice(rest);
            let id = i64::deserialize(cursor).map_err(broken)?;
            let _seqno = i32::deserialize(cursor).map_err(broken)?;
            let length = i32::deserialize(cursor).map_err(broken)?;
            let end = 16 + usize::try_from(length).map_err(|_| "A message of negative length")?;
            let body = rest.get(16..end).ok_or("A message longer than its container")?;
            self.message(id, body, shared, say, late)?;
            rest = &rest[end..];
        }
        Ok(())
    }
}

/// Returns Telegram's code for what is wrong with a message id, if anything.
fn wrong_clock(id: i64) -> Option<i32> {
    let sent = i32::try_from(id >> 32).unwrap_or(i32::MAX);
    if id % 4 != 0 {
        Some(18)
    } else if sent < now() - TOO_OLD {
        Some(16)
    } else if sent > now() + TOO_NEW {
        Some(17)
    } else {
        None
    }
}

/// The answer to `get_future_salts`, whose vector is a bare one.
fn future_salts(request: i64, salt: i64) -> Vec<u8> {
    const DAY: i32 = 24 * 60 * 60;
    let now = now();
    let mut body = FUTURE_SALTS.to_bytes();
    request.serialize(&mut body);
    now.serialize(&mut body);
    2_i32.serialize(&mut body);
    for day in 0..2 {
        (now + day * DAY - 10).serialize(&mut body);
        (now + (day + 1) * DAY).serialize(&mut body);
        salt.serialize(&mut body);
    }
    body
}

fn pack(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let Ok(packed) = encoder.write_all(body).and_then(|()| encoder.finish()) else { return body.to_vec() };
    let mut out = GZIP_PACKED.to_bytes();
    packed.serialize(&mut out);
    out
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut body = Vec::new();
    GzDecoder::new(packed)
        .take(MAX_UNPACKED)
        .read_to_end(&mut body)
        .map_err(|_| "A compressed message that cannot be unpacked")?;
    Ok(body)
}

/// What the server says in one session.
pub(super) struct Outbound {
    session_id: i64,
    content: i32,
    last: i64,
}

impl Outbound {
    pub(super) fn new(session_id: i64) -> Self {
        Self { session_id, content: 0, last: 0 }
    }

    /// Packs messages into the plain text of one packet: alone, or in a container.
    pub(super) fn pack(&mut self, salt: i64, batch: &[Out]) -> Vec<u8> {
        let mut messages = Vec::new();
        for out in batch {
            let (body, content, kind) = match out {
                Out::Answer(request, answer) => {
                    let mut body = RPC_RESULT.to_bytes();
                    request.serialize(&mut body);
                    body.extend(answer);
                    (body, true, 1)
                }
                Out::Service(body, content) => (body.clone(), *content, 1),
                Out::Push(body) => (body.to_vec(), true, 3),
            };
            self.message_id(kind).serialize(&mut messages);
            self.seqno(content).serialize(&mut messages);
            length(&body).serialize(&mut messages);
            messages.extend(body);
        }
        let mut plain = salt.to_bytes();
        self.session_id.serialize(&mut plain);
        if batch.len() > 1 {
            self.message_id(1).serialize(&mut plain);
            self.seqno(false).serialize(&mut plain);
            (length(&messages) + 8).serialize(&mut plain);
            CONTAINER.serialize(&mut plain);
            i32::try_from(batch.len()).unwrap_or(i32::MAX).serialize(&mut plain);
        }
        plain.extend(messages);
        plain
    }

    /// Time in the upper half, always growing; the lowest bits say what kind of message it is.
    fn message_id(&mut self, kind: i64) -> i64 {
        let time = since_epoch();
        let fresh = (i64::try_from(time.as_secs()).unwrap_or(0) << 32) | (i64::from(time.subsec_nanos()) & !3);
        self.last = fresh.max(self.last + 4);
        self.last | kind
    }

    fn seqno(&mut self, content: bool) -> i32 {
        let seqno = self.content * 2 + i32::from(content);
        self.content += i32::from(content);
        seqno
    }
}

fn length(body: &[u8]) -> i32 {
    i32::try_from(body.len()).unwrap_or(i32::MAX)
}
