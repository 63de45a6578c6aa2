//! The proof of workers on a real log and real processes: this test stands for Apache's parent.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command};

use fs_err as fs;
use jiff::Timestamp;
use lamp_fleet::Host;
use lamp_model::ReleaseId;
use lamp_model::clock::{BootTime, Clock};
use lamp_release::proof::{Claim, ProofError, WorkersProof, mark, prove};
use tempfile::TempDir;

const SWITCHED_AT: &str = "2026-11-22T10:00:00Z";

/// A log, a pid file, two workers that live, and one that has ended.
struct Stand {
    top: TempDir,
    workers: [Child; 2],
    ended: i32,
}

impl Stand {
    fn new() -> Self {
        let worker = || Command::new("sleep").arg("600").spawn().expect("a worker");
        let top = tempfile::tempdir().expect("a temporary directory");
        fs::write(
            top.path().join("apache2.pid"),
            format!("{}\n", std::process::id()),
        )
        .expect("a pid file");
        fs::write(top.path().join("access.log"), "noise before the switch\n").expect("a log");
        let mut gone = Command::new("true").spawn().expect("a worker");
        gone.wait().expect("ended");
        Self {
            top,
            workers: [worker(), worker()],
            ended: pid(&gone),
        }
    }

    fn log(&self) -> PathBuf {
        self.top.path().join("access.log")
    }

    /// A request of `worker`, so many seconds after the switch, that `release` answered.
    fn request(&self, worker: i32, release: &str, seconds: i64) {
        let at = SWITCHED_AT.parse::<Timestamp>().expect("a time").as_microsecond() + seconds * 1_000_000;
        let line = format!("200 {release} {worker} {at} 900 - 192.0.2.7 php \"GET / HTTP/1.1\"\n");
        let mut log = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.log())
            .expect("the log");
        log.write_all(line.as_bytes()).expect("a line");
    }

    async fn prove(&self, mark: &lamp_release::proof::LogMark) -> Result<WorkersProof, ProofError> {
        let claim = Claim {
            release: &ReleaseId::parse("new").expect("a name"),
            switched_at: SWITCHED_AT.parse().expect("a time"),
            apache_pid_file: &self.top.path().join("apache2.pid"),
        };
        let mut proof = prove(
            &Host::local(),
            mark,
            &claim,
            &Elapsed(tokio::time::Instant::now()),
        )
        .await?;
        // Other tests of this process have children too.
        let mine = [pid(&self.workers[0]), pid(&self.workers[1]), self.ended];
        for pids in [&mut proof.answered_new, &mut proof.idle, &mut proof.behind] {
            pids.retain(|pid| mine.contains(pid));
        }
        Ok(proof)
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.kill().expect("ours to end");
            worker.wait().expect("ended");
        }
    }
}

fn pid(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("a pid")
}

/// Time since the test began, simulated where the runtime is paused.
struct Elapsed(tokio::time::Instant);

impl Clock for Elapsed {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn boot_time(&self) -> BootTime {
        let boot_id = "simulated".to_owned();
        BootTime { boot_id, nanos: 0 }.plus(self.0.elapsed())
    }
}

#[tokio::test(start_paused = true)]
async fn living_workers_are_told_apart_and_ended_ones_do_not_count() {
    let stand = Stand::new();
    let [one, two] = [pid(&stand.workers[0]), pid(&stand.workers[1])];
    let mark = mark(&Host::local(), &stand.log()).expect("marked");
    stand.request(one, "old", -1);
    stand.request(stand.ended, "old", 5);
    stand.request(one, "new", 6);
    let proof = stand.prove(&mark).await.expect("proven");
    let expected = WorkersProof {
        answered_new: vec![one],
        idle: vec![two],
        behind: vec![],
    };
    assert_eq!(proof, expected);
    stand.request(two, "old", 7);
    let proof = stand.prove(&mark).await.expect("looked");
    assert_eq!(proof.behind, [two]);
    let told = proof.verdict().expect_err("a worker is behind").to_string();
    assert_eq!(
        told,
        format!("1 worker(s) still answered from the release before: pid [{two}]")
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_rotated_in_the_middle_hides_nothing() {
    let stand = Stand::new();
    let [one, two] = [pid(&stand.workers[0]), pid(&stand.workers[1])];
    let mark = mark(&Host::local(), &stand.log()).expect("marked");
    stand.request(two, "old", 1);
    fs::rename(stand.log(), stand.top.path().join("access.log.1")).expect("rotated");
    stand.request(one, "new", 2);
    let proof = stand.prove(&mark).await.expect("looked");
    assert_eq!((proof.answered_new, proof.behind), (vec![one], vec![two]));
}

/// Our own probes were answered by the new release: a log that does not show it shows nothing.
#[tokio::test(start_paused = true)]
async fn a_log_without_the_new_release_is_blind_and_never_good() {
    let stand = Stand::new();
    let mark = mark(&Host::local(), &stand.log()).expect("marked");
    stand.request(pid(&stand.workers[0]), "old", 1);
    let error = stand.prove(&mark).await.expect_err("blind");
    let told = format!("{error}\n{}", error.way_out());
    insta::assert_snapshot!(told.replace(&stand.log().display().to_string(), "LOG"));
}
