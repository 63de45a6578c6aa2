//! T1, T2, T3: root of a twin is nobody on the host.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;

use lamp_sandbox::plan::{IdMap, TWIN_CAPABILITIES};
use lamp_sandbox::{Plan, Sandbox};

use crate::support::{Place, give_probe, probe_inside, probe_outside, says, sh, started};

/// What a kernel answers that lacks the thing: no such call, file, device or family; or switched off.
const LACKING: [&str; 7] = ["38", "2", "6", "19", "97", "94", "93"];

/// Files whose opening for writing is a way out. `/sys` stands for all of it: inside it is empty.
const WAYS_OUT: [&str; 9] = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/proc/sys/vm/drop_caches",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/mm/ksm/run",
    "/sys/power/state",
    "/dev/kmsg",
    "/dev/loop0",
    "/dev/kvm",
];

#[test]
fn t1_no_file_of_the_kernel_opens_for_writing() {
    let place = Place::new();
    let plan = place.twin("t1-files");
    let twin = started(&plan);
    give_probe(&plan);
    let mut open_outside = 0;
    for path in WAYS_OUT {
        let outside = probe_outside(["open-write", path]);
        match outside.as_str() {
            "ok" => open_outside += 1,
            absent if LACKING.contains(&absent) => println!("absent on this host: {path}"),
            other => assert_eq!(other, "ok", "{path}, outside"),
        }
        assert_ne!(probe_inside(&twin, ["open-write", path]), "ok", "{path}");
    }
    assert!(
        open_outside >= 3,
        "only {open_outside} of the files opened outside"
    );
    assert_eq!(probe_inside(&twin, ["open-write", "/dev/null"]), "ok");
    assert_ne!(fs_err::read_dir("/sys").expect("read").count(), 0);
    assert_eq!(
        says(&twin, "ls -A /sys; touch /sys/x 2> /dev/null || echo read-only"),
        "read-only"
    );
    let of_the_kernel = "ls -d /proc/sys /proc/sysrq-trigger /proc/kcore /proc/keys 2> /dev/null || true";
    assert_eq!(says(&twin, of_the_kernel), "");
}

/// A call: probe, argument, what it answers outside, what it must answer inside.
type Row = (&'static str, &'static str, &'static str, &'static str);

const EPERM: &str = "1";
const ENOSYS: &str = "38";

const CALLS: [Row; 24] = [
    ("mknod-char", "/srv/char", "ok", EPERM),
    ("mknod-block", "/srv/block", "ok", EPERM),
    ("mount", "/mnt", "ok", EPERM),
    ("fsopen", "", "ok", EPERM),
    ("open-tree", "/", "ok", EPERM),
    ("chroot", "/", "ok", EPERM),
    ("unshare-mounts", "", "ok", EPERM),
    ("unshare-users", "", "ok", EPERM),
    ("setns", "", "ok", EPERM),
    ("clone-pids", "", "ok", EPERM),
    ("clone3", "", "22", ENOSYS),
    ("bpf", "", "ok", EPERM),
    ("io-uring", "", "ok", ENOSYS),
    ("keyctl", "", "ok", EPERM),
    ("add-key", "", "ok", EPERM),
    ("userfaultfd", "", "ok", EPERM),
    // AF_VSOCK, AF_PACKET, AF_BLUETOOTH, AF_ALG
    ("socket-stream", "40", "ok", EPERM),
    ("socket-raw", "17", "ok", EPERM),
    ("socket-raw", "31", "ok", EPERM),
    ("socket", "38", "ok", EPERM),
    ("set-host-name", "", "ok", EPERM),
    // Standard input is no terminal: the kernel says so where nothing refuses before it.
    ("type-into-terminal", "", "25", EPERM),
    ("other-numbering", "", "ok", ENOSYS),
    ("open-write", "/proc/1/mem", "ok", "13"),
];

/// What stays possible: without these the refusals would prove nothing.
const STILL: [[&str; 2]; 6] = [
    ["clone-plain", ""],
    ["mknod-fifo", "/srv/fifo"],
    ["socket", "1"],
    ["socket", "2"],
    ["socket", "10"],
    ["socket-raw", "16"],
];

/// The control is a lab: outside of any confinement, yet with mounts of its own to play with.
#[test]
fn t1_calls_that_lead_out_are_refused() {
    let place = Place::new();
    let (twin_plan, lab_plan) = (place.twin("t1-calls"), place.lab("t1-control"));
    let (twin, lab) = (started(&twin_plan), started(&lab_plan));
    give_probe(&twin_plan);
    give_probe(&lab_plan);
    let mut shown = 0;
    for (what, arg, outside, inside) in CALLS {
        let answer = probe_inside(&lab, [what, arg]);
        if answer == outside {
            shown += 1;
        } else {
            assert!(
                LACKING.contains(&answer.as_str()),
                "{what} {arg}, outside: {answer}"
            );
            println!("absent on this host: {what} {arg} ({answer})");
        }
        assert_eq!(probe_inside(&twin, [what, arg]), inside, "{what} {arg}");
    }
    assert!(shown >= 16, "only {shown} calls were answered outside");
    for args in STILL {
        assert_eq!(probe_inside(&twin, args), "ok", "{args:?}");
    }
}

#[test]
fn t2_every_process_of_a_twin_is_held() {
    let place = Place::new();
    let plan = place.twin("t2");
    // What the owner forgot to close on exec must not reach the inside.
    let forgotten = fs_err::File::create(place.path().join("forgotten")).expect("made");
    rustix::io::fcntl_setfd(&forgotten, rustix::io::FdFlags::empty()).expect("left open");
    let twin = started(&plan);
    let root = twin.command("/bin/sleep").arg("1000").spawn().expect("spawned");
    let www = twin
        .command("/bin/sleep")
        .arg("1000")
        .user(33, 33)
        .spawn()
        .expect("spawned");
    sh(&twin, "setsid sleep 1000 < /dev/null > /dev/null 2>&1 & true");
    let inside = processes_of(&twin);
    assert!(
        inside.contains(&root.pid()) && inside.contains(&www.pid()),
        "{inside:?}"
    );
    assert!(
        inside.contains(&twin.init_pid()) && inside.len() == 4,
        "{inside:?}"
    );
    // The control: this very process, seen by the same eyes, is not held.
    let outside = i32::try_from(std::process::id()).expect("small");
    assert!(!what_is_loose(outside, &plan).is_empty());
    for pid in inside {
        assert_eq!(what_is_loose(pid, &plan), Vec::<String>::new(), "process {pid}");
    }
}

/// All processes in the sandbox's process namespace, as the host counts.
fn processes_of(sandbox: &Sandbox) -> BTreeSet<i32> {
    let namespace = |pid: i32| fs_err::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let own = namespace(sandbox.init_pid());
    let all = fs_err::read_dir("/proc").expect("read");
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| namespace(*pid) == own).collect()
}

fn what_is_loose(pid: i32, plan: &Plan) -> Vec<String> {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).expect("read");
    let mut loose = Vec::new();
    for line in status.lines() {
        let (name, value) = line.split_once(':').expect("a field");
        if !is_held(name, value.trim(), plan.id_map.expect("a twin has one")) {
            loose.push(line.to_owned());
        }
    }
    loose.extend(foreign_descriptors(pid));
    loose
}

fn is_held(name: &str, value: &str, users: IdMap) -> bool {
    let in_range = |id: &str| users.holds(id.parse().expect("a number"));
    match name {
        "Uid" | "Gid" | "Groups" => value.split_whitespace().all(in_range),
        "NoNewPrivs" => value == "1",
        "Seccomp" => value == "2",
        "CapPrm" | "CapEff" | "CapBnd" | "CapInh" | "CapAmb" => {
            u64::from_str_radix(value, 16).expect("bits") & !TWIN_CAPABILITIES == 0
        }
        _ => true,
    }
}

/// Files of the host that the process has open. Sockets, pipes and signals lead nowhere by themselves.
fn foreign_descriptors(pid: i32) -> Vec<String> {
    let root = fs_err::metadata(format!("/proc/{pid}/root/dev/null")).map(|null| null.dev());
    let mut foreign = Vec::new();
    for entry in fs_err::read_dir(format!("/proc/{pid}/fd")).expect("read") {
        let path = entry.expect("read").path();
        let Ok(target) = fs_err::read_link(&path) else {
            continue;
        };
        let named = target.to_string_lossy().into_owned();
        let nowhere = ["socket:", "pipe:", "anon_inode:"]
            .iter()
            .any(|kind| named.starts_with(kind));
        let own_null = named == "/dev/null"
            && fs_err::metadata(&path).map(|file| file.dev()).ok() == root.as_ref().ok().copied();
        if !nowhere && !own_null {
            foreign.push(named);
        }
    }
    foreign
}

#[test]
fn t3_a_setuid_program_runs_as_its_caller() {
    let place = Place::new();
    let open = |path: &Path, mode| {
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("opened");
    };
    open(place.path(), 0o755);
    let id = place.path().join("id");
    fs_err::copy("/usr/bin/id", &id).expect("copied");
    open(&id, 0o4755);
    let outside = std::process::Command::new(&id)
        .arg("-u")
        .uid(33)
        .gid(33)
        .output()
        .expect("ran");
    assert_eq!(
        String::from_utf8_lossy(&outside.stdout),
        "0\n",
        "control: it is setuid and works outside"
    );

    let plan = place.twin("t3");
    let twin = started(&plan);
    says(
        &twin,
        "cp /usr/bin/id /usr/local/bin/upper && chmod 4755 /usr/local/bin/upper",
    );
    says(&twin, "cp /usr/bin/id /srv/bound && chmod 4755 /srv/bound");
    says(&twin, "cp /usr/bin/id /tmp/memory && chmod 4755 /tmp/memory");
    let lower = id.to_str().expect("text");
    for program in [lower, "/usr/local/bin/upper", "/srv/bound", "/tmp/memory"] {
        let output = twin
            .command(program)
            .arg("-u")
            .user(33, 33)
            .output()
            .expect("ran");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "33\n", "{program}");
    }
}
