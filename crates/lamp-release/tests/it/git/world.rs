//! A repository made by plain git, a home with caches, and an ssh that stays on this machine.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use lamp_fleet::Host;
use lamp_release::source::git::{GitGround, Limits};
use lamp_release::source::spec::{SourceSpec, SpecError};
use lamp_release::source::{Source, SourceError};

/// An author.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) mail: &'static str,
}

impl Person {
    pub(super) const ADA: Self = Self {
        name: "Ada Lovelace",
        mail: "ada@example.org",
    };
    pub(super) const GRACE: Self = Self {
        name: "Grace Hopper",
        mail: "grace@example.org",
    };
}

/// Why nothing was read.
#[derive(Debug)]
pub(super) enum Refused {
    Spec(SpecError),
    Source(SourceError),
}

impl Refused {
    /// What a person reads: the error, its causes, the way out.
    pub(super) fn told(&self) -> String {
        let (error, way_out): (&dyn std::error::Error, String) = match self {
            Self::Spec(error) => (error, error.way_out().to_owned()),
            Self::Source(error) => (error, error.way_out()),
        };
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        format!("{text}\n{way_out}")
    }
}

/// All of it, in one directory.
pub(super) struct World(tempfile::TempDir);

impl World {
    pub(super) fn new() -> Self {
        Self::with_format("sha1")
    }

    pub(super) fn with_format(format: &str) -> Self {
        let world = Self(tempfile::tempdir().expect("a temporary directory"));
        for part in ["site", "home", "cache", "bin"] {
            fs::create_dir(world.path(part)).expect("a directory");
        }
        let format = format!("--object-format={format}");
        world.git(&["init", "--quiet", "--initial-branch=main", &format]);
        world
    }

    pub(super) fn path(&self, part: &str) -> PathBuf {
        self.0.path().join(part)
    }

    pub(super) fn repository(&self) -> PathBuf {
        self.path("site")
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.repository().join(path);
        fs::create_dir_all(path.parent().expect("beneath the repository")).expect("directories");
        fs::write(path, text).expect("written");
    }

    /// A program of these lines, in the directory that is first in PATH when it is given there.
    pub(super) fn program(&self, name: &str, lines: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("written");
        fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
        path
    }

    /// Plain git, as anybody would run it in the repository.
    pub(super) fn plain_git(&self, person: Person, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(self.repository())
            .env("HOME", self.path("home"))
            .env_remove("XDG_CONFIG_HOME")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_AUTHOR_NAME", person.name)
            .env("GIT_AUTHOR_EMAIL", person.mail)
            .env("GIT_COMMITTER_NAME", "A Committer")
            .env("GIT_COMMITTER_EMAIL", "committer@example.org");
        command
    }

    pub(super) fn git_as(&self, person: Person, args: &[&str]) {
        let output = self.plain_git(person, args).output().expect("git runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
    }

    pub(super) fn git(&self, args: &[&str]) {
        self.git_as(Person::ADA, args);
    }

    pub(super) fn commit(&self, person: Person, message: &str) {
        self.git(&["add", "--all"]);
        self.git_as(person, &["commit", "--quiet", "-m", message]);
    }

    /// The id of a commit, by plain git.
    pub(super) fn id(&self, name: &str) -> String {
        let output = self.plain_git(Person::ADA, &["rev-parse", name]).output();
        let text = String::from_utf8(output.expect("git runs").stdout).expect("text");
        text.trim().to_owned()
    }

    pub(super) fn read(&self, reference: &str) -> Result<Source, Refused> {
        self.read_at(&self.repository(), reference)
    }

    pub(super) fn read_at(&self, repository: &Path, reference: &str) -> Result<Source, Refused> {
        self.read_spec(&format!("{}@{reference}", repository.display()), &self.ground())
    }

    pub(super) fn read_spec(&self, text: &str, ground: &GitGround) -> Result<Source, Refused> {
        match SourceSpec::parse(Path::new(text), Path::is_dir) {
            Ok(SourceSpec::Git(spec)) => Source::read_commit(&spec, ground).map_err(Refused::Source),
            Ok(SourceSpec::Dir(dir)) => panic!("{} is a directory", dir.display()),
            Err(error) => Err(Refused::Spec(error)),
        }
    }

    /// The repository by its address, through an ssh that stays here and writes down what it was asked.
    pub(super) fn read_over_ssh(&self, reference: &str) -> Result<Source, Refused> {
        self.stay_here("");
        self.read_spec(&self.address(reference), &self.ground())
    }

    pub(super) fn address(&self, reference: &str) -> String {
        format!("ssh://git@example.org{}@{reference}", self.repository().display())
    }

    /// An ssh that does `first`, and then here what it was asked to do there.
    pub(super) fn stay_here(&self, first: &str) {
        let asked = self.path("asked");
        self.program(
            "ssh",
            &format!(
                "echo \"$*\" >> '{}'\n{first}\nfor last; do :; done\nHOME=/nonexistent exec sh -c \"$last\"",
                asked.display()
            ),
        );
    }

    pub(super) fn asked_of_ssh(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("asked")).expect("it was asked");
        text.lines().map(str::to_owned).collect()
    }

    /// The caller's ground: a home, caches, and the programs above before all others.
    pub(super) fn ground(&self) -> GitGround {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut search = self.path("bin").into_os_string();
        search.push(":");
        search.push(path);
        let variable = |name: &str, value: OsString| (OsString::from(name), value);
        GitGround {
            cache: Host::local().dir(self.path("cache")).expect("the caches"),
            variables: vec![
                variable("PATH", search),
                variable("HOME", self.path("home").into_os_string()),
            ],
            limits: Limits::default(),
        }
    }
}
