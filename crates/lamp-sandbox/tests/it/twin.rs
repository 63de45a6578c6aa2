//! Twins: what they see and what becomes of what they write.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use lamp_sandbox::plan::{Hidden, Layer, RootPlan};

use crate::support::{PROBE_INSIDE, Place, give_probe, says, sh, started};

#[test]
fn a_twin_writes_to_itself_alone() {
    let place = Place::new();
    let passwd = fs_err::read("/etc/passwd").expect("read");
    let twin = started(&place.twin("writes"));
    says(
        &twin,
        "echo x > /usr/made && rm /usr/bin/yes && echo y > /etc/passwd",
    );
    assert_eq!(
        says(
            &twin,
            "cat /usr/made /etc/passwd; ls /usr/bin/yes 2>/dev/null || true"
        ),
        "x\ny"
    );
    drop(twin);
    assert!(!Path::new("/usr/made").exists());
    assert!(Path::new("/usr/bin/yes").exists());
    assert_eq!(fs_err::read("/etc/passwd").expect("read"), passwd);
}

#[test]
fn owners_of_bound_files_are_shifted_both_ways() {
    let place = Place::new();
    let plan = place.twin("shift");
    let users = plan.id_map.expect("a twin has one");
    let twin = started(&plan);
    let own = plan.state_dir.join("own/srv");
    fs_err::write(own.join("from-host"), "x").expect("written");
    fs_err::os::unix::fs::chown(own.join("from-host"), Some(33), Some(33)).expect("given away");
    assert_eq!(says(&twin, "stat -c %u:%g /srv/from-host"), "33:33");
    says(&twin, "echo y > /srv/from-twin && chown 33:33 /srv/from-twin");
    assert_eq!(fs_err::metadata(own.join("from-twin")).expect("asked").uid(), 33);
    // In memory no mount shifts them: what the twin's user 33 owns is the host's user of the private range.
    says(
        &twin,
        "echo z > /tmp/made && chown 33 /tmp/made && stat -c %u /tmp/made",
    );
    let made = format!("/proc/{}/root/tmp/made", twin.init_pid());
    assert_eq!(
        Some(fs_err::metadata(made).expect("asked").uid()),
        users.on_host(33)
    );
}

#[test]
fn what_is_hidden_does_not_show() {
    let place = Place::new();
    let open = |path: &Path| {
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("opened");
    };
    open(place.path());
    let secrets = place.path().join("secrets");
    fs_err::create_dir(&secrets).expect("made");
    fs_err::write(secrets.join("canary"), "secret").expect("written");
    let key = place.path().join("key.pem");
    fs_err::write(&key, "secret").expect("written");
    let link = place.path().join("link");
    fs_err::os::unix::fs::symlink("secrets", &link).expect("linked");

    let read = format!(
        "cat {0}/secrets/canary {0}/link/canary {0}/key.pem",
        place.path().display()
    );
    let shown = started(&place.twin("control"));
    assert_eq!(says(&shown, &read), "secretsecretsecret");

    let mut plan = place.twin("hidden");
    if let RootPlan::Overlay { hidden, .. } = &mut plan.root {
        // By the link: what it leads to is hidden.
        hidden.extend([Hidden::empty_dir(&link), Hidden::absent(&key)]);
    }
    let twin = started(&plan);
    let refused = sh(&twin, &read);
    assert_eq!(refused.stdout, b"", "{refused:?}");
    assert_eq!(says(&twin, &format!("ls -A {}", secrets.display())), "");
    assert_eq!(
        says(&twin, "ls -A /root /home /var/log | tr -d '\\n'"),
        "/home:/root:/var/log:"
    );
    assert!(!sh(&twin, "cat /etc/shadow").status.success());
}

/// Each of the lab's directories is shifted and overlaid once; its root is no overlay, so one more is allowed.
#[test]
fn a_lab_can_have_a_twin() {
    let place = Place::new();
    let lab_plan = place.lab("lab");
    let lab = started(&lab_plan);
    says(
        &lab,
        "echo v1 > /srv/page && mkdir /var/www && chown 33:33 /var/www && chmod 700 /var/www",
    );
    let mut plan = place.twin("of-lab");
    if let RootPlan::Overlay { layers, own, .. } = &mut plan.root {
        own.clear();
        let of_lab = |dir| Layer::at(lab_plan.state_dir.join("own").join(dir), Path::new("/").join(dir));
        layers.extend(["srv", "var"].map(of_lab));
    }
    let twin = started(&plan);
    assert_eq!(says(&twin, "cat /srv/page; stat -c %u:%a /var/www"), "v1\n33:700");
    says(&twin, "echo v2 > /srv/page && rmdir /var/www");
    assert_eq!(says(&twin, "cat /srv/page; ls /var"), "v2");
    assert_eq!(says(&lab, "cat /srv/page; ls -d /var/www"), "v1\n/var/www");
}

/// Ports below 1024 without the capability for them, and the null device.
#[test]
fn a_server_of_any_user_can_live_in_a_twin() {
    let place = Place::new();
    let plan = place.twin("stack");
    let twin = started(&plan);
    give_probe(&plan);
    let listens = |user| {
        let command = twin.command(PROBE_INSIDE).args(["listen", "80"]).user(user, user);
        String::from_utf8(command.output().expect("ran").stdout).expect("text")
    };
    assert_eq!((listens(0).as_str(), listens(33).as_str()), ("ok\n", "ok\n"));
    assert_eq!(
        says(&twin, "echo gone > /dev/null; hostname; id -un"),
        "stack\nroot"
    );
}
