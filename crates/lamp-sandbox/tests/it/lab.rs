//! Labs: trusted fixtures on the host's own programs.

use std::os::fd::AsFd;
use std::path::Path;

use lamp_sandbox::plan::RootPlan;
use lamp_sandbox::{Exit, OwnDir, Sandbox, StartError, start};
use rustix::fs::{IFlags, Mode, OFlags, ResolveFlags};

use crate::support::{Place, init, says, sh, started};

#[test]
fn a_lab_has_the_hosts_programs_and_its_own_files() {
    let place = Place::new();
    let plan = place.lab("files");
    let lab = started(&plan);

    fs_err::write(plan.state_dir.join("own/etc/greeting"), "hello\n").expect("written");
    assert_eq!(says(&lab, "cat /etc/greeting"), "hello");
    assert_eq!(says(&lab, "ls /etc"), "greeting");
    assert_eq!(says(&lab, "hostname"), "files");
    says(
        &lab,
        "echo x > /srv/made && test -w /run && test -w /dev/shm && test -d /run/lock",
    );
    assert!(plan.state_dir.join("own/srv/made").exists());
    let refused = sh(&lab, "echo x > /usr/made");
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("Read-only file system"),
        "{refused:?}"
    );

    lab.kill().expect("killed");
    assert!(!plan.state_dir.exists());
}

#[test]
fn processes_of_a_lab_are_counted_anew_and_it_has_its_own_network() {
    let place = Place::new();
    let lab = started(&place.lab("net"));
    let child = lab.command("/bin/sleep").arg("1000").spawn().expect("spawned");
    assert_ne!(child.pid(), child.pid_inside());
    assert_eq!(
        says(&lab, &format!("cat /proc/{}/comm", child.pid_inside())),
        "sleep"
    );
    assert_eq!(
        says(
            &lab,
            "cat /sys/class/net/lo/operstate 2>/dev/null; ls /sys | wc -l"
        ),
        "0"
    );
    assert_eq!(
        says(&lab, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"),
        "lo"
    );
    let inside = rustix::fs::fstat(lab.net().expect("opened"))
        .expect("asked")
        .st_ino;
    let outside = rustix::fs::stat("/proc/self/ns/net").expect("asked").st_ino;
    assert_ne!(inside, outside);
    child.kill().expect("killed");
    assert_eq!(child.wait().expect("ended"), Exit::Signal(9));
}

#[test]
fn another_handle_reaches_the_same_lab() {
    let place = Place::new();
    let plan = place.lab("open");
    let lab = started(&plan);
    let same = Sandbox::open(&plan.state_dir).expect("opened");
    assert_eq!(same.init_pid(), lab.init_pid());
    fs_err::write(plan.state_dir.join("own/srv/page"), "x").expect("written");
    let root = same.root().expect("opened");
    let page = rustix::fs::openat2(
        root.as_fd(),
        Path::new("/srv/page"),
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS,
    );
    page.expect("the lab's own file");
    drop(same);
    assert_eq!(says(&lab, "echo still here"), "still here");
    drop(lab);
    assert!(Sandbox::open(&plan.state_dir).is_err());
}

#[test]
fn commands_say_how_they_ended() {
    let place = Place::new();
    let lab = started(&place.lab("ends"));
    assert_eq!(sh(&lab, "exit 7").status, Exit::Code(7));
    assert_eq!(sh(&lab, "kill -TERM $$").status, Exit::Signal(15));
    let daemon = sh(&lab, "sleep 1000 & echo started");
    assert_eq!(daemon.stdout, b"started\n");
    let much = lab
        .command("/bin/sh")
        .args(["-c", "yes | head -c 100000"])
        .capture_bytes(10)
        .output();
    let much = much.expect("ran");
    assert_eq!((much.stdout.len(), much.truncated), (10, true));
}

/// A release's files carry the flag, and they are in the lab's own directories.
#[test]
fn immutable_files_go_with_the_lab() {
    let place = Place::new();
    let plan = place.lab("immutable");
    let lab = started(&plan);
    let dir = plan.state_dir.join("own/srv/release");
    fs_err::create_dir(&dir).expect("made");
    let file = fs_err::File::create(dir.join("index.php")).expect("made");
    rustix::fs::ioctl_setflags(&file, IFlags::IMMUTABLE).expect("flagged");
    assert!(
        fs_err::remove_file(dir.join("index.php")).is_err(),
        "control: the flag holds"
    );
    lab.kill().expect("killed");
    assert_eq!(fs_err::read_dir(place.parent()).expect("read").count(), 0);
}

#[test]
fn own_directories_nest_and_outside_ones_stay() {
    let place = Place::new();
    let mut plan = place.lab("nest");
    let data = place.path().join("data");
    fs_err::create_dir(&data).expect("made");
    if let RootPlan::ReadOnlyBind { own, .. } = &mut plan.root {
        own.push(OwnDir::at(&data, "/var/lib/mysql"));
    }
    let lab = started(&plan);
    says(&lab, "echo row > /var/lib/mysql/table && echo x > /var/lib/other");
    lab.kill().expect("killed");
    assert_eq!(fs_err::read_to_string(data.join("table")).expect("read"), "row\n");
    assert_eq!(fs_err::read_dir(&data).expect("read").count(), 1);
}

#[test]
fn commands_get_their_words_as_they_are() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let lab = started(&place.lab("words"));
    let odd = std::ffi::OsStr::from_bytes(b"a \xff\n\"'");
    let print = lab
        .command("/bin/sh")
        .args(["-c", "printf %s%s%s \"$1\" \"$WORD\" \"$PWD\"", "sh"]);
    let printed = print.arg(odd).env("WORD", odd).cwd("/srv").output().expect("ran");
    assert_eq!(printed.stdout, [odd.as_bytes(), odd.as_bytes(), b"/srv"].concat());
    let long = "x".repeat(100_000);
    let printed = lab.command("/bin/echo").arg(&long).output().expect("ran");
    assert_eq!(printed.stdout.len(), long.len() + 1);
    let input = fs_err::File::open("/etc/hostname").expect("there");
    let read = lab
        .command("/bin/cat")
        .stdin(input.into_file())
        .output()
        .expect("ran");
    assert_eq!(read.stdout, fs_err::read("/etc/hostname").expect("there"));
}

#[test]
fn a_name_is_taken_once() {
    let place = Place::new();
    let plan = place.lab("once");
    let lab = started(&plan);
    assert!(matches!(start(&plan, &init()), Err(StartError::Taken { .. })));
    assert_eq!(says(&lab, "echo alive"), "alive");
}
