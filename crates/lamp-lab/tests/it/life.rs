//! Labs side by side, and labs that are killed.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use lamp_http::Scheme;
use lamp_lab::{Lab, LabPlan, Sapi, Service, apps};

use crate::bench::{get, id, init, parent, serving, shop};

#[tokio::test]
async fn labs_side_by_side_do_not_collide() {
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
            get(&client, "/static.txt").await.text(),
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
    assert_eq!(get(&client, "/").await.status.as_u16(), 200);
}

#[tokio::test]
async fn services_are_stopped_killed_and_started_again() {
    let (parent, app) = (parent(), apps::with_all_ways().expect("one shows all ways"));
    let mut lab = serving(parent.path(), Sapi::Fpm, &app);
    let client = lab
        .client("shop", Scheme::Https)
        .expect("a client")
        .idle(Duration::ZERO);
    let client = client.build().expect("a client");

    lab.kill_service(Service::Fpm).expect("killed");
    assert_eq!(get(&client, "/").await.status.as_u16(), 503);
    lab.start_services().expect("started");
    assert_eq!(get(&client, "/").await.status.as_u16(), 200);

    for end in [Lab::stop_service, Lab::kill_service] {
        end(&mut lab, Service::Apache).expect("ended");
        client
            .get(lamp_http::Request::new("/"))
            .await
            .expect_err("nobody listens");
        lab.start_services().expect("started");
        assert_eq!(get(&client, "/").await.status.as_u16(), 200);
    }

    lab.kill_everything().expect("killed");
    client
        .get(lamp_http::Request::new("/"))
        .await
        .expect_err("nobody listens");
    lab.start_services().expect("started");
    assert_eq!(get(&client, "/").await.status.as_u16(), 200);
}

/// What bears a lab's name on this host: processes by their environment, mounts, control groups, files.
fn traces(name: &str, parent: &Path) -> Vec<String> {
    let mut traces = Vec::new();
    for entry in fs::read_dir("/proc").expect("processes").flatten() {
        let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
        if contains(&environ, format!("LAMP_LAB={name}").as_bytes()) {
            traces.push(format!("process {}", entry.file_name().display()));
        }
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    traces.extend(
        mounts
            .lines()
            .filter(|line| line.contains(name))
            .map(|line| format!("mount {line}")),
    );
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

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "waited 60 s for {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_lab_whose_owner_is_killed_leaves_nothing() {
    let (parent, app) = (parent(), apps::with_all_ways().expect("one shows all ways"));
    let plan = LabPlan::new(parent.path(), Sapi::Fpm)
        .site(shop(&app))
        .with_database();
    let mut owner = Command::new(env!("CARGO_BIN_EXE_lamp-lab-hold"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("the owner starts");
    let mut line = serde_json::to_vec(&plan).expect("a plan is plain");
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

    let name = plan.name.as_str();
    let there = traces(name, parent.path());
    for kind in ["process", "file"] {
        assert!(
            there.iter().any(|trace| trace.starts_with(kind)),
            "no {kind}: {there:?}"
        );
    }
    owner.kill().expect("killed");
    owner.wait().expect("ended");
    fs::remove_file(ready).expect("the owner's own file");
    wait_for("the lab's end", || traces(name, parent.path()).is_empty());
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
