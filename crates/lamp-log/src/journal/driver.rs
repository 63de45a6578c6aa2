//! The task that writes: takes what waits, drafts one record, appends it, and finds out what became of it.

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use lamp_model::World;
use lamp_model::event::{Event, Record, RecordId, Seq};
use lamp_model::port::{AppendError, ReadError};
use lamp_model::state::IllegalTransition;
use lamp_model::stored::{Snapshot, Stored};
use tokio::sync::{mpsc, oneshot, watch};

use super::{JournalError, Parts, Writer};
use crate::replay::{View, fold};

/// Most callers whose events go into one record.
const BATCH_MAX_REQUESTS: usize = 256;
/// How often one record is tried before its callers are told.
const TRIES_MAX: u32 = 5;
/// Records between two snapshots.
const SNAPSHOT_EVERY_RECORDS: u64 = 500;
/// Records of the tail that are read at once.
const TAIL_RECORDS: usize = 1_000;

/// One for each who waits.
type Verdicts = Vec<Result<(), IllegalTransition>>;
type Reply = oneshot::Sender<Result<Seq, JournalError>>;

pub(super) enum Request {
    Append { events: Vec<Event>, reply: Reply },
    Close,
}

/// One caller who waits.
struct Waiting {
    events: Vec<Event>,
    reply: Reply,
}

pub(super) struct Driver {
    parts: Parts,
    shown: watch::Sender<View>,
    view: View,
    /// The number of the next record: the second half of its id.
    next_number: u64,
    /// Whether a record was given up as unknown, and the world may lack it.
    in_doubt: bool,
    last_snapshot: Seq,
}

/// One record before it is written: whose events the fold accepts, and what follows from them.
struct Draft {
    at: Timestamp,
    events: Vec<Event>,
    world: Arc<World>,
    verdicts: Verdicts,
}

/// What became of a record.
enum Fate {
    Written(Seq),
    /// The world is another than the one it was drafted on: an earlier record of ours came to light.
    Overtaken,
    Failed(JournalError),
}

/// What the tail of the log says of a record.
enum Found {
    At(Seq),
    /// Nothing stands behind the head as it was known.
    Nothing,
    Overtaken,
    /// Another wrote there. It stays so: every later append of ours meets the same record.
    Lost(Seq),
}

impl Driver {
    pub(super) fn new(parts: Parts, shown: watch::Sender<View>) -> Self {
        let view = shown.borrow().clone();
        Self {
            parts,
            shown,
            last_snapshot: view.seq,
            view,
            next_number: 0,
            in_doubt: false,
        }
    }

    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.recv().await {
            let (batch, closing) = take_batch(first, &mut requests);
            if closing.is_break() {
                requests.close();
            }
            self.settle(batch).await;
            if self.view.seq.0 >= self.last_snapshot.0 + SNAPSHOT_EVERY_RECORDS {
                self.keep_snapshot().await;
            }
        }
        if self.view.seq > self.last_snapshot {
            self.keep_snapshot().await;
        }
    }

    /// Brings a batch to its end: every caller gets an answer.
    async fn settle(&mut self, batch: Vec<Waiting>) {
        let (verdicts, outcome) = match self.end_doubt().await {
            Ok(()) => self.write_batch(&batch).await,
            Err(error) => (vec![Ok(()); batch.len()], Err(error)),
        };
        answer(batch, &verdicts, &outcome);
    }

    /// Nothing is refused, or accepted, on a world that may lack a record.
    async fn end_doubt(&mut self) -> Result<(), JournalError> {
        if !self.in_doubt {
            return Ok(());
        }
        match self.look_for(None).await {
            Ok(Found::Lost(at)) => return Err(JournalError::Lost { at }),
            Ok(Found::At(_) | Found::Nothing | Found::Overtaken) => self.in_doubt = false,
            Err(error) => {
                let why = error.to_string();
                return Err(JournalError::Unavailable { why });
            }
        }
        Ok(())
    }

    /// Whom the fold refuses, and what became of the record of the others.
    async fn write_batch(&mut self, batch: &[Waiting]) -> (Verdicts, Result<Seq, JournalError>) {
        let mut verdicts = Vec::new();
        for _ in 0..TRIES_MAX {
            let draft = self.draft(batch);
            verdicts = draft.verdicts.clone();
            match self.write(draft).await {
                Fate::Written(seq) => return (verdicts, Ok(seq)),
                Fate::Failed(error) => {
                    self.in_doubt = matches!(error, JournalError::Unknown { .. });
                    return (verdicts, Err(error));
                }
                Fate::Overtaken => {}
            }
        }
        let why = "earlier records keep coming to light".to_owned();
        (verdicts, Err(JournalError::Unavailable { why }))
    }

    /// Folds each caller's events over what the callers before them would leave.
    fn draft(&self, batch: &[Waiting]) -> Draft {
        let at = self.parts.clock.now();
        let mut draft = Draft {
            at,
            events: Vec::new(),
            world: Arc::clone(&self.view.world),
            verdicts: Vec::with_capacity(batch.len()),
        };
        for waiting in batch {
            let world = World::clone(&draft.world);
            let next = waiting
                .events
                .iter()
                .try_fold(world, |world, event| world.apply(at, event));
            draft.verdicts.push(next.map(|next| {
                draft.world = Arc::new(next);
                draft.events.extend_from_slice(&waiting.events);
            }));
        }
        draft
    }

    async fn write(&mut self, draft: Draft) -> Fate {
        if draft.events.is_empty() {
            return Fate::Written(self.view.seq);
        }
        let record = self.record(draft.at, draft.events);
        let fate = self.append(record).await;
        if let Fate::Written(seq) = fate {
            self.show(View {
                seq,
                world: draft.world,
            });
        }
        fate
    }

    fn record(&mut self, at: Timestamp, events: Vec<Event>) -> Record {
        self.next_number += 1;
        Record {
            id: id(self.parts.writer, self.next_number),
            epoch: self.parts.epoch,
            at,
            events,
        }
    }

    /// Appends one record, tried again with the same id and the same expected head while it is not known
    /// to stand: whichever try succeeds, it stands once.
    async fn append(&mut self, record: Record) -> Fate {
        let mut doubt = false;
        let mut why = String::new();
        for _ in 0..TRIES_MAX {
            match self.parts.log.append(self.view.seq, record.clone()).await {
                Ok(seq) => return Fate::Written(seq),
                Err(AppendError::Unavailable { why }) if !doubt => {
                    return Fate::Failed(JournalError::Unavailable { why });
                }
                Err(error) => {
                    doubt |= error == AppendError::Unknown;
                    why = error.to_string();
                }
            }
            match self.look_for(Some(record.id)).await {
                Ok(Found::Nothing) => {}
                Ok(Found::At(seq)) => return Fate::Written(seq),
                Ok(Found::Overtaken) => return Fate::Overtaken,
                Ok(Found::Lost(at)) => return Fate::Failed(JournalError::Lost { at }),
                Err(error) => {
                    why = error.to_string();
                    break;
                }
            }
        }
        Fate::Failed(gave_up(doubt, why))
    }

    /// Reads what stands behind the head as it was known, takes in what is our own, and looks for a record.
    async fn look_for(&mut self, wanted: Option<RecordId>) -> Result<Found, ReadError> {
        let tail = self.parts.log.read(self.view.seq, TAIL_RECORDS).await?;
        let mut found = Found::Nothing;
        for stored in tail {
            if !is_by(self.parts.writer, stored.record.id) {
                return Ok(Found::Lost(stored.seq));
            }
            if wanted == Some(stored.record.id) {
                return Ok(Found::At(stored.seq));
            }
            self.catch_up(&stored)?;
            found = Found::Overtaken;
        }
        Ok(found)
    }

    /// Takes in a record of our own that was given up as unknown, and stands after all.
    fn catch_up(&mut self, stored: &Stored) -> Result<(), ReadError> {
        let world = World::clone(&self.view.world);
        let world = fold(world, stored).map_err(|error| ReadError::Broken {
            seq: stored.seq,
            why: error.to_string(),
        })?;
        self.show(View {
            seq: stored.seq,
            world: Arc::new(world),
        });
        Ok(())
    }

    fn show(&mut self, view: View) {
        self.view = view.clone();
        self.shown.send_replace(view);
    }

    /// A failure is no failure of the log: the next start only takes longer.
    async fn keep_snapshot(&mut self) {
        self.last_snapshot = self.view.seq;
        let head = match self.parts.log.head().await {
            Ok(head) if head.seq == self.view.seq => head,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "no snapshot kept");
                return;
            }
        };
        let snapshot = Snapshot {
            head,
            world: World::clone(&self.view.world),
        };
        if let Err(error) = self.parts.snapshots.save(snapshot).await {
            tracing::warn!(%error, "no snapshot kept");
        }
    }
}

/// All that waits by now, bounded; broken off where someone closes.
fn take_batch(first: Request, requests: &mut mpsc::Receiver<Request>) -> (Vec<Waiting>, ControlFlow<()>) {
    let mut batch = Vec::new();
    let mut next = Some(first);
    while let Some(request) = next {
        match request {
            Request::Append { events, reply } => batch.push(Waiting { events, reply }),
            Request::Close => return (batch, ControlFlow::Break(())),
        }
        next = (batch.len() < BATCH_MAX_REQUESTS)
            .then(|| requests.try_recv().ok())
            .flatten();
    }
    (batch, ControlFlow::Continue(()))
}

/// A refusal stands only if what it was held against was written: otherwise the failure is the answer.
fn answer(
    batch: Vec<Waiting>,
    verdicts: &[Result<(), IllegalTransition>],
    outcome: &Result<Seq, JournalError>,
) {
    for (waiting, verdict) in batch.into_iter().zip(verdicts) {
        let answer = match (outcome, verdict) {
            (Ok(_), Err(refused)) => Err(JournalError::Refused(refused.clone())),
            (Ok(seq), Ok(())) => Ok(*seq),
            (Err(error), _) => Err(error.clone()),
        };
        // Nobody waits for the answer any more: what is written stands all the same.
        let _ = waiting.reply.send(answer);
    }
}

fn gave_up(doubt: bool, why: String) -> JournalError {
    if doubt {
        JournalError::Unknown { why }
    } else {
        JournalError::Unavailable { why }
    }
}

fn id(writer: Writer, number: u64) -> RecordId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&writer.0);
    id[8..].copy_from_slice(&number.to_be_bytes());
    RecordId(id)
}

fn is_by(writer: Writer, id: RecordId) -> bool {
    id.0.starts_with(&writer.0)
}
