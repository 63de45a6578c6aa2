//! The files of the project, read once. Checks see only this, so their tests bring their own.

use std::path::Path;

use anyhow::Context;

/// Not the project's own text: built, fetched, or git's.
const NOT_OURS: &[&str] = &[".git", ".packages", "target"];
/// A larger file is no text that a person wrote.
const FILE_SIZE_MAX_BYTES: u64 = 2_000_000;

/// All text files of the project, sorted by path.
#[derive(Debug, Default, Clone)]
pub(crate) struct Snapshot {
    pub(crate) files: Vec<File>,
    /// Names of the directories beneath `fixtures/`, sorted, each once.
    pub(crate) fixture_directories: Vec<String>,
}

/// One text file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Relative to the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What a Rust file is to its crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Part of what is shipped.
    Source,
    /// Tests, benches and examples.
    Test,
    /// A build script.
    Build,
}

impl Snapshot {
    /// Reads the project that stands at `root`.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut snapshot = Snapshot::default();
        snapshot.read_directory(root, "")?;
        snapshot.files.sort_by(|a, b| a.path.cmp(&b.path));
        snapshot.fixture_directories.sort();
        snapshot.fixture_directories.dedup();
        Ok(snapshot)
    }

    fn read_directory(&mut self, root: &Path, below: &str) -> anyhow::Result<()> {
        for entry in fs_err::read_dir(root.join(below))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() {
                name.clone()
            } else {
                format!("{below}/{name}")
            };
            let kind = entry.file_type().with_context(|| path.clone())?;
            if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
                if below.starts_with("fixtures") {
                    self.fixture_directories.push(name);
                }
                self.read_directory(root, &path)?;
            } else if kind.is_file() && entry.metadata()?.len() <= FILE_SIZE_MAX_BYTES {
                self.read_file(root, path)?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, root: &Path, path: String) -> anyhow::Result<()> {
        let bytes = fs_err::read(root.join(&path))?;
        if let Ok(text) = String::from_utf8(bytes) {
            self.files.push(File { path, text });
        }
        Ok(())
    }

    /// The file at `path`, if the project has it.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files of the crates and of xtask.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files
            .iter()
            .filter(|file| file.path.ends_with(".rs") && file.crate_name().is_some())
    }
}

impl File {
    /// The crate that the file belongs to: its directory's name.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => parts.next(),
            Some("xtask") => Some("xtask"),
            Some("bench") => Some("lamp-bench"),
            _ => None,
        }
    }

    /// What this Rust file is to its crate.
    pub(crate) fn place(&self) -> Place {
        let inside: Vec<&str> = self.path.split('/').collect();
        let is_test = |part: &&str| matches!(*part, "tests" | "benches" | "examples" | "tests.rs");
        if inside.last() == Some(&"build.rs") {
            Place::Build
        } else if inside.iter().any(is_test) {
            Place::Test
        } else {
            Place::Source
        }
    }
}

#[cfg(test)]
impl Snapshot {
    /// A snapshot of the given files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        Snapshot {
            files: files.iter().map(file).collect(),
            fixture_directories: Vec::new(),
        }
    }
}
