//! One TCP connection: its two directions, and how it hangs or ends on request.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    Key, Shared,
    cipher::{self, KeyId},
    session::{Inbound, Out, Outbound},
    transport::{self, Frames},
    world::Link,
};

/// How long an end that is on its way may take, before a second connection with the same key counts as such.
const SETTLE: Duration = Duration::from_millis(20);

/// Telegram's word for a key it does not know.
const UNKNOWN_KEY: i32 = -404;

/// Which connections hang.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Frozen {
    #[default]
    Nothing,
    /// Those that were opened so far, by number.
    UpTo(u64),
    All,
}

impl Frozen {
    fn holds(self, link: u64) -> bool {
        match self {
            Self::Nothing => false,
            Self::UpTo(last) => link <= last,
            Self::All => true,
        }
    }
}

/// What the reading half tells the writing one before anything is written; nothing if the key is unknown.
struct Opening {
    key: Key,
    key_id: KeyId,
    session_id: i64,
}

/// Speaks with one client until either side closes.
pub(super) async fn serve(dc: i32, stream: TcpStream, shared: Arc<Shared>) {
    let _best_effort = stream.set_nodelay(true);
    let number = shared.world().open_link();
    let cut = CancellationToken::new();
    let mut refusing = shared.refusing.subscribe();
    let (read, write) = stream.into_split();
    let (opened, opening) = oneshot::channel();
    #[expect(clippy::disallowed_methods, reason = "a test pushes from outside the runtime and must not wait")]
    let (out, queue) = mpsc::unbounded_channel();
    let reading = Reading {
        dc,
        number,
        shared: &shared,
        frozen: shared.frozen.subscribe(),
        frames: Frames::default(),
        cut: cut.clone(),
        opened: Some(opened),
        out,
    };
    tokio::select! {
        () = reading.run(read) => {}
        () = writing(write, opening, queue, number, &shared) => {}
        () = cut.cancelled() => {}
        _refusing = refusing.wait_for(|refusing| *refusing) => {}
    }
    shared.world().close_link(number);
}

struct Reading<'a> {
    dc: i32,
    number: u64,
    shared: &'a Arc<Shared>,
    frozen: watch::Receiver<Frozen>,
    frames: Frames,
    cut: CancellationToken,
    opened: Option<oneshot::Sender<Option<Opening>>>,
    out: mpsc::UnboundedSender<Out>,
}

impl Reading<'_> {
    /// Reads until the client closes or misbehaves. Even a frozen connection is read, so that its end is noticed.
    async fn run(mut self, mut read: OwnedReadHalf) {
        let mut session = None;
        let mut late = JoinSet::new();
        loop {
            while !self.frozen.borrow_and_update().holds(self.number) {
                match self.frames.next() {
                    Ok(Some(packet)) => {
                        if let Err(complaint) = self.packet(&packet, &mut session, &mut late).await {
                            return self.shared.world().complain(complaint);
                        }
                    }
                    Ok(None) => break,
                    Err(complaint) => return self.shared.world().complain(complaint),
                }
            }
            tokio::select! {
                read = read.read_buf(&mut self.frames.buffer) => if read.unwrap_or(0) == 0 { return },
                changed = self.frozen.changed() => if changed.is_err() { return },
                Some(Ok(answer)) = late.join_next() => { let _gone = self.out.send(answer); }
            }
        }
    }

    async fn packet(
        &mut self,
        packet: &[u8],
        session: &mut Option<Inbound>,
        late: &mut JoinSet<Out>,
    ) -> Result<(), &'static str> {
        let key_id: KeyId = packet.get(..8).and_then(|id| id.try_into().ok()).ok_or("A packet without a key")?;
        let known = self.shared.world().keys.get(&key_id).filter(|entry| entry.dc == self.dc).map(|entry| entry.key);
        let Some(key) = known else {
            if let Some(opened) = self.opened.take() {
                let _gone = opened.send(None);
            }
            // The writing half tells the client and ends the connection.
            return std::future::pending().await;
        };
        let plain = cipher::decrypt(&key, packet).ok_or("A packet whose message key is wrong")?;
        if session.is_none() {
            *session = Some(self.open(&plain, key, key_id).await?);
        }
        let Some(session) = session else { return Ok(()) };
        if session.key_id != key_id {
            return Err("A connection that changed its key");
        }
        session.packet(&plain, self.shared, &self.out, late)
    }

    /// Takes up a session: from here on the client is known.
    async fn open(&mut self, plain: &[u8], key: Key, key_id: KeyId) -> Result<Inbound, &'static str> {
        let twice = self.shared.world().uses(&key_id);
        if twice {
            tokio::time::sleep(SETTLE).await;
        }
        let inbound = Inbound::begin(plain, key_id, self.dc, self.number)?;
        let wrong = {
            let mut world = self.shared.world();
            let link = Link { key: key_id, updates: true, out: self.out.clone(), cut: self.cut.clone() };
            world.take_link(self.number, link);
            i64::from(world.faults.wrong_session_id)
        };
        let opening = Opening { key, key_id, session_id: inbound.session_id ^ wrong };
        if let Some(opened) = self.opened.take() {
            let _gone = opened.send(Some(opening));
        }
        Ok(inbound)
    }
}

async fn writing(
    mut write: OwnedWriteHalf,
    opening: oneshot::Receiver<Option<Opening>>,
    mut queue: mpsc::UnboundedReceiver<Out>,
    number: u64,
    shared: &Shared,
) {
    let mut frozen = shared.frozen.subscribe();
    let Ok(opening) = opening.await else { return };
    let Some(Opening { key, key_id, session_id }) = opening else {
        let _gone = write.write_all(&transport::transport_error(UNKNOWN_KEY)).await;
        return;
    };
    let mut outbound = Outbound::new(session_id);
    let mut batch = Vec::new();
    for sequence in 0.. {
        batch.clear();
        if queue.recv_many(&mut batch, shared.options.container.max(1)).await == 0 {
            return;
        }
        if frozen.wait_for(|frozen| !frozen.holds(number)).await.is_err() {
            return;
        }
        let salt = shared.world().salt;
        let packet = cipher::encrypt(&key, &key_id, outbound.pack(salt, &batch));
        if write.write_all(&transport::frame(sequence, &packet)).await.is_err() {
            return;
        }
    }
}
