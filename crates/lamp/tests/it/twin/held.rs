//! T4, T5, T7, T8: what runs in a twin of a site sees nothing that is not its business, takes nothing from production, and leads
//! whoever reads it nowhere.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lamp_fleet::Host;
use lamp_http::Protocol;
use lamp_lab::Sapi;
use lamp_lab::load::{self, LoadPlan, Switches, Target};
use lamp_twin::{RehearsalPlan, Twin};
use lamp_watch::follow::{Follower, Start};
use lamp_watch::message::LogState;

use super::bench::{Production, SITE, eventually, get, sh};
use crate::turn;

const CANARY: &str = "canary-7f3a";

/// Files of production that a twin must not show.
const SECRETS: [&str; 12] = [
    "/root/canary",
    "/home/keeper/canary",
    "/var/backups/canary",
    "/var/spool/cron/crontabs/canary",
    "/var/mail/canary",
    "/var/log/apache2/other.log",
    "/var/lib/php/sessions/sess_canary",
    "/var/tmp/canary",
    "/var/lib/mysql/canary",
    "/srv/other/releases/1/canary",
    "/etc/ssh/ssh_host_ed25519_key",
    "/etc/shadow",
];
const TLS_KEY: &str = "/etc/ssl/private/lamp-lab.key";

/// Production with secrets in it, and a twin's plan that hides what only the agent knows of.
fn with_secrets() -> (Production, RehearsalPlan) {
    let production = Production::small(Sapi::ModPhp);
    for secret in SECRETS {
        let file = production.lab.on_host(Path::new(secret)).expect("a lab's own");
        fs_err::create_dir_all(file.parent().expect("it has one")).expect("made");
        fs_err::write(file, CANARY).expect("written");
    }
    let mut plan = production.plan("1");
    plan.hidden = vec!["/srv/other".into()];
    (production, plan)
}

#[test]
fn t4_what_is_no_business_of_a_twin_does_not_show() {
    let _turn = turn::beside_others();
    let (production, plan) = with_secrets();
    let key = sh(production.lab.sandbox(), &format!("cat {TLS_KEY}")).1;
    assert!(key.contains("PRIVATE KEY"), "control: {key}");
    let twin = production.twin(plan);
    for secret in SECRETS {
        let read = format!("cat {secret}");
        assert_eq!(
            sh(production.lab.sandbox(), &read),
            (true, CANARY.to_owned()),
            "control: {secret}"
        );
        assert_eq!(sh(twin.sandbox(), &read), (false, String::new()), "{secret}");
    }
    let (_, shown) = sh(twin.sandbox(), &format!("cat {TLS_KEY}"));
    assert!(shown.contains("PRIVATE KEY") && shown != key, "{shown}");
    // Nowhere else either: by another name, beneath another mount.
    let (_, found) = sh(
        twin.sandbox(),
        &format!("grep -rl {CANARY} /etc /srv /var /root /home /tmp /run /opt 2>/dev/null"),
    );
    assert_eq!(found, "");
    let (_, found) = sh(
        production.lab.sandbox(),
        &format!("grep -rl {CANARY} /srv /root 2>/dev/null"),
    );
    assert_eq!(found.lines().count(), 2, "control: grep finds them: {found}");
}

/// What makes production starve where nothing holds it.
const GREEDY: [(&str, &str, &str); 5] = [
    // Each `tail -f` wants an instance of inotify and says so when there is none left.
    (
        "inotify",
        "echo > /tmp/log; for n in $(seq 90); do tail -f /tmp/log > /dev/null 2>> /tmp/said & done; sleep 4; \
         grep -c 'Too many' /tmp/said; kill $(jobs -p)",
        "",
    ),
    ("keys", "cat /proc/keys 2> /dev/null; echo refused", "refused"),
    (
        "processes",
        "sh -c 'for n in $(seq 700); do sleep 5 & done' 2> /tmp/forks; sleep 6; grep -ci fork /tmp/forks",
        "",
    ),
    (
        "memory filesystems",
        "for d in /tmp /run /dev/shm /var; do head -c 1G /dev/zero > $d/full 2> /dev/null && echo took $d; rm -f $d/full; done; \
         echo refused",
        "refused",
    ),
    (
        "memory",
        "head -c 2G /dev/zero | tail -c 1 -n 1 > /dev/null && echo held || echo refused",
        "refused",
    ),
];

/// Requests a second: of a file and of a small page, for what is asked is whether they are answered beside the twin.
const RATE: f64 = 200.0;
/// The load is stopped when the twin has done its worst; this is only its bound.
const LOAD_LENGTH_MAX: Duration = Duration::from_secs(120);

/// Between two looks at the log.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// While visitors come to production, and a tail follows its log as the agent's does.
#[test]
fn t5_a_greedy_twin_takes_nothing_from_production() {
    let _turn = turn::alone();
    let production = Production::small(Sapi::ModPhp);
    let targets = vec![
        Target::new("/static.txt", 3, &[]),
        Target::new("/second.php", 1, &[]),
    ];
    let page = production
        .lab
        .on_host(Path::new("/srv/shop/releases/1/public/static.txt"))
        .expect("own");
    fs_err::write(&page, "static\n").expect("written");
    sh(
        production.lab.sandbox(),
        "chmod 644 /srv/shop/releases/1/public/static.txt",
    );
    let twin = production.twin(production.plan("1"));
    let tail = Tail::begin(&production);
    let visitors = production.lab.visitors(SITE, Protocol::Http1).expect("visitors");
    let load = LoadPlan::new(targets, RATE, LOAD_LENGTH_MAX, 1);
    let running = load::run(&load, &visitors).expect("a load");
    for (what, line, expected) in GREEDY {
        let (_, said) = sh(twin.sandbox(), &format!("( {line} ) 2> /dev/null"));
        let last = said.trim().lines().last().unwrap_or_default();
        if expected.is_empty() {
            assert!(
                last.parse::<u32>().is_ok_and(|refusals| refusals > 0),
                "{what}: {said:?}"
            );
        } else {
            assert_eq!(said.trim(), expected, "{what}");
        }
        host_still_has_its_own(what);
    }
    running.stop();
    let tally = running.judge(&Switches::from("1")).expect("a run");
    eprintln!("{tally}");
    assert!(tally.requests > 1_000, "{tally}");
    assert_eq!(tally.failed, 0, "{tally} {:?}", tally.examples);
    tail.has_seen(tally.requests);
    assert_eq!(get(&production.client(), "/").status.as_u16(), 200);
}

/// Production's log, followed on the host by what the agent's worker follows it with.
struct Tail {
    lines: Arc<AtomicU64>,
    stop: SyncSender<()>,
    thread: JoinHandle<Vec<LogState>>,
}

impl Tail {
    fn begin(production: &Production) -> Self {
        let dir = production
            .lab
            .on_host(Path::new("/var/log/apache2"))
            .expect("own");
        let dir = Host::local().dir(dir).expect("opened");
        let mut follower = Follower::new(dir, "lamp-shop.log".to_owned(), Start::BeforeEnd(0));
        let lines = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = sync_channel(0);
        let (seen, begun) = (Arc::clone(&lines), Instant::now());
        let thread = std::thread::spawn(move || {
            let mut wrong = Vec::new();
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
                let state = follower
                    .look(begun.elapsed(), &mut |_| {
                        seen.fetch_add(1, Relaxed);
                    })
                    .state;
                wrong.extend(Some(state).filter(|state| *state != LogState::Followed));
            }
            wrong
        });
        Self { lines, stop, thread }
    }

    /// A line of each request, and nothing wrong ever.
    #[track_caller]
    fn has_seen(self, requests: u64) {
        eventually("the tail has a line of each request", || {
            self.lines.load(Relaxed) >= requests
        });
        drop(self.stop);
        assert_eq!(self.thread.join().expect("it ends"), []);
    }
}

/// The agent's own tail of a log needs these.
#[track_caller]
fn host_still_has_its_own(what: &str) {
    use rustix::fs::inotify;
    let instance = inotify::init(inotify::CreateFlags::CLOEXEC).expect(what);
    inotify::add_watch(&instance, "/var/log", inotify::WatchFlags::MODIFY).expect(what);
}

#[test]
fn t7_a_log_that_is_no_log_leads_nowhere() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    let canary = production.place().join("host-canary");
    fs_err::write(&canary, CANARY).expect("written");
    let twin = production.twin(production.plan("1"));
    let log = "/var/log/apache2/lamp-shop-error.log";
    let put = |line: &str| {
        // Apache of the twin may write it again at any moment.
        let again = format!("for n in 1 2 3 4 5; do rm -rf {log}; {line} 2>&1 && exit 0; done; exit 1");
        let (done, said) = sh(twin.sandbox(), &again);
        assert!(done, "{line}: {said}");
    };
    put(&format!("echo one > {log}"));
    assert_eq!(read(&twin, log).expect("control: a log is read"), "one");
    // The very link, followed on the host, would show the canary.
    put(&format!("ln -s {} {log}", canary.display()));
    let naive = format!("/proc/{}/root{log}", twin.sandbox().init_pid());
    assert_eq!(fs_err::read_to_string(naive).expect("control"), CANARY);
    read(&twin, log).expect_err("a link");
    for odd in ["mkfifo", "mkdir"] {
        put(&format!("{odd} {log}"));
        read(&twin, log).expect_err(odd);
    }
    put("mv /var/log/apache2 /var/log/apache2.away; ln -s /var/log /var/log/apache2");
    read(&twin, log).expect_err("a link on the way");
    put("rm /var/log/apache2; mv /var/log/apache2.away /var/log/apache2");
    // A sparse file as long as the memory filesystem lets one be.
    put(&format!("truncate -s 10G {log}; echo end >> {log}"));
    assert_eq!(
        read(&twin, log).expect("its end").trim_start_matches('\0').trim(),
        "end"
    );
    assert_eq!(fs_err::read_to_string(&canary).expect("read"), CANARY);
}

/// At once: neither a pipe nor 10 GB hold it up.
fn read(twin: &Twin, log: &str) -> Result<String, lamp_twin::TwinError> {
    let begun = Instant::now();
    let said = twin.log(Path::new(log), 1_000);
    assert!(begun.elapsed() < Duration::from_secs(30));
    said
}

/// Root of the twin may replace any program that is run in it later.
#[test]
fn t8_a_replaced_program_is_held_like_every_other() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    let twin = production.twin(production.plan("1"));
    let own = "#!/bin/sh\ncat /proc/self/status; ls -l /proc/self/fd\n";
    let replace = format!("printf '%s' \"{own}\" > /usr/sbin/apachectl && chmod 755 /usr/sbin/apachectl");
    assert!(sh(twin.sandbox(), &replace).0);
    let replaced = "/usr/sbin/apachectl";
    let said = twin.sandbox().command(replaced).output().expect("it runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let field = |text: &str, name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_default().trim().to_owned()
    };
    let free = sh(production.lab.sandbox(), "cat /proc/self/status").1;
    assert_eq!(
        (field(&free, "NoNewPrivs"), field(&free, "Seccomp")),
        ("0".into(), "0".into()),
        "control"
    );
    assert_eq!(
        (field(&said, "NoNewPrivs"), field(&said, "Seccomp")),
        ("1".into(), "2".into()),
        "{said}"
    );
    let capabilities = u64::from_str_radix(&field(&said, "CapBnd"), 16).expect("bits");
    assert_eq!(capabilities & !lamp_sandbox::plan::TWIN_CAPABILITIES, 0, "{said}");
    let outside_user =
        fs_err::read_to_string(format!("/proc/{}/status", twin.sandbox().init_pid())).expect("read");
    let user: u32 = field(&outside_user, "Uid")
        .split_whitespace()
        .next()
        .expect("one")
        .parse()
        .expect("a number");
    assert!(user >= lamp_sandbox::plan::FIRST_BASE, "{user}");
    let foreign: Vec<_> = said
        .lines()
        .filter(|line| line.contains("->") && !is_own(line))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    drop(twin);
    eventually("the twin is gone", || {
        fs_err::read_dir(production.twins()).expect("read").count() == 0
    });
}

/// Pipes, the null device, and the listing itself.
fn is_own(line: &str) -> bool {
    ["pipe:", "/dev/null", "/proc/"]
        .iter()
        .any(|own| line.contains(own))
}
