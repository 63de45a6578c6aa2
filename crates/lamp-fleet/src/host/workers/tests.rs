//! Real processes: this one stands for Apache's parent.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::*;

/// A store with two releases and a pid file that names this process.
struct Ground {
    dir: tempfile::TempDir,
    children: Vec<Child>,
}

impl Ground {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        for release in ["bad/public", "good/public"] {
            fs_err::create_dir_all(dir.path().join(release)).expect("a release");
        }
        fs_err::write(dir.path().join("pid"), std::process::id().to_string()).expect("a pid file");
        Self {
            dir,
            children: Vec::new(),
        }
    }

    /// A child that works at `place`.
    fn worker(&mut self, place: &str) -> i32 {
        let mut command = Command::new("sleep");
        self.start(command.arg("60"), place)
    }

    fn start(&mut self, command: &mut Command, place: &str) -> i32 {
        let child = command
            .current_dir(self.dir.path().join(place))
            .spawn()
            .expect("a child");
        let pid = i32::try_from(child.id()).expect("a pid");
        self.children.push(child);
        pid
    }

    fn with_crew<T>(&self, act: impl FnOnce(Crew<'_>) -> T) -> T {
        act(Crew {
            beneath: &self.dir.path().join("bad"),
            apache_pid_file: &self.dir.path().join("pid"),
        })
    }

    fn workers(&self) -> Vec<Worker> {
        self.with_crew(|crew| Host::local().workers(crew))
            .expect("looked at")
    }

    /// The one worker of this process id.
    fn only(&self, pid: i32) -> Worker {
        let workers = self.workers();
        assert_eq!(workers.iter().map(|worker| worker.pid).collect::<Vec<_>>(), [pid]);
        workers[0].clone()
    }

    /// The same, once it does this: a program that has just been started computes for a moment.
    fn until_it_is(&self, doing: Doing, pid: i32) -> Worker {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let worker = self.only(pid);
            if worker.doing == doing {
                return worker;
            }
            assert!(Instant::now() < deadline, "not {doing:?}: {worker:?}");
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn only_workers_that_are_at_a_request_there_are_found_and_ended() {
    let mut ground = Ground::new();
    let stuck = ground.worker("bad/public");
    ground.worker("good/public");
    let found = ground.until_it_is(Doing::Waiting, stuck);
    assert_eq!(found.at, Path::new("public"));
    assert!(found.writes.is_some(), "this kernel counts");
    let asked = ground.with_crew(|crew| Host::local().ask_to_end(crew, &found));
    assert!(asked.expect("asked"));
    let ended = ground.children[0].wait().expect("it ends");
    assert_eq!(ended.signal(), Some(Signal::TERM.as_raw()));
    let again = ground.with_crew(|crew| Host::local().kill(crew, &found));
    assert!(!again.expect("it is gone, and nobody else is taken for it"));
    assert!(
        ground.children[1].try_wait().expect("asked").is_none(),
        "the other one lives"
    );
}

#[test]
fn a_process_id_that_came_to_another_process_is_left_alone() {
    let mut ground = Ground::new();
    let pid = ground.worker("bad/public");
    let found = ground.only(pid);
    let started_earlier = Worker {
        started: found.started - 1,
        ..found.clone()
    };
    let elsewhere = Worker {
        at: "other".into(),
        ..found.clone()
    };
    for other in [started_earlier, elsewhere] {
        let ended = ground.with_crew(|crew| Host::local().kill(crew, &other));
        assert!(!ended.expect("looked at"), "{other:?}");
    }
    assert!(ground.children[0].try_wait().expect("asked").is_none());
    let ended = ground.with_crew(|crew| Host::local().kill(crew, &found));
    assert!(ended.expect("the control: it can be ended"));
}

#[test]
fn nobody_elses_child_is_a_worker() {
    let mut ground = Ground::new();
    let stuck = ground.worker("bad/public");
    fs_err::write(ground.dir.path().join("pid"), "1").expect("a pid file");
    assert_eq!(ground.workers(), [], "neither Apache's child nor php-fpm's");
    fs_err::write(ground.dir.path().join("pid"), std::process::id().to_string()).expect("a pid file");
    ground.only(stuck);
}

#[test]
fn nobody_works_in_a_release_that_was_removed() {
    let ground = Ground::new();
    let gone = Crew {
        beneath: &ground.dir.path().join("gone"),
        apache_pid_file: &ground.dir.path().join("pid"),
    };
    assert_eq!(Host::local().workers(gone).expect("looked at"), []);
}

#[test]
fn who_computes_is_told_from_who_waits() {
    let mut ground = Ground::new();
    let busy = ground.start(Command::new("php").args(["-r", "while (true);"]), "bad/public");
    ground.until_it_is(Doing::Computing, busy);
}

#[test]
fn the_writes_of_a_process() {
    assert_eq!(
        writes_in(b"rchar: 3\nwchar: 4\nsyscr: 5\nsyscw: 17\nread_bytes: 0\n"),
        Some(17)
    );
    assert_eq!(writes_in(b"rchar: 3\n"), None);
}
