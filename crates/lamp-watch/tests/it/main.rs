//! The worker's own side over a real socket, on real files: in this process, so it is not confined here.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;

use fs_err as fs;
use jiff::Timestamp;
use lamp_fleet::Host;
use lamp_fleet::protocol::Connection;
use lamp_model::ReleaseId;
use lamp_watch::message::{Live, LogName, LogState, VERSION};
use lamp_watch::serve::{ServeError, serve};
use lamp_watch::{FromWorker, ToWorker};

const DEADLINE: Duration = Duration::from_secs(30);
/// When `new` became live, in seconds since 1970.
const SWITCHED_AT: i64 = 1_795_342_610;

/// The agent's end, and the logs.
struct Agent {
    dir: tempfile::TempDir,
    connection: Connection,
}

impl Agent {
    /// Runs `test` as the agent beside a worker, which must end well when the test has.
    async fn beside_worker(test: impl AsyncFnOnce(&Self)) {
        let (connection, socket) = Connection::pair().expect("a socket pair");
        let dir = tempfile::tempdir().expect("a directory");
        let agent = Self { dir, connection };
        let mut confine = |_: &[BorrowedFd<'_>]| Ok(());
        let (served, ()) = tokio::join!(serve(socket, &mut confine), async {
            test(&agent).await;
            drop(agent);
        });
        served.expect("the worker ends when the agent does");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .create(true)
            .append(true)
            .open(self.path(name))
            .expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    /// A request of `release` that failed with a fatal error in `file`.
    fn failure(&self, number: u32, release: &str, file: &str) {
        self.append(
            "error.log",
            &format!("2026-11-22 13:54:05.1 error 18 192.0.2.7:1 id{number} php {release} PHP Fatal error:  oh in /srv/shop/releases/{release}/{file} on line 3\n"),
        );
        let begun = SWITCHED_AT * 1_000_000 + i64::from(number);
        let access = format!(
            "500 {release} 18 {begun} 9 - 192.0.2.7 id{number} x-httpd-php \"GET /p{number}x HTTP/1.1\"\n"
        );
        self.append("access.log", &access);
    }

    async fn say(&self, message: &ToWorker) {
        self.connection.send(message, &[]).await.expect("sent");
    }

    async fn hand_over(&self) {
        let dir = Host::local().dir(self.dir.path()).expect("the directory");
        let watch = ToWorker::Watch {
            version: VERSION,
            access_log: "access.log".to_owned(),
            error_log: Some("error.log".to_owned()),
        };
        let dirs = [dir.as_fd(), dir.as_fd()];
        self.connection.send(&watch, &dirs).await.expect("sent");
        assert_eq!(
            self.heard(|message| Some(message.clone())).await,
            FromWorker::Ready
        );
        let live = Live {
            release: ReleaseId::parse("new").ok(),
            since: Timestamp::from_second(SWITCHED_AT).ok(),
            before: ReleaseId::parse("old").ok(),
        };
        self.say(&ToWorker::Live(live)).await;
    }

    /// The first message of which `wanted` makes something.
    async fn heard<T>(&self, wanted: impl Fn(&FromWorker) -> Option<T>) -> T {
        let listening = async {
            loop {
                let (message, _) = self.connection.receive::<FromWorker>().await.expect("heard");
                if let Some(found) = wanted(&message) {
                    return found;
                }
            }
        };
        tokio::time::timeout(DEADLINE, listening)
            .await
            .expect("within the deadline")
    }

    /// The place that the next suspicion names.
    async fn suspected(&self) -> String {
        let place = |message: &FromWorker| {
            let FromWorker::Suspect(suspect) = message else {
                return None;
            };
            suspect.error.as_ref()?.place.as_ref().map(ToString::to_string)
        };
        self.heard(place).await
    }

    async fn state_of(&self, wanted: LogName) -> LogState {
        let state = |message: &FromWorker| {
            let FromWorker::Log { log, state } = message else {
                return None;
            };
            (*log == wanted).then(|| state.clone())
        };
        self.heard(state).await
    }
}

#[tokio::test]
async fn a_failure_is_told_through_rotation_truncation_and_return() {
    Agent::beside_worker(async |agent| {
        // Visitors were served on these routes: whatever fails on them is asked about at once.
        for number in 1..=4 {
            let served = format!("200 old 1 5 6 - ::1 - x-httpd-php \"GET /p{number}x HTTP/1.1\"\n");
            agent.append("access.log", &served);
        }
        agent.append("error.log", "");
        agent.hand_over().await;
        agent.failure(1, "new", "first.php");
        assert_eq!(agent.suspected().await, "first.php:3");
        for log in ["access.log", "error.log"] {
            fs::rename(agent.path(log), agent.path(&format!("{log}.1"))).expect("renamed");
        }
        agent.failure(2, "new", "rotated.php");
        assert_eq!(agent.suspected().await, "rotated.php:3");
        for log in ["access.log", "error.log"] {
            fs::File::create(agent.path(log)).expect("truncated");
        }
        agent.say(&count(1)).await;
        assert_eq!(failed(agent, 1).await, 2, "seen as empty before it grows again");
        agent.failure(3, "new", "truncated.php");
        assert_eq!(agent.suspected().await, "truncated.php:3");
        for log in ["access.log", "error.log"] {
            fs::remove_file(agent.path(log)).expect("removed");
        }
        assert_eq!(agent.state_of(LogName::Access).await, LogState::Missing);
        agent.failure(4, "new", "returned.php");
        assert_eq!(agent.suspected().await, "returned.php:3");
        agent.say(&count(2)).await;
        assert_eq!(failed(agent, 2).await, 4);
    })
    .await;
}

fn count(number: u64) -> ToWorker {
    ToWorker::CountImpact {
        number,
        release: ReleaseId::parse("new").ok(),
        since: Timestamp::UNIX_EPOCH,
    }
}

async fn failed(agent: &Agent, wanted: u64) -> u64 {
    let count = |message: &FromWorker| {
        let FromWorker::Impact { number, impact } = message else {
            return None;
        };
        (*number == wanted).then_some(impact.failed_requests)
    };
    agent.heard(count).await
}

#[tokio::test]
async fn what_stands_in_the_logs_is_the_past() {
    Agent::beside_worker(async |agent| {
        agent.failure(1, "old", "standing.php");
        agent.hand_over().await;
        agent.failure(2, "new", "news.php");
        assert_eq!(agent.suspected().await, "news.php:3");
    })
    .await;
    // But for what nobody heard of, because whoever listened was killed.
    Agent::beside_worker(async |agent| {
        agent.failure(1, "old", "standing.php");
        agent.failure(2, "new", "unheard.php");
        agent.hand_over().await;
        assert_eq!(agent.suspected().await, "unheard.php:3");
    })
    .await;
}

#[tokio::test]
async fn logs_that_are_not_ours_are_told() {
    Agent::beside_worker(async |agent| {
        agent.append("access.log", "");
        agent.append("error.log", "");
        agent.hand_over().await;
        assert_eq!(agent.state_of(LogName::Access).await, LogState::Followed);
        let combined = "192.0.2.7 - - [22/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n";
        agent.append("access.log", &combined.repeat(5));
        let state = agent.state_of(LogName::Access).await;
        let field = "the status".to_owned();
        assert_eq!(state, LogState::WrongFormat { field });
        agent.failure(1, "new", "a.php");
        assert_eq!(agent.state_of(LogName::Access).await, LogState::Followed);
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_is_not_handed_its_logs_or_not_confined_reads_nothing() {
    let watch = |version| ToWorker::Watch {
        version,
        access_log: "access.log".to_owned(),
        error_log: None,
    };
    let dir = tempfile::tempdir().expect("a directory");
    let dir = Host::local().dir(dir.path()).expect("the directory");
    let count = count(1);
    for (first, files, confined) in [
        (&watch(VERSION + 1), 1, Ok(())),
        (&watch(VERSION), 2, Ok(())),
        (&watch(VERSION), 0, Ok(())),
        (&count, 0, Ok(())),
        (&watch(VERSION), 1, Err("no".to_owned())),
    ] {
        let (connection, socket) = Connection::pair().expect("a socket pair");
        let dirs = vec![dir.as_fd(); files];
        connection.send(first, &dirs).await.expect("sent");
        let mut confine = |_: &[BorrowedFd<'_>]| confined.clone();
        let served = tokio::time::timeout(DEADLINE, serve(socket, &mut confine)).await;
        let served = served.expect("it ends by itself");
        let refused = matches!(
            served,
            Err(ServeError::NotHanded | ServeError::NotConfined { .. })
        );
        assert!(refused, "{first:?} with {files} files: {served:?}");
    }
}
