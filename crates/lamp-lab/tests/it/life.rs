//! Labs side by side, and labs that are killed.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fs_err as fs;
use lamp_http::Scheme;
use lamp_lab::plan::MARK_VARIABLE;
use lamp_lab::{Lab, LabPlan, Sapi, Service, apps};
use lamp_sandbox::Sandbox;
use rustix::process::Pid;

use crate::bench::{get, id, init, parent, serving, shop, wait, wait_for};

#[test]
fn labs_side_by_side_do_not_collide() {
    let (parent, app) = (parent(), apps::with_all_ways().expect("one shows all ways"));
    let labs = Sapi::ALL.map(|sapi| serving(parent.path(), sapi, &app));
    let other = &labs[1];
    other
        .put_release("shop", &id("2"), |dir| app.write_release(dir, "2"))
        .expect("written");
    other.switch_by_link("shop", &id("2")).expect("switched");
    for (lab, release) in labs.iter().zip(["1", "2"]) {
        let client = lab
            .client("shop", Scheme::Http)
            .expect("a client")
            .build()
            .expect("a client");
        assert_eq!(
            get(&client, "/static.txt").text(),
            format!("lamp-markers static={release} end\n")
        );
    }
    let [first, second] = labs;
    first.end().expect("it ends");
    let client = second
        .client("shop", Scheme::Https)
        .expect("a client")
        .build()
        .expect("a client");
    assert_eq!(get(&client, "/").status.as_u16(), 200);
}

#[test]
fn services_are_stopped_killed_and_started_again() {
    let (parent, app) = (parent(), apps::with_all_ways().expect("one shows all ways"));
    let mut lab = serving(parent.path(), Sapi::Fpm, &app);
    let client = lab
        .client("shop", Scheme::Https)
        .expect("a client")
        .idle(Duration::ZERO);
    let client = client.build().expect("a client");

    lab.kill_service(Service::Fpm).expect("killed");
    assert_eq!(get(&client, "/").status.as_u16(), 503);
    lab.start_services().expect("started");
    assert_eq!(get(&client, "/").status.as_u16(), 200);

    for end in [Lab::stop_service, Lab::kill_service] {
        end(&mut lab, Service::Apache).expect("ended");
        wait(client.get(lamp_http::Request::new("/"))).expect_err("nobody listens");
        lab.start_services().expect("started");
        assert_eq!(get(&client, "/").status.as_u16(), 200);
    }

    lab.kill_everything().expect("killed");
    wait(client.get(lamp_http::Request::new("/"))).expect_err("nobody listens");
    lab.start_services().expect("started");
    assert_eq!(get(&client, "/").status.as_u16(), 200);
}

/// What bears a lab's name on this host: processes by their environment, mounts of any namespace, control
/// groups, files.
fn traces(name: &str, parent: &Path) -> Vec<String> {
    let mark = format!("{MARK_VARIABLE}={name}");
    let mut traces = Vec::new();
    for process in fs::read_dir("/proc").expect("processes").flatten() {
        let read = |file: &str| fs::read(process.path().join(file)).unwrap_or_default();
        if contains(&read("environ"), mark.as_bytes()) {
            traces.push(format!("process {}", process.path().display()));
        }
        if contains(&read("mountinfo"), name.as_bytes()) {
            traces.push(format!("mount in {}", process.path().display()));
        }
    }
    groups(Path::new("/sys/fs/cgroup"), name, &mut traces);
    let files = fs::read_dir(parent).expect("the parent").flatten();
    traces.extend(files.map(|file| format!("file {}", file.path().display())));
    traces
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn groups(dir: &Path, name: &str, traces: &mut Vec<String>) {
    let dirs = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in dirs.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        if entry.file_name().to_string_lossy().contains(name) {
            traces.push(format!("group {}", entry.path().display()));
        }
        groups(&entry.path(), name, traces);
    }
}

/// The control of every "nothing is left": each kind of trace is there while the lab lives.
#[track_caller]
fn assert_traces(name: &str, parent: &Path) {
    let there = traces(name, parent);
    for kind in ["process", "mount", "group", "file"] {
        assert!(
            there.iter().any(|trace| trace.starts_with(kind)),
            "no {kind}: {there:?}"
        );
    }
}

/// A process that owns a lab, which stands ready.
struct Owner(Child);

impl Owner {
    fn of(plan: &LabPlan) -> Self {
        let mut owner = Command::new(env!("CARGO_BIN_EXE_lamp-lab-hold"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("the owner starts");
        let mut line = serde_json::to_vec(plan).expect("a plan is plain");
        line.push(b'\n');
        owner
            .stdin
            .as_mut()
            .expect("piped")
            .write_all(&line)
            .expect("written");
        let ready = plan.state_dir().with_extension("ready");
        wait_for("the lab", || {
            assert_eq!(owner.try_wait().expect("its state"), None, "the owner ended");
            ready.exists()
        });
        fs::remove_file(ready).expect("the owner's own file");
        Self(owner)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("ended");
    }
}

#[test]
fn a_lab_whose_owner_is_killed_leaves_nothing() {
    let (parent, app) = (parent(), apps::with_all_ways().expect("one shows all ways"));
    let plan = LabPlan::new(parent.path(), Sapi::Fpm)
        .site(shop(&app))
        .with_database();
    let owner = Owner::of(&plan);
    assert_traces(plan.name.as_str(), parent.path());
    drop(owner);
    wait_for("the lab's end", || {
        traces(plan.name.as_str(), parent.path()).is_empty()
    });
}

#[test]
fn what_a_lab_left_whose_keeper_was_killed_too_goes_when_the_next_one_starts() {
    let (parent, app) = (parent(), apps::with_all_ways().expect("one shows all ways"));
    let plan = LabPlan::new(parent.path(), Sapi::ModPhp).site(shop(&app));
    let owner = Owner::of(&plan);
    assert_traces(plan.name.as_str(), parent.path());
    kill(keeper_of(&plan));
    drop(owner);
    let left = traces(plan.name.as_str(), parent.path());
    assert!(!left.is_empty(), "without its keeper a lab leaves something");

    let next = serving(parent.path(), Sapi::ModPhp, &app);
    let left = traces(plan.name.as_str(), parent.path());
    let own = format!("file {}", next.state_dir().display());
    assert_eq!(left, [own]);
}

/// The parent of the lab's first process.
fn keeper_of(plan: &LabPlan) -> Pid {
    let first = Sandbox::open(&plan.state_dir()).expect("it runs").init_pid();
    let status = fs::read_to_string(format!("/proc/{first}/status")).expect("its status");
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    let parent = parent.and_then(|pid| pid.trim().parse().ok());
    parent.and_then(Pid::from_raw).expect("it has a parent")
}

fn kill(pid: Pid) {
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
}

#[test]
fn a_lab_that_cannot_serve_says_why() {
    let (parent, app) = (parent(), apps::with_all_ways().expect("one shows all ways"));
    let plan = LabPlan::new(parent.path(), Sapi::ModPhp).site(shop(&app).lines("NoSuchDirective on"));
    let error = Lab::start(plan, &init()).expect_err("Apache refuses its configuration");
    let text = error.to_string();
    assert!(text.starts_with("apache2 does not answer after "), "{text}");
    assert!(text.contains("Invalid command 'NoSuchDirective'"), "{text}");
    wait_for("the lab's end", || {
        fs::read_dir(parent.path()).expect("the parent").next().is_none()
    });
}
