//! T9 and its kin: twins, the host's users and each other.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::support::{PROBE, Place, says, started};

/// The host's web server user.
const WWW: u32 = 33;

/// A process of the host that is ended with the test.
struct OnHost(Child);

impl OnHost {
    fn sleeping(user: u32) -> Self {
        let mut command = Command::new("/bin/sleep");
        Self(command.arg("1000").uid(user).gid(user).spawn().expect("spawned"))
    }

    fn pid(&self) -> i32 {
        self.0.id().try_into().expect("small")
    }
}

impl Drop for OnHost {
    fn drop(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("ended");
    }
}

/// What the host's web server user can do to the process.
fn powers(probe: &str, pid: i32) -> [bool; 5] {
    let can = |what: &str, arg: &str| {
        let mut command = Command::new(probe);
        command.args([what, arg]).uid(WWW).gid(WWW).stdin(Stdio::null());
        let output = command.output().expect("ran");
        assert!(output.status.success(), "{output:?}");
        output.stdout == b"ok\n"
    };
    let of = |file: &str| format!("/proc/{pid}/{file}");
    [
        can("signal", &pid.to_string()),
        can("open-read", &of("fd")),
        can("open-read", &of("environ")),
        can("open-read", &of("root/")),
        // Last: it stops the process.
        can("trace", &pid.to_string()),
    ]
}

#[test]
fn t9_the_hosts_web_user_has_no_power_over_the_twins() {
    let place = Place::new();
    fs_err::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
    let probe = place.path().join("probe");
    fs_err::copy(PROBE, &probe).expect("copied");
    let probe = probe.to_str().expect("text");

    let production = OnHost::sleeping(WWW);
    assert_eq!(
        powers(probe, production.pid()),
        [true; 5],
        "control: over its own kind it has all"
    );

    let twin = started(&place.twin("t9"));
    let www = twin
        .command("/bin/sleep")
        .arg("1000")
        .user(WWW, WWW)
        .spawn()
        .expect("spawned");
    assert_eq!(powers(probe, www.pid()), [false; 5]);
    assert_eq!(powers(probe, twin.init_pid()), [false; 5]);
}

#[test]
fn a_twin_sees_no_process_but_its_own() {
    let place = Place::new();
    let twin = started(&place.twin("alone"));
    let other = started(&place.twin("other"));
    let _busy = other.command("/bin/sleep").arg("1000").spawn().expect("spawned");
    // By the shell itself, which is one of them; the others are the first process and the control's sleep.
    let count = "set -- /proc/[0-9]*; echo $#";
    assert_eq!(
        (says(&other, count).as_str(), says(&twin, count).as_str()),
        ("3", "2")
    );
}

#[test]
fn parallel_sandboxes_of_one_name_do_not_collide() {
    let places: Vec<Place> = (0..6).map(|_| Place::new()).collect();
    std::thread::scope(|scope| {
        for (number, place) in places.iter().enumerate() {
            scope.spawn(move || {
                let plan = if number % 2 == 0 {
                    place.lab("same")
                } else {
                    place.twin("same")
                };
                let sandbox = started(&plan);
                says(&sandbox, &format!("echo {number} > /srv/mine"));
                assert_eq!(says(&sandbox, "cat /srv/mine"), number.to_string());
                sandbox.kill().expect("killed");
                assert!(!plan.state_dir.exists());
            });
        }
    });
}

#[test]
fn two_sandboxes_side_by_side_never_share_users() {
    let place = Place::new();
    let plan = place.twin("first");
    let first = started(&plan);
    let free = lamp_sandbox::free_users(&place.parent())
        .expect("asked")
        .expect("there are many");
    assert_ne!(Some(free), plan.id_map);
    let mut second = place.twin("second");
    second.id_map = plan.id_map;
    let refused = lamp_sandbox::start(&second, &crate::support::init());
    assert!(
        matches!(refused, Err(lamp_sandbox::StartError::UsersTaken { .. })),
        "{refused:?}"
    );
    drop(first);
    started(&second);
}
