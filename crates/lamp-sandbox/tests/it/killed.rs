//! T6: whoever is killed, whenever, nothing stays.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lamp_sandbox::{Lifetime, Plan, Sandbox, Step, reap};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Place, eventually, init, says, started};

/// Whom a drill kills.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Owner,
    Keeper,
    Both,
}

/// What a sandbox has of the host at one moment.
#[derive(Debug, Default, PartialEq)]
struct Traces {
    processes: Vec<i32>,
    cgroups: Vec<PathBuf>,
    mounts: Vec<String>,
    files: Vec<PathBuf>,
}

impl Traces {
    fn of(plan: &Plan) -> Self {
        let parent = plan.state_dir.parent().expect("it has one");
        Self {
            processes: processes(plan),
            cgroups: cgroups(&plan.name),
            mounts: mounts(parent),
            files: files(parent),
        }
    }

    fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Keeper and all inside: who is in the sandbox's control groups or has its state directory's lock open.
fn processes(plan: &Plan) -> Vec<i32> {
    let all = fs_err::read_dir("/proc").expect("read");
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| is_of(*pid, plan)).collect()
}

fn is_of(pid: i32, plan: &Plan) -> bool {
    let groups = fs_err::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let lock = plan.state_dir.join("sandbox.lock");
    let fds = fs_err::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    let mut targets = fds.filter_map(|fd| fs_err::read_link(fd.ok()?.path()).ok());
    groups.contains(&format!("/lamp-{}-", plan.name)) || targets.any(|target| target == lock)
}

fn cgroups(name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(dir) = open.pop() {
        for entry in fs_err::read_dir(&dir).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(&format!("lamp-{name}-"))
            {
                found.push(entry.path());
            }
            open.push(entry.path());
        }
    }
    found
}

fn mounts(parent: &Path) -> Vec<String> {
    let all = fs_err::read_to_string("/proc/self/mountinfo").expect("read");
    let below = parent.to_str().expect("text");
    all.lines()
        .filter(|line| line.contains(below))
        .map(str::to_owned)
        .collect()
}

fn files(parent: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(parent).into_iter().flatten();
    entries.map(|entry| entry.expect("read").path()).collect()
}

/// Traces are looked for by name: one that an earlier, failed run left must not be taken for one of this.
fn own(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

/// A process that starts the sandbox and runs a command in it.
fn owner(place: &Place, plan: &Plan) -> Child {
    let file = place.path().join("plan.json");
    fs_err::write(&file, serde_json::to_vec(plan).expect("a value")).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamp-sandbox-owner"));
    command.arg(init().path).arg(file).args(["/bin/sleep", "1000"]);
    command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("spawned")
}

fn kill(pid: i32) {
    let pid = Pid::from_raw(pid).expect("a process");
    kill_process(pid, Signal::KILL).expect("killed");
}

fn keeper(plan: &Plan) -> i32 {
    let journal = fs_err::read(plan.state_dir.join("journal.json")).expect("read");
    let journal: serde_json::Value = serde_json::from_slice(&journal).expect("read");
    i32::try_from(journal["keeper"]["pid"].as_i64().expect("a number")).expect("small")
}

#[track_caller]
fn drill(mut plan: Plan, place: &Place, step: Step, victim: Victim) {
    plan.hold_at = Some(step);
    let mut owner = owner(place, &plan);
    let wanted = serde_json::to_string(&step).expect("a word");
    let holding = plan.state_dir.join("holding");
    eventually(&format!("held at {step:?}"), || {
        fs_err::read_to_string(&holding).is_ok_and(|said| said == wanted)
    });
    control(&plan, step);
    if victim != Victim::Owner {
        kill(keeper(&plan));
    }
    if victim != Victim::Keeper {
        owner.kill().expect("killed");
    }
    owner.wait().expect("ended");
    // Without a living keeper it is the next one who looks that removes what is left.
    let nobody_is_left_to = victim == Victim::Both || step == Step::StateDir;
    eventually(&format!("nothing left after {step:?} {victim:?}"), || {
        if nobody_is_left_to {
            // Again: a killed keeper holds its lock until the kernel has ended it.
            reap(&place.parent()).expect("reaped");
        }
        Traces::of(&plan).are_none()
    });
    // The place is whole: the same plan starts and ends.
    plan.hold_at = None;
    let again = started(&plan);
    assert_eq!(says(&again, "echo whole"), "whole");
    again.kill().expect("killed");
    assert!(Traces::of(&plan).are_none(), "{:?}", Traces::of(&plan));
}

/// There was something to be left.
#[track_caller]
fn control(plan: &Plan, step: Step) {
    let traces = Traces::of(plan);
    assert!(!traces.files.is_empty(), "{traces:?}");
    assert!(!traces.processes.is_empty(), "{traces:?}");
    assert_eq!(step >= Step::Cgroups, !traces.cgroups.is_empty(), "{traces:?}");
    if step >= Step::Namespaces {
        assert!(traces.processes.len() >= 2, "{traces:?}");
    }
}

#[track_caller]
fn all_steps(kind: impl Fn(&Place, &str) -> Plan) {
    let place = Place::new();
    for step in Step::ALL {
        let word = format!("{step:?}").to_lowercase();
        drill(
            kind(&place, &format!("{word}-owner")),
            &place,
            step,
            Victim::Owner,
        );
        if step != Step::StateDir {
            drill(
                kind(&place, &format!("{word}-keeper")),
                &place,
                step,
                Victim::Keeper,
            );
            drill(kind(&place, &format!("{word}-both")), &place, step, Victim::Both);
        }
    }
}

#[test]
fn t6_a_lab_killed_at_any_step_leaves_nothing() {
    all_steps(|place, name| place.lab(&own(&format!("lab-{name}"))));
}

#[test]
fn t6_a_twin_killed_at_any_step_leaves_nothing() {
    all_steps(|place, name| place.twin(&own(&format!("twin-{name}"))));
}

/// Between the steps too: owner, keeper or both are killed at instants that no step names.
#[test]
fn t6_a_sandbox_killed_at_any_instant_leaves_nothing() {
    let place = Place::new();
    for seed in 0..24_u64 {
        let name = own(&format!("instant-{seed}"));
        let plan = if seed % 2 == 0 {
            place.lab(&name)
        } else {
            place.twin(&name)
        };
        let victim = [Victim::Owner, Victim::Keeper, Victim::Both][usize::try_from(seed % 3).expect("small")];
        let mut owner = owner(&place, &plan);
        // Not to wait for something, but to strike anywhere in the 40 ms or so that a build takes.
        std::thread::sleep(Duration::from_micros(seed * 7_919 % 23 * 2_000));
        if victim != Victim::Owner && plan.state_dir.join("journal.json").exists() {
            kill(keeper(&plan));
        }
        owner.kill().expect("killed");
        owner.wait().expect("ended");
        eventually(&format!("nothing left, seed {seed} {victim:?}"), || {
            reap(&place.parent()).expect("reaped");
            Traces::of(&plan).are_none()
        });
    }
}

#[test]
fn a_first_process_that_is_killed_takes_the_sandbox_with_it() {
    let place = Place::new();
    let plan = place.twin(&own("init-killed"));
    let twin = started(&plan);
    says(&twin, "setsid sleep 1000 > /dev/null 2>&1 & true");
    assert!(!Traces::of(&plan).are_none());
    kill(twin.init_pid());
    eventually("nothing left", || Traces::of(&plan).are_none());
    assert!(Sandbox::open(&plan.state_dir).is_err());
    assert!(twin.command("/bin/true").output().is_err());
}

/// As a test's own directory is removed while its sandbox still ends.
#[test]
fn a_state_directory_that_is_removed_too_early_leaves_no_control_group() {
    let place = Place::new();
    let plan = place.twin(&own("too-early"));
    let twin = started(&plan);
    fs_err::remove_dir_all(&plan.state_dir).expect("removed");
    assert!(!Traces::of(&plan).are_none(), "control: it lives");
    drop(twin);
    eventually("nothing left", || Traces::of(&plan).are_none());
}

#[test]
fn a_detached_sandbox_outlives_its_owner_and_is_killed_by_name() {
    let place = Place::new();
    let mut plan = place.lab(&own("detached"));
    plan.lifetime = Lifetime::Detached;
    let mut owner = owner(&place, &plan);
    eventually("it serves", || {
        Sandbox::open(&plan.state_dir).is_ok_and(|lab| lab.command("/bin/true").output().is_ok())
    });
    owner.kill().expect("killed");
    owner.wait().expect("ended");
    let lab = Sandbox::open(&plan.state_dir).expect("it lives");
    assert_eq!(says(&lab, "echo alive"), "alive");
    let found = reap(&place.parent()).expect("looked");
    assert_eq!(
        (found.alive, found.removed),
        (vec![plan.state_dir.clone()], vec![])
    );
    lab.kill().expect("killed");
    assert!(Traces::of(&plan).are_none(), "{:?}", Traces::of(&plan));
}

#[test]
fn reaping_leaves_what_is_no_sandbox() {
    let place = Place::new();
    let other = place.parent().join("other");
    fs_err::create_dir_all(&other).expect("made");
    fs_err::write(other.join("file"), "kept").expect("written");
    assert_eq!(
        reap(&place.parent()).expect("looked"),
        lamp_sandbox::Reaped::default()
    );
    assert!(other.join("file").exists());
}

#[test]
fn one_that_cannot_be_reaped_does_not_keep_the_others() {
    let place = Place::new();
    let dead = |name: &str| {
        let dir = place.parent().join(name);
        fs_err::create_dir_all(&dir).expect("made");
        fs_err::write(dir.join("sandbox.lock"), "").expect("written");
        dir
    };
    let (broken, whole) = (dead("a-broken"), dead("b-whole"));
    fs_err::write(broken.join("journal.json"), "{").expect("written");
    let refused = reap(&place.parent()).expect_err("its journal is none");
    assert!(refused.to_string().contains("a-broken"), "{refused}");
    assert!(broken.exists() && !whole.exists());
    fs_err::remove_file(broken.join("journal.json")).expect("removed");
    assert_eq!(reap(&place.parent()).expect("reaped").removed, [broken]);
}

#[test]
fn a_plan_that_the_machine_refuses_leaves_nothing_and_says_why() {
    let place = Place::new();
    let mut plan = place.lab(&own("refused"));
    plan.dirs.push(lamp_sandbox::plan::NewDir {
        path: "/usr/made/by/us".into(),
        mode: 0o755,
        uid: 0,
        gid: 0,
    });
    let refused = lamp_sandbox::start(&plan, &init()).expect_err("it cannot be built");
    assert_eq!(
        refused.to_string(),
        "the sandbox could not be built, after step Namespaces: opening /usr/made/by in the sandbox: \
         No such file or directory (os error 2)"
    );
    assert!(Traces::of(&plan).are_none(), "{:?}", Traces::of(&plan));
}
