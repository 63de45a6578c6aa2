//! Durable appends a second, by how many wait at once: `append_rate [DIRECTORY] [SECONDS]`.
//!
//! One line per measurement: what, waiters, appends, seconds, appends a second. `log` appends records with
//! as many under way; `journal` appends events from as many tasks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lamp_log::{Journal, Parts, SqliteLog, Writer};
use lamp_model::event::{RecordId, Seq};
use lamp_model::port::EventLog as _;
use lamp_testkit::ManualClock;
use lamp_testkit::sample::{numbered, record};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const WAITERS: [u64; 4] = [1, 8, 64, 256];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds: u64 = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let dir = tempfile::tempdir_in(parent)?;
    println!("what waiters appends seconds appends_per_second");
    for waiters in WAITERS {
        let path = dir.path().join(format!("log-{waiters}.sqlite"));
        let begun = Instant::now();
        let appends = log(&path, waiters, begun + Duration::from_secs(seconds)).await?;
        tell("log", waiters, appends, begun.elapsed());
    }
    for waiters in WAITERS {
        let path = dir.path().join(format!("journal-{waiters}.sqlite"));
        let begun = Instant::now();
        let appends = journal(&path, waiters, begun + Duration::from_secs(seconds)).await?;
        tell("journal", waiters, appends, begun.elapsed());
    }
    Ok(())
}

fn tell(what: &str, waiters: u64, appends: u64, took: Duration) {
    let seconds = took.as_secs_f64();
    let rate = appends as f64 / seconds;
    println!("{what} {waiters} {appends} {seconds:.3} {rate:.0}");
}

async fn log(path: &Path, waiters: u64, until: Instant) -> Result<u64, Failure> {
    let log = SqliteLog::open(path)?;
    let mut head = 0;
    while Instant::now() < until {
        let under_way: Vec<_> = (head..head + waiters)
            .map(|expect| {
                let mut record = record(1);
                record.id = RecordId(u128::from(expect).to_be_bytes());
                log.append(Seq(expect), record)
            })
            .collect();
        for appending in under_way {
            head = appending.await?.0;
        }
    }
    Ok(head)
}

async fn journal(path: &Path, waiters: u64, until: Instant) -> Result<u64, Failure> {
    let log = Arc::new(SqliteLog::open(path)?);
    let journal = Journal::open(Parts {
        log: log.clone(),
        snapshots: log,
        clock: Arc::new(ManualClock::new()),
        writer: Writer::random()?,
        epoch: 1,
        host: "bench".to_owned(),
    })
    .await?;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..waiters {
        tasks.spawn(append_until(journal.clone(), until));
    }
    let mut appends = 0;
    while let Some(task) = tasks.join_next().await {
        appends += task??;
    }
    journal.close().await;
    Ok(appends)
}

async fn append_until(journal: Journal, until: Instant) -> Result<u64, Failure> {
    let mut appends = 0;
    while Instant::now() < until {
        journal.append(vec![numbered(1)]).await?;
        appends += 1;
    }
    Ok(appends)
}
