//! Commits of real repositories as releases: equal to a checkout of them, whoever keeps them and however they are named.

mod canary;
mod trouble;
mod world;

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _};

use fs_err as fs;
use lamp_fleet::Host;
use lamp_model::origin::Touch;
use lamp_model::tree::{Hash, Node};
use lamp_release::source::{Source, StatCache};

use crate::site::FIRST;
use world::{Person, World};

fn read_dir(path: &std::path::Path) -> Source {
    let dir = Host::local().dir(path).expect("a directory");
    Source::read(dir, &mut StatCache::default(), FIRST.parse().expect("a time")).expect("a site")
}

/// A repository of two commits by two people; what the first one wrote last is `old.php`.
fn two_commits() -> World {
    let world = World::new();
    world.write("index.php", "<?php require 'lib/a b.php';");
    world.write("lib/a b.php", "<?php echo 1;");
    world.write("lib/\u{e9}\"\\.php", "<?php echo 2;");
    world.write("lib/run", "#!/bin/sh\n");
    world.git(&["update-index", "--add", "--chmod=+x", "lib/run"]);
    fs::set_permissions(
        world.repository().join("lib/run"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .expect("executable");
    fs::os::unix::fs::symlink("lib/a b.php", world.repository().join("link.php")).expect("a link");
    world.write("old.php", "<?php echo 'old';");
    world.commit(Person::ADA, "the site");
    world.write("lib/a b.php", "<?php echo 10;");
    world.write("twice.php", "<?php echo 10;");
    world.commit(Person::GRACE, "a change");
    world
}

#[test]
fn a_commit_is_what_a_checkout_of_it_is() {
    let world = two_commits();
    let expected = read_dir(&world.repository());
    let read = world.read("main").expect("a commit");
    assert_eq!(read.manifest, expected.manifest);
    assert_eq!(read.tree, expected.tree);
    let before = world.read(&world.id("main~1")).expect("the commit before");
    assert_ne!(
        before.tree, read.tree,
        "the control: another commit is another tree"
    );
    for path in ["lib/a b.php", "lib/run", "index.php"] {
        let path = lamp_model::RelPath::parse(path).expect("a path");
        let (mut open, mut text) = (read.open(&path).expect("open"), Vec::new());
        open.rewind().expect("rewound");
        open.read_to_end(&mut text).expect("read");
        assert_eq!(
            text,
            fs::read(world.repository().join(path.as_str())).expect("the file")
        );
        let Some(Node::File { hash, .. }) = read.manifest.get(&path).map(|entry| &entry.node) else {
            panic!("{path} is a file");
        };
        assert_eq!(*hash, Hash::from_bytes(*blake3::hash(&text).as_bytes()));
    }
}

#[test]
fn a_commit_is_found_by_each_of_its_names_wherever_the_repository_keeps_them() {
    let world = two_commits();
    world.git(&["branch", "feature/x", "main~1"]);
    world.git(&["tag", "light", "main~1"]);
    world.git_as(Person::ADA, &["tag", "-a", "-m", "v1", "heavy@1", "main~1"]);
    let (old, new) = (world.id("main~1"), world.id("main"));
    let names = ["feature/x", "light", "refs/tags/heavy@1", &old, &old[..7]];
    let check = |world: &World, repository: &std::path::Path| {
        for name in names {
            let source = world.read_at(repository, name).expect(name);
            let origin = source.origin.expect("an origin");
            assert_eq!(origin.commit.id.as_str(), old, "{name}");
            assert_eq!(origin.reference.as_str(), name);
            assert_eq!(origin.commit.author.as_str(), Person::ADA.name);
        }
        let head = world.read_at(repository, "HEAD").expect("HEAD").origin;
        assert_eq!(head.expect("an origin").commit.id.as_str(), new);
    };
    check(&world, &world.repository());
    world.git(&["pack-refs", "--all"]);
    world.git(&["gc", "--quiet"]);
    check(&world, &world.repository());
    let (bare, linked) = (world.path("bare.git"), world.path("linked"));
    let (bare_text, linked_text) = (bare.display().to_string(), linked.display().to_string());
    world.git(&["clone", "--quiet", "--bare", ".", &bare_text]);
    check(&world, &bare);
    world.git(&["worktree", "add", "--quiet", "--detach", &linked_text, "main"]);
    check(&world, &linked);
}

#[test]
fn a_repository_of_longer_ids_is_read_as_well() {
    let world = World::with_format("sha256");
    world.write("index.php", "<?php");
    world.commit(Person::ADA, "the site");
    let source = world.read("main").expect("a commit");
    assert_eq!(source.tree, read_dir(&world.repository()).tree);
    assert_eq!(source.origin.expect("an origin").commit.id.as_str().len(), 64);
}

/// Each touched file with the name of its author.
fn authors(touches: Vec<Touch>) -> BTreeMap<String, String> {
    let of_touch = |touch: Touch| {
        let author = touch.commit.author.to_string();
        touch
            .paths
            .into_iter()
            .map(move |path| (path.to_string(), author.clone()))
    };
    touches.into_iter().flat_map(of_touch).collect()
}

fn told(source: &Source, live: Option<&Source>) -> BTreeMap<String, String> {
    let provenance = source.provenance(live.map(|live| &live.manifest));
    authors(provenance.expect("a git source").touches.into())
}

fn expected(authors: &[(&str, Person)]) -> BTreeMap<String, String> {
    let named = |(path, person): &(&str, Person)| ((*path).to_owned(), person.name.to_owned());
    authors.iter().map(named).collect()
}

#[test]
fn whoever_touched_a_file_last_is_known_for_what_differs() {
    let world = two_commits();
    let (before, now) = (world.read("main~1"), world.read("main"));
    assert!(before.is_err(), "an expression is no reference");
    let before = world.read(&world.id("main~1")).expect("a commit");
    let now = now.expect("a commit");
    let grace = Person::GRACE;
    assert_eq!(
        told(&now, Some(&before)),
        expected(&[("lib/a b.php", grace), ("twice.php", grace)])
    );
    // Without a live release everything differs. A name that git quotes is nobody's.
    let ada = Person::ADA;
    assert_eq!(
        told(&now, None),
        expected(&[
            ("index.php", ada),
            ("lib/a b.php", grace),
            ("lib/run", ada),
            ("link.php", ada),
            ("old.php", ada),
            ("twice.php", grace),
        ])
    );
    assert_eq!(told(&now, Some(&now)), BTreeMap::new());
    assert!(read_dir(&world.repository()).provenance(None).is_none());
}

#[test]
fn a_merge_names_who_wrote_the_change_and_a_shallow_history_what_it_holds() {
    let world = two_commits();
    world.git(&["checkout", "--quiet", "-b", "side", "main~1"]);
    world.write("old.php", "<?php echo 'side';");
    world.commit(Person::ADA, "beside");
    world.git(&["checkout", "--quiet", "main"]);
    world.git_as(
        Person::GRACE,
        &["merge", "--quiet", "--no-ff", "-m", "both", "side"],
    );
    let before = world.read(&world.id("main~1")).expect("a commit");
    let now = world.read("main").expect("a commit");
    assert_eq!(
        now.origin.as_ref().expect("one").commit.author.as_str(),
        Person::GRACE.name
    );
    assert_eq!(told(&now, Some(&before)), expected(&[("old.php", Person::ADA)]));

    let shallow = world.path("shallow");
    let from = format!("file://{}", world.repository().display());
    world.git(&[
        "clone",
        "--quiet",
        "--depth=2",
        &from,
        &shallow.display().to_string(),
    ]);
    let now = world.read_at(&shallow, "main").expect("a commit");
    assert_eq!(now.tree, world.read("main").expect("a commit").tree);
    told(&now, Some(&before));
}

#[test]
fn a_repository_elsewhere_is_fetched_over_ssh_and_followed() {
    let world = two_commits();
    let first = world.read_over_ssh("main").expect("fetched");
    assert_eq!(first.tree, read_dir(&world.repository()).tree);
    let origin = first.origin.as_ref().expect("an origin").clone();
    assert_eq!(
        origin.repository.to_string(),
        format!("ssh://example.org{}", world.repository().display()),
        "the address without the user's name"
    );
    assert_eq!(origin.commit.id.as_str(), world.id("main"));
    drop(first);

    world.git(&["branch", "gone"]);
    world.write("index.php", "<?php echo 'new';");
    world.commit(Person::ADA, "more");
    assert!(world.read_over_ssh("gone").is_ok());
    let next = world.read_over_ssh("HEAD").expect("fetched");
    assert_eq!(next.tree, read_dir(&world.repository()).tree);
    drop(next);
    world.git(&["branch", "-D", "gone"]);
    assert!(
        world.read_over_ssh("gone").is_err(),
        "a branch that is gone there is gone here"
    );
    let asked = world.asked_of_ssh();
    assert!(
        asked.iter().all(|line| line.contains("-oBatchMode=yes")),
        "{asked:?}"
    );
    assert!(
        asked.iter().any(|line| line.contains("git@example.org")),
        "{asked:?}"
    );
}
