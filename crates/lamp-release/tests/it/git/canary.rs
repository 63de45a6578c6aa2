//! T21: whatever a repository, the machine's user or their environment configures to be run, nothing of it runs. Each
//! canary is first seen to run under plain git.

use std::collections::BTreeSet;
use std::ffi::OsString;

use fs_err as fs;

use super::world::{Person, World};

/// Every way in which plain git runs what somebody configured.
const CANARIES: [&str; 10] = [
    "alias-ssh",
    "core-ssh-command",
    "env-ssh-command",
    "filter-smudge",
    "fsmonitor",
    "gpg",
    "hook-post-checkout",
    "hook-reference-transaction",
    "pack-objects-hook",
    "promisor",
];

/// A world in which a canary sings at each of those places.
struct Aviary {
    world: World,
}

impl Aviary {
    fn new() -> Self {
        let world = World::new();
        world.write("index.php", "<?php require 'lib.php';");
        world.write("lib.php", "<?php // $Format:%H$");
        world.commit(Person::ADA, "the site");
        world.write(".gitattributes", "*.php filter=canary export-subst\n");
        world.write("lib.php", "<?php // changed $Format:%H$");
        world.commit(Person::GRACE, "attributes");
        let aviary = Self { world };
        aviary.populate();
        aviary
    }

    /// A program that writes down that it ran, and does no more.
    fn canary(&self, name: &str) -> String {
        let song = self.world.path("song");
        let path = self.world.program(
            &format!("canary-{name}"),
            &format!("echo {name} >> '{}'\nexit 1", song.display()),
        );
        path.display().to_string()
    }

    fn populate(&self) {
        let hooks = self.world.repository().join(".git/hooks");
        fs::create_dir_all(&hooks).expect("hooks");
        for hook in [
            "post-checkout",
            "reference-transaction",
            "pre-auto-gc",
            "post-index-change",
        ] {
            fs::copy(self.canary(&format!("hook-{hook}")), hooks.join(hook)).expect("a hook");
        }
        for (key, name) in [
            ("core.fsmonitor", "fsmonitor"),
            ("core.sshCommand", "core-ssh-command"),
            ("filter.canary.smudge", "filter-smudge"),
            ("filter.canary.clean", "filter-clean"),
            ("gpg.program", "gpg"),
            ("core.pager", "pager"),
            ("diff.external", "diff"),
            ("uploadpack.packObjectsHook", "pack-objects-hook"),
        ] {
            self.world.git(&["config", key, &self.canary(name)]);
        }
        self.world.git(&["config", "log.showSignature", "true"]);
        self.world.git(&["config", "protocol.ext.allow", "always"]);
        // What the caller configured for themselves is not honoured either.
        let home = format!(
            "[uploadpack]\n\tpackObjectsHook = {}\n[url \"ext::{} \"]\n\tinsteadOf = ssh://git@example.org/\n\
             [protocol \"ext\"]\n\tallow = always\n[safe]\n\tdirectory = *\n",
            self.canary("pack-objects-hook"),
            self.canary("alias-ssh"),
        );
        fs::write(self.world.path("home/.gitconfig"), home).expect("a configuration");
    }

    /// Which canaries sang since the last time.
    fn songs(&self) -> BTreeSet<String> {
        let song = self.world.path("song");
        let text = fs::read_to_string(&song).unwrap_or_default();
        let _ = fs::remove_file(&song);
        text.lines().map(str::to_owned).collect()
    }

    /// Plain git; most of these end badly, for a canary does no work.
    fn outside(&self, args: &[&str]) {
        let mut command = self.world.plain_git(Person::ADA, args);
        command.output().expect("git runs");
    }

    /// All canaries, under plain git.
    fn control(&self) -> BTreeSet<String> {
        self.outside(&["status"]);
        fs::remove_file(self.world.repository().join("lib.php")).expect("gone");
        self.outside(&["checkout", "--", "lib.php"]);
        self.outside(&["checkout", "main~1"]);
        fs::remove_file(self.world.repository().join(".git/hooks/reference-transaction")).expect("a hook");
        self.outside(&["checkout", "--force", "main"]);
        self.signed();
        self.outside(&["log", "-1", "signed"]);
        self.outside(&["fetch", "ssh://elsewhere.example.org/x", "main"]);
        self.outside(&["fetch", "ssh://git@example.org/x", "main"]);
        let mut command = self
            .world
            .plain_git(Person::ADA, &["fetch", "ssh://elsewhere.example.org/x", "main"]);
        command.env("GIT_SSH_COMMAND", self.canary("env-ssh-command"));
        command.output().expect("git runs");
        let clone = self.world.path("clone").display().to_string();
        self.outside(&["clone", "--no-local", ".", &clone]);
        self.songs()
    }

    /// A commit that says it is signed.
    fn signed(&self) {
        let shown = self
            .world
            .plain_git(Person::ADA, &["cat-file", "commit", "main"])
            .output();
        let text = String::from_utf8(shown.expect("git runs").stdout).expect("text");
        let (head, message) = text.split_once("\n\n").expect("a commit");
        let signed = format!(
            "{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n{message}"
        );
        let file = self.world.path("signed");
        fs::write(&file, signed).expect("written");
        let file = file.display().to_string();
        let made = self
            .world
            .plain_git(Person::ADA, &["hash-object", "-t", "commit", "-w", &file])
            .output();
        let id = String::from_utf8(made.expect("git runs").stdout).expect("an id");
        fs::write(self.world.repository().join(".git/refs/heads/signed"), id).expect("a branch");
    }

    /// The repository looks like a partial clone whose missing objects come from a program.
    fn become_partial(&self) {
        let promisor = format!("ext::{} x", self.canary("promisor"));
        self.world.git(&["config", "extensions.partialClone", "origin"]);
        self.world.git(&["config", "remote.origin.url", &promisor]);
        self.world.git(&["config", "remote.origin.promisor", "true"]);
        let lib = self.world.id("main:lib.php");
        let object = format!(".git/objects/{}/{}", &lib[..2], &lib[2..]);
        fs::remove_file(self.world.repository().join(object)).expect("a loose object");
    }
}

#[test]
fn nothing_that_a_repository_its_user_or_the_environment_configures_is_run() {
    let aviary = Aviary::new();
    let mut sung = aviary.control();
    let mut ground = aviary.world.ground();
    for name in ["GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_ASKPASS"] {
        let canary = aviary.canary("env-ssh-command");
        ground.variables.push((name.into(), canary.into()));
    }
    let settings = format!("'core.fsmonitor'='{}'", aviary.canary("fsmonitor"));
    ground
        .variables
        .push((OsString::from("GIT_CONFIG_PARAMETERS"), settings.into()));

    let repository = aviary.world.repository().display().to_string();
    for reference in ["main", "HEAD", "signed"] {
        let source = aviary
            .world
            .read_spec(&format!("{repository}@{reference}"), &ground)
            .expect("a commit");
        let path = lamp_model::RelPath::parse("lib.php").expect("a path");
        let mut text = String::new();
        let mut open = source.open(&path).expect("open");
        std::io::Seek::rewind(&mut open).expect("rewound");
        std::io::Read::read_to_string(&mut open, &mut text).expect("read");
        assert_eq!(text, "<?php // changed $Format:%H$", "no filter, no substitution");
        assert!(source.provenance(None).is_some());
    }
    // Fetched from, it serves with a configuration of its own, which is its host's affair: here that host is this one,
    // and only our side is looked at.
    for key in ["uploadpack.packObjectsHook", "core.fsmonitor", "core.sshCommand"] {
        aviary.world.git(&["config", "--unset-all", key]);
    }
    aviary.songs();
    aviary.world.stay_here("");
    aviary
        .world
        .read_spec(&aviary.world.address("main"), &ground)
        .expect("fetched");
    aviary.become_partial();
    let partial = aviary.world.read_spec(&format!("{repository}@main"), &ground);
    assert!(partial.is_err(), "an object is missing, and nothing brings it");
    assert_eq!(aviary.songs(), BTreeSet::new(), "nothing ran");

    aviary.outside(&["cat-file", "-p", "main:lib.php"]);
    sung.extend(aviary.songs());
    let silent: Vec<_> = CANARIES.iter().filter(|name| !sung.contains(**name)).collect();
    assert!(
        silent.is_empty(),
        "the control: {silent:?} did not run; ran: {sung:?}"
    );
}

#[test]
fn submodules_are_named_and_not_fetched() {
    let aviary = Aviary::new();
    let canary = aviary.canary("submodule");
    let world = World::new();
    world.write("index.php", "<?php");
    world.write(
        ".gitmodules",
        &format!("[submodule \"lib/x\"]\n\tpath = lib/x\n\turl = ext::{canary} x\n"),
    );
    world.commit(Person::ADA, "the site");
    let id = world.id("main");
    let entry = format!("160000,{id},lib/x");
    world.git(&["update-index", "--add", "--cacheinfo", &entry]);
    world.git(&["commit", "--quiet", "-m", "a submodule"]);
    let source = world.read("main").expect("a commit");
    let named: Vec<_> = source.submodules.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["lib/x"]);
    assert!(
        source
            .manifest
            .get(&lamp_model::RelPath::parse("lib/x").expect("a path"))
            .is_none()
    );
    assert_eq!(aviary.songs(), BTreeSet::new(), "nothing ran");
    let mut outside = world.plain_git(
        Person::ADA,
        &["-c", "protocol.ext.allow=always", "submodule", "update", "--init"],
    );
    outside.output().expect("git runs");
    assert_eq!(
        aviary.songs(),
        BTreeSet::from(["submodule".to_owned()]),
        "the control"
    );
}
