//! Repositories that cannot be read: thing, cause and way out, in time, and nothing left running.

use std::ffi::OsString;
use std::time::Duration;

use fs_err as fs;
use insta::assert_snapshot;

use super::world::{Person, Refused, World};

fn site() -> World {
    let world = World::new();
    world.write("index.php", "<?php");
    world.commit(Person::ADA, "the site");
    world
}

/// What a person reads, the place of the test left out.
#[track_caller]
fn told(world: &World, result: Result<lamp_release::source::Source, Refused>) -> String {
    let refused = result.expect_err("no source of a release");
    let place = world.path("").display().to_string();
    refused.told().replace(place.trim_end_matches('/'), "PLACE")
}

#[test]
fn a_name_that_nothing_bears_is_told() {
    let world = site();
    assert_snapshot!(told(&world, world.read("mian")));
    for absent in ["deadbeef", &"1".repeat(40), "refs/heads/mian"] {
        assert!(world.read(absent).is_err(), "{absent}");
    }
    assert!(world.read("main").is_ok(), "the control");
}

#[test]
fn a_name_of_two_things_is_told() {
    let world = site();
    world.git(&["tag", "v1"]);
    world.git(&["branch", "v1"]);
    assert!(world.read("v1").is_ok(), "both lead to one commit");
    world.write("index.php", "<?php echo 1;");
    world.commit(Person::ADA, "more");
    world.git(&["branch", "--force", "v1", "main"]);
    assert_snapshot!(told(&world, world.read("v1")));
    assert!(world.read("refs/tags/v1").is_ok());
}

#[test]
fn a_directory_that_is_no_repository_is_told() {
    let world = site();
    assert_snapshot!(told(&world, world.read_at(&world.path("home"), "main")));
}

#[test]
fn a_commit_without_php_is_told() {
    let world = World::new();
    world.git(&["commit", "--quiet", "--allow-empty", "-m", "nothing"]);
    assert_snapshot!(told(&world, world.read("main")));
}

#[test]
fn names_in_a_reftable_are_told_and_a_whole_id_is_read() {
    let world = site();
    fs::create_dir(world.repository().join(".git/reftable")).expect("as newer gits make it");
    assert_snapshot!(told(&world, world.read("main")));
    assert!(world.read(&world.id("main")).is_ok());
}

#[test]
fn more_than_is_taken_is_told() {
    let world = site();
    let mut ground = world.ground();
    ground.limits.tree_max_bytes = 4;
    let text = format!("{}@main", world.repository().display());
    let files = told(&world, world.read_spec(&text, &ground));
    ground.limits = lamp_release::source::git::Limits::default();
    ground.limits.copy_max_bytes = 64;
    world.stay_here("");
    let copy = told(&world, world.read_spec(&world.address("main"), &ground));
    assert_snapshot!(format!("{files}\n\n{copy}"));
}

#[test]
fn a_host_that_does_not_answer_is_told_in_time_and_nothing_goes_on() {
    let world = site();
    let pid = world.path("pid");
    // As ssh does, it ends when nobody speaks to it any more.
    world.stay_here(&format!("echo $$ > '{}'\nexec cat > /dev/null", pid.display()));
    let mut ground = world.ground();
    ground.limits.fetch_timeout = Duration::from_secs(1);
    assert_snapshot!(told(&world, world.read_spec(&world.address("main"), &ground)));
    let pid = fs::read_to_string(&pid).expect("it was asked");
    let pid = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw);
    let pid = pid.expect("a process id");
    // Its parent ended; whoever takes it over reaps it, in their own time.
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while is_running(pid) {
        assert!(std::time::Instant::now() < deadline, "{pid:?} still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_running(pid: rustix::process::Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

#[test]
fn a_host_that_refuses_is_told_in_its_own_words_made_plain() {
    let world = site();
    world.stay_here("printf 'Permission denied \\033[2J(publickey).\\n' >&2\nexit 255");
    assert_snapshot!(told(
        &world,
        world.read_spec(&world.address("main"), &world.ground())
    ));
}

#[test]
fn a_machine_without_git_is_told_what_to_install() {
    let world = site();
    let mut ground = world.ground();
    ground.variables = vec![(OsString::from("PATH"), world.path("home").into_os_string())];
    let text = format!("{}@main", world.repository().display());
    assert_snapshot!(told(&world, world.read_spec(&text, &ground)));
}

#[test]
fn a_damaged_repository_is_told() {
    let world = site();
    let id = world.id("main:index.php");
    let object = world
        .repository()
        .join(format!(".git/objects/{}/{}", &id[..2], &id[2..]));
    fs::remove_file(&object).expect("a loose object");
    let missing = told(&world, world.read("main"));
    fs::write(&object, "no object").expect("written");
    let damaged = world.read("main");
    assert!(damaged.is_err());
    assert_snapshot!(missing.replace(&id, "ID"));
}

#[test]
fn a_tree_that_leads_out_is_refused() {
    let world = site();
    let blob = world.id("main:index.php");
    for name in ["..", ".git"] {
        let hex = (0..blob.len()).step_by(2).map(|at| &blob[at..at + 2]);
        let bytes = hex.map(|pair| u8::from_str_radix(pair, 16).expect("a digit"));
        let mut tree = format!("100644 {name}\0").into_bytes();
        tree.extend(bytes.clone());
        tree.extend(b"100644 a.php\0");
        tree.extend(bytes);
        let file = world.path("tree");
        fs::write(&file, tree).expect("written");
        let file = file.display().to_string();
        let made = world
            .plain_git(
                Person::ADA,
                &["hash-object", "-t", "tree", "-w", "--literally", &file],
            )
            .output()
            .expect("git runs");
        let tree = String::from_utf8(made.stdout).expect("an id");
        let made = world
            .plain_git(Person::ADA, &["commit-tree", "-m", "x", tree.trim()])
            .output()
            .expect("git runs");
        let commit = String::from_utf8(made.stdout).expect("an id");
        let read = world.read(commit.trim());
        match name {
            ".git" => {
                let left: Vec<_> = read.expect("left out").left_out;
                assert_eq!(left.len(), 1);
            }
            _ => assert!(read.is_err(), "{name}"),
        }
    }
}
